use super::{free, gate_of_threads, live, slice, text, Buffer};
use crate::chat_template::{ChatTemplate, ContentFormat};

#[no_mangle]
pub unsafe extern "C" fn quire_chat_template_new(
    source: *const u8,
    source_size: usize,
    globals: *const u8,
    globals_size: usize,
    out: *mut *mut ChatTemplate,
    error: *mut Buffer,
) -> i32 {
    gate_of_threads(out, error, || {
        let template = ChatTemplate::new(text(source, source_size)?, slice(globals, globals_size))?;
        Ok(Box::into_raw(Box::new(template)))
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_chat_template_free(template: *mut ChatTemplate) {
    free(template);
}

#[no_mangle]
pub unsafe extern "C" fn quire_chat_template_render(
    template: *const ChatTemplate,
    context: *const u8,
    context_size: usize,
    now: *const i64,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    gate_of_threads(out, error, || {
        let now = now.as_ref().copied();
        live(template)?.render(slice(context, context_size), now).map(Buffer::from)
    })
}

#[no_mangle]
pub unsafe extern "C" fn quire_chat_template_takes_parts(template: *const ChatTemplate) -> bool {
    // A plain read of a live handle: nothing here can panic.
    template.as_ref().is_some_and(|t| t.content_format() == ContentFormat::OpenAi)
}
