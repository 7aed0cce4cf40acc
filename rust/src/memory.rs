//! The memory that a thread holds, so that outside code (a chat template) can be stopped before it
//! takes all there is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread took and did not give back; what it frees for others counts too.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Bytes held by this thread.
pub fn held() -> isize {
    HELD.get()
}

fn add(bytes: isize) {
    HELD.set(HELD.get().wrapping_add(bytes));
}

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// SAFETY: all work is the system allocator's; the counter neither allocates nor panics.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        System.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        System.alloc_zeroed(layout)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        System.dealloc(block, layout)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(new_size as isize - layout.size() as isize);
        System.realloc(block, layout, new_size)
    }
}

#[cfg(test)]
mod tests {
    use super::held;

    #[test]
    fn counts_what_is_taken_and_given_back() {
        let before = held();
        let mut bytes: Vec<u8> = Vec::with_capacity(1000);
        assert_eq!(held() - before, 1000);
        bytes.reserve_exact(5000);
        assert_eq!(held() - before, 5000);
        drop(bytes);
        assert_eq!(held(), before);
    }
}
