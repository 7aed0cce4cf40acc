"""The official anthropic package for Python."""

import unittest

import anthropic

from quire_server import ServerCase

TOOL = {
    "name": "GetWeather",
    "description": "Weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


class AnthropicTest(ServerCase):
    OPTIONS = (*ServerCase.OPTIONS, "--api-key", "secret")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = anthropic.Anthropic(base_url=cls.server.url, api_key="secret", max_retries=0)
        cls.addClassCleanup(cls.client.close)

    def options(self, question="What is the capital of France?", **more):
        messages = [{"role": "user", "content": question}]
        return {"model": "small-chat", "max_tokens": 32, "messages": messages, **more}

    def test_answers(self):
        message = self.client.messages.create(**self.options(extra_body={"top_k": 1}))
        self.assertIn("Paris", message.content[0].text)
        self.assertIn(message.stop_reason, ("end_turn", "max_tokens"))
        self.assertGreater(message.usage.input_tokens, 0)
        self.assertGreater(message.usage.output_tokens, 0)

    def test_a_stream_tells_the_same(self):
        whole = self.client.messages.create(**self.options(extra_body={"top_k": 1})).content[0].text
        with self.client.messages.stream(**self.options(extra_body={"top_k": 1})) as stream:
            pieces = list(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual("".join(pieces), whole)
        self.assertEqual(final.content[0].text, whole)
        self.assertGreater(len(pieces), 1)
        self.assertGreater(final.usage.output_tokens, 0)

    def test_calls_a_tool_and_takes_its_result(self):
        options = self.options(
            "What is the weather in Rome?", tools=[TOOL], extra_body={"top_k": 1}
        )
        options["max_tokens"] = 64
        message = self.client.messages.create(**options)
        self.assertEqual(message.stop_reason, "tool_use", message)
        call = message.content[-1]
        self.assertEqual(call.name, "GetWeather")
        self.assertIsInstance(call.input["city"], str)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}
        options["messages"] += [
            {"role": "assistant", "content": [block.model_dump() for block in message.content]},
            {"role": "user", "content": [result]},
        ]
        options["tool_choice"] = {"type": "none"}
        self.assertTrue(self.client.messages.create(**options).content[0].text)

    def test_streams_a_tool_call(self):
        options = self.options(
            "What is the weather in Rome?", tools=[TOOL], extra_body={"top_k": 1}
        )
        options["max_tokens"] = 64
        with self.client.messages.stream(**options) as stream:
            final = stream.get_final_message()
        self.assertIsInstance(final.content[-1].input["city"], str)

    def test_counts_tokens(self):
        options = self.options()
        del options["max_tokens"]
        short = self.client.messages.count_tokens(**options).input_tokens
        long = self.client.messages.count_tokens(**options, system="Be brief.").input_tokens
        self.assertGreater(long, short)

    def test_errors_are_the_packages_own(self):
        with self.assertRaises(anthropic.NotFoundError) as raised:
            self.client.messages.create(**{**self.options(), "model": "claude"})
        self.assertEqual(raised.exception.body["error"]["type"], "not_found_error")
        with self.assertRaises(anthropic.BadRequestError):
            self.client.messages.create(**self.options(extra_body={"top_k": -3}))
        stranger = anthropic.Anthropic(base_url=self.server.url, api_key="wrong", max_retries=0)
        with stranger, self.assertRaises(anthropic.AuthenticationError) as raised:
            stranger.messages.create(**self.options())
        self.assertEqual(raised.exception.body["error"]["type"], "authentication_error")

    def test_errors_of_paths_and_methods_have_their_shape_too(self):
        with self.assertRaises(anthropic.NotFoundError) as raised:
            self.client.messages.batches.list()
        self.assertEqual(raised.exception.body["error"]["type"], "not_found_error")
        with self.assertRaises(anthropic.APIStatusError) as raised:
            self.client.put("/v1/messages", cast_to=object, body={})
        self.assertEqual(raised.exception.status_code, 405)
        self.assertEqual(raised.exception.body["error"]["type"], "invalid_request_error")


if __name__ == "__main__":
    unittest.main()
