"""Engine options as vLLM's scripts give them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

from quire._quire import engine_fields, foreign_option

# Options that change nothing here, whatever they say: no code of a repository is ever run, every
# step is eager and no slower for it, and there is nothing to reduce.
NO_EFFECT = {"trust_remote_code", "enforce_eager", "disable_custom_all_reduce"}

# Options that only V0's scheduler has, with their values that ask for nothing.
_V0_ONLY: dict[str, tuple[Any, ...]] = {
    "scheduler_delay_factor": (None, 0, 0.0),
    "preemption_mode": (None,),
    "swap_space": (None,),
}

NO_PROFILER = "There is no profiler inside: run the script under one, as in `perf record -g`."


_ON = ("1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


def scheduler_of_environment() -> str | None:
    """What VLLM_USE_V1 says, spelt as the program reads it: "v1", "v0"; None when it is unset."""
    value = os.environ.get("VLLM_USE_V1", "")
    if not value:
        return None
    if value.lower() not in (*_ON, *_OFF):
        raise ValueError(f"VLLM_USE_V1={value!r} is not a switch: use 1 or 0.")
    return "v1" if value.lower() in _ON else "v0"


def engine_options(
    model: str, kwargs: dict[str, Any], bound_scheduler: str | None
) -> dict[str, Any]:
    """Keyword arguments for the native engine. ValueError for what it cannot do."""
    options: dict[str, Any] = {"model": str(model)}
    for name, value in kwargs.items():
        if _is_foreign(name, value):
            continue
        options[name] = str(value).removeprefix("torch.") if name == "dtype" else value
    _check_v1_alone(options)
    if bound_scheduler is not None:
        options.setdefault("scheduler", bound_scheduler)
    return options


def _is_option(name: str) -> bool:
    """Of this engine, or one of vLLM's that is known to be missing."""
    is_own = any(name == own for own, _, _ in engine_fields())
    return is_own or name == "logits_processors" or foreign_option(name) is not None


def _is_foreign(name: str, value: Any) -> bool:
    """Whether it is an option of vLLM that asks for nothing here. ValueError: it asks for more."""
    if name in NO_EFFECT:
        return True
    foreign = foreign_option(name)
    if foreign is None:
        return False
    accepted, instead = foreign
    if value is None or value in ([], {}) or _spelt(value) in accepted.split("|"):
        return True
    raise ValueError(f"{name}={value!r} is not supported. {instead}")


def _spelt(value: Any) -> str:
    """As on a command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_v1_alone(options: dict[str, Any]) -> None:
    """vLLM's error for VLLM_USE_V1=1 with an option of V0."""
    if options.get("scheduler") is not None or scheduler_of_environment() != "v1":
        return
    for name, nothing in _V0_ONLY.items():
        if options.get(name) not in nothing:
            flag = "--" + name.replace("_", "-")
            raise NotImplementedError(
                f"VLLM_USE_V1=1 is not supported with {flag}. Leave {name} out, or set "
                "VLLM_USE_V1=0 for the V0 scheduler."
            )


def _switch(text: str) -> bool:
    if text.lower() not in (*_ON, *_OFF):
        raise argparse.ArgumentTypeError(f"{text!r} is not a switch: use true or false")
    return text.lower() in _ON


# By the type that engine_fields() names.
_PARSERS: dict[str, Callable[[str], Any]] = {
    "bool": _switch,
    "float": float,
    "int": int,
    "str": str,
}


class EngineArgs:
    """Every engine option as an attribute, by vLLM's names; what is not set is None."""

    def __init__(self, model: str = "models/small-chat", **kwargs: Any):
        self.model = model
        for name, value in kwargs.items():
            if not _is_option(name):
                raise TypeError(f"EngineArgs got an unexpected keyword argument {name!r}")
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and _is_option(name):
            return None
        raise AttributeError(f"EngineArgs has no attribute {name!r}")

    def as_kwargs(self) -> dict[str, Any]:
        """What was set, for LLM(…), LLMEngine(…) and AsyncLLM(…)."""
        return dict(vars(self))

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        for name, kind, text in engine_fields():
            flag = "--" + name.replace("_", "-")
            shown = text.replace("%", "%%")
            parser.add_argument(flag, dest=name, type=_PARSERS[kind], help=shown, default=None)
        return parser

    @classmethod
    def from_cli_args(cls, args: argparse.Namespace) -> EngineArgs:
        """Of a parser with add_cli_args(); options that were not given stay unset."""
        known = {name for name, _, _ in engine_fields()}
        return cls(**{k: v for k, v in vars(args).items() if k in known and v is not None})

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class AsyncEngineArgs(EngineArgs):
    """EngineArgs of AsyncLLM."""
