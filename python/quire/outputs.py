"""What generate() returns. The fields and their order are vLLM's."""

from __future__ import annotations

from typing import Any


class Logprob:
    """A candidate token at one position.

    logprob: of the token. rank: 1 is the likeliest; None where it was not counted.
    decoded_token: its text.
    """

    __slots__ = ("logprob", "rank", "decoded_token")
    __hash__ = None  # it can be changed

    def __init__(self, logprob: float, rank: int | None = None, decoded_token: str | None = None):
        self.logprob = logprob
        self.rank = rank
        self.decoded_token = decoded_token

    def __repr__(self) -> str:
        return (
            f"Logprob(logprob={self.logprob}, rank={self.rank}, "
            f"decoded_token={self.decoded_token!r})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Logprob) and (
            (self.logprob, self.rank, self.decoded_token)
            == (other.logprob, other.rank, other.decoded_token)
        )


class RequestMetrics:
    """When things happened to a request, in seconds since the epoch; None: it did not happen."""

    __slots__ = (
        "arrival_time",
        "first_scheduled_time",
        "first_token_time",
        "finished_time",
        "num_preemptions",
    )

    def __init__(
        self,
        arrival_time: float,
        first_scheduled_time: float | None,
        first_token_time: float | None,
        finished_time: float | None,
        num_preemptions: int,
    ):
        self.arrival_time = arrival_time
        self.first_scheduled_time = first_scheduled_time
        self.first_token_time = first_token_time
        self.finished_time = finished_time
        self.num_preemptions = num_preemptions

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"RequestMetrics({fields})"


class CompletionOutput:
    """One completion of a prompt.

    index: which of the n. text: so far, or what is new with RequestOutputKind.DELTA.
    token_ids: of that text. cumulative_logprob, logprobs: when asked for, one dict
    {token_id: Logprob} per token. finish_reason: "stop", "length", "abort", "error", "repetition";
    None while it runs. stop_reason: the stop token id or stop string; None for the end of text.
    """

    __slots__ = (
        "index",
        "text",
        "token_ids",
        "cumulative_logprob",
        "logprobs",
        "finish_reason",
        "stop_reason",
        "routed_experts",
        "lora_request",
    )

    def __init__(
        self,
        index: int,
        text: str,
        token_ids: list[int],
        cumulative_logprob: float | None,
        logprobs: list[dict[int, Logprob]] | None,
        finish_reason: str | None = None,
        stop_reason: int | str | None = None,
        lora_request: Any = None,
    ):
        self.index = index
        self.text = text
        self.token_ids = token_ids
        self.cumulative_logprob = cumulative_logprob
        self.logprobs = logprobs
        self.finish_reason = finish_reason
        self.stop_reason = stop_reason
        self.routed_experts = None
        self.lora_request = lora_request

    def finished(self) -> bool:
        return self.finish_reason is not None

    def __repr__(self) -> str:
        return (
            f"CompletionOutput(index={self.index}, text={self.text!r}, "
            f"token_ids={self.token_ids}, routed_experts={self.routed_experts}, "
            f"cumulative_logprob={self.cumulative_logprob}, logprobs={self.logprobs}, "
            f"finish_reason={self.finish_reason}, stop_reason={self.stop_reason})"
        )


class RequestOutput:
    """The completions of one prompt.

    prompt: its text; None when only token ids were given. prompt_logprobs: when asked for, one dict
    {token_id: Logprob} per prompt token; None for the first, which nothing predicts.
    num_cached_tokens: prompt tokens whose KV came from the prefix cache.
    """

    __slots__ = (
        "request_id",
        "prompt",
        "prompt_token_ids",
        "prompt_logprobs",
        "outputs",
        "finished",
        "metrics",
        "num_cached_tokens",
        "lora_request",
        "encoder_prompt",
        "encoder_prompt_token_ids",
        "kv_transfer_params",
        "error",
    )

    def __init__(
        self,
        request_id: str,
        prompt: str | None,
        prompt_token_ids: list[int] | None,
        prompt_logprobs: list[dict[int, Logprob] | None] | None,
        outputs: list[CompletionOutput],
        finished: bool,
        metrics: RequestMetrics | None = None,
        num_cached_tokens: int | None = None,
        error: str | None = None,
    ):
        self.request_id = request_id
        self.prompt = prompt
        self.prompt_token_ids = prompt_token_ids
        self.prompt_logprobs = prompt_logprobs
        self.outputs = outputs
        self.finished = finished
        self.metrics = metrics
        self.num_cached_tokens = num_cached_tokens
        self.lora_request = None
        self.encoder_prompt = None
        self.encoder_prompt_token_ids = None
        self.kv_transfer_params = None
        self.error = error

    def __repr__(self) -> str:
        return (
            f"RequestOutput(request_id={self.request_id}, prompt={self.prompt!r}, "
            f"prompt_token_ids={self.prompt_token_ids}, "
            f"encoder_prompt={self.encoder_prompt!r}, "
            f"encoder_prompt_token_ids={self.encoder_prompt_token_ids}, "
            f"prompt_logprobs={self.prompt_logprobs}, outputs={self.outputs}, "
            f"finished={self.finished}, metrics={self.metrics}, "
            f"lora_request={self.lora_request}, num_cached_tokens={self.num_cached_tokens})"
        )


class BeamSearchSequence:
    """One beam: token_ids of prompt and output, cum_logprob, the output's text."""

    __slots__ = ("tokens", "text", "cum_logprob", "finish_reason", "logprobs", "stop_reason")

    def __init__(self, tokens: list[int], text: str, cum_logprob: float, finish_reason: str | None):
        self.tokens = tokens
        self.text = text
        self.cum_logprob = cum_logprob
        self.finish_reason = finish_reason
        self.logprobs = None
        self.stop_reason = None

    def __repr__(self) -> str:
        return (
            f"BeamSearchSequence(tokens={self.tokens}, text={self.text!r}, "
            f"cum_logprob={self.cum_logprob}, finish_reason={self.finish_reason})"
        )


class BeamSearchOutput:
    """The beams of one prompt, best first."""

    __slots__ = ("sequences",)

    def __init__(self, sequences: list[BeamSearchSequence]):
        self.sequences = sequences

    def __repr__(self) -> str:
        return f"BeamSearchOutput(sequences={self.sequences})"
