# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Debts of the code: constants without a reason, arrays without a shape, words in messages, dependencies."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from words import words_to_replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("sfd2_ros", "sfd2_lab")
_NUMBERS = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.operator, ast.unaryop, ast.expr_context)
_ARRAY = re.compile(r"NDArray|ndarray|Tensor|ArrayLike")
_SHAPE = re.compile(r"\([\w.*+\- ]+(?:,[\w.*+\- ]*)+\)")
"""Such as (N, 2), (M,), (..., 3, H, W)."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(root: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield path, source and syntax tree of every module."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            source = path.read_text("utf-8")
            yield path.relative_to(root).as_posix(), source, ast.parse(source)


def constants_without_reason(root: Path) -> Iterator[str]:
    """Yield numeric constants of modules that neither a docstring nor a comment explains."""
    for name, source, tree in modules(root):
        lines = source.splitlines()
        for statement, after in zip(tree.body, [*tree.body[1:], None], strict=True):
            if is_number(statement) and not is_explained(statement, after, lines):
                yield f"{name}:{statement.lineno}: {lines[statement.lineno - 1].strip()} has no reason below it"


def is_number(statement: ast.stmt) -> bool:
    """Return whether a statement gives an upper-case name a number, or several."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    parts = list(ast.walk(statement.value))
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    has_numbers = bool(values) and all(type(value) in (int, float) for value in values)
    named = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return has_numbers and all(isinstance(part, _NUMBERS) for part in parts) and all(map(_is_upper, named))


def _is_upper(name: str) -> bool:
    return name.isupper() and not name.startswith("__")


def is_explained(statement: ast.stmt, after: ast.stmt | None, lines: list[str]) -> bool:
    """Return whether a docstring follows a constant, or a comment stands above it or behind it."""
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
        return True
    own = lines[statement.lineno - 1 : statement.end_lineno]
    above = lines[statement.lineno - 2] if statement.lineno > 1 else ""
    is_header = statement.lineno <= 3
    return any("  # " in line for line in own) or (above.startswith("#") and not is_header)


def arrays_without_shape(root: Path) -> Iterator[str]:
    """Yield public functions that take or return arrays and whose docstring gives no shape."""
    for name, _, tree in modules(root):
        for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
            is_public = not function.name.startswith("_")
            if is_public and has_arrays(function) and not _SHAPE.search(ast.get_docstring(function) or ""):
                yield f"{name}:{function.lineno}: {function.name} takes or returns arrays and names no shape"


def has_arrays(function: Function) -> bool:
    """Return whether an argument or the result of a function is annotated as an array."""
    arguments = function.args
    annotations = [each.annotation for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    return any(_ARRAY.search(ast.unparse(each)) for each in [*annotations, function.returns] if each is not None)


def words_in_docstrings(root: Path) -> Iterator[str]:
    """Yield words to replace in docstrings."""
    for name, _, tree in modules(root):
        for node in docstrings(tree):
            for offset, problem in words_to_replace(str(node.value)):
                yield f"{name}:{node.lineno + str(node.value).count(chr(10), 0, offset)}: {problem}"


def words_in_messages(root: Path) -> Iterator[str]:
    """Yield words to replace in what users see: texts of errors, logs, settings and help; interfaces and YAML."""
    for name, _, tree in modules(root):
        yield from _in_texts(name, tree)
    for path in sorted(root.glob("launch/*.py")):
        yield from _in_texts(path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8")))
    for path in sorted([*root.glob("msg/*.msg"), *root.glob("srv/*.srv"), *root.glob("config/*.yaml")]):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for _, problem in words_to_replace(line.partition("#")[2]):
                yield f"{path.relative_to(root)}:{number}: {problem}"


def _in_texts(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield words in the strings of a module that have more than one word; a docstring that is help counts here too."""
    helps = {id(node) for function in ast.walk(tree) if is_command(function) for node in own_docstring(function)}
    docs = {id(node) for node in docstrings(tree)} - helps
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()
        if is_text and id(node) not in docs:
            for _, problem in words_to_replace(str(getattr(node, "value", ""))):
                yield f"{name}:{getattr(node, 'lineno', 0)}: {problem}"


def is_command(node: ast.AST) -> bool:
    """Return whether a function is a command of click, whose docstring is its help."""
    return isinstance(node, Function) and any(
        re.search(r"\b(command|group)\(", ast.unparse(each)) for each in node.decorator_list
    )


def own_docstring(node: ast.AST) -> list[ast.Constant]:
    """Return the docstring of a module, class or function, or nothing."""
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return [value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def docstrings(tree: ast.Module) -> list[ast.Constant]:
    """Return the docstrings of a module, and those of its constants."""
    homes = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | Function))
    below = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    found = {id(node): node for node in [*(each for home in homes for each in own_docstring(home)), *below]}
    return [node for node in found.values() if isinstance(node.value, str)]


def dependencies(root: Path) -> Iterator[str]:
    """Yield what a robot has to install: the requirements of setup.py and the packages that package.xml names."""
    for call in ast.walk(ast.parse((root / "setup.py").read_text("utf-8"))):
        if isinstance(call, ast.keyword) and call.arg in {"install_requires", "extras_require"}:
            given = ast.literal_eval(call.value)
            lists = given.values() if isinstance(given, dict) else [given]
            yield from (f"setup.py: {requirement}" for group in lists for requirement in group)
    for kind in ("depend", "exec_depend"):
        for node in ET.parse(root / "package.xml").getroot().findall(kind):  # noqa: S314  our own file
            yield f"package.xml: {node.text}"
