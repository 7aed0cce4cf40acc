//! What minijinja reads otherwise than Jinja with Hugging Face's extensions does, rewritten.

use minijinja::machinery::{parse, Span};
use minijinja::syntax::SyntaxConfig;

use super::filters::ITERABLE;
use super::syntax_tree::Found;

/// `{% generation %}` marks the assistant's text for training; when serving it is a block without
/// effect. And Jinja never trims the newline after `{% raw %}`, which minijinja does.
pub fn adapt(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let size = match rest.as_bytes().get(1) {
            Some(b'#') => rest.find("#}").map(|end| end + 2),
            Some(b'{') => end_of_code(rest, "}}"),
            Some(b'%') => end_of_code(rest, "%}"),
            _ => Some(1),
        };
        let Some(size) = size else { break };
        let (tag, after) = rest.split_at(size);
        rest = after;
        match tag_word(tag) {
            "generation" => out.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => out.push_str(&tag.replacen("endgeneration", "endif", 1)),
            "raw" => {
                push_untrimmed(&mut out, tag);
                let size = end_of_raw(rest);
                out.push_str(&rest[..size]);
                rest = &rest[size..];
            }
            _ => out.push_str(tag),
        }
    }
    out.push_str(rest);
    out
}

/// Puts a function around what each loop runs over: `{% for x in __iterable(list) %}`.
/// A source that does not parse comes back as it is; compiling it gives the error.
pub fn wrap_loops(source: &str, syntax: SyntaxConfig) -> String {
    let Ok(root) = parse(source, "chat", syntax) else { return source.to_string() };
    let mut spans: Vec<(usize, usize)> = Found::in_template(&root)
        .loops
        .iter()
        .filter_map(|node| loop_value(source, node.target.span(), node.iter.span()))
        .collect();
    spans.sort_unstable();
    let mut out = String::with_capacity(source.len() + spans.len() * (ITERABLE.len() + 2));
    let mut copied = 0;
    for (start, end) in spans {
        out.push_str(&source[copied..start]);
        out.push_str(&format!("{ITERABLE}({})", &source[start..end]));
        copied = end;
    }
    out.push_str(&source[copied..]);
    out
}

/// From the word `in` to the end of the expression. Its own span leaves brackets around its first or
/// last part out.
fn loop_value(source: &str, target: Span, value: Span) -> Option<(usize, usize)> {
    let after_target = target.end_offset as usize;
    let is_name = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let rest = &source.as_bytes()[after_target..];
    let word = (1..rest.len().saturating_sub(2)).find(|&i| {
        rest[i..].starts_with(b"in") && !is_name(rest[i - 1]) && !is_name(rest[i + 2])
    })?;
    let start = after_target + word + 2;
    let start = start + (source[start..].len() - source[start..].trim_start().len());
    let bytes = source.as_bytes();
    let mut depth = 0;
    let mut i = start;
    while i < value.end_offset as usize || depth > 0 {
        match *bytes.get(i)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            quote @ (b'"' | b'\'') => i = end_of_string(bytes, i, quote),
            _ => {}
        }
        i += 1;
    }
    Some((start, i))
}

/// Offset of the closing quote of the string that opens at `i`.
fn end_of_string(bytes: &[u8], mut i: usize, quote: u8) -> usize {
    i += 1;
    while i < bytes.len() && bytes[i] != quote {
        i += 1 + usize::from(bytes[i] == b'\\');
    }
    i
}

/// The only word of a block tag; "" for any other tag.
fn tag_word(tag: &str) -> &str {
    let inner = tag.strip_prefix("{%").and_then(|tag| tag.strip_suffix("%}")).unwrap_or("");
    inner.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace())
}

/// Bytes up to and with `end`, quoted strings skipped.
fn end_of_code(code: &str, end: &str) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut i = 2;
    while i < bytes.len() {
        match bytes[i] {
            quote @ (b'"' | b'\'') => i = end_of_string(bytes, i, quote),
            _ if bytes[i..].starts_with(end.as_bytes()) => return Some(i + 2),
            _ => {}
        }
        i += 1;
    }
    None
}

fn push_untrimmed(out: &mut String, tag: &str) {
    let inner = &tag[..tag.len() - 2];
    out.push_str(inner);
    out.push_str(if inner.ends_with(['-', '+']) { "%}" } else { "+%}" });
}

/// Offset of the endraw tag, or the whole length.
fn end_of_raw(text: &str) -> usize {
    let mut from = 0;
    while let Some(start) = text[from..].find("{%").map(|i| from + i) {
        match text[start..].find("%}") {
            Some(end) if tag_word(&text[start..start + end + 2]) == "endraw" => return start,
            _ => from = start + 2,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use minijinja::syntax::SyntaxConfig;

    use super::{adapt, wrap_loops};

    #[test]
    fn loops_run_over_a_checked_value() {
        for (source, wrapped) in [
            ("{% for x in a %}{% endfor %}", "{% for x in __iterable(a) %}{% endfor %}"),
            (
                "{%- for k, v in d.x[1:] | items | list if v recursive -%}{% for c in k -%}é{% endfor %}{% endfor %}",
                "{%- for k, v in __iterable(d.x[1:] | items | list) if v recursive -%}{% for c in __iterable(k) -%}é{% endfor %}{% endfor %}",
            ),
            ("{% for x in (a + b) %}{% endfor %}", "{% for x in __iterable((a + b)) %}{% endfor %}"),
            (
                "{% for x in (a + b) | list if (a) %}{% endfor %}",
                "{% for x in __iterable((a + b) | list) if (a) %}{% endfor %}",
            ),
            (
                "{% for index, begin in t.definitions.items() %}{% endfor %}",
                "{% for index, begin in __iterable(t.definitions.items()) %}{% endfor %}",
            ),
            (
                "{% for in_ in c + ((a) + (')' ~ b)) %}{% endfor %}",
                "{% for in_ in __iterable(c + ((a) + (')' ~ b))) %}{% endfor %}",
            ),
            ("{% for x in a or [] %}{% endfor %}", "{% for x in __iterable(a or []) %}{% endfor %}"),
            ("{% for x in f(a, k=1) %}{% endfor %}", "{% for x in __iterable(f(a, k=1)) %}{% endfor %}"),
            ("{% for x in [1, 2] %}{% endfor %}", "{% for x in __iterable([1, 2]) %}{% endfor %}"),
            ("{% for x in a if", "{% for x in a if"),
        ] {
            assert_eq!(wrap_loops(source, SyntaxConfig::default()), wrapped);
        }
    }

    #[test]
    fn generation_becomes_a_plain_block() {
        assert_eq!(
            adapt("a{%- generation -%}b{% endgeneration %}c"),
            "a{%- if true -%}b{% endif %}c"
        );
    }

    #[test]
    fn raw_keeps_its_newline_and_its_content() {
        assert_eq!(
            adapt("{% raw %}\n{% generation %}{{{% endraw %}{% generation %}"),
            "{% raw +%}\n{% generation %}{{{% endraw %}{% if true %}"
        );
        assert_eq!(adapt("{%- raw -%} x"), "{%- raw -%} x");
    }

    #[test]
    fn strings_and_comments_stay() {
        for source in [
            "{{ '{% generation %}' }}",
            "{{ \"it\\\"s {% raw %}\" }}",
            "{# {% generation %} #}",
            "{% set a = '{% raw %}' %}x",
            "{",
            "{{ 'open",
            "{% raw",
            "a { b } c",
        ] {
            assert_eq!(adapt(source), source);
        }
    }
}
