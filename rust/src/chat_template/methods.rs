//! Python methods of strings and lists that minijinja's pycompat does not have.

use minijinja::value::{Rest, Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;

use super::memory_limit::{check_format, check_join, check_replace};

type Result<T> = std::result::Result<T, Error>;

pub fn unknown_method(
    state: &mut State,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value> {
    match (method, value.as_str()) {
        ("replace", Some(text)) => check_replace(text, args)?,
        ("format", Some(text)) => check_format(text, '{')?,
        ("join", Some(separator)) if args.len() == 1 => check_join(&args[0], separator)?,
        _ => {}
    }
    match pycompat::unknown_method_callback(state, value, method, args) {
        Err(error) if error.kind() == ErrorKind::UnknownMethod => match value.kind() {
            ValueKind::String => string_method(value.as_str().unwrap_or_default(), method, args),
            ValueKind::Seq if method == "index" => index_in_list(value, args),
            _ => Err(error),
        },
        result => result,
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

fn index_in_list(value: &Value, args: &[Value]) -> Result<Value> {
    let [wanted] = args else { return Err(invalid("index() takes one argument")) };
    let found = value.try_iter()?.position(|item| item == *wanted);
    found.map(Value::from).ok_or_else(|| invalid(format!("{wanted} is not in list")))
}

fn string_method(text: &str, method: &str, args: &[Value]) -> Result<Value> {
    let first = || text_argument(method, args, 0);
    Ok(match method {
        "removeprefix" => text.strip_prefix(first()?).unwrap_or(text).into(),
        "removesuffix" => text.strip_suffix(first()?).unwrap_or(text).into(),
        "partition" => match text.split_once(first()?) {
            Some((before, after)) => triple(before, first()?, after),
            None => triple(text, "", ""),
        },
        "rpartition" => match text.rsplit_once(first()?) {
            Some((before, after)) => triple(before, first()?, after),
            None => triple("", "", text),
        },
        "index" => char_index(text, text.find(first()?))?,
        "rindex" => char_index(text, text.rfind(first()?))?,
        "rsplit" => rsplit(text, args)?,
        "casefold" => text.to_lowercase().into(),
        "swapcase" => text.chars().map(swap_case).collect::<String>().into(),
        "center" | "ljust" | "rjust" | "zfill" => pad(text, method, args)?,
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn text_argument<'a>(method: &str, args: &'a [Value], index: usize) -> Result<&'a str> {
    let text = args.get(index).and_then(Value::as_str);
    text.ok_or_else(|| invalid(format!("{method}() needs a string")))
}

fn triple(before: &str, separator: &str, after: &str) -> Value {
    Tuple::from(vec![before.into(), separator.into(), after.into()]).into()
}

fn char_index(text: &str, offset: Option<usize>) -> Result<Value> {
    let offset = offset.ok_or_else(|| invalid("substring not found"))?;
    Ok(text[..offset].chars().count().into())
}

fn swap_case(c: char) -> String {
    if c.is_uppercase() {
        c.to_lowercase().collect()
    } else {
        c.to_uppercase().collect()
    }
}

/// rsplit(sep=None, maxsplit=-1)
fn rsplit(text: &str, args: &[Value]) -> Result<Value> {
    let limit = args.get(1).map(|value| i64::try_from(value.clone())).transpose()?.unwrap_or(-1);
    let limit = usize::try_from(limit).map_or(usize::MAX, |limit| limit.saturating_add(1));
    let mut parts: Vec<&str> = match args.first().filter(|value| !value.is_none()) {
        Some(_) => text.rsplitn(limit, text_argument("rsplit", args, 0)?).collect(),
        None if limit == usize::MAX => text.split_whitespace().rev().collect(),
        None => return Err(invalid("rsplit() with a limit needs a separator")),
    };
    parts.reverse();
    Ok(parts.into_iter().collect())
}

/// center(width, fill=' '), ljust, rjust; zfill(width).
fn pad(text: &str, method: &str, args: &[Value]) -> Result<Value> {
    const MAX_WIDTH: usize = 1 << 16;
    let width =
        args.first().cloned().ok_or_else(|| invalid(format!("{method}() needs a width")))?;
    let width = i64::try_from(width)?.clamp(0, MAX_WIDTH as i64) as usize;
    let missing = width.saturating_sub(text.chars().count());
    let fill = match method {
        "zfill" => "0",
        _ if args.len() > 1 => text_argument(method, args, 1)?,
        _ => " ",
    };
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if method == "zfill" => text.split_at(text.len() - digits.len()),
        _ => ("", text),
    };
    // Python puts the odd space to the left if the width is odd.
    let left = match method {
        "ljust" => 0,
        "center" => missing / 2 + (missing & width & 1),
        _ => missing,
    };
    Ok(format!("{sign}{}{digits}{}", fill.repeat(left), fill.repeat(missing - left)).into())
}

/// The filter center(width=80).
pub fn center(text: String, width: Rest<Value>) -> Result<Value> {
    let width = width.first().cloned().unwrap_or_else(|| Value::from(80));
    pad(&text, "center", &[width])
}
