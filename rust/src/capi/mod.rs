//! The C side: every extern function is one call of `gate`, so that no panic crosses the border.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

use crate::{Failure, Result};

mod chat_template;
mod grammar;
mod tokenizer;

const OK: i32 = 0;
const INVALID: i32 = -1;
const PANIC: i32 = -2;
const ENVIRONMENT: i32 = -3;

/// A Vec that the caller gives back with quire_buffer_free or quire_ids_free.
#[repr(C)]
pub struct Owned<T> {
    data: *mut T,
    size: usize,
    capacity: usize,
}

pub type Buffer = Owned<u8>;
pub type Ids = Owned<u32>;

impl<T> Owned<T> {
    const NULL: Self = Owned { data: ptr::null_mut(), size: 0, capacity: 0 };

    /// # Safety
    /// `self` came from a Vec and is not used again.
    unsafe fn free(self) {
        if !self.data.is_null() {
            drop(Vec::from_raw_parts(self.data, self.size, self.capacity));
        }
    }
}

impl<T> From<Vec<T>> for Owned<T> {
    fn from(items: Vec<T>) -> Self {
        let mut items = std::mem::ManuallyDrop::new(items);
        Owned { data: items.as_mut_ptr(), size: items.len(), capacity: items.capacity() }
    }
}

impl From<String> for Buffer {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .map(|text| text.to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "panic without a message".into())
}

/// Runs the body of an extern function: its value goes to `out`, its error or panic to `error`.
fn gate<T>(out: *mut T, error: *mut Buffer, body: impl FnOnce() -> Result<T>) -> i32 {
    gate_of_threads(out, error, || body().map_err(Failure::Invalid))
}

/// The same for a body that starts a thread.
fn gate_of_threads<T>(
    out: *mut T,
    error: *mut Buffer,
    body: impl FnOnce() -> std::result::Result<T, Failure>,
) -> i32 {
    let (status, message) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => {
            if !out.is_null() {
                // SAFETY: the header asks for room for one T; a null `out` was ruled out.
                unsafe { ptr::write(out, value) };
            }
            return OK;
        }
        Ok(Err(Failure::Invalid(message))) => (INVALID, message),
        Ok(Err(Failure::Environment(message))) => (ENVIRONMENT, message),
        Err(panic) => (PANIC, panic_message(panic)),
    };
    if !error.is_null() {
        // SAFETY: as above.
        unsafe { ptr::write(error, message.into()) };
    }
    status
}

/// For functions without a value.
fn nothing() -> *mut () {
    ptr::null_mut()
}

/// # Safety
/// `data` is null or points to `size` elements that outlive 'a.
unsafe fn slice<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if data.is_null() || size == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data, size)
    }
}

/// # Safety
/// As `slice`.
unsafe fn text<'a>(data: *const u8, size: usize) -> Result<&'a str> {
    std::str::from_utf8(slice(data, size))
        .map_err(|e| format!("invalid UTF-8 at byte {}", e.valid_up_to()))
}

/// # Safety
/// `handle` is null or a live handle of its type.
unsafe fn live<'a, T>(handle: *const T) -> Result<&'a T> {
    handle.as_ref().ok_or_else(|| "the handle is null".into())
}

/// # Safety
/// As `live`, and nobody else uses the handle.
unsafe fn live_mut<'a, T>(handle: *mut T) -> Result<&'a mut T> {
    handle.as_mut().ok_or_else(|| "the handle is null".into())
}

/// # Safety
/// `handle` is null or came from Box::into_raw and is not used again.
unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(handle))));
    }
}

#[no_mangle]
pub unsafe extern "C" fn quire_buffer_free(buffer: Buffer) {
    buffer.free();
}

#[no_mangle]
pub unsafe extern "C" fn quire_ids_free(ids: Ids) {
    ids.free();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: impl FnOnce() -> Result<i32>) -> (i32, i32, String) {
        let mut value = 0;
        let mut error = Buffer::NULL;
        let status = gate(&mut value, &mut error, body);
        let message = unsafe { text(error.data, error.size) }.unwrap().to_string();
        unsafe { quire_buffer_free(error) };
        (status, value, message)
    }

    #[test]
    fn a_value_an_error_and_a_panic_each_have_their_status() {
        assert_eq!(call(|| Ok(7)), (OK, 7, String::new()));
        assert_eq!(call(|| Err("no".into())), (INVALID, 0, "no".into()));
        assert_eq!(call(|| panic!("{} of {}", 1, 2)), (PANIC, 0, "1 of 2".into()));
        assert_eq!(call(|| std::panic::resume_unwind(Box::new(42))).0, PANIC);
        let no_thread = || Err::<(), _>(Failure::Environment("full".into()));
        assert_eq!(gate_of_threads(&mut (), ptr::null_mut(), no_thread), ENVIRONMENT);
    }

    #[test]
    fn handles_that_cxx_threads_share_are_sync() {
        fn shared<T: Send + Sync>() {}
        fn moved<T: Send>() {}
        shared::<crate::tokenizer::Tokenizer>();
        shared::<crate::chat_template::ChatTemplate>();
        shared::<crate::grammar::GrammarCompiler>();
        moved::<crate::grammar::GrammarMatcher>();
    }
}
