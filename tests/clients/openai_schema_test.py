"""Real answers, validated against OpenAI's own description of its API.

The description is not part of the repository: it lies in QUIRE_TEST_DATA, under conformance or in
conformance.tar.xz.
"""

import json
import os
import pathlib
import tarfile
import unittest
import urllib.request

import jsonschema
import yaml

from quire_server import ServerCase

DESCRIPTION = "conformance/openai-openapi/openapi.yaml"
QUESTION = [{"role": "user", "content": "What is the weather in Rome?"}]
FUNCTION = {"name": "GetWeather", "parameters": {"type": "object", "properties": {}}}


def allow_null(schema):
    """Turns `nullable`, a word of OpenAPI 3.0, into what JSON schema says for it."""
    if isinstance(schema, list):
        return [allow_null(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {name: allow_null(value) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [turned, {"type": "null"}]}
    return turned


def read_description():
    """The text of it; None where there is none."""
    folder = pathlib.Path(os.environ.get("QUIRE_TEST_DATA", "") or "no such folder")
    if (folder / DESCRIPTION).exists():
        return (folder / DESCRIPTION).read_text(encoding="utf-8")
    archive = folder / "conformance.tar.xz"
    if not archive.exists():
        return None
    with tarfile.open(archive) as files:
        return files.extractfile(DESCRIPTION).read().decode()


TEXT = read_description()


@unittest.skipUnless(TEXT, "needs QUIRE_TEST_DATA/conformance")
class OpenAiSchemaTest(ServerCase):
    @classmethod
    def setUpClass(cls):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        cls.description = allow_null(yaml.load(TEXT, loader))
        super().setUpClass()

    def ask(self, path, **body):
        request = urllib.request.Request(
            self.server.url + path,
            data=json.dumps({"model": "small-chat", **body}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def events(self, path, **body):
        for line in self.ask(path, **body, stream=True).splitlines():
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line.removeprefix("data: "))

    def check(self, schema, value):
        """Fails with the place where `value` is not what the schema of that name says."""
        reference = {"$ref": f"#/components/schemas/{schema}"}
        components = {"components": self.description["components"]}
        validator = jsonschema.Draft202012Validator({**reference, **components})
        problems = [
            f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)
        ]
        self.assertEqual(problems, [], json.dumps(value)[:2000])

    def test_chat_completions(self):
        for more in ({}, {"logprobs": True, "top_logprobs": 2}, {"n": 2}):
            with self.subTest(more=more):
                answer = self.ask("/v1/chat/completions", messages=QUESTION, max_tokens=16, **more)
                self.check("CreateChatCompletionResponse", json.loads(answer))

    def test_chunks_of_chat_completions(self):
        chunks = list(self.events("/v1/chat/completions", messages=QUESTION, max_tokens=16))
        self.assertGreater(len(chunks), 3)
        for chunk in chunks:
            self.check("CreateChatCompletionStreamResponse", chunk)

    def test_tool_calls(self):
        tools = [{"type": "function", "function": FUNCTION}]
        options = {"messages": QUESTION, "tools": tools, "temperature": 0}
        answer = json.loads(self.ask("/v1/chat/completions", **options))
        self.assertEqual(answer["choices"][0]["finish_reason"], "tool_calls")
        self.check("CreateChatCompletionResponse", answer)
        for chunk in self.events("/v1/chat/completions", **options):
            self.check("CreateChatCompletionStreamResponse", chunk)

    def test_completions(self):
        answer = self.ask("/v1/completions", prompt="Once upon", max_tokens=8, logprobs=2)
        self.check("CreateCompletionResponse", json.loads(answer))

    def test_models(self):
        status, answer = self.server.get("/v1/models")
        self.assertEqual(status, 200)
        self.check("ListModelsResponse", json.loads(answer))

    def test_responses(self):
        include = ["message.output_text.logprobs"]
        answer = self.ask("/v1/responses", input="Hi", max_output_tokens=16, include=include)
        self.check("Response", json.loads(answer))

    def test_function_calls_of_responses(self):
        tools = [{"type": "function", **FUNCTION, "strict": False}]
        options = {"input": QUESTION, "tools": tools, "temperature": 0}
        answer = json.loads(self.ask("/v1/responses", **options))
        self.assertEqual(answer["output"][0]["type"], "function_call")
        self.check("Response", answer)
        for event in self.events("/v1/responses", **options):
            self.check("ResponseStreamEvent", event)

    def test_events_of_responses(self):
        events = list(self.events("/v1/responses", input="Hi", max_output_tokens=16))
        self.assertGreater(len(events), 6)
        for event in events:
            self.check("ResponseStreamEvent", event)

    def test_errors(self):
        with self.assertRaises(urllib.error.HTTPError) as raised:
            self.ask("/v1/chat/completions", messages=[])
        error = json.loads(raised.exception.read())
        # OpenAI's code is a text or null; vLLM's, which clients of vLLM know, is the status.
        error["error"]["code"] = str(error["error"]["code"])
        self.check("ErrorResponse", error)


if __name__ == "__main__":
    unittest.main()
