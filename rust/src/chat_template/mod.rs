//! Chat templates as Hugging Face's apply_chat_template renders them: Jinja with trimmed blocks, no
//! HTML escaping, loop controls, tojson as Python prints it, raise_exception and strftime_now.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Rest;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use minijinja_contrib::globals;

use crate::{big_stack, Failure};

mod content_format;
mod filters;
mod memory_limit;
mod methods;
mod python_json;
mod python_repr;
mod source;
mod syntax_tree;

pub use content_format::ContentFormat;

/// The deepest syntax tree of this size fits the stack of big_stack, and compiles in seconds.
pub const MAX_SOURCE_BYTES: usize = 64 << 10;
const MAX_OUTPUT_BYTES: usize = 64 << 20;
/// Instructions of one rendering. A conversation of a thousand messages takes some 100,000.
const FUEL: u64 = 10_000_000;
const NAME: &str = "chat";

thread_local! {
    /// The clock of the rendering that runs on this thread; None: the system's.
    static NOW: Cell<Option<i64>> = const { Cell::new(None) };
}

pub struct ChatTemplate {
    environment: Environment<'static>,
    content_format: ContentFormat,
}

impl ChatTemplate {
    /// `globals`: a JSON object whose members every rendering sees, unless its context has them too.
    pub fn new(source: &str, globals: &[u8]) -> Result<Self, Failure> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(format!(
                "the source has {} bytes; at most {MAX_SOURCE_BYTES} are allowed",
                source.len()
            )
            .into());
        }
        let globals: BTreeMap<String, Value> = serde_json::from_slice(globals)
            .map_err(|e| format!("the special tokens are not a JSON object: {e}"))?;
        big_stack::run(|| {
            let mut environment = environment().map_err(|e| message(&e))?;
            for (name, value) in globals {
                environment.add_global(name, value);
            }
            let source = source::adapt(source);
            let content_format = ContentFormat::of(&source, environment.syntax().clone());
            let source = source::wrap_loops(&source, environment.syntax().clone());
            let source = memory_limit::guard_operators(&source, environment.syntax().clone());
            environment.add_template_owned(NAME, source).map_err(|e| message(&e))?;
            Ok(ChatTemplate { environment, content_format })
        })
    }

    /// `context`: a JSON object with the variables. `now`: seconds since the epoch.
    pub fn render(&self, context: &[u8], now: Option<i64>) -> Result<String, Failure> {
        let context: Value = serde_json::from_slice(context)
            .map_err(|e| format!("the context is not valid JSON: {e}"))?;
        if context.kind() != minijinja::value::ValueKind::Map {
            return Err("the context must be a JSON object".to_string().into());
        }
        // A template can nest lists as deep as its fuel lasts; dropping them recurses.
        big_stack::run(move || {
            NOW.set(now);
            let template = self.environment.get_template(NAME).map_err(|e| message(&e))?;
            let mut output = LimitedOutput::default();
            match template.render_captured_to(context, &mut output) {
                Ok(_) => String::from_utf8(output.bytes).map_err(|e| e.to_string()),
                Err(_) if output.is_full => {
                    Err(format!("the template printed more than {MAX_OUTPUT_BYTES} bytes"))
                }
                Err(error) => Err(message(&error)),
            }
        })
    }

    pub fn content_format(&self) -> ContentFormat {
        self.content_format
    }
}

fn environment() -> std::result::Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(methods::unknown_method);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(python_repr::print);
    filters::register(&mut environment);
    memory_limit::register(&mut environment);
    environment.add_function("cycler", |items: Rest<Value>| globals::cycler(items.0));
    environment.add_function("joiner", globals::joiner);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    Ok(environment)
}

/// The error's own words come last, so that what raise_exception was given is the end of the text.
fn message(error: &Error) -> String {
    let text = match error.detail() {
        Some(detail) if error.kind() == ErrorKind::InvalidOperation => detail.to_string(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None if error.kind() == ErrorKind::OutOfFuel => {
            format!("the template took more than {FUEL} steps")
        }
        None => error.kind().to_string(),
    };
    match error.line() {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}

fn raise_exception(reason: String) -> std::result::Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, reason))
}

fn strftime_now(format: String) -> std::result::Result<String, Error> {
    let invalid =
        |e: &dyn std::fmt::Display| Error::new(ErrorKind::InvalidOperation, e.to_string());
    let format = std::ffi::CString::new(format).map_err(|e| invalid(&e))?;
    let mut text = vec![0u8; 512];
    // SAFETY: all pointers are to live locals, `text` has the size that is told.
    let size = unsafe {
        let now = NOW.get().unwrap_or_else(|| libc::time(std::ptr::null_mut()));
        let mut local = std::mem::zeroed();
        libc::localtime_r(&now, &mut local);
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &local)
    };
    text.truncate(size);
    String::from_utf8(text).map_err(|e| invalid(&e))
}

#[derive(Default)]
struct LimitedOutput {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for LimitedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > MAX_OUTPUT_BYTES - self.bytes.len() {
            self.is_full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
