"""Arguments of calls as scripts give them, and which parameters they are for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from quire import refusals

# What each argument that has no effect here is told: by the only parameter of each refusal.
_REFUSALS: dict[str, Callable[[Any], None]] = {
    next(iter(inspect.signature(function).parameters)): function
    for name, function in vars(refusals).items()
    if name.startswith("refuse_")
}

# What to write instead of arguments that vLLM has no more.
_FORMER = {
    "prompt_token_ids": 'give {"prompt_token_ids": …} as a prompt.',
    "guided_options_request": "constrained output is not supported yet.",
    "inputs": "the prompts are the first argument.",
}


@dataclass
class Arguments:
    """is_open: * or ** bring more that only a run can tell."""

    positional: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    is_open: bool = False

    def get(self, index: int, name: str, default: Any = None) -> Any:
        if name in self.keywords:
            return self.keywords[name]
        return self.positional[index] if index < len(self.positional) else default


@dataclass
class Bound:
    """Arguments by parameter, and what Python says to the others: (argument, error)."""

    values: dict[str, Any]
    errors: list[tuple[str, str]]


def bind(function: Callable[..., Any], arguments: Arguments, is_method: bool) -> Bound:
    """Gives each argument to its parameter, by the function's own signature."""
    parameters = list(inspect.signature(function).parameters.values())[1 if is_method else 0 :]
    name = getattr(function, "__name__", "")
    by_name = {one.name: one for one in parameters}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    ordered = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    values: dict[str, Any] = {}
    errors = []
    for one, value in zip(ordered, arguments.positional):  # noqa: B905 (the rest is told below)
        values[one.name] = value
    if len(arguments.positional) > len(ordered):
        takes = f"{len(ordered)} positional argument" + ("" if len(ordered) == 1 else "s")
        errors.append(
            ("", f"{name}() takes {takes}, got {len(arguments.positional)}: name the others.")
        )
    for given, value in arguments.keywords.items():
        if given in values and given in by_name:
            errors.append((given, f"{name}() got multiple values for argument {given!r}"))
        elif given in by_name or takes_any:
            values[given] = value
        else:
            instead = f": {_FORMER[given]}" if given in _FORMER else ""
            errors.append(
                (given, f"{name}() got an unexpected keyword argument {given!r}{instead}")
            )
    for one in parameters:
        is_needed = one.default is one.empty and one.kind not in (
            one.VAR_KEYWORD,
            one.VAR_POSITIONAL,
        )
        if is_needed and one.name not in values and not arguments.is_open and not errors:
            errors.append(("", f"{name}() missing a required argument: {one.name!r}"))
    return Bound(values, errors)


def refusal_of(name: str) -> Callable[[Any], None] | None:
    """Raises ValueError for a value of the argument that asks for what is not here."""
    return _REFUSALS.get(name)
