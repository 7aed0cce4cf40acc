"""The engine request by request: add_request, then step() until nothing is unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quire._quire import NativeEngine, RequestStream, SamplingParams
from quire.absent import AbsentOfLLMEngine
from quire.engine_args import EngineArgs, engine_options
from quire.engine_controls import EngineControls
from quire.fork_guard import guard
from quire.logits_processors import Processors
from quire.outputs import RequestOutput
from quire.refusals import (
    refuse_arrival_time,
    refuse_connector,
    refuse_lora,
    refuse_stat_loggers,
    refuse_tokenization_kwargs,
    refuse_trace_headers,
)
from quire.tokenizer import Tokenizer

# So long step() waits for an output before it lets signals through and waits on.
_PATIENCE = 0.05


class LLMEngine(EngineControls, AbsentOfLLMEngine):
    """Synchronous use of one engine. Keywords are engine options by vLLM's names, as for LLM.

    Requests that are added while it sleeps wait, and step() with them.
    """

    _bound_scheduler: str | None = None

    def __init__(
        self, model: str, *, logits_processors: Sequence[Any] | None = None, **kwargs: Any
    ):
        self._native = NativeEngine(engine_options(model, kwargs, self._bound_scheduler))
        self._processors = Processors(self._native, model, logits_processors)
        self._streams: dict[int, tuple[str, RequestStream]] = {}
        self._next_key = 0
        guard(self)

    @classmethod
    def from_engine_args(
        cls, engine_args: EngineArgs, usage_context: Any = None, stat_loggers: Any = None
    ) -> LLMEngine:
        """usage_context: for vLLM's usage reports, of which none are sent."""
        refuse_stat_loggers(stat_loggers)
        return cls(**engine_args.as_kwargs())

    def add_request(
        self,
        request_id: str,
        prompt: Any,
        params: SamplingParams,
        arrival_time: float | None = None,
        lora_request: Any = None,
        tokenization_kwargs: dict[str, Any] | None = None,
        trace_headers: Any = None,
        priority: int = 0,
    ) -> None:
        refuse_arrival_time(arrival_time)
        refuse_lora(lora_request)
        refuse_tokenization_kwargs(tokenization_kwargs)
        refuse_trace_headers(trace_headers)
        key = self._next_key
        self._next_key += 1
        stream = self._native.add_request(
            key, request_id, prompt, params, priority, self._processors
        )
        self._streams[key] = (request_id, stream)

    def step(self) -> list[RequestOutput]:
        """What came since the last step; waits for something if nothing has."""
        outputs: list[RequestOutput] = []
        while self._streams and not outputs:
            for key in self._native.wait_ready(_PATIENCE):
                outputs += self._take_outputs(key)
        return outputs

    def _take_outputs(self, key: int) -> list[RequestOutput]:
        """All that waits of one request."""
        outputs: list[RequestOutput] = []
        entry = self._streams.get(key)
        while entry is not None and (output := entry[1].try_next()) is not None:
            outputs.append(output)
            if output.finished:
                del self._streams[key]
                break
        return outputs

    def abort_request(self, request_id: str | list[str]) -> None:
        ids = {request_id} if isinstance(request_id, str) else set(request_id)
        for one in ids:
            self._native.abort(one)
        self._streams = {k: entry for k, entry in self._streams.items() if entry[0] not in ids}

    def has_unfinished_requests(self) -> bool:
        return bool(self._streams)

    def get_num_unfinished_requests(self) -> int:
        return len(self._streams)

    def get_tokenizer(self, lora_request: Any = None) -> Tokenizer:
        refuse_lora(lora_request)
        tokenizer = self._native.tokenizer()
        if tokenizer is None:
            raise ValueError("skip_tokenizer_init=True: this engine has no tokenizer.")
        return Tokenizer(tokenizer, self._native)

    def reset_prefix_cache(
        self, reset_running_requests: bool = False, reset_connector: bool = False
    ) -> bool:
        """As LLM.reset_prefix_cache."""
        refuse_connector(reset_connector)
        return self._native.reset_prefix_cache(reset_running_requests)
