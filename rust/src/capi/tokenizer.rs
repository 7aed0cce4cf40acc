use std::sync::Arc;

use super::{gate, live, nothing, slice, text, Buffer, Ids};
use crate::token_table::TokenTable;
use crate::tokenizer::{Choice, Tokenizer};

/// A string that stays the caller's.
#[repr(C)]
pub struct StringView {
    data: *const u8,
    size: usize,
}

/// Views into the table: valid until quire_token_table_free.
#[repr(C)]
pub struct TokenTableView {
    handle: *mut TokenTable,
    kind: i32,
    strip_count: u32,
    strip_char: u8,
    num_ids: usize,
    flags: *const u8,
    offsets: *const u32,
    bytes: *const u8,
    first_offsets: *const u32,
    first_bytes: *const u8,
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_new(
    json: *const u8,
    json_size: usize,
    special_tokens: *const StringView,
    num_special_tokens: usize,
    backend: i32,
    out: *mut *const Tokenizer,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        let choice = match backend {
            0 => Choice::Auto,
            1 => Choice::Fastokens,
            2 => Choice::HuggingFace,
            other => return Err(format!("there is no tokenizer backend {other}")),
        };
        let special_tokens = slice(special_tokens, num_special_tokens)
            .iter()
            .map(|token| text(token.data, token.size))
            .collect::<Result<Vec<_>, _>>()?;
        let tokenizer = Tokenizer::new(slice(json, json_size), &special_tokens, choice)?;
        Ok(Arc::into_raw(Arc::new(tokenizer)))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_free(tokenizer: *const Tokenizer) {
    if !tokenizer.is_null() {
        gate(nothing(), std::ptr::null_mut(), || {
            drop(Arc::from_raw(tokenizer));
            Ok(())
        });
    }
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_encode(
    tokenizer: *const Tokenizer,
    data: *const u8,
    size: usize,
    add_special_tokens: bool,
    out: *mut Ids,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        live(tokenizer)?.encode(text(data, size)?, add_special_tokens).map(Ids::from)
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    num_ids: usize,
    skip_special_tokens: bool,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        live(tokenizer)?.decode(slice(ids, num_ids), skip_special_tokens).map(Buffer::from)
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_token_to_id(
    tokenizer: *const Tokenizer,
    data: *const u8,
    size: usize,
    out: *mut i64,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || Ok(live(tokenizer)?.token_to_id(text(data, size)?).map_or(-1, i64::from)))
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_id_to_token(
    tokenizer: *const Tokenizer,
    id: u32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        let token = live(tokenizer)?.id_to_token(id);
        Ok(token.map_or(Buffer::NULL, Buffer::from))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_tokenizer_backend(
    tokenizer: *const Tokenizer,
    fallback_reason: *mut Buffer,
    out: *mut i32,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        let tokenizer = live(tokenizer)?;
        if !fallback_reason.is_null() {
            std::ptr::write(fallback_reason, tokenizer.fallback_reason().to_string().into());
        }
        Ok(if tokenizer.backend_name() == "fastokens" { 1 } else { 2 })
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_token_table_new(
    tokenizer: *const Tokenizer,
    out: *mut TokenTableView,
    error: *mut Buffer,
) -> i32 {
    gate(out, error, || {
        let table = Box::new(TokenTable::new(live(tokenizer)?));
        let has_first = !table.first_pieces.offsets.is_empty();
        Ok(TokenTableView {
            kind: table.kind as i32,
            strip_count: table.strip_count,
            strip_char: table.strip_char,
            num_ids: table.flags.len(),
            flags: table.flags.as_ptr(),
            offsets: table.pieces.offsets.as_ptr(),
            bytes: table.pieces.bytes.as_ptr(),
            first_offsets: if has_first {
                table.first_pieces.offsets.as_ptr()
            } else {
                std::ptr::null()
            },
            first_bytes: if has_first {
                table.first_pieces.bytes.as_ptr()
            } else {
                std::ptr::null()
            },
            handle: Box::into_raw(table),
        })
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_token_table_free(view: TokenTableView) {
    super::free(view.handle);
}
