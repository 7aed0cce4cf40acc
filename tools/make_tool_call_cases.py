#!/usr/bin/env python3
"""Writes tests/data/server/rendered_tool_calls.jsonl: tool calls as the models' own templates write them.

usage: make_tool_call_cases.py TEMPLATES > tests/data/server/rendered_tool_calls.jsonl

TEMPLATES is the folder of chat templates (vllm/, llama.cpp/, ...). Each is rendered twice: up to the turn
of the assistant, and with a turn that makes calls; what the second adds, up to the end of the turn, is what
a model would say. One case per line:

  template    file, or small-chat
  parser      tool_call_parser that must understand it
  tools       the request's tools
  text        what the model says
  content     of the message but for white space around it, null if it has none
  calls       [[name, arguments as json.dumps with ensure_ascii=False writes them], ...]
"""

import json
import os
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

ENDS = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eot|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
]
# Where a template writes more before what the model says than it has in the prompt.
BEGINS = ["[/INST]", "</think>"]
SMALL_CHAT = "small-chat"

# template, parser, what the template can write
TEMPLATES = [
    (SMALL_CHAT, "hermes", "all"),
    ("vllm/tool_chat_template_hermes.jinja", "hermes", "calls"),
    ("llama.cpp/Qwen-Qwen2.5-7B-Instruct.jinja", "hermes", "all"),
    ("llama.cpp/Qwen-Qwen3-0.6B.jinja", "hermes", "all"),
    ("vllm/tool_chat_template_llama3.1_json.jinja", "llama3_json", "one"),
    ("vllm/tool_chat_template_llama3.2_json.jinja", "llama3_json", "one"),
    ("vllm/tool_chat_template_llama4_json.jinja", "llama4_json", "one"),
    ("vllm/tool_chat_template_gemma3_pythonic.jinja", "pythonic", "one argument"),
    ("vllm/tool_chat_template_llama3.2_pythonic.jinja", "pythonic", "literals"),
    ("vllm/tool_chat_template_llama4_pythonic.jinja", "llama4_pythonic", "strings"),
    ("vllm/tool_chat_template_mistral.jinja", "mistral", "calls"),
    ("vllm/tool_chat_template_mistral_parallel.jinja", "mistral", "calls"),
    ("vllm/tool_chat_template_mistral3.jinja", "mistral", "calls"),
    ("mistral-common/v11.jinja", "mistral", "calls"),
    ("mistral-common/v13.jinja", "mistral", "calls"),
    ("vllm/tool_chat_template_qwen3coder.jinja", "qwen3_coder", "all"),
    ("minja/Qwen-Qwen3-Coder-30B-A3B-Instruct.jinja", "qwen3_xml", "all"),
    ("vllm/tool_chat_template_deepseekv3.jinja", "deepseek_v3", "all"),
    ("vllm/tool_chat_template_deepseekr1.jinja", "deepseek_v3", "all"),
    ("vllm/tool_chat_template_deepseekv31.jinja", "deepseek_v31", "all"),
    ("vllm/tool_chat_template_granite.jinja", "granite", "calls"),
    ("vllm/tool_chat_template_granite_20b_fc.jinja", "granite-20b-fc", "calls"),
]

PROPERTIES = {
    "city": {"type": "string", "description": "A city"},
    "days": {"type": "integer", "description": "How many"},
    "limit": {"type": "number", "description": "How much"},
    "metric": {"type": "boolean", "description": "Units"},
    "tags": {"type": "array", "description": "Tags"},
    "filter": {"type": "object", "description": "Filter"},
    "note": {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "type": ["string", "null"],
        "description": "Note",
    },
}


def tools_for(parser):
    # Some templates cannot show arrays and lists of types.
    names = list(PROPERTIES) if parser.startswith("qwen3") else ["city", "days"]
    return [
        {
            "type": "function",
            "function": {
                "name": tool,
                "description": f"The tool {tool}.",
                "parameters": {
                    "type": "object",
                    "properties": {name: PROPERTIES[name] for name in names},
                    "required": [],
                },
            },
        }
        for tool in ("get_weather", "now", "run_code")
    ]


SIMPLE = ("get_weather", {"city": "Paris"})
TYPED = (
    "get_weather",
    {
        "city": "Zürich",
        "days": 3,
        "limit": -2.5,
        "metric": True,
        "tags": ["a", "b c", 7],
        "filter": {"deep": {"er": [None, False, 1e-05]}, "empty": {}},
        "note": None,
    },
)
CODE = (
    "run_code",
    {"city": "if x < 3 && y > \"2\":\n\tprint('\\d {}')\n\n</tool_call> ]}\u2028", "days": 0},
)
TEXTS = ("run_code", {"city": "São Paulo, 'the' city [x] {y}", "note": "two words"})
EMPTY = ("now", {})
ALL = [[SIMPLE], [TYPED], [CODE], [EMPTY], [SIMPLE, EMPTY, TYPED], [CODE, CODE]]
CALLS = {
    "all": ALL,
    "calls": ALL,
    "one": [calls for calls in ALL if len(calls) == 1],
    "one argument": [[SIMPLE], [EMPTY], [SIMPLE, EMPTY]],
    "strings": [[SIMPLE], [TEXTS], [EMPTY], [SIMPLE, TEXTS]],
    "literals": ALL,
}


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, ensure_ascii=False, indent=indent
    )

    def raise_exception(message):
        raise jinja2.TemplateError(message)

    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: "21 Nov 2026"
    return env


def source(folder, name):
    if name == SMALL_CHAT:
        config = pathlib.Path(__file__).parent.parent / "models/small-chat/tokenizer_config.json"
        return json.loads(config.read_text())["chat_template"]
    return (folder / name).read_text(encoding="utf-8")


def says(template, tools, content, calls, is_literal):
    """What the assistant's turn adds to the prompt."""
    user = {"role": "user", "content": "Do it."}
    names = {"tools": tools, "bos_token": "<s>", "eos_token": "</s>"}
    turn = {
        "role": "assistant",
        "content": content,
        "tool_calls": [
            {
                "id": f"call{i:05}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": {k: repr(v) if is_literal else v for k, v in arguments.items()},
                },
            }
            for i, (name, arguments) in enumerate(calls)
        ],
    }
    prompt = template.render(messages=[user], add_generation_prompt=True, **names)
    full = template.render(messages=[user, turn], add_generation_prompt=False, **names)
    text = full[len(os.path.commonprefix([prompt, full])) :]
    for begin in BEGINS:
        text = text[text.find(begin) + len(begin) :] if begin in text else text
    return text[: min(text.find(end) for end in ENDS if end in text)]


def main():
    folder = pathlib.Path(sys.argv[1])
    env = environment()
    for name, parser, can_write in TEMPLATES:
        template = env.from_string(source(folder, name))
        tools = tools_for(parser)
        contents = ["", "Let me see."] if can_write == "all" else [""]
        for calls in CALLS[can_write]:
            for content in contents:
                text = says(template, tools, content, calls, can_write == "literals")
                print(
                    json.dumps(
                        {
                            "template": name,
                            "parser": parser,
                            "tools": tools,
                            "text": text,
                            "content": content or None,
                            "calls": [[n, json.dumps(a, ensure_ascii=False)] for n, a in calls],
                        },
                        ensure_ascii=False,
                    )
                )


main()
