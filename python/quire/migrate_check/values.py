"""What a name or an expression of a script stands for, as far as reading it tells."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, field
from typing import Any

_NUMBERS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_LITERALS = (bool, bytes, complex, float, int, str, type(None), type(...))


class _Unknown:
    """A value that is known only when the script runs."""

    def __repr__(self) -> str:
        return "…"


UNKNOWN = _Unknown()


class OpenDict(dict[Any, Any]):
    """A dict that has more keys than those that are known."""


@dataclass
class Module:
    """A module of vLLM's or quire's, or os."""

    name: str


@dataclass
class Environment:
    """os.environ."""


@dataclass
class Known:
    """An object of the packages vllm and quire."""

    object: Any


@dataclass
class Engine:
    """An engine that the script made. uses_v0, takes_extra_args: None where a run decides."""

    cls: type
    uses_v0: bool | None = None
    takes_extra_args: bool | None = None


@dataclass
class EngineOptions:
    """EngineArgs. is_open: there may be more than the options that are known."""

    cls: type
    options: dict[str, Any]
    is_open: bool = False


@dataclass
class Params:
    """SamplingParams or BeamSearchParams."""

    cls: type
    given: dict[str, Any]


@dataclass
class Method:
    """A method of an engine, of an engine's class or of other things that are followed."""

    owner: Any
    name: str


@dataclass
class Function:
    """A function of the script. Its body is read once: when it is called first, or at the end."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    owner: LocalClass | None = None  # of a method
    was_read: bool = False
    returned: Any = UNKNOWN


@dataclass
class LocalClass:
    """A class of the script. base: the engine's class that it extends."""

    name: str
    base: type | None = None
    methods: dict[str, Function] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)  # of its objects too
    engine: Engine | None = None  # what its objects are where it extends one


@dataclass
class LocalObject:
    """An object of a class of the script."""

    cls: LocalClass


class Scope:
    """Names of a module or a function. Literals are known where a name is bound once."""

    def __init__(self, body: list[ast.stmt], parent: Scope | None = None):
        self.names: dict[str, Any] = {}
        self.parent = parent
        self._of_module: set[str] = set()
        self._num_bound: dict[str, int] = {}
        for name in _stored_names(body):
            self._num_bound[name] = self._num_bound.get(name, 0) + 1

    def find(self, name: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return UNKNOWN

    def bind(self, name: str, value: Any) -> None:
        scope = self
        while name in self._of_module and scope.parent is not None:
            scope = scope.parent
        is_sure = scope is self and self._num_bound.get(name, 1) == 1
        scope.names[name] = value if is_sure or not _is_plain(value) else UNKNOWN

    def declare_global(self, names: list[str]) -> None:
        self._of_module.update(names)


def _stored_names(body: list[ast.stmt]) -> list[str]:
    """Names that the statements bind, those of inner functions and classes left out."""
    names = []
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.AugAssign):  # told where it is read: dicts and lists only grow
            todo.append(node.value)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.append(node.id)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))
    return names


def _is_plain(value: Any) -> bool:
    return isinstance(value, (*_LITERALS, dict, list, tuple, set))


def is_known(value: Any) -> bool:
    """Whether all of it is literal."""
    if isinstance(value, OpenDict):
        return False
    if isinstance(value, dict):
        return all(is_known(key) and is_known(one) for key, one in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_known(one) for one in value)
    return isinstance(value, _LITERALS)


def compute(node: ast.BinOp, left: Any, right: Any) -> Any:
    """Sums and products of numbers: 8 * 1024."""
    function = _NUMBERS.get(type(node.op))
    if function is None or not all(isinstance(one, (int, float)) for one in (left, right)):
        return UNKNOWN
    try:
        return function(left, right)
    except ArithmeticError:
        return UNKNOWN
