"""LangChain's ChatOpenAI."""

import unittest

from langchain_openai import ChatOpenAI

from quire_server import ServerCase


def GetWeather(city: str) -> str:
    """Weather of a city"""
    return f"Sunny in {city}"


class LangChainTest(ServerCase):
    def chat(self, **options):
        return ChatOpenAI(
            base_url=self.server.url + "/v1",
            api_key="none",
            model="small-chat",
            temperature=0,
            max_tokens=64,
            max_retries=0,
            **options,
        )

    def test_answers(self):
        for options in ({}, {"use_responses_api": True}):
            with self.subTest(options=options):
                answer = self.chat(**options).invoke("What is the capital of France?")
                self.assertIn("Paris", str(answer.content))
                self.assertGreater(answer.usage_metadata["input_tokens"], 0)

    def test_streams(self):
        chunks = list(self.chat().stream("What is the capital of France?"))
        self.assertIn("Paris", "".join(str(chunk.content) for chunk in chunks))

    def test_calls_a_tool(self):
        for options in ({}, {"use_responses_api": True}):
            with self.subTest(options=options):
                model = self.chat(**options).bind_tools([GetWeather])
                answer = model.invoke("What is the weather in Rome?")
                self.assertEqual([call["name"] for call in answer.tool_calls], ["GetWeather"])
                self.assertIsInstance(answer.tool_calls[0]["args"]["city"], str)


if __name__ == "__main__":
    unittest.main()
