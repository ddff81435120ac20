"""The walls of the house, read from the syntax tree: where imports point, what loads lazily, what no module does."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rankkit

PACKAGE = Path(rankkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: A module may import from its own level or below, and on level 2 only from its own folder and the allowed neighbours.
LEVELS = {
    0: {"errors", "usage", "step", "ranking", "_extras", "_workers"},
    1: {
        "questions",
        "judge",
        "account",
        "_job",
        "runner",
        "plan",
        "reranker",
        "neutral",
        "prompt",
        "record",
        "attempts",
        "cascade",
        "fusion",
        "gates",
        "stage",
        "standing",
    },
    2: {"backends", "pointwise", "pairwise", "listwise", "models", "evaluation", "retrieval"},
    3: {"config", "testing"},
    4: {"__main__", "cli", "server", "integrations", "distributed"},
}
SHARED_ON_LEVEL_2 = {"rankkit.backends.protocols", "rankkit.backends.fitting", "rankkit.backends.batches"}
HEAVY = {"numpy", "pydantic", "onnxruntime", "tokenizers", "llama_cpp", "openai", "typer", "rich", "huggingface_hub"}
#: Core types hold plain Python: level 0 and 1 use the standard library only.
STANDARD_LIBRARY_ONLY = LEVELS[0] | LEVELS[1]


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def level_of(module: str) -> int:
    unit = unit_of(module)
    return next((level for level, units in LEVELS.items() if unit in units), 5)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.count(".") < 2 and node.module.startswith("rankkit"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down_the_levels_only(path):
    module = name_of(path)
    if module == "rankkit":
        return
    own = level_of(module)
    assert own < 5, f"{module} stands on no level: add it to LEVELS"
    for imported in imports_of(path):
        if not imported.startswith("rankkit.") or unit_of(imported) == unit_of(module) or level_of(imported) == 5:
            continue
        assert level_of(imported) <= own, f"{module} imports {imported}, which is above it"
        if own == 2 and level_of(imported) == 2:
            assert imported.rpartition(".")[0] in SHARED_ON_LEVEL_2 or imported in {
                *SHARED_ON_LEVEL_2,
                "rankkit.backends",
            }, f"{module} imports its neighbour {imported}"


@pytest.mark.parametrize("path", [p for p in MODULES if unit_of(name_of(p)) in STANDARD_LIBRARY_ONLY], ids=name_of)
def test_the_core_needs_the_standard_library_only(path):
    foreign = {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names) - {"rankkit"}
    assert foreign == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import rankkit",
        "from rankkit import Request, Budget, Ranking, BaseReranker",
        "import rankkit.testing, rankkit.prompt",
    ],
)
def test_importing_rankkit_loads_nothing_heavy(statement):
    code = f"{statement}; import sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_prints_swallows_or_shares_mutable_state(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert unit_of(name_of(path)) == "cli", f"{path}:{node.lineno} prints"
        if isinstance(node, ast.ExceptHandler) and _is_broad(node):
            assert any(isinstance(inner, ast.Raise | ast.Return) for inner in ast.walk(node)), (
                f"{path}:{node.lineno} swallows every error"
            )
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
            assert not any(_is_mutable(default) for default in defaults), f"{path}:{node.lineno} has a mutable default"
            public = not node.name.startswith("_")
            assert not (public and node.args.kwarg), (
                f"{path}:{node.lineno} takes **{node.args.kwarg and node.args.kwarg.arg}"
            )
    for node in tree.body:
        value = getattr(node, "value", None)
        if (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(value, ast.List | ast.Set | ast.Dict)
            and not _elements(value)
        ):
            raise AssertionError(f"{path}:{node.lineno} is an empty container on module level: state")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return handler.type is None or any(
        isinstance(n, ast.Name) and n.id in ("Exception", "BaseException") for n in names
    )


def _is_mutable(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Dict | ast.Set)


def _elements(node: ast.List | ast.Set | ast.Dict) -> list[ast.expr]:
    return node.values if isinstance(node, ast.Dict) else node.elts


def test_the_walls_would_notice(tmp_path):
    """The checks above can fail: a core module that imports numpy or the command line is seen."""
    bad = tmp_path / "runner.py"
    bad.write_text("import numpy\nfrom rankkit.cli import app\n")
    assert set(imports_of(bad)) == {"numpy", "rankkit.cli", "rankkit.cli.app"}
    assert level_of("rankkit.cli.app") > level_of("rankkit.runner")


def test_public_names_are_importable_and_no_more_than_promised():
    for name in rankkit.__all__:
        assert getattr(rankkit, name) is not None
    assert sorted(rankkit.__all__) == dir(rankkit)
    with pytest.raises(AttributeError, match="no attribute 'rerankk'"):
        _ = rankkit.rerankk
