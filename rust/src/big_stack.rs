//! Recursive code on outside data (parsers, nested values) runs on a thread with a deep stack:
//! catch_unwind does not catch a stack overflow. Sources are capped so that this depth suffices.

use std::panic::resume_unwind;

use crate::{Failure, Result};

const STACK_BYTES: usize = 256 << 20; // reserved, touched only as far as it is used

/// Runs `work` on a fresh thread with a deep stack and waits for it.
pub fn run<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> std::result::Result<T, Failure> {
    run_with(STACK_BYTES, work)
}

fn run_with<T: Send>(
    stack_bytes: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> std::result::Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("quire-text".into())
            .stack_size(stack_bytes)
            .spawn_scoped(scope, work)
            .map_err(|error| {
                Failure::Environment(format!(
                    "A thread with a stack of {} MiB cannot be started: {error}. Raise the limits \
                     on processes and memory (ulimit -u, ulimit -v, the container's limits).",
                    stack_bytes >> 20
                ))
            })?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic)).map_err(Failure::Invalid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_cannot_be_started_is_the_machines_failure() {
        let failure = run_with(1 << 60, || Ok(())).unwrap_err();
        assert!(matches!(&failure, Failure::Environment(reason) if reason.contains("ulimit")));
    }

    #[test]
    fn what_the_work_says_comes_back() {
        assert_eq!(run(|| Ok(7)).unwrap(), 7);
        assert!(
            matches!(run::<()>(|| Err("no".into())), Err(Failure::Invalid(reason)) if reason == "no")
        );
    }
}
