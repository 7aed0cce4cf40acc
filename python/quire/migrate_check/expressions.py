"""Reads the expressions of a script: what each stands for, and the calls in it."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType
from typing import Any

from quire.engine_args import EngineArgs
from quire.migrate_check.arguments import Arguments
from quire.migrate_check.checks import ENGINES, PARAMS, Checks
from quire.migrate_check.shell import ShellScript, starts_server
from quire.migrate_check.values import (
    UNKNOWN,
    Engine,
    EngineOptions,
    Environment,
    Function,
    Known,
    LocalClass,
    LocalObject,
    Method,
    Module,
    OpenDict,
    Params,
    Scope,
    compute,
    is_known,
)

_MAKERS = ("from_engine_args", "from_vllm_config", "from_cli_args")


class Expressions:
    """The scope is that of the statements that are read now."""

    def __init__(self) -> None:
        self.checks = Checks()
        self.scope = Scope([])

    def read_function(self, function: Function, arguments: Arguments) -> Any:
        """What a function of the script returns."""
        raise NotImplementedError

    def value(self, node: ast.expr | None) -> Any:
        """Every call inside is checked, once."""
        reader = getattr(self, f"_{type(node).__name__}", None)
        if reader is not None:
            return reader(node)
        for child in ast.iter_child_nodes(node) if node is not None else ():
            if isinstance(child, ast.expr):
                self.value(child)
        return UNKNOWN

    def _Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _Name(self, node: ast.Name) -> Any:
        return self.scope.find(node.id)

    def _Await(self, node: ast.Await) -> Any:
        return self.value(node.value)

    def _NamedExpr(self, node: ast.NamedExpr) -> Any:
        value = self.value(node.value)
        self.scope.bind(node.target.id, value)
        return value

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
            return -value
        return not value if isinstance(node.op, ast.Not) and isinstance(value, bool) else UNKNOWN

    def _BinOp(self, node: ast.BinOp) -> Any:
        return compute(node, self.value(node.left), self.value(node.right))

    def _IfExp(self, node: ast.IfExp) -> Any:
        self.value(node.test)
        one, other = self.value(node.body), self.value(node.orelse)
        return one if isinstance(one, (Engine, EngineOptions, Params)) else _common(one, other)

    def _List(self, node: ast.List | ast.Tuple) -> Any:
        values = []
        for element in node.elts:
            value = self.value(element.value if isinstance(element, ast.Starred) else element)
            if isinstance(element, ast.Starred):
                values += value if isinstance(value, (list, tuple)) else [UNKNOWN]
            else:
                values.append(value)
        return values if isinstance(node, ast.List) else tuple(values)

    _Tuple = _List

    def _Dict(self, node: ast.Dict) -> Any:
        values: dict[Any, Any] = {}
        for key, part in zip(node.keys, node.values, strict=True):
            name, value = (None if key is None else self.value(key)), self.value(part)
            try:
                more = value if key is None and isinstance(value, dict) else {name: value}
                is_open = isinstance(more, OpenDict) or (key is None and more is not value)
                values = (OpenDict if is_open else type(values))({**values, **more})
            except TypeError:  # a key that no dict takes
                values = OpenDict(values)
        return values

    def _Lambda(self, node: ast.Lambda) -> Any:
        self.read_function(Function(node, self.scope), Arguments())
        return UNKNOWN

    def _ListComp(self, node: ast.ListComp | ast.DictComp) -> Any:
        outer, self.scope = self.scope, Scope([], self.scope)
        for part in node.generators:
            self.value(part.iter)
            for name in ast.walk(part.target):
                if isinstance(name, ast.Name):
                    self.scope.names[name.id] = UNKNOWN
            for condition in part.ifs:
                self.value(condition)
        for element in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.value(element)
        self.scope = outer
        return UNKNOWN

    _SetComp = _GeneratorExp = _DictComp = _ListComp

    def _Subscript(self, node: ast.Subscript) -> Any:
        value, key = self.value(node.value), self.value(node.slice)
        try:
            return value[key] if isinstance(value, (dict, list, tuple)) else UNKNOWN
        except (IndexError, KeyError, TypeError):
            return UNKNOWN

    # Attributes.

    def _Attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        found = self.attribute(node, owner)
        if isinstance(found, Method) and isinstance(found.owner, Engine):
            cls = found.owner.cls
            self.checks.has(node.lineno, cls, node.attr, f"{cls.__name__}.{node.attr}")
        return found

    def attribute(self, node: ast.Attribute, owner: Any) -> Any:
        name = node.attr
        if isinstance(owner, Module):
            return self._of_module(node.lineno, owner, name)
        if isinstance(owner, LocalObject):
            return self._of_object(owner, name)
        if isinstance(owner, LocalClass):
            return owner.methods.get(name, owner.attributes.get(name, UNKNOWN))
        if isinstance(owner, EngineOptions) and name in owner.options:
            return owner.options[name]
        if isinstance(owner, (Engine, EngineOptions, Params, Environment, Known, dict, list)):
            return Method(owner, name)
        return UNKNOWN

    def _of_module(self, line: int, module: Module, name: str) -> Any:
        if module.name == "os":
            return Environment() if name == "environ" else Method(module, name)
        found = self.fetch(module.name, name)
        if found is None:
            what = f"{module.name}.{name}"
            self.checks.add(line, what, f"There is no {what} here.")
        return UNKNOWN if found is None else found

    def fetch(self, module: str, name: str) -> Module | Known | None:
        """A name of vLLM's or quire's; None: there is none."""
        with self.checks.environment():
            try:
                found = getattr(importlib.import_module(module), name)
            except AttributeError:
                return self._submodule(f"{module}.{name}")
            except (ImportError, ValueError):
                return None
        return Module(found.__name__) if isinstance(found, ModuleType) else Known(found)

    def _submodule(self, name: str) -> Module | None:
        try:
            importlib.import_module(name)
        except ImportError:
            return None
        return Module(name)

    def _of_object(self, owner: LocalObject, name: str) -> Any:
        if name in owner.cls.attributes:
            return owner.cls.attributes[name]
        if name in owner.cls.methods:
            return self._of_property(owner.cls.methods[name])
        return Method(owner.cls.engine, name) if owner.cls.engine is not None else UNKNOWN

    def _of_property(self, method: Function) -> Any:
        decorators = [ast.unparse(one) for one in getattr(method.node, "decorator_list", [])]
        is_property = any(one.endswith("property") for one in decorators)
        return self.read_function(method, Arguments()) if is_property else method

    # Calls.

    def _Call(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Attribute):
            called = self.attribute(function, self.value(function.value))
        else:
            called = self.value(function)
        return self._called(node, called, self._arguments(node))

    def _arguments(self, node: ast.Call) -> Arguments:
        arguments = Arguments()
        for one in node.args:
            value = self.value(one.value if isinstance(one, ast.Starred) else one)
            if not isinstance(one, ast.Starred):
                arguments.positional.append(value)
            elif isinstance(value, (list, tuple)):
                arguments.positional += value
            else:
                arguments.is_open = True
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                arguments.keywords[keyword.arg] = value
                continue
            arguments.is_open |= not isinstance(value, dict) or isinstance(value, OpenDict)
            known = value if isinstance(value, dict) else {}
            arguments.keywords |= {k: one for k, one in known.items() if isinstance(k, str)}
        return arguments

    def _called(self, node: ast.Call, called: Any, arguments: Arguments) -> Any:
        if isinstance(called, Function):
            return self.read_function(called, arguments)
        if isinstance(called, LocalClass):
            return self._make_object(node.lineno, called, arguments)
        if isinstance(called, Method):
            return self._call_method(node.lineno, called, arguments)
        if isinstance(called, Known) and isinstance(called.object, type):
            return self._make(node.lineno, called.object, arguments)
        if called is UNKNOWN:
            self._check_process(node.lineno, arguments)
        if isinstance(node.func, ast.Name) and node.func.id == "dict" and called is UNKNOWN:
            is_open = arguments.is_open or bool(arguments.positional)
            return OpenDict(arguments.keywords) if is_open else dict(arguments.keywords)
        return UNKNOWN

    def _check_process(self, line: int, arguments: Arguments) -> None:
        """subprocess.run(["vllm", "serve", …]) and the like, by whatever starts processes."""
        command = arguments.get(0, "args")
        server = ShellScript()
        prefix = [f"VLLM_USE_V1={self.checks.use_v1}"] if self.checks.use_v1 in ("0", "1") else []
        if isinstance(command, str) and "vllm" in command:
            server.read_commands(line, " ".join([*prefix, command]))
        elif isinstance(command, (list, tuple)):
            words = [str(one) if is_known(one) else "$…" for one in command]
            if starts_server(words):
                server.check(line, prefix + words)
        self.checks.findings += server.findings
        self.checks.verdicts += server.engines

    def _make(self, line: int, cls: type, arguments: Arguments) -> Any:
        if issubclass(cls, ENGINES):
            return self.checks.make_engine(line, cls, arguments)
        if issubclass(cls, EngineArgs):
            return self.checks.make_options(line, cls, arguments)
        if issubclass(cls, PARAMS):
            return self.checks.make_params(line, cls, arguments)
        return UNKNOWN

    def _make_object(self, line: int, cls: LocalClass, arguments: Arguments) -> Any:
        if "__init__" in cls.methods:
            self.read_function(cls.methods["__init__"], arguments)
        elif cls.base is not None and issubclass(cls.base, ENGINES):
            cls.engine = self.checks.make_engine(line, cls.base, arguments, cls.name)
        elif cls.base is not None:
            return self._make(line, cls.base, arguments)
        return LocalObject(cls)

    def _call_method(self, line: int, method: Method, arguments: Arguments) -> Any:
        owner, name = method.owner, method.name
        if isinstance(owner, (Module, Environment)):
            return self._call_environment(line, owner, name, arguments)
        if isinstance(owner, Engine):
            return self.checks.call_method(line, owner, name, arguments)
        if isinstance(owner, dict):
            return self._call_dict(owner, name, arguments)
        if isinstance(owner, list):
            return self._call_list(owner, name, arguments)
        if isinstance(owner, Params) and name == "clone":
            return owner
        if isinstance(owner, EngineOptions) and not hasattr(owner.cls, name):
            what = f"{owner.cls.__name__}.{name}()"
            self.checks.add(line, what, f"{owner.cls.__name__} has no {name} here.")
        if isinstance(owner, Known) and isinstance(owner.object, type):
            return self._call_of_class(line, owner.object, name, arguments)
        return UNKNOWN

    def _call_of_class(self, line: int, cls: type, name: str, arguments: Arguments) -> Any:
        """LLM.from_engine_args(…), EngineArgs.from_cli_args(…) and the like."""
        what = f"{cls.__name__}.{name}()"
        is_followed = issubclass(cls, (*ENGINES, *PARAMS, EngineArgs))
        if is_followed and self.checks.has(line, cls, name, what) and name in _MAKERS:
            self.checks.add(line, what)
        if name in _MAKERS and issubclass(cls, ENGINES):
            given = arguments.get(0, "engine_args") if name == "from_engine_args" else None
            return self.checks.engine_of_options(line, cls, given)
        if name in _MAKERS and issubclass(cls, EngineArgs):
            return EngineOptions(cls, {}, True)
        return Params(cls, {}) if issubclass(cls, PARAMS) else UNKNOWN

    def _call_environment(self, line: int, owner: Any, name: str, arguments: Arguments) -> Any:
        variable, value = arguments.get(0, "key", UNKNOWN), arguments.get(1, "value", UNKNOWN)
        if (isinstance(owner, Environment) and name == "setdefault") or name == "putenv":
            self.checks.set_variable(line, variable, value)
        elif isinstance(owner, Environment) and name == "pop" and variable == "VLLM_USE_V1":
            self.checks.use_v1 = None
        elif name in ("system", "popen"):
            self._check_process(line, arguments)
        elif isinstance(owner, Environment) and name == "update":
            known = variable if isinstance(variable, dict) else {}
            for one, text in {**known, **arguments.keywords}.items():
                self.checks.set_variable(line, one, text)
        return UNKNOWN

    def _call_dict(self, owner: dict[Any, Any], name: str, arguments: Arguments) -> Any:
        first = arguments.get(0, "", {})
        if name == "update":
            owner.update(first if isinstance(first, dict) else {})
            owner.update(arguments.keywords)
        elif name == "copy":
            return type(owner)(owner)
        elif name == "pop" and isinstance(first, str):
            return owner.pop(first, UNKNOWN)
        elif name == "setdefault" and isinstance(first, str):
            return owner.setdefault(first, arguments.get(1, "", None))
        return UNKNOWN

    def _call_list(self, owner: list[Any], name: str, arguments: Arguments) -> Any:
        first = arguments.get(0, "", UNKNOWN)
        if name == "append":
            owner.append(first)
        elif name == "extend":
            owner.extend(first if isinstance(first, (list, tuple)) else [UNKNOWN])
        elif name == "copy":
            return list(owner)
        return UNKNOWN


def _common(one: Any, other: Any) -> Any:
    return one if type(one) is type(other) and one == other else UNKNOWN
