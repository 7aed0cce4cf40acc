use std::sync::Arc;

use super::{free, gate, gate_of_threads, live, live_mut, nothing, slice, text, Buffer, Ids};
use crate::grammar::{GrammarCompiler, GrammarMatcher};
use crate::tokenizer::Tokenizer;

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_compiler_new(
    tokenizer: *const Tokenizer,
    vocab_size: usize,
    eos_ids: *const u32,
    num_eos_ids: usize,
    out: *mut *mut GrammarCompiler,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        live(tokenizer)?;
        // The compiler keeps the tokenizer alive: one more owner of the caller's handle.
        Arc::increment_strong_count(tokenizer);
        let tokenizer = Arc::from_raw(tokenizer);
        let compiler = GrammarCompiler::new(&tokenizer, vocab_size, slice(eos_ids, num_eos_ids))?;
        Ok(Box::into_raw(Box::new(compiler)))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_compiler_free(compiler: *mut GrammarCompiler) {
    free(compiler);
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_new(
    compiler: *const GrammarCompiler,
    kind: *const u8,
    kind_size: usize,
    source: *const u8,
    source_size: usize,
    out: *mut *mut GrammarMatcher,
    error: *mut Buffer,
) -> i32 {
    gate_of_threads(out, error, || {
        let matcher =
            live(compiler)?.compile(text(kind, kind_size)?, text(source, source_size)?)?;
        Ok(Box::into_raw(Box::new(matcher)))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_clone(
    matcher: *const GrammarMatcher,
    out: *mut *mut GrammarMatcher,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || Ok(Box::into_raw(Box::new(live(matcher)?.clone()))))
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_free(matcher: *mut GrammarMatcher) {
    free(matcher);
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_fill_mask(
    matcher: *mut GrammarMatcher,
    words: *mut u32,
    num_words: usize,
    error: *mut Buffer,
) -> i32 {
    gate(nothing(), error, || {
        let matcher = live_mut(matcher)?;
        if words.is_null() {
            return Err("the mask is null".into());
        }
        matcher.fill_mask(std::slice::from_raw_parts_mut(words, num_words))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_consume(
    matcher: *mut GrammarMatcher,
    ids: *const u32,
    num_ids: usize,
    error: *mut Buffer,
) -> i32 {
    gate(nothing(), error, || live_mut(matcher)?.consume(slice(ids, num_ids)))
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_rollback(
    matcher: *mut GrammarMatcher,
    num_tokens: usize,
    error: *mut Buffer,
) -> i32 {
    gate(nothing(), error, || live_mut(matcher)?.rollback(num_tokens))
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_validate(
    matcher: *mut GrammarMatcher,
    ids: *const u32,
    num_ids: usize,
    out: *mut usize,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || live_mut(matcher)?.validate(slice(ids, num_ids)))
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_forced_tokens(
    matcher: *mut GrammarMatcher,
    out: *mut Ids,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || Ok(live_mut(matcher)?.forced_tokens().into()))
}

#[no_mangle]
pub unsafe extern "C" fn quire_grammar_matcher_state(
    matcher: *mut GrammarMatcher,
    out: *mut u32,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        let matcher = live_mut(matcher)?;
        Ok(u32::from(matcher.is_accepting()?) | u32::from(matcher.is_stopped()) << 1)
    })
}
