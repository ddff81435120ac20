"""Public names: reachable from each folder, the same for type checkers and Python, and nothing is loaded for them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rankkit
from rankkit.core.lazy import lazily
from rankkit.errors import MissingExtra
from tests.test_architecture import HEAVY, PACKAGE, name_of

#: Folders that hand on no names: a command, and what only rankkit itself uses.
SILENT = {
    "rankkit.cli",
    "rankkit.integrations",
    "rankkit.server",
    "rankkit.backends.http",
    "rankkit.backends.tokenizing",
}
GATEWAYS = {name: path for path in sorted(PACKAGE.rglob("__init__.py")) if (name := name_of(path)) not in SILENT}


def typed_names(path: Path) -> Iterator[tuple[str, str]]:
    """What a type checker sees: each name that is imported for it alone, and from which module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for line in node.body:
                assert isinstance(line, ast.ImportFrom) and line.module
                for alias in line.names:
                    assert alias.asname == alias.name, f"{alias.name} is not handed on: write it `as {alias.name}`"
                    yield alias.name, line.module


def homes_of(path: Path) -> dict[str, str]:
    """What Python sees: the table that is given to ``lazily``."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    [table] = (call.args[1] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "lazily")
    return ast.literal_eval(table)


def defined_in(module: str) -> set[str]:
    """Classes, functions and constants at the top of a module."""
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin
    names: set[str] = set()
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(("name", "path"), GATEWAYS.items(), ids=GATEWAYS)
def test_a_folder_hands_on_what_is_typed_sorted_and_nothing_else(name, path):
    typed, homes = list(typed_names(path)), homes_of(path)
    assert typed, f"{name} hands on nothing: add its names, or add it to SILENT"
    assert dict(typed) == homes and len(typed) == len(homes)
    assert list(homes) == sorted(homes), "in alphabetical order"
    module = importlib.import_module(name)
    extra = {"__version__"} if name == "rankkit" else set()
    assert module.__all__ == sorted(homes.keys() | extra) == dir(module)


@pytest.mark.parametrize(("name", "path"), GATEWAYS.items(), ids=GATEWAYS)
def test_every_public_name_is_there_under_the_name_of_its_module(name, path):
    for public, home in homes_of(path).items():
        assert public in defined_in(home), f"{public} is not made in {home}: name the module where it is"
        try:
            found = getattr(importlib.import_module(name), public)
        except MissingExtra:
            continue  # its own words, and not `AttributeError`, are what a user should see
        assert found is getattr(importlib.import_module(home), public)


@pytest.mark.parametrize(("name", "path"), GATEWAYS.items(), ids=GATEWAYS)
def test_no_public_name_is_a_module_too(name, path):
    """``rankkit.evaluation.evaluate`` would be a function or a module, by which import came first."""
    beside = {item.stem for item in path.parent.iterdir() if item.suffix == ".py" or (item / "__init__.py").exists()}
    assert not beside & homes_of(path).keys()


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_silent_folder_says_what_it_is(name):
    assert importlib.import_module(name).__doc__


def test_folders_and_their_lists_of_names_load_nothing_heavy():
    code = f"""
import importlib, sys
for name in {sorted(GATEWAYS.keys() | SILENT)}:
    dir(importlib.import_module(name))
from rankkit.listwise import GenerateJudge, Sliding
from rankkit.pairwise import HeapSort, PromptedJudge
from rankkit.pipeline import MarginAbove, fuse
from rankkit.backends import PairScorer
print(*sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_a_name_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(AttributeError, match=r"module 'rankkit' has no attribute 'rerankk'. Did you mean rerank"):
        _ = rankkit.rerankk
    with pytest.raises(ImportError, match="HeapSorted"):
        from rankkit.pairwise import HeapSorted  # noqa: F401


def test_a_module_below_is_found_where_no_name_is_in_its_way():
    from rankkit.pairwise import strategies

    assert strategies.HeapSort is importlib.import_module("rankkit.pairwise").HeapSort


def test_names_are_looked_up_when_they_are_used():
    resolve, names, public = lazily("some.package", {"b": "some.nowhere", "a": "rankkit.errors"}, also=("c",))
    assert names() == public == ["a", "b", "c"]
    with pytest.raises(ModuleNotFoundError, match="some"):
        resolve("b")
    with pytest.raises(AttributeError, match=r"module 'some.package' has no attribute 'c'"):
        resolve("c")
