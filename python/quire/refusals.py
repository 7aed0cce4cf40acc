"""Arguments of vLLM that have no effect here: anything but their default is a ValueError."""

from __future__ import annotations

from typing import Any


def refuse_tags(tags: list[str] | None) -> None:
    if tags is not None:
        raise ValueError("tags: weights and KV cache wake up together: leave it out.")


def refuse_tokenization_kwargs(tokenization_kwargs: Any) -> None:
    if tokenization_kwargs is not None:
        raise ValueError(
            "tokenization_kwargs: the tokenizer takes no options here: tokenize the prompt and "
            "give prompt_token_ids."
        )


def refuse_trace_headers(trace_headers: Any) -> None:
    if trace_headers is not None:
        raise ValueError("trace_headers: traces are not written: leave it out.")


def refuse_connector(reset_connector: bool) -> None:
    if reset_connector:
        raise ValueError("reset_connector: there is no KV connector: leave it out.")


def refuse_lora(lora_request: Any) -> None:
    if lora_request is not None:
        raise ValueError(
            "lora_request: LoRA adapters are not supported: merge the adapter into the model."
        )


def refuse_stat_loggers(stat_loggers: Any) -> None:
    if stat_loggers is not None:
        raise ValueError("stat_loggers: there are none of one's own: read get_metrics().")
