//! Tags that minijinja reads otherwise than Jinja with Hugging Face's extensions does.

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
            quote @ (b'"' | b'\'') => {
                i += 1;
                while i < bytes.len() && bytes[i] != quote {
                    i += 1 + usize::from(bytes[i] == b'\\');
                }
            }
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
    use super::adapt;

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
