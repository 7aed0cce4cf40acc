//! A few steps can make a text as large as the machine: `s ~ s` in a loop doubles it each time. So
//! the memory of a rendering is looked at before every operation that makes a larger value, in
//! every round of a loop and after every print. Replace and join can do more than double it in one
//! step: their results are measured before they are made.

use std::sync::Arc;

use minijinja::machinery::{tokenize, Token};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{
    Enumerator, Kwargs, Object, ObjectRepr, Rest, StringInput, Value, ValueKind, ValueOrKwargs,
};
use minijinja::{filters, Environment, Error, ErrorKind, State};

use super::MAX_OUTPUT_BYTES;
use crate::memory;

/// Twice the largest output, and room for what it is made of.
pub const MAX_MEMORY_BYTES: usize = 192 << 20;
const MAX_ITEMS: usize = 1 << 20;
const MAX_WIDTH: usize = 1 << 16;
const ROOM: &str = "__room";

type Result<T> = std::result::Result<T, Error>;

pub fn register(environment: &mut Environment<'static>) {
    environment.add_filter(ROOM, room);
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("list", list);
    environment.add_filter("format", format);
}

/// A rendering has a thread of its own, so that what the thread holds is the rendering's.
pub fn has_room() -> bool {
    memory::held() <= MAX_MEMORY_BYTES as isize
}

pub fn check_room() -> Result<()> {
    if has_room() {
        return Ok(());
    }
    let mebibytes = MAX_MEMORY_BYTES >> 20;
    Err(invalid(format!("the template needs more than {mebibytes} MiB of memory")))
}

fn room(value: Value) -> Result<Value> {
    check_room()?;
    check_length(&value)?;
    Ok(value)
}

/// Sums and products of lists take no memory until they are walked over.
fn check_length(value: &Value) -> Result<()> {
    let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if !is_list || value.len().is_none_or(|length| length <= MAX_ITEMS) {
        return Ok(());
    }
    Err(invalid(format!("the template makes a list of more than {MAX_ITEMS} items")))
}

/// Puts a filter around the operand before each operator whose result can be larger than its
/// operands: `a ~ b` becomes `a|__room ~ b`. A source that is no template comes back as it is.
pub fn guard_operators(source: &str, syntax: SyntaxConfig) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    let mut copied = 0;
    let mut operand_end = None;
    for token in tokenize(source, false, syntax) {
        let Ok((token, span)) = token else { return source.to_string() };
        if matches!(token, Token::Tilde | Token::Plus | Token::Mul) {
            if let Some(end) = operand_end {
                out.push_str(&source[copied..end]);
                out.push('|');
                out.push_str(ROOM);
                copied = end;
            }
        }
        operand_end = ends_operand(&token).then_some(span.end_offset as usize);
    }
    out.push_str(&source[copied..]);
    out
}

fn ends_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Ident(_)
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Int128(_)
            | Token::Float(_)
            | Token::ParenClose
            | Token::BracketClose
            | Token::BraceClose
    )
}

/// What a loop runs over; the loop ends with an error when there is no more room.
#[derive(Debug)]
pub struct GuardedLoop(pub Value);

impl Object for GuardedLoop {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let Ok(items) = self.0.try_iter() else { return Enumerator::NonEnumerable };
        Enumerator::Iter(Box::new(items.map(|item| match check_room() {
            Ok(()) => item,
            Err(error) => Value::from(error),
        })))
    }
}

/// Refuses a text that is too long before it is made.
pub fn check_size(bytes: usize) -> Result<()> {
    if bytes <= MAX_OUTPUT_BYTES {
        return Ok(());
    }
    Err(too_long())
}

pub fn too_long() -> Error {
    invalid(format!("the template makes a text of more than {MAX_OUTPUT_BYTES} bytes"))
}

/// Bytes of text.replace(from, to).
fn replaced_size(text: &str, from: &str, to: &str) -> usize {
    let growth = to.len().saturating_sub(from.len());
    if growth == 0 {
        return text.len();
    }
    text.len().saturating_add(text.matches(from).count().saturating_mul(growth))
}

pub fn check_replace(text: &str, args: &[Value]) -> Result<()> {
    match (args.first().and_then(Value::as_str), args.get(1).and_then(Value::as_str)) {
        (Some(from), Some(to)) => check_size(replaced_size(text, from, to)),
        _ => Ok(()),
    }
}

/// Lists share their items, so that few bytes can stand for a long text.
pub fn check_join(items: &Value, separator: &str) -> Result<()> {
    let Ok(items) = items.try_iter() else { return Ok(()) };
    let mut size = 0usize;
    for item in items {
        let length = item.as_str().map_or(0, str::len);
        size = size.saturating_add(length).saturating_add(separator.len());
        check_size(size)?;
    }
    Ok(())
}

fn replace(
    state: &mut State,
    text: StringInput<'_>,
    from: StringInput<'_>,
    to: StringInput<'_>,
) -> Result<Value> {
    check_size(replaced_size(text.as_str(), from.as_str(), to.as_str()))?;
    filters::replace(state, text, from, to)
}

fn join(
    state: &mut State,
    items: &Value,
    separator: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value> {
    let named: Option<String> = kwargs.get("d")?;
    let given = separator.as_ref().map(StringInput::as_str);
    check_join(items, given.or(named.as_deref()).unwrap_or_default())?;
    filters::join(state, items, separator, attribute, kwargs)
}

/// Refuses a format whose fields are padded to more than anyone would read. `opener` begins a field:
/// % or {.
pub fn check_format(format: &str, opener: char) -> Result<()> {
    let mut rest = format;
    while let Some(start) = rest.find(opener) {
        rest = &rest[start + 1..];
        if let Some(after_escape) = rest.strip_prefix(opener) {
            rest = after_escape;
            continue;
        }
        let ends = |c: char| if opener == '%' { c.is_alphabetic() } else { c == '}' };
        let field = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let is_wide = |digits: &str| digits.parse().map_or(true, |width: usize| width > MAX_WIDTH);
        let mut numbers =
            field.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        // A star and inner braces take the width from an argument.
        if numbers.any(is_wide) || field.contains(['*', '{']) {
            return Err(invalid(format!(
                "a format may pad to {MAX_WIDTH} characters, as a number in it"
            )));
        }
    }
    Ok(())
}

fn format(state: &mut State, text: &Value, args: Rest<ValueOrKwargs>) -> Result<Value> {
    check_format(text.as_str().unwrap_or_default(), '%')?;
    filters::format(state, text, args)
}

fn list(state: &State, value: Value) -> Result<Value> {
    check_length(&value)?;
    filters::list(state, value)
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

#[cfg(test)]
mod tests {
    use minijinja::syntax::SyntaxConfig;

    use super::guard_operators;

    #[test]
    fn operands_are_guarded_and_nothing_else_is() {
        for (source, guarded) in [
            ("{{ a ~ b }}", "{{ a|__room ~ b }}"),
            ("{{ a.b[0]+'x' * (c) }}", "{{ a.b[0]|__room+'x'|__room * (c) }}"),
            ("{%- set x = f(1) ~ \"~\" -%}a ~ b", "{%- set x = f(1)|__room ~ \"~\" -%}a ~ b"),
            ("{% raw %}{{ a ~ b }}{% endraw %}", "{% raw %}{{ a ~ b }}{% endraw %}"),
            ("{# a ~ b #}{% if x +%}\n{% endif %}", "{# a ~ b #}{% if x +%}\n{% endif %}"),
            ("{{ f(*args, **kwargs) }}", "{{ f(*args, **kwargs) }}"),
            ("{{ é ~ 'é' ~ 1 }}", "{{ é ~ 'é' ~ 1 }}"),
            ("{{ 'é' ~ 'é' ~ 1 }}", "{{ 'é'|__room ~ 'é'|__room ~ 1 }}"),
            ("{{ a ~", "{{ a|__room ~"),
        ] {
            assert_eq!(guard_operators(source, SyntaxConfig::default()), guarded);
        }
    }
}
