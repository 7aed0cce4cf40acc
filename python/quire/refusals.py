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


def refuse_mm_processor_kwargs(mm_processor_kwargs: Any) -> None:
    if mm_processor_kwargs is not None:
        raise ValueError("mm_processor_kwargs: only text models run here: leave it out.")


def refuse_concurrency_limit(concurrency_limit: int | None) -> None:
    if concurrency_limit is not None:
        raise ValueError(
            "concurrency_limit: the beams of all prompts share max_num_seqs: set that, or give "
            "fewer prompts at once."
        )


def refuse_data_parallel_rank(data_parallel_rank: int | None) -> None:
    if data_parallel_rank:
        raise ValueError(
            "data_parallel_rank: one process serves one copy of the model, rank 0: leave it out."
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


def refuse_arrival_time(arrival_time: float | None) -> None:
    if arrival_time is not None:
        raise ValueError("arrival_time: a request arrives when it is added: leave it out.")


def refuse_content_format(chat_template_content_format: str) -> None:
    if chat_template_content_format != "auto":
        raise ValueError("chat_template_content_format: it is read off the template; use auto.")
