//! Values as Python prints them, where minijinja's text is not the same: floats with an exponent,
//! and lists and maps that hold them.

use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{escape_formatter, Error, Output, State};

use super::memory_limit::{check_room, has_room};
use super::python_json::float_repr;

/// Depth beyond which a nested value is printed by minijinja itself.
const MAX_DEPTH: usize = 32;

pub fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match text(value) {
        Some(text) => out.write_str(&text).map_err(Error::from)?,
        None => escape_formatter(out, state, value)?,
    }
    check_room()
}

/// str(value); None: minijinja prints it as Python does. The text ends early when the memory does:
/// callers check_room().
pub fn text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Number if !value.is_integer() => {
            f64::try_from(value.clone()).ok().map(float_repr)
        }
        ValueKind::Seq | ValueKind::Map => Some(repr(value, 0)),
        _ => None,
    }
}

fn repr(value: &Value, depth: usize) -> String {
    if depth > MAX_DEPTH {
        return value.to_string();
    }
    let items = || value.try_iter().into_iter().flatten().take_while(|_| has_room());
    match value.kind() {
        ValueKind::String => string_repr(value.as_str().unwrap_or_default()),
        ValueKind::Undefined => "Undefined".into(),
        ValueKind::Number if !value.is_integer() => text(value).unwrap_or_default(),
        ValueKind::Seq => {
            let items: Vec<String> = items().map(|item| repr(&item, depth + 1)).collect();
            match value.downcast_object_ref::<Tuple>() {
                Some(_) if items.len() == 1 => format!("({},)", items[0]),
                Some(_) => format!("({})", items.join(", ")),
                None => format!("[{}]", items.join(", ")),
            }
        }
        ValueKind::Map => {
            let member = |key: Value| {
                let member = value.get_item(&key).unwrap_or_default();
                format!("{}: {}", repr(&key, depth + 1), repr(&member, depth + 1))
            };
            format!("{{{}}}", items().map(member).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

fn string_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c != ' ' && (c.is_control() || c.is_whitespace()) || is_format(c) => {
                let code = c as u32;
                out.push_str(&match code {
                    0..=0xFF => format!("\\x{code:02x}"),
                    0x100..=0xFFFF => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// The common characters of Unicode's category Cf, which Python does not print.
fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
