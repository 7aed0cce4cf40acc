//! Filters and tests whose minijinja version differs from Jinja's, or that it does not have.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{filters, Environment, Error, ErrorKind, State};

use super::memory_limit::{check_room, GuardedLoop};
use super::python_json::{indent_text, tojson};
use super::{methods, python_repr};

type Result<T> = std::result::Result<T, Error>;

pub fn register(environment: &mut Environment<'static>) {
    environment.add_filter("tojson", tojson);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter("indent", indent);
    environment.add_filter("float", float);
    environment.add_filter("int", int);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("sort", sort);
    environment.add_filter("string", string);
    environment.add_filter("escape", escape);
    environment.add_filter("e", escape);
    environment.add_filter("center", methods::center);
    environment.add_filter("wordcount", |text: String| text.split_whitespace().count());
    environment.add_filter("truncate", truncate);
    environment.add_filter("striptags", minijinja_contrib::filters::striptags);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_test("sequence", is_sequence);
    environment.add_test("iterable", is_iterable);
    environment.add_function(ITERABLE, iterable);
}

/// The function that source::adapt puts around what a loop runs over.
pub const ITERABLE: &str = "__iterable";

/// A loop over a string knows its length; a loop over none is an error.
fn iterable(value: Value) -> Result<Value> {
    match value.kind() {
        ValueKind::String => {
            let chars = value.as_str().unwrap_or_default().chars();
            Ok(Value::from_object(GuardedLoop(chars.map(Value::from).collect())))
        }
        ValueKind::None => {
            Err(Error::new(ErrorKind::InvalidOperation, "'None' object is not iterable"))
        }
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            Ok(Value::from_object(GuardedLoop(value)))
        }
        _ => Ok(value),
    }
}

fn is_sequence(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined
    )
}

fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

fn string(value: Value) -> Result<String> {
    let text = python_repr::text(&value).unwrap_or_else(|| value.to_string());
    check_room().map(|()| text)
}

fn escape(text: String) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// default(value, default_value='', boolean=False)
fn default(
    value: Value,
    other: Option<Value>,
    lax: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value> {
    let other = argument(other, &kwargs, "default_value")?;
    let lax = argument(lax, &kwargs, "boolean")?.is_some_and(|value| value.is_true());
    kwargs.assert_all_used()?;
    if value.is_undefined() || (lax && !value.is_true()) {
        return Ok(other.unwrap_or_else(|| Value::from("")));
    }
    Ok(value)
}

/// Positional arguments become named ones: `names` are Jinja's, in its order.
fn named(names: &[&str], positional: Rest<Value>, kwargs: &Kwargs) -> Result<Kwargs> {
    if positional.len() > names.len() {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let given = names.iter().map(|name| name.to_string()).zip(positional.0);
    let mut all: Vec<(String, Value)> = given.collect();
    for name in kwargs.args() {
        all.push((name.to_string(), kwargs.get(name)?));
    }
    Ok(all.into_iter().collect())
}

/// sort(value, reverse=False, case_sensitive=False, attribute=None)
fn sort(state: &State, value: Value, positional: Rest<Value>, kwargs: Kwargs) -> Result<Value> {
    let kwargs = named(&["reverse", "case_sensitive", "attribute"], positional, &kwargs)?;
    filters::sort(state, value, kwargs)
}

/// truncate(value, length=255, killwords=False, end='...', leeway=5)
fn truncate(
    state: &mut State,
    value: Value,
    positional: Rest<Value>,
    kwargs: Kwargs,
) -> Result<Value> {
    let kwargs = named(&["length", "killwords", "end", "leeway"], positional, &kwargs)?;
    minijinja_contrib::filters::truncate(state, &value, kwargs)
}

/// The positional argument, else the named one.
fn argument(positional: Option<Value>, kwargs: &Kwargs, name: &str) -> Result<Option<Value>> {
    match positional {
        Some(value) => Ok(Some(value)),
        None => kwargs.get(name),
    }
}

/// Undefined has the length 0.
fn length(value: Value) -> Result<usize> {
    if value.is_undefined() {
        return Ok(0);
    }
    value.len().ok_or_else(|| {
        let reason = format!("object of type {} has no len()", value.kind());
        Error::new(ErrorKind::InvalidOperation, reason)
    })
}

/// indent(text, width=4, first=False, blank=False); a newline at the end stays.
fn indent(
    text: String,
    width: Option<Value>,
    first: Option<Value>,
    blank: Option<Value>,
    kwargs: Kwargs,
) -> Result<String> {
    let width = argument(width, &kwargs, "width")?;
    let first = argument(first, &kwargs, "first")?.is_some_and(|value| value.is_true());
    let blank = argument(blank, &kwargs, "blank")?.is_some_and(|value| value.is_true());
    kwargs.assert_all_used()?;
    let padding = indent_text(width)?.unwrap_or_else(|| "    ".into());
    let mut out = String::with_capacity(text.len() + 64);
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if if i == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&padding);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// float(value, default=0.0)
fn float(value: Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value> {
    let default = argument(default, &kwargs, "default")?;
    kwargs.assert_all_used()?;
    let number = match value.as_str() {
        Some(text) => text.trim().parse::<f64>().ok(),
        None => f64::try_from(value).ok(),
    };
    Ok(number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0.0)))
}

/// int(value, default=0, base=10)
fn int(value: Value, default: Option<Value>, base: Option<Value>, kwargs: Kwargs) -> Result<Value> {
    let default = argument(default, &kwargs, "default")?;
    let base = match argument(base, &kwargs, "base")? {
        Some(base) => u32::try_from(base)?.clamp(2, 36),
        None => 10,
    };
    kwargs.assert_all_used()?;
    let truncated = |number: f64| number.is_finite().then_some(number as i64);
    let number = match value.as_str().map(str::trim) {
        Some(text) => i64::from_str_radix(without_base_prefix(text, base), base)
            .ok()
            .or_else(|| text.parse().ok().and_then(truncated)),
        None => i64::try_from(value.clone())
            .ok()
            .or_else(|| f64::try_from(value).ok().and_then(truncated)),
    };
    Ok(number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0)))
}

/// int('0x1f', 16) is 31.
fn without_base_prefix(text: &str, base: u32) -> &str {
    let prefixes = match base {
        16 => ["0x", "0X"],
        8 => ["0o", "0O"],
        2 => ["0b", "0B"],
        _ => return text,
    };
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}
