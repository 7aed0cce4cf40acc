"""Engine options as vLLM's scripts give them."""

from __future__ import annotations

import argparse
import os
from typing import Any

from quire._quire import engine_fields

# Options of which there is one value here, which vLLM's scripts often spell out. It is taken as
# said; any other value is refused with a sentence.
_ONLY_VALUES: dict[str, tuple[tuple[Any, ...], str]] = {
    "tensor_parallel_size": ((1,), "One process serves one copy of the model: leave it out."),
    "pipeline_parallel_size": ((1,), "One process serves one copy of the model: leave it out."),
    "data_parallel_size": ((1,), "One process serves one copy of the model: leave it out."),
    "trust_remote_code": ((False, True), ""),  # no code of a repository is ever run
    "quantization": ((None,), "Take a checkpoint that is not quantized; dtype chooses the type."),
    "enforce_eager": ((True, False), ""),  # every step is eager, and nothing is slower for it
    "cpu_offload_gb": ((0, 0.0), "Weights are mapped: leave it out."),
    "enable_lora": ((False,), "LoRA adapters are not supported: merge the adapter."),
    "disable_custom_all_reduce": ((False, True), ""),  # there is nothing to reduce
    "tokenizer_mode": (("auto", "hf"), "tokenizer.json is the only form: leave it out."),
    "runner": (("auto", "generate"), "Only models that generate text run here: leave it out."),
    "task": (("auto", "generate"), "Only models that generate text run here: leave it out."),
    "speculative_config": ((None,), "Speculative decoding is not supported yet: leave it out."),
    "logits_processors": ((None, []), "Use logit_bias, allowed_token_ids or bad_words."),
    "compilation_config": ((None, {}, 0), "Nothing is compiled: leave it out."),
    "limit_mm_per_prompt": ((None, {}), "Only text models run here: leave it out."),
    "mm_processor_kwargs": ((None, {}), "Only text models run here: leave it out."),
    "kv_transfer_config": ((None,), "The KV cache is not shared between processes."),
    "distributed_executor_backend": ((None, "uni"), "One process serves the model."),
}

# Options that only V0's scheduler has, with their values that ask for nothing.
_V0_ONLY: dict[str, tuple[Any, ...]] = {
    "scheduler_delay_factor": (None, 0, 0.0),
    "preemption_mode": (None,),
    "swap_space": (None,),
}

NO_PROFILER = "There is no profiler inside: run the script under one, as in `perf record -g`."


def engine_options(
    model: str, kwargs: dict[str, Any], bound_scheduler: str | None
) -> dict[str, Any]:
    """Keyword arguments for the native engine. ValueError for what it cannot do."""
    options: dict[str, Any] = {"model": str(model)}
    for name, value in kwargs.items():
        if name in _ONLY_VALUES:
            allowed, instead = _ONLY_VALUES[name]
            if value not in allowed:
                raise ValueError(f"{name}={value!r} is not supported. {instead}")
            continue
        options[name] = str(value).removeprefix("torch.") if name == "dtype" else value
    _check_v1_alone(options)
    if bound_scheduler is not None:
        options.setdefault("scheduler", bound_scheduler)
    return options


def _check_v1_alone(options: dict[str, Any]) -> None:
    """vLLM's error for VLLM_USE_V1=1 with an option of V0."""
    if options.get("scheduler") is not None or os.environ.get("VLLM_USE_V1") != "1":
        return
    for name, nothing in _V0_ONLY.items():
        if options.get(name) not in nothing:
            flag = "--" + name.replace("_", "-")
            raise NotImplementedError(
                f"VLLM_USE_V1=1 is not supported with {flag}. Leave {name} out, or set "
                "VLLM_USE_V1=0 for the V0 scheduler."
            )


class EngineArgs:
    """Every engine option as an attribute, by vLLM's names; what is not set is None."""

    def __init__(self, model: str = "models/small-chat", **kwargs: Any):
        self.model = model
        known = {name for name, _ in engine_fields()} | _ONLY_VALUES.keys()
        for name, value in kwargs.items():
            if name not in known:
                raise TypeError(f"EngineArgs got an unexpected keyword argument {name!r}")
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _ONLY_VALUES or any(name == known for known, _ in engine_fields()):
            return None
        raise AttributeError(f"EngineArgs has no attribute {name!r}")

    def as_kwargs(self) -> dict[str, Any]:
        """What was set, for LLM(…), LLMEngine(…) and AsyncLLM(…)."""
        return dict(vars(self))

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        for name, text in engine_fields():
            flag = "--" + name.replace("_", "-")
            parser.add_argument(flag, dest=name, help=text.replace("%", "%%"), default=None)
        return parser

    @classmethod
    def from_cli_args(cls, args: argparse.Namespace) -> EngineArgs:
        known = {name for name, _ in engine_fields()}
        given = {k: v for k, v in vars(args).items() if k in known and v is not None}
        return cls(**{name: _parse(value) for name, value in given.items()})

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class AsyncEngineArgs(EngineArgs):
    """EngineArgs of AsyncLLM."""


def _parse(value: Any) -> Any:
    """A command line's text as the number or truth value that it spells."""
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value
