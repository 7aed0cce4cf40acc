//! The C side: every extern function is one call of `gate`, so that no panic crosses the border.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

use crate::Result;

mod chat_template;
mod grammar;
mod tokenizer;

const OK: i32 = 0;
const INVALID: i32 = -1;
const PANIC: i32 = -2;

/// Memory that the caller gives back with quire_buffer_free.
#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    size: usize,
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        let bytes = bytes.into_boxed_slice();
        let size = bytes.len();
        Buffer { data: Box::into_raw(bytes).cast(), size }
    }
}

impl From<String> for Buffer {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// Memory that the caller gives back with quire_ids_free.
#[repr(C)]
pub struct Ids {
    data: *mut u32,
    size: usize,
}

impl From<Vec<u32>> for Ids {
    fn from(ids: Vec<u32>) -> Self {
        let ids = ids.into_boxed_slice();
        let size = ids.len();
        Ids { data: Box::into_raw(ids).cast(), size }
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
    let (status, message) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => {
            if !out.is_null() {
                // SAFETY: the header asks for room for one T; a null `out` was ruled out.
                unsafe { ptr::write(out, value) };
            }
            return OK;
        }
        Ok(Err(message)) => (INVALID, message),
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
    if !buffer.data.is_null() {
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(buffer.data, buffer.size)));
    }
}

#[no_mangle]
pub unsafe extern "C" fn quire_ids_free(ids: Ids) {
    if !ids.data.is_null() {
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(ids.data, ids.size)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: impl FnOnce() -> Result<i32>) -> (i32, i32, String) {
        let mut value = 0;
        let mut error = Buffer { data: ptr::null_mut(), size: 0 };
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
