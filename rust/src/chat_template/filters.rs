//! Filters whose minijinja version differs from Jinja's.

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use super::python_json::{indent_text, tojson};

type Result<T> = std::result::Result<T, Error>;

pub fn register(environment: &mut Environment<'static>) {
    environment.add_filter("tojson", tojson);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter("indent", indent);
    environment.add_filter("float", float);
    environment.add_filter("int", int);
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
        Some(text) => i64::from_str_radix(text, base)
            .ok()
            .or_else(|| text.parse().ok().and_then(truncated)),
        None => i64::try_from(value.clone())
            .ok()
            .or_else(|| f64::try_from(value).ok().and_then(truncated)),
    };
    Ok(number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0)))
}
