"""The engine for asyncio: each request is an asynchronous iterator over its outputs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NoReturn

from quire._quire import NativeEngine, RequestStream, SamplingParams
from quire.absent import AbsentOfAsyncLLM
from quire.engine_args import NO_PROFILER, EngineArgs, engine_options
from quire.fork_guard import guard
from quire.logits_processors import Processors
from quire.outputs import RequestOutput
from quire.refusals import (
    refuse_connector,
    refuse_data_parallel_rank,
    refuse_lora,
    refuse_stat_loggers,
    refuse_tags,
    refuse_tokenization_kwargs,
    refuse_trace_headers,
)
from quire.tokenizer import Tokenizer

_DRAIN_INTERVAL = 0.01


class AsyncLLM(AbsentOfAsyncLLM):
    """Serves requests of one event loop, which is the one that runs when the first is added.

    Keywords are engine options by vLLM's names, as for LLM.
    """

    _bound_scheduler: str | None = "v1"

    def __init__(
        self, model: str, *, logits_processors: Sequence[Any] | None = None, **kwargs: Any
    ):
        self._native = NativeEngine(engine_options(model, kwargs, self._bound_scheduler))
        self._processors = Processors(self._native, model, logits_processors)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[int, asyncio.Future[None]] = {}
        self._streams: dict[int, RequestStream] = {}
        self._next_key = 0
        self._was_shut_down = False
        guard(self)

    @classmethod
    def from_engine_args(
        cls,
        engine_args: EngineArgs,
        start_engine_loop: bool = True,
        usage_context: Any = None,
        stat_loggers: Any = None,
    ) -> AsyncLLM:
        """usage_context: for vLLM's usage reports, of which none are sent."""
        refuse_stat_loggers(stat_loggers)
        if not start_engine_loop:
            raise ValueError("start_engine_loop: an engine runs once it is made: leave it out.")
        return cls(**engine_args.as_kwargs())

    async def generate(
        self,
        prompt: Any,
        sampling_params: SamplingParams | None,
        request_id: str,
        *,
        lora_request: Any = None,
        priority: int = 0,
        trace_headers: Any = None,
        data_parallel_rank: int | None = None,
        tokenization_kwargs: dict[str, Any] | None = None,
    ) -> AsyncGenerator[RequestOutput, None]:
        """Yields the request's outputs as they come; leaving the loop early aborts it."""
        params = self.get_default_sampling_params() if sampling_params is None else sampling_params
        refuse_lora(lora_request)
        refuse_trace_headers(trace_headers)
        refuse_data_parallel_rank(data_parallel_rank)
        refuse_tokenization_kwargs(tokenization_kwargs)
        loop = self._watch_loop()
        key = self._next_key
        self._next_key += 1
        stream = self._native.add_request(
            key, request_id, prompt, params, priority, self._processors
        )
        self._streams[key] = stream
        try:
            while True:
                output = stream.try_next()
                if output is None:  # wait until the output thread has something new
                    waiter = self._waiters[key] = loop.create_future()
                    await waiter
                    continue
                yield output
                if output.finished:
                    return
        finally:
            self._waiters.pop(key, None)
            del self._streams[key], stream  # a request that nobody reads any more is aborted

    def _watch_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return loop
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._native.ready_fd())
        self._loop = loop
        loop.add_reader(self._native.ready_fd(), self._wake_ready)
        return loop

    def _wake_ready(self) -> None:
        for key in self._native.take_ready():
            waiter = self._waiters.pop(key, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    async def abort(self, request_id: str | list[str]) -> None:
        for one in [request_id] if isinstance(request_id, str) else request_id:
            self._native.abort(one)

    async def pause_generation(self, mode: str = "abort", clear_cache: bool = True) -> None:
        await asyncio.to_thread(self._native.pause, mode, clear_cache)

    async def resume_generation(self) -> None:
        await asyncio.to_thread(self._native.resume)

    async def is_paused(self) -> bool:
        return self._native.is_paused()

    async def reset_prefix_cache(
        self, reset_running_requests: bool = False, reset_connector: bool = False
    ) -> bool:
        refuse_connector(reset_connector)
        return await asyncio.to_thread(self._native.reset_prefix_cache, reset_running_requests)

    async def get_tokenizer(self, lora_request: Any = None) -> Tokenizer:
        refuse_lora(lora_request)
        tokenizer = self._native.tokenizer()
        if tokenizer is None:
            raise ValueError("skip_tokenizer_init=True: this engine has no tokenizer.")
        return Tokenizer(tokenizer, self._native)

    async def sleep(self, level: int = 1, mode: str = "abort") -> None:
        """As LLM.sleep; requests that are added meanwhile wait."""
        await asyncio.to_thread(self._native.sleep, level, mode)

    async def wake_up(self, tags: list[str] | None = None) -> None:
        refuse_tags(tags)
        await asyncio.to_thread(self._native.wake_up)

    async def is_sleeping(self) -> bool:
        return self._native.is_sleeping()

    async def reset_mm_cache(self) -> None:
        """Forgets images and the like, of which there are none."""

    async def do_log_stats(self) -> None:
        """Does nothing: the engine logs its statistics by itself, every VLLM_LOG_STATS_INTERVAL."""

    async def wait_for_requests_to_drain(self, drain_timeout: int = 300) -> None:
        """Until no request is unfinished. TimeoutError after drain_timeout seconds."""

        async def drain() -> None:
            while self._native.num_unfinished_requests() > 0:
                await asyncio.sleep(_DRAIN_INTERVAL)

        try:
            await asyncio.wait_for(drain(), drain_timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"Requests still run after {drain_timeout} seconds.") from None

    async def start_profile(self, *_: Any) -> NoReturn:
        raise NotImplementedError(NO_PROFILER)

    async def stop_profile(self) -> NoReturn:
        raise NotImplementedError(NO_PROFILER)

    def get_default_sampling_params(self) -> SamplingParams:
        return self._native.default_sampling_params()

    async def check_health(self) -> None:
        """RuntimeError with the reason once the engine has died or was shut down."""
        if self.errored:
            raise self.dead_error

    @property
    def is_running(self) -> bool:
        return not self.errored

    @property
    def is_stopped(self) -> bool:
        return self.errored

    @property
    def errored(self) -> bool:
        return self._was_shut_down or self._native.dead_reason() is not None

    @property
    def dead_error(self) -> RuntimeError:
        state = "The engine was shut down." if self._was_shut_down else "The engine is alive."
        return RuntimeError(self._native.dead_reason() or state)

    def shutdown(self) -> None:
        """Ends the engine, and what runs with finish reason "abort"."""
        self._was_shut_down = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._native.ready_fd())
            self._loop = None
        self._native.shutdown()
