"""Conversations and expressions for make_template_goldens.py."""

_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Wetter <in> 'Köln' & co",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "c"},
                "n": {"type": "number", "default": 1.0},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["city"],
        },
    },
}
_CLOCK = {
    "type": "function",
    "function": {
        "name": "now",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
        "return": {"type": "string"},
    },
}
_TOKENS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": None,
    "add_generation_prompt": True,
}


def _call(arguments, name="get_weather", call_id="abcdefghi"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _user(text):
    return {"role": "user", "content": text}


def _assistant(text, **fields):
    return {"role": "assistant", "content": text, **fields}


CONTEXTS = {
    "plain": _TOKENS | {"messages": [_user("Hi  there\n")]},
    "system": _TOKENS
    | {
        "messages": [
            {"role": "system", "content": "Be brief."},
            _user("2+2?"),
            _assistant("4"),
            _user(" and 3+3?"),
        ]
    },
    "tools": _TOKENS
    | {
        "tools": [_WEATHER],
        "messages": [
            {"role": "system", "content": "S"},
            _user("weather?"),
            _assistant("", tool_calls=[_call({"city": "Köln", "n": 2.5})]),
            {
                "role": "tool",
                "tool_call_id": "abcdefghi",
                "name": "get_weather",
                "content": '{"t": 20}',
            },
            _assistant("20 C"),
            _user("thanks"),
        ],
    },
    "two_calls": _TOKENS
    | {
        "tools": [_WEATHER, _CLOCK],
        "messages": [
            _user("time & weather in <Köln>?"),
            _assistant(
                None,
                tool_calls=[
                    _call('{"city": "Köln"}'),
                    _call("{}", name="now", call_id="ABCDEFGH1"),
                ],
            ),
            {"role": "tool", "tool_call_id": "abcdefghi", "content": "20 °C"},
            {"role": "tool", "tool_call_id": "ABCDEFGH1", "content": "12:00"},
        ],
    },
    "think": _TOKENS
    | {
        "enable_thinking": False,
        "messages": [
            _user("q"),
            _assistant("<think>\nr\n</think>\n\na", reasoning_content="r"),
            _user("q2"),
        ],
    },
    "parts": _TOKENS
    | {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image"}]}
        ]
    },
    "no_prompt": _TOKENS
    | {
        "add_generation_prompt": False,
        "messages": [_user('quo"te \\ back\tslash'), _assistant("ünï \U0001f642 done ")],
    },
    "wrong_order": _TOKENS | {"messages": [_assistant("first"), _user("a"), _user("b")]},
}

# Variables of the expressions below.
VALUES = {
    "s": "Hello, World",
    "words": ["b", "a", "C"],
    "n": 7,
    "f": 2.5,
    "big": 1e16,
    "small": 1e-05,
    "t": True,
    "none": None,
    "d": {"b": 1, "a": [1, 2.0, None, True, "x'y"], "c": {"k": "v"}},
    "empty": [],
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}],
    "u": "ünï\u00a0\U0001f642<&>\"'",
    "nl": "a\nb\n\nc\n",
}

EXPRESSIONS = [
    # What is printed for a value that is no string.
    "{{ t }} {{ false }} {{ none }} {{ missing }} {{ n }} {{ f }} {{ big }} {{ small }} {{ 1.0 }}",
    "{{ d }} {{ words }} {{ (1, 'a') }} {{ (1,) }} {{ {} }} {{ [] }} {{ [none, true, 1.5, 'q\"'] }}",
    "{{ [big, small, u, nl] }}",
    "{{ d | string }}|{{ words ~ n ~ none ~ f }}|{{ n | string | length }}",
    # Arithmetic.
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}",
    "{{ 1 + 2.0 }} {{ 10 - 3 * 2 }} {{ -n }} {{ n * 1.5 }} {{ '=' * 5 }} {{ [1] * 2 }} {{ [1] + [2] }}",
    "{{ +n }}",
    "{{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 1 < 2 < 3 }} {{ 1 != 2 }} {{ none == false }} {{ 0 == false }} {{ 1 == true }}",
    "{{ 'a' + 'b' }} {{ 'a' + 1 }}",
    "{{ 1 / 0 }}",
    # Logic.
    "{{ n and s }} {{ 0 or 'x' }} {{ not empty }} {{ missing or 'd' }} {{ 'a' if t else 'b' }} {{ 'a' if false }}",
    "{{ 'ell' in s }} {{ 'b' in words }} {{ 'a' in d }} {{ 3 not in [1, 2] }} {{ 'z' in d.c }}",
    "{{ n in (1, 7) }} {{ missing in [1] }}",
    # Attributes and slices.
    "{{ d.b }} {{ d['c'].k }} {{ d.zz }} {{ d.c.zz is defined }} {{ words[0] }} {{ words[-1] }} {{ s[1:4] }}",
    "{{ words[::-1] }} {{ s[::-1] }} {{ s[-5:] }} {{ s[:-5] }} {{ words[1:] }} {{ s[::2] }} {{ words[5:] }}",
    "{{ missing.x }}",
    "{{ d.items() | list }} {{ d.keys() | list }} {{ d.values() | list }} {{ d.get('q', 5) }} {{ d.get('q') }}",
    "{{ d.update({'z': 1}) }}",
    "{{ words.append('z') }}",
    "{% set l = [1] %}{% set l = l + [2] %}{{ l }} {{ l | length }}",
    # Strings.
    "{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ s.capitalize() }} {{ s.swapcase() }} {{ s | upper }} {{ s | title }}",
    "{{ s.split(', ') }} {{ s.split() }} {{ s.split('l', 1) }} {{ 'a  b '.split() }} {{ 'a  b'.split(' ') }} {{ s.rsplit('o', 1) }}",
    "{{ '  x '.strip() }}| {{ '  x '.lstrip() }}| {{ '  x '.rstrip() }}| {{ 'xxaxx'.strip('x') }}| {{ '\n a\n' | trim }}|",
    "{{ s.replace('l', 'L') }} {{ s.replace('l', 'L', 1) }} {{ s | replace('o', '0') }} {{ s.replace('', '-') }}",
    "{{ s.startswith('He') }} {{ s.endswith('ld') }} {{ s.startswith(('x', 'H')) }} {{ s.find('o') }} {{ s.find('q') }} {{ s.rfind('o') }} {{ s.count('l') }} {{ s.index('W') }}",
    "{{ '-'.join(words) }} {{ words | join(', ') }} {{ rows | join('|', attribute='k') }} {{ [1, 2] | join }}",
    "{{ 'ab12'.isalnum() }} {{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ '  '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }}",
    "{{ nl.splitlines() }} {{ nl.splitlines(true) }} {{ 'a\r\nb'.splitlines() }}",
    "{{ '%s-%d' % ('a', 3) }}",
    "{{ '%s' | format('x') }} {{ '%s %d' | format('a', 3) }} {{ '%.2f|%05d' | format(2.345, 42) }}",
    "{{ '{} {}'.format('a', 1) }} {{ '{0}{x}'.format(1, x=2) }} {{ '{:>5}|{:.1f}'.format('a', 2.55) }}",
    "{{ 'abc'.center(9) }}|{{ 'abc' | center(9) }}|{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3) }}|{{ '7'.zfill(3) }}|",
    "{{ s.removeprefix('Hello') }} {{ s.removesuffix('World') }} {{ s.partition(', ') }} {{ s.rpartition('o') }}",
    "{{ u }} {{ u | length }} {{ u.upper() }} {{ u | e }} {{ u | escape }} {{ u | safe }}",
    "{{ u | urlencode }}",
    "{{ s | first }} {{ s | last }} {{ s | reverse }} {{ words | reverse | list }} {{ words | first }} {{ empty | first }}",
    "{{ 'x' | indent }} {{ nl | indent(2) }}|{{ nl | indent(2, true) }}|{{ nl | indent(width=2, blank=true) }}|{{ nl | indent('> ') }}",
    "{{ 'foo bar baz' | truncate(7) }} {{ 'foo bar baz' | truncate(7, true, '') }} {{ 'a b c' | wordcount }}",
    "{{ s | wordwrap(5) }}",
    "{{ '<b>x</b> y' | striptags }} {{ 'a' | capitalize }} {{ 'ABC' | lower }}",
    # Numbers.
    "{{ '12' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '0x1f' | int(base=16) }} {{ 2.9 | int }} {{ '2.9' | int }} {{ '3' | float }} {{ 'q' | float(1.5) }} {{ true | int }}",
    "{{ 2.345 | round(2) }} {{ 2.5 | round }} {{ 3.5 | round }} {{ 2.1 | round(0, 'ceil') }} {{ 2.9 | round(method='floor') }} {{ -3 | abs }} {{ 42.55 | round(1) }}",
    "{{ [1, 3, 2] | sum }} {{ [1, 3, 2] | max }} {{ [1, 3, 2] | min }} {{ rows | sum(attribute='v') }} {{ range(3) | list }} {{ range(5, 1, -2) | list }}",
    "{{ 1234567 | filesizeformat }}",
    # Lists and maps.
    "{{ words | sort }} {{ words | sort(reverse=true) }} {{ words | sort(case_sensitive=true) }} {{ rows | sort(attribute='v', reverse=true) | map(attribute='k') | list }}",
    "{{ rows | map(attribute='v') | list }} {{ words | map('upper') | list }} {{ rows | selectattr('k', 'equalto', 'x') | list | length }} {{ rows | rejectattr('v', 'gt', 1) | list }}",
    "{{ [1, 0, 2] | select | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ rows | selectattr('k') | map(attribute='k') | join }} {{ [1, 2, 3] | select('>', 1) | list }}",
    "{{ rows | groupby('k') | list | length }} {% for k, g in rows | groupby('k') %}{{ k }}={{ g | length }};{% endfor %}",
    "{{ words | unique | list }} {{ [1, 1, 2] | unique | list }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }}",
    "{{ d | dictsort }} {{ d | items | list }} {{ d | length }} {{ d | list }} {{ dict(a=1, b='x') }} {{ dict(d, z=1) | length }}",
    "{{ missing | default('x') }} {{ none | default('x') }} {{ none | default('x', true) }} {{ '' | d('y', true) }} {{ missing | length }}",
    "{{ words | count }} {{ s | list | length }} {{ 'ab' | list }} {{ d | first }} {{ words | last }}",
    "{{ ['a', ['b']] | tojson }} {{ (1, 2) | list + [3] }}",
    # tojson.
    "{{ d | tojson }} {{ u | tojson }} {{ nl | tojson }} {{ none | tojson }} {{ big | tojson }} {{ small | tojson }} {{ [] | tojson }} {{ {} | tojson }}",
    "{{ d | tojson(indent=2) }} {{ {} | tojson(indent=2) }} {{ [[], {}] | tojson(indent=4) }} {{ u | tojson(ensure_ascii=true) }} {{ d | tojson(sort_keys=true) }} {{ d | tojson(separators=(',', ':')) }}",
    "{{ (1, 'a') | tojson }} {{ {1: 2} | tojson }} {{ '\\u007f\\x01' | tojson }} {{ missing | tojson }}",
    # Tests.
    "{{ s is string }} {{ n is number }} {{ n is integer }} {{ f is float }} {{ t is boolean }} {{ d is mapping }} {{ words is sequence }} {{ words is iterable }} {{ s is iterable }} {{ none is none }} {{ missing is undefined }}",
    "{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ t is true }} {{ t is false }} {{ 1 is true }} {{ 'a' is in words }} {{ n is eq 7 }} {{ n is gt 3 }} {{ n is not none }} {{ s is lower }} {{ 'A' is upper }}",
    "{{ raise_exception is callable }}",
    "{{ d is sameas d }} {{ t is sameas true }} {{ 'x' is filter }} {{ 'upper' is filter }} {{ 'odd' is test }}",
    "{{ true is number }} {{ true is integer }} {{ 1.0 is integer }} {{ none is mapping }} {{ s is sequence }} {{ d is sequence }} {{ d is iterable }}",
    # Statements.
    "{% for w in words %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
    "{% for w in empty %}x{% else %}none{% endfor %}{% for w in words if w != 'a' %}{{ loop.index }}{{ w }}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}",
    "{% for w in words %}{% if w == 'a' %}{% continue %}{% endif %}{{ w }}{% if loop.index == 3 %}{% break %}{% endif %}{% endfor %}",
    "{% for r in rows recursive %}{{ r.k }}{% endfor %}{% for w in words %}{{ loop.cycle('x', 'y') }}{{ loop.changed(w) }}{% endfor %}",
    "{% set x = 1 %}{% for w in words %}{% set x = 2 %}{% endfor %}{{ x }}{% if t %}{% set x = 3 %}{% endif %}{{ x }}",
    "{% set ns = namespace(a=1, b=[]) %}{% for w in words %}{% set ns.a = ns.a + 1 %}{% set ns.b = ns.b + [w] %}{% endfor %}{{ ns.a }}{{ ns.b }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set x %}block{{ n }}{% endset %}{{ x }}{% set y | upper %}abc{% endset %}{{ y }}",
    "{% macro m(a, b='d', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2, c=3) }}{{ m('x', 'y', 'z') }}",
    "{% macro m(a) %}[{{ a }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ m('x', 'y', k=1) }}",
    "{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call m('a') %}body{% endcall %}{{ m.name }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m.arguments }}",
    "{% filter upper %}abc{{ n }}{% endfilter %}{% with z = 5 %}{{ z }}{% endwith %}{{ z }}",
    "{% if n > 5 and s %}a{% elif n %}b{% else %}c{% endif %}{% if missing %}x{% endif %}{% if not missing %}y{% endif %}",
    "  {% if t %}  \n  x  \n  {% endif %}\n  y\n{%- if t -%}  z  {%- endif %} w",
    "a\n{# comment #}\nb {#- c -#} d\n{% raw %}\n{{ x }}{% endraw %}\ne\n",
    "line\n    {%+ if t %}\nx\n    {% endif +%}\ny",
    "{{ '\n' }}{{ 'a\\nb' }}{{ \"q\\\"\" }}{{ 'é' }}{{ '\\u00e9' }}{{ '\\x41' }}\n",
    "{{ s }}\n",
    "{{ s -}}\n  x {{- n }}",
    "{{ raise_exception('stop here') }}",
    "{{ strftime_now('%d %B %Y %H:%M') }} {{ strftime_now('%Y-%m-%d') }}",
    "{{ undefined_function() }}",
    "{{ s | undefined_filter }}",
    "{% if %}",
    "{{ s.undefined_method() }}",
    "{% generation %}g{% endgeneration %}{%- generation -%} h {%- endgeneration -%}",
    "{{ lipsum is defined }}",
    "{{ cycler is defined }} {{ joiner is defined }} {{ range is defined }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{% set j = joiner(', ') %}{{ j() }}x{{ j() }}y",
]
