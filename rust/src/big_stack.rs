//! Recursive code on outside data (parsers, nested values) runs on a thread with a deep stack:
//! catch_unwind does not catch a stack overflow. Sources are capped so that this depth suffices.

use std::panic::resume_unwind;

const STACK_BYTES: usize = 256 << 20; // reserved, touched only as far as it is used

/// Runs `work` on a fresh thread with a deep stack and waits for it.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("quire-text".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .expect("cannot start a thread with a stack of 256 MiB")
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    })
}
