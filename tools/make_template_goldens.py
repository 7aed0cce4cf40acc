#!/usr/bin/env python3
"""Writes tests/data/text/templates.jsonl: what Jinja2 3.1.6, set up as Hugging Face's
apply_chat_template does, makes of real chat templates and of single expressions.

    pip install jinja2==3.1.6
    tools/make_template_goldens.py DATA    # DATA/templates/… as unpacked from the data folder

First line: the contexts by name. Then one line per template: its name, its source ("template", or
"file" below DATA where the licence lets us keep only the result), and its result per context: the
text, or null where Jinja2 raises. A line with a context of its own has "context" and "result".
"""

import argparse
import datetime
import importlib.metadata
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

import template_cases

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/text/templates.jsonl"
NOW = 1_721_988_000  # seconds since the epoch, shown as UTC
KEPT_AS_RESULTS_ONLY = ("onnxext/gemma", "onnxext/gpt-oss", "onnxext/phi", "onnxext/smollm3")


class Generation(Extension):
    """{% generation %}: in training it marks the assistant's text, here it is a plain block."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_text")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    @staticmethod
    def _text(caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def strftime_now(form):
    return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(form)


def make_environment():
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = strftime_now
    return environment


def render(environment, source, context):
    """The text, or None if Jinja2 does not compile or render the template."""
    try:
        return str(environment.from_string(source).render(**context))
    except Exception:  # whatever Python raises inside a template
        return None


def jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def template_files(folder):
    """Yields {name, source, file}: each distinct source once."""
    seen = set()
    for path in sorted(folder.rglob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        if source not in seen:
            seen.add(source)
            yield {"name": str(path.relative_to(folder)), "template": source}
    gemma = folder / "onnxext/gemma-3.chat_template.json"
    source = json.loads(gemma.read_text(encoding="utf-8"))["chat_template"]
    yield {"name": "onnxext/gemma-3.chat_template.json", "template": source}
    for entry in jsonl(folder / "hf-jinja/gguf_chat_templates_by_model.jsonl"):
        if entry["gguf"] not in seen:
            seen.add(entry["gguf"])
            yield {"name": "gguf/" + entry["model"], "template": entry["gguf"]}


def cases_with_contexts(environment, folder):
    for entry in jsonl(folder / "hf-jinja/chat_templates_e2e.jsonl"):
        yield "e2e/" + entry["name"], entry["chat_template"], entry["data"], entry
    for entry in jsonl(folder / "hf-jinja/jinja_unit_cases.jsonl"):
        context = entry["context"]
        context = context if isinstance(context, dict) else json.loads(context)
        yield "unit/" + entry["name"], entry["template"], context, entry
    for source in template_cases.EXPRESSIONS:
        yield "expression", source, template_cases.VALUES, {}


def lines(data):
    environment = make_environment()
    yield {"contexts": template_cases.CONTEXTS, "now": NOW}
    for case in template_files(data / "templates"):
        results = {
            name: render(environment, case["template"], context)
            for name, context in template_cases.CONTEXTS.items()
        }
        if case["name"].startswith(KEPT_AS_RESULTS_ONLY):
            yield {"name": case["name"], "file": "templates/" + case["name"], "results": results}
        else:
            yield case | {"results": results}
    for name, source, context, entry in cases_with_contexts(environment, data / "templates"):
        result = render(environment, source, context)
        if entry.get("python_jinja2") not in (None, result):
            raise SystemExit(f"{name}: this Jinja2 differs from the data's")
        yield {"name": name, "template": source, "context": context, "result": result}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=pathlib.Path)
    arguments = parser.parse_args()
    version = importlib.metadata.version("jinja2")
    if version != "3.1.6":
        raise SystemExit(f"jinja2 {version} is installed; the goldens are made with 3.1.6")
    with OUT.open("w", encoding="utf-8") as out:
        for line in lines(arguments.data):
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
