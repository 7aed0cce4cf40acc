"""Reads a script from its beginning to its end and collects what it asks of vLLM."""

from __future__ import annotations

import ast
import importlib
from typing import Any

from quire.engine_args import EngineArgs
from quire.migrate_check.arguments import Arguments
from quire.migrate_check.checks import ENGINES, PARAMS
from quire.migrate_check.expressions import Expressions
from quire.migrate_check.finding import CHANGED, REFUSED, Finding
from quire.migrate_check.values import (
    UNKNOWN,
    Engine,
    EngineOptions,
    Environment,
    Function,
    Known,
    LocalClass,
    LocalObject,
    Module,
    Params,
    Scope,
)

_PACKAGES = ("vllm", "quire")
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_FOLLOWED = (Engine, EngineOptions, Params, LocalObject)


class Script(Expressions):
    """findings: of its lines. engines: line and "V0" or "V1" of each engine that it makes."""

    def __init__(self, source: str, name: str = "script.py"):
        super().__init__()
        self._catches_imports = False
        self._is_for_types = False
        self._functions: list[Function] = []
        self._method_of: list[LocalClass] = []
        self._reading: list[Function] = []
        tree = ast.parse(source, name)
        self.scope = Scope(tree.body)
        self._read(tree.body)
        for function in self._functions:  # the list grows while it is read
            self.read_function(function, Arguments())
        self.findings = sorted(self.checks.findings, key=lambda finding: finding.line)
        self.verdicts = sorted(self.checks.verdicts, key=lambda finding: finding.line)
        self.engines = [(finding.line, finding.what) for finding in self.verdicts]

    def _read(self, body: list[ast.stmt]) -> None:
        for statement in body:
            reader = getattr(self, f"_{type(statement).__name__}", self._read_parts)
            reader(statement)

    def _read_parts(self, node: ast.AST) -> None:
        """Expressions and statements of a statement that binds nothing."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.stmt):
                self._read([child])
            else:
                self._read_parts(child)

    # Imports.

    def _Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.split(".", maxsplit=1)[0]
            if first == "os":
                self.scope.bind(alias.asname or first, Module("os"))
            if first not in _PACKAGES or not self._find_import(node.lineno, alias.name, None):
                continue
            self.scope.bind(alias.asname or first, Module(alias.name if alias.asname else first))

    def _ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            if module == "os" and alias.name == "environ":
                self.scope.bind(alias.asname or alias.name, Environment())
            if node.level > 0 or module.split(".", maxsplit=1)[0] not in _PACKAGES:
                continue
            if not self._find_import(node.lineno, module, alias.name):
                continue
            for name in self._names_of(module, alias.name):
                found = self.fetch(module, name)
                self.scope.bind(alias.asname or name, UNKNOWN if found is None else found)

    def _names_of(self, module: str, name: str) -> list[str]:
        return getattr(importlib.import_module(module), "__all__", []) if name == "*" else [name]

    def _find_import(self, line: int, module: str, name: str | None) -> bool:
        """Whether there is such a module or name; says so."""
        what = f"import {module}" if name is None else f"from {module} import {name}"
        try:
            importlib.import_module(module)
            is_there = name in (None, "*") or self.fetch(module, name) is not None
        except ImportError:
            is_there = False
        if is_there:
            self.checks.add(line, what)
        elif not self._is_for_types:
            sentence = f"There is no {module if name is None else f'{module}.{name}'} here."
            caught = " The script goes on without it." if self._catches_imports else ""
            fate = CHANGED if caught else REFUSED
            self.checks.findings.append(Finding(line, what, fate, sentence + caught))
        return is_there

    def _Try(self, node: ast.Try) -> None:
        before = self._catches_imports
        self._catches_imports |= any(_catches_imports(handler) for handler in node.handlers)
        self._read(node.body)
        self._catches_imports = before
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            if isinstance(part, ast.ExceptHandler):
                self._read(part.body)
            else:
                self._read([part])

    def _If(self, node: ast.If) -> None:
        before = self._is_for_types
        self._is_for_types |= ast.unparse(node.test).endswith("TYPE_CHECKING")
        self.value(node.test)
        self._read(node.body)
        self._is_for_types = before
        self._read(node.orelse)

    # What binds names.

    def _Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self._bind(target, value)

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        value = UNKNOWN if node.value is None else self.value(node.value)
        if not isinstance(value, _FOLLOWED):
            value = self._annotated(node.annotation, value)
        if node.value is not None or value is not UNKNOWN:
            self._bind(node.target, value)

    def _AugAssign(self, node: ast.AugAssign) -> None:
        value = self.value(node.value)
        target = self.value(node.target)
        if isinstance(node.op, ast.BitOr) and isinstance(target, dict) and isinstance(value, dict):
            target.update(value)
        elif isinstance(node.op, ast.Add) and isinstance(target, list):
            target.extend(value if isinstance(value, (list, tuple)) else [UNKNOWN])
        elif isinstance(node.target, ast.Name):
            self.scope.bind(node.target.id, UNKNOWN)

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.scope.bind(target.id, value)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, UNKNOWN)
        elif isinstance(target, (ast.Tuple, ast.List)):
            is_same = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
            for i, one in enumerate(target.elts):
                self._bind(one, value[i] if is_same else UNKNOWN)
        elif isinstance(target, ast.Attribute):
            self._bind_attribute(target, self.value(target.value), value)
        elif isinstance(target, ast.Subscript):
            self._bind_item(target, self.value(target.value), value)

    def _bind_attribute(self, target: ast.Attribute, owner: Any, value: Any) -> None:
        if isinstance(owner, (LocalObject, LocalClass)):
            attributes = (owner.cls if isinstance(owner, LocalObject) else owner).attributes
            if not isinstance(value, _FOLLOWED) and target.attr in attributes:
                before = attributes[target.attr]
                value = before if isinstance(before, _FOLLOWED) else UNKNOWN
            attributes[target.attr] = value
        elif isinstance(owner, EngineOptions):
            self.checks.set_option(target.lineno, owner, target.attr, value)
        elif isinstance(owner, Params):
            self.checks.make_params(target.lineno, owner.cls, Arguments([], {target.attr: value}))
            owner.given[target.attr] = value

    def _bind_item(self, target: ast.Subscript, owner: Any, value: Any) -> None:
        key = self.value(target.slice)
        if isinstance(owner, Environment):
            self.checks.set_variable(target.lineno, key, value)
        elif isinstance(owner, dict) and isinstance(key, str):
            owner[key] = value

    def _Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                owner, key = self.value(target.value), self.value(target.slice)
                if isinstance(owner, Environment) and key == "VLLM_USE_V1":
                    self.checks.use_v1 = None

    def _With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            is_own = isinstance(value, Engine) and not self._calls_own(item.context_expr)
            if is_own and not hasattr(value.cls, "__enter__"):
                what = f"with {value.cls.__name__}(…)"
                sentence = f"{value.cls.__name__} is no context manager here."
                self.checks.add(item.context_expr.lineno, what, sentence)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, value)
        self._read(node.body)

    _AsyncWith = _With

    def _calls_own(self, node: ast.expr) -> bool:
        """Whether it calls what the script defines, which may be a context manager."""
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Name):
            return not isinstance(self.scope.find(function.id), Known)
        return isinstance(function, ast.Attribute) and not isinstance(
            self.scope.find(ast.unparse(function.value).split(".")[0]), Module
        )

    def _For(self, node: ast.For | ast.AsyncFor) -> None:
        values = self.value(node.iter)
        followed = [one for one in values if isinstance(one, _FOLLOWED)] if _is_list(values) else []
        self._bind(node.target, followed[0] if followed else UNKNOWN)
        self._read(node.body)
        self._read(node.orelse)

    _AsyncFor = _For

    def _Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.scope.declare_global(node.names)

    def _Return(self, node: ast.Return) -> None:
        self._give(self.value(node.value))

    def _Yield(self, node: ast.Yield) -> Any:
        self._give(self.value(node.value))
        return UNKNOWN

    def _give(self, value: Any) -> None:
        if self._reading and not isinstance(self._reading[-1].returned, _FOLLOWED):
            self._reading[-1].returned = value if isinstance(value, _FOLLOWED) else UNKNOWN

    # Functions and classes.

    def _FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            self.value(part)
        function = Function(node, self.scope)
        self._functions.append(function)
        self.scope.bind(node.name, function)

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node: ast.ClassDef) -> None:
        bases = [self.value(base) for base in node.bases]
        cls = LocalClass(node.name)
        for base in bases:
            if isinstance(base, Known) and _is_followed(base.object):
                cls.base = base.object
            elif isinstance(base, LocalClass):
                cls.base = cls.base or base.base
                cls.methods |= base.methods
                cls.attributes |= base.attributes
        if cls.base is not None and issubclass(cls.base, ENGINES):
            cls.engine = Engine(cls.base)
        for decorator in node.decorator_list:
            self.value(decorator)
        outer, self.scope = self.scope, Scope(node.body, self.scope)
        first = len(self._functions)
        self._read(node.body)
        inner, self.scope = self.scope, outer
        may_differ = bool(node.decorator_list) or any(base is UNKNOWN for base in bases)
        cls.attributes |= {
            name: one
            for name, one in inner.names.items()
            if isinstance(one, _FOLLOWED) or not (may_differ or isinstance(one, Function))
        }
        for function in self._functions[first:]:
            if function.owner is None and function.scope is inner:
                function.owner, function.scope = cls, outer
                cls.methods[function.node.name] = function
        self._functions[first:] = sorted(
            self._functions[first:], key=lambda function: function.node.name != "__init__"
        )
        outer.bind(node.name, cls)

    def read_function(self, function: Function, arguments: Arguments) -> Any:
        if function.was_read:
            return function.returned
        function.was_read = True
        node = function.node
        body = node.body if isinstance(node.body, list) else [ast.Expr(node.body)]
        outer, self.scope = self.scope, Scope(body, function.scope)
        before = self._catches_imports, self._is_for_types
        self._catches_imports = self._is_for_types = False
        self._bind_parameters(function, arguments)
        self._reading.append(function)
        self._read(body)
        self._reading.pop()
        self._catches_imports, self._is_for_types = before
        self.scope = outer
        return function.returned

    def _bind_parameters(self, function: Function, arguments: Arguments) -> None:
        """What is followed comes in with the call that is read first, or by its annotation."""
        given = function.node.args
        parameters = [*given.posonlyargs, *given.args]
        decorators = [ast.unparse(one) for one in getattr(function.node, "decorator_list", [])]
        if function.owner is not None and parameters and "staticmethod" not in decorators:
            self.scope.names[parameters.pop(0).arg] = LocalObject(function.owner)
        values = dict(zip((one.arg for one in parameters), arguments.positional, strict=False))
        values |= arguments.keywords
        others = [one for one in (given.vararg, given.kwarg) if one is not None]
        for one in (*parameters, *given.kwonlyargs, *others):
            value = values.get(one.arg, UNKNOWN)
            if not isinstance(value, _FOLLOWED):
                value = self._annotated(one.annotation, UNKNOWN)
            self.scope.names[one.arg] = value

    def _annotated(self, annotation: ast.expr | None, otherwise: Any) -> Any:
        """An object of the engine's class that an annotation names."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return otherwise
        for node in ast.walk(annotation) if annotation is not None else ():
            found = self.scope.find(node.id) if isinstance(node, ast.Name) else UNKNOWN
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = self.scope.find(node.value.id)
                is_module = isinstance(owner, Module) and owner.name != "os"
                found = self.fetch(owner.name, node.attr) if is_module else UNKNOWN
            if isinstance(found, Known) and _is_followed(found.object):
                return _object_of(found.object)
        return otherwise

    def _called(self, node: ast.Call, called: Any, arguments: Arguments) -> Any:
        """super().__init__(…) of a class that extends an engine makes it."""
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "__init__":
            owner = self._reading[-1].owner if self._reading else None
            is_super = ast.unparse(function.value).startswith("super(")
            if is_super and owner is not None and owner.engine is not None and owner.base:
                owner.engine = self.checks.make_engine(node.lineno, owner.base, arguments)
                return UNKNOWN
        return super()._called(node, called, arguments)


def _object_of(cls: type) -> Any:
    if issubclass(cls, ENGINES):
        scheduler = getattr(cls, "_bound_scheduler", None)
        return Engine(cls, None if scheduler is None else scheduler == "v0")
    return EngineOptions(cls, {}, True) if issubclass(cls, EngineArgs) else Params(cls, {})


def _is_followed(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, (*ENGINES, *PARAMS, EngineArgs))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _CAUGHT for node in ast.walk(handler.type))
