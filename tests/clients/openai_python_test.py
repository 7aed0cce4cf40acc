"""The official openai package for Python, as its users call it."""

import json
import re
import unittest

import openai

from quire_server import ROOT, QuireServer, ServerCase

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "GetWeather",
            "description": "Weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


class OpenAiPythonTest(ServerCase):
    OPTIONS = (*ServerCase.OPTIONS, "--api-key", "secret")
    ENVIRONMENT = {"VLLM_ENABLE_RESPONSES_API_STORE": "1"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="secret", max_retries=0)
        cls.addClassCleanup(cls.client.close)

    def ask(self, **options):
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        defaults = {"model": "small-chat", "messages": messages, "temperature": 0}
        return self.client.chat.completions.create(**{**defaults, "max_tokens": 16, **options})

    def test_lists_models(self):
        models = list(self.client.models.list())
        self.assertEqual([model.id for model in models], ["small-chat"])
        self.assertEqual(self.client.models.retrieve("small-chat").id, "small-chat")

    def test_completes_a_text(self):
        answer = self.client.completions.create(
            model="small-chat", prompt="Once upon a time", max_tokens=8, temperature=0
        )
        self.assertTrue(answer.choices[0].text)
        self.assertEqual(answer.usage.completion_tokens, 8)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_answers_a_conversation(self):
        answer = self.ask()
        self.assertIn("Paris", answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertGreater(answer.usage.prompt_tokens, 0)

    def test_a_stream_tells_the_same(self):
        whole = self.ask().choices[0].message.content
        chunks = list(self.ask(stream=True, stream_options={"include_usage": True}))
        texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        self.assertEqual("".join(texts), whole)
        self.assertGreater(len(texts), 2)
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)

    def test_several_choices_with_a_seed(self):
        options = {"n": 3, "seed": 7, "temperature": 1.0, "max_tokens": 8}
        first, again = self.ask(**options), self.ask(**options)
        texts = [choice.message.content for choice in first.choices]
        self.assertEqual(len(texts), 3)
        self.assertEqual(texts, [choice.message.content for choice in again.choices])

    def test_reports_logprobs(self):
        content = self.ask(logprobs=True, top_logprobs=2).choices[0].logprobs.content
        self.assertGreater(len(content), 0)
        for token in content:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 2)
            self.assertEqual(bytes(token.bytes).decode(errors="replace"), token.token)

    def test_extra_fields_of_vllm(self):
        answer = self.ask(extra_body={"top_k": 1, "return_token_ids": True, "min_tokens": 2})
        self.assertGreaterEqual(len(answer.choices[0].token_ids), 2)

    def test_calls_a_tool_and_takes_its_result(self):
        question = {"role": "user", "content": "What is the weather in Rome?"}
        answer = self.ask(messages=[question], tools=TOOLS, max_tokens=64)
        calls = answer.choices[0].message.tool_calls
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls", answer)
        self.assertEqual(calls[0].function.name, "GetWeather")
        self.assertIsInstance(json.loads(calls[0].function.arguments)["city"], str)
        result = {"role": "tool", "tool_call_id": calls[0].id, "content": "Sunny, 24 degrees"}
        said = answer.choices[0].message.model_dump(exclude_none=True)
        messages = [question, said, result]
        final = self.ask(messages=messages, tools=TOOLS, tool_choice="none")
        self.assertTrue(final.choices[0].message.content)

    def test_streams_a_tool_call(self):
        question = {"role": "user", "content": "What is the weather in Rome?"}
        name, arguments = "", ""
        for chunk in self.ask(messages=[question], tools=TOOLS, max_tokens=64, stream=True):
            for call in chunk.choices[0].delta.tool_calls or []:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
        self.assertEqual(name, "GetWeather")
        self.assertIsInstance(json.loads(arguments)["city"], str)

    def test_errors_are_the_packages_own(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.ask(model="gpt-4")
        self.assertEqual(raised.exception.body["param"], "model")
        with self.assertRaises(openai.BadRequestError) as raised:
            self.ask(temperature=-1)
        self.assertEqual(raised.exception.body["param"], "temperature")
        stranger = openai.OpenAI(base_url=self.server.url + "/v1", api_key="wrong", max_retries=0)
        with stranger, self.assertRaises(openai.AuthenticationError):
            stranger.models.list()
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model="small-chat", input="Hi")

    def respond(self, **options):
        defaults = {"model": "small-chat", "input": "What is the capital of France?"}
        return self.client.responses.create(
            **{**defaults, "temperature": 0, "max_output_tokens": 16, **options}
        )

    def test_responds(self):
        response = self.respond(instructions="Answer in one word.", metadata={"run": "1"})
        self.assertIn("Paris", response.output_text)
        self.assertEqual(response.object, "response")
        self.assertEqual(response.metadata, {"run": "1"})
        self.assertGreater(response.usage.output_tokens, 0)

    def test_streams_a_response(self):
        with self.client.responses.stream(
            model="small-chat", input="What is the capital of France?", temperature=0
        ) as stream:
            events = list(stream)
            final = stream.get_final_response()
        self.assertEqual(events[0].type, "response.created")
        self.assertEqual(events[-1].type, "response.completed")
        numbers = [event.sequence_number for event in events]
        self.assertEqual(numbers, list(range(len(events))))
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        self.assertEqual("".join(deltas), final.output_text)

    def test_a_response_calls_a_tool(self):
        function = {"type": "function", **TOOLS[0]["function"]}
        question = {"role": "user", "content": "What is the weather in Rome?"}
        first = self.respond(input=[question], tools=[function], max_output_tokens=64)
        call = first.output[0]
        self.assertEqual((call.type, call.name), ("function_call", "GetWeather"))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
        second = self.respond(
            input=[question, call.model_dump(exclude_none=True), result],
            tools=[function],
            tool_choice="none",
        )
        self.assertTrue(second.output_text)

    def test_goes_on_with_a_kept_response(self):
        first = self.respond()
        self.assertEqual(self.client.responses.retrieve(first.id).output_text, first.output_text)
        second = self.respond(input="And of Italy?", previous_response_id=first.id)
        self.assertGreater(
            second.usage.input_tokens, first.usage.input_tokens + first.usage.output_tokens
        )


class QuickStartTest(ServerCase):
    def test_the_readmes_example_works_as_printed(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
        examples = [block for block in blocks if "from openai import OpenAI" in block]
        self.assertEqual(len(examples), 1)
        with QuireServer() as server:
            address = "http://localhost:8000"
            self.assertIn(address, examples[0])
            printed = []
            names = {"print": lambda *words, **_: printed.append(" ".join(map(str, words)))}
            exec(examples[0].replace(address, server.url), names)  # the example is ours
            names["client"].close()
        self.assertIn("Paris", "".join(printed))


if __name__ == "__main__":
    unittest.main()
