#!/usr/bin/env python3
"""Writes tests/data/server/vllm_parser_cases.jsonl: vLLM's literal cases for tool and reasoning parsers.

usage: make_parser_cases.py CASES > tests/data/server/vllm_parser_cases.jsonl

CASES is conformance/vllm_parsers/vllm_parser_cases.jsonl: literals of vLLM's tests (Apache-2.0), one
module-level value or parametrised test per line. Kept are those of the formats that quire has, flattened
to one case per line:

  source             file, test and id in vLLM
  tool_call_parser   or reasoning_parser
  deltas             pieces of text, pushed one after the other
  streaming          vLLM's expectation holds for pieces, for one text, or (absent) for both
  calls              [[name, arguments as JSON text], ...]
  values             what the first call's arguments must hold, where vLLM looks at single values
  names              [name, ...], where vLLM compares names only
  content, reasoning expected, where present; null and "" are the same
  last_delta         content and reasoning are expected of the last piece alone
"""

import json
import sys

TOOL_FILES = {
    "granite_20b_fc": "granite-20b-fc",
    "granite": "granite",
    "internlm2": "internlm",
    "longcat": "longcat",
    "mistral": "mistral",
    "olmo3": "olmo3",
    "phi4mini": "phi4_mini_json",
    "pythonic": "pythonic",
    "qwen3xml": "qwen3_xml",
}
REASONING_FILES = {
    "deepseekr1": "deepseek_r1",
    "granite": "granite",
    "mistral": "mistral",
    "qwen3": "qwen3",
}


def text_cases(case, file, test):
    """A parametrised test of whole messages, or its module-level value."""
    expected = case.get("param_dict", case)
    if "output" in expected:
        out = {
            "deltas": [expected["output"]],
            "reasoning": expected["reasoning"],
            "content": expected["content"],
        }
        if "streaming" in case:
            out["streaming"] = case["streaming"]
        elif test.endswith("_STREAMING") or test.endswith("_STREAM"):
            out["streaming"] = True
        yield out
    elif "previous_text" in expected:
        deltas = [expected["previous_text"] or "", expected["delta_text"]]
        if "".join(deltas) != expected["current_text"]:  # the case has the two exchanged
            deltas = [expected["previous_text"], expected["current_text"]]
        yield {
            "deltas": deltas,
            "last_delta": True,
            "streaming": True,
            "reasoning": expected["reasoning"],
            "content": expected["content"],
        }
    elif "deltas" in expected:
        yield {
            "deltas": expected["deltas"],
            "reasoning": expected["expected_reasoning"],
            "content": expected["expected_content"],
        }
    elif "model_output" in expected and "expected_tool_calls" in expected:
        calls = [call.get("function", call) for call in expected["expected_tool_calls"]]
        out = {
            "deltas": [expected["model_output"]],
            "calls": [[c["name"], c["arguments"]] for c in calls],
        }
        if "expected_content" in expected:
            out["content"] = expected["expected_content"]
        if "streaming" in expected:
            out["streaming"] = expected["streaming"]
        yield out
    elif (
        "model_output" in expected
        or test == "test_extract_tool_calls_streaming_exception_returns_none"
    ):
        yield {"deltas": [expected.get("model_output", expected.get("current_text"))]}


DATA_TYPES = {
    "string_field": "hello",
    "int_field": 42,
    "float_field": 3.14,
    "bool_field": True,
    "null_field": None,
    "array_field": ["a", "b", "c"],
    "object_field": {"nested": "value"},
}


def config_cases(value):
    """The fields of a ToolParserTestConfig, by the rules of the tests that read it."""
    yield (
        "no_tool_calls",
        {
            "deltas": [value["no_tool_calls_output"]],
            "calls": [],
            "content": value["no_tool_calls_output"],
        },
    )
    yield (
        "single_tool_call",
        {
            "deltas": [value["single_tool_call_output"]],
            "names": [value["single_tool_call_expected_name"]],
            "values": value["single_tool_call_expected_args"],
        },
    )
    yield (
        "parallel_tool_calls",
        {
            "deltas": [value["parallel_tool_calls_output"]],
            "names": value["parallel_tool_calls_names"],
        },
    )
    various = {"deltas": [value["various_data_types_output"]], "names": ["test_function"]}
    if value.get("supports_typed_arguments", True):
        various["values"] = DATA_TYPES
    yield "various_data_types", various
    yield (
        "empty_arguments",
        {"deltas": [value["empty_arguments_output"]], "calls": [["refresh", "{}"]]},
    )
    yield (
        "surrounding_text",
        {"deltas": [value["surrounding_text_output"]], "names": ["get_weather"]},
    )
    yield (
        "escaped_strings",
        {
            "deltas": [value["escaped_strings_output"]],
            "names": ["test_function"],
            "values": {"quoted": 'He said "hello"'},
        },
    )
    for text in value["malformed_input_outputs"]:
        yield "malformed_input", {"deltas": [text]}


def main():
    for line in open(sys.argv[1], encoding="utf-8"):
        record = json.loads(line)
        file = record["file"].rsplit("/", 1)[1].removeprefix("test_").removesuffix(".py")
        is_tool = file.endswith("_tool_parser")
        stem = file.removesuffix("_tool_parser").removesuffix("_reasoning_parser")
        parser = (TOOL_FILES if is_tool else REASONING_FILES).get(stem)
        if parser is None:
            continue
        test = record.get("test", record.get("name"))
        if record["kind"] == "parser_config":
            cases = config_cases(record["value"])
        elif record["kind"] == "module_case":
            cases = ((test, case) for case in text_cases(record["value"], file, test))
        else:
            cases = (
                (f"{test} {raw.get('id')}", case)
                for raw in record["cases"]
                for case in text_cases(raw, file, test)
            )
        for name, case in cases:
            print(
                json.dumps(
                    {
                        "source": f"{file}: {name}",
                        "tool_call_parser" if is_tool else "reasoning_parser": parser,
                        **case,
                    },
                    ensure_ascii=False,
                )
            )


main()
