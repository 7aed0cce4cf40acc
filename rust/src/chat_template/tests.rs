use super::*;

fn render(source: &str, context: &str) -> Result<String, String> {
    ChatTemplate::new(source, b"{}")
        .and_then(|template| template.render(context.as_bytes(), None))
        .map_err(Failure::reason)
}

#[test]
fn the_context_overrules_the_special_tokens() {
    let template = ChatTemplate::new(
        "{{ bos_token }}{{ eos_token }}",
        br#"{"bos_token":"<s>","eos_token":"</s>"}"#,
    )
    .unwrap();
    assert_eq!(template.render(b"{}", None).unwrap(), "<s></s>");
    assert_eq!(template.render(br#"{"bos_token":"B"}"#, None).unwrap(), "B</s>");
}

#[test]
fn a_raised_error_is_the_end_of_the_message() {
    let error = render("a\n{{ raise_exception('no tools here') }}", "{}").unwrap_err();
    assert_eq!(error, "line 2: no tools here");
}

#[test]
fn the_clock_can_be_set() {
    let template = ChatTemplate::new("{{ strftime_now('%Y') }}", b"{}").unwrap();
    assert_eq!(template.render(b"{}", Some(86400 * 200)).unwrap(), "1970");
    assert!(template.render(b"{}", None).unwrap().as_str() >= "2024");
}

#[test]
fn a_context_that_is_no_object_is_an_error() {
    for context in ["", "[]", "1", "{", "{\"a\":"] {
        assert!(render("x", context).is_err(), "{context}");
    }
    let deep = "{\"x\":".to_string() + &"[".repeat(100_000) + &"]".repeat(100_000) + "}";
    assert!(render("x", &deep).is_err());
}

#[test]
fn a_template_without_end_is_stopped() {
    let error = render("{% for i in range(100000) %}{% for j in range(100000) %}{% set k = j %}{% endfor %}{% endfor %}", "{}");
    assert!(error.unwrap_err().contains("more than 10000000 steps"));
    let long =
        render("{% set x = 'x' * 1000000 %}{% for i in range(1000) %}{{ x }}{% endfor %}", "{}");
    assert!(long.unwrap_err().contains("more than 67108864 bytes"));
    assert!(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{}").is_err());
}

#[test]
fn a_template_that_fills_the_memory_is_stopped() {
    let memory = "more than 192 MiB of memory";
    for (body, reason) in [
        ("{% set ns.s = ns.s ~ ns.s %}", memory),
        ("{% set ns.s = ns.s + ns.s %}", memory),
        ("{% set ns.s = 'a' ~ ns.s ~ ns.s ~ 'b' %}", memory),
        ("{% set x %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = x %}", memory),
        ("{% set ns.s = (ns.s, ns.s) | string %}", memory),
        ("{% set ns.s = [ns.s, ns.s] | join %}", "a text of more than 67108864 bytes"),
        ("{% set ns.s = ''.join([ns.s, ns.s]) %}", "a text of more than 67108864 bytes"),
        ("{% set ns.s = ns.s | replace('a', 'aa') %}", "a text of more than 67108864 bytes"),
        ("{% set ns.s = ns.s.replace('a', 'aa') %}", "a text of more than 67108864 bytes"),
        ("{% set ns.s = [ns.s, ns.s] | tojson %}", "a text of more than 67108864 bytes"),
        ("{% set ns.l = ns.l + ns.l %}", "a list of more than 1048576 items"),
    ] {
        let head = "{% set ns = namespace(s='aa', l=[1, 2]) %}{% for i in range(60) %}";
        let error = render(&(head.to_string() + body + "{% endfor %}"), "{}").unwrap_err();
        assert!(error.contains(reason), "{body}: {error}");
    }
}

#[test]
fn a_format_has_a_largest_width() {
    for wide in [
        "{{ '%1000000000d' | format(1) }}",
        "{{ '%.1000000000f' | format(1.5) }}",
        "{{ '%*d' | format(1000000000, 1) }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ '{x:>1000000000}'.format(x=1) }}",
        "{{ '{:{}}'.format(1, 1000000000) }}",
        "{{ '%99999999999999999999999s' | format(1) }}",
    ] {
        let error = render(wide, "{}").unwrap_err();
        assert!(error.contains("may pad to 65536 characters"), "{wide}: {error}");
    }
    assert_eq!(
        render("{{ '%05.2f %s%% 100000' | format(1.5, 'a') }}", "{}").unwrap(),
        "01.50 a% 100000"
    );
    assert_eq!(
        render("{{ '{{}}{:>4}|% 100000 {}'.format(1, 2) }}", "{}").unwrap(),
        "{}   1|% 100000 2"
    );
}

#[test]
fn a_loop_that_captures_much_text_is_stopped() {
    let text = "x".repeat(60_000);
    let source =
        "{% set t %}{% for i in range(100000) %}".to_string() + &text + "{% endfor %}{% endset %}";
    assert!(render(&source, "{}").unwrap_err().contains("MiB of memory"));
}

#[test]
fn a_long_conversation_has_room() {
    let source = "{% set ns = namespace(s='') %}{% for m in messages %}{% set ns.s = ns.s ~ m ~ '\n' %}{% endfor %}{{ ns.s }}";
    let messages = vec!["m".repeat(1000); 500];
    let context = serde_json::json!({ "messages": messages }).to_string();
    assert_eq!(render(source, &context).unwrap().len(), 500 * 1001);
}

/// Each shape at the largest size that is accepted: no stack overflow, whatever comes back.
#[test]
fn deep_sources_do_not_overflow_the_stack() {
    let fill = |head: &str, unit: &str, tail: &str| {
        let count = (MAX_SOURCE_BYTES - head.len() - tail.len()) / unit.len();
        head.to_string() + &unit.repeat(count) + tail
    };
    for source in [
        fill("{{ x", "+x", " }}"),
        fill("{{ ", "(", ""),
        fill("{{ ", "not ", "x }}"),
        fill("{{ x", "[0]", " }}"),
        fill("{{ x", ".a", " }}"),
        fill("{{ x", "|e", " }}"),
        fill("{{ ", "[", ""),
        fill("{{ x", "()", " }}"),
        fill("{{ x", "<x", " }}"),
        fill("{{ x", " is a", " }}"),
        fill("{{ x", " if x else x", " }}"),
        fill("", "{%if x%}", ""),
        fill("", "{%for x in x%}", ""),
    ] {
        let _ = render(&source, "{\"x\":1}");
    }
}

#[test]
fn deep_values_made_by_a_template_do_not_overflow_the_stack() {
    let source = "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% for j in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}done";
    assert_eq!(render(source, "{}").unwrap(), "done");
}

#[test]
fn a_source_over_the_limit_is_refused() {
    let error = ChatTemplate::new(&"x".repeat(MAX_SOURCE_BYTES + 1), b"{}").err().unwrap().reason();
    assert!(error.contains("at most 65536 are allowed"), "{error}");
}
