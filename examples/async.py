"""Many requests in one event loop: each is an asynchronous iterator over its outputs."""

import asyncio

from vllm import SamplingParams
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

MODEL = "models/small-chat"


async def tell(engine: AsyncLLM, name: str, prompt: str) -> None:
    """Prints the text as it comes; each output holds only what is new."""
    params = SamplingParams(temperature=0, max_tokens=24, output_kind=RequestOutputKind.DELTA)
    async for output in engine.generate(prompt, params, request_id=name):
        for completion in output.outputs:
            print(f"{name}: {completion.text!r}")


async def first_words(engine: AsyncLLM) -> None:
    """Leaving the loop early ends the request, and its room in the batch is free again."""
    params = SamplingParams(max_tokens=1000, ignore_eos=True)
    async for output in engine.generate("Once upon a time", params, request_id="early"):
        if len(output.outputs[0].token_ids) >= 5:
            print(f"early: heard enough: {output.outputs[0].text!r}")
            break


async def main() -> None:
    engine = AsyncLLM(model=MODEL)
    try:
        await asyncio.gather(
            tell(engine, "a", "Once upon a time"),
            tell(engine, "b", "The little dog"),
            first_words(engine),
        )
    finally:
        engine.shutdown()


asyncio.run(main())
