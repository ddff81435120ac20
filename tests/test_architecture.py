"""The walls of the house, read from the syntax tree: where imports point, what loads lazily, what no module does."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import rankkit

PACKAGE = Path(rankkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Folders (and the modules at the top) from the ground up. A folder imports from itself and from lower levels only;
#: what stands on one level are neighbours, who do not know one another.
LEVELS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "errors",
        "core",
        "machine prompting pipeline data",
        "backends",
        "judging",
        "pointwise pairwise listwise retrieval models",
        "replay evaluation",
        "config testing",
        "planning integrations",
        "cli server distributed",
        "__main__",
    )
)
HEAVY = {"numpy", "pydantic", "onnxruntime", "tokenizers", "llama_cpp", "openai", "typer", "rich", "huggingface_hub"}
#: These hold plain Python and nothing else.
STANDARD_LIBRARY_ONLY = {"errors", "core", "machine", "prompting", "pipeline", "__init__"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def level_of(module: str) -> int:
    folder = folder_of(module)
    found = [level for level, names in enumerate(LEVELS) if folder in names]
    assert found, f"{module} stands on no level: add {folder} to LEVELS"
    return found[0]


def imports_of(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, inside functions and for type checking too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.startswith("rankkit"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


KNOWN = {name_of(path): path for path in MODULES}
#: The public names of the package and its folders point down from everywhere, lazily.
GATEWAYS = {name_of(path) for path in MODULES if path.name == "__init__.py"}


def graph_of(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Which modules of the package each module imports."""
    modules = {name_of(path): path for path in paths if path.name != "__init__.py"}
    return {
        name: {imported for imported in imports_of(path) if imported in modules} - {name}
        for name, path in modules.items()
    }


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import one another in a ring, or nothing."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for imported in sorted(graph[name]):
            if found := walk(imported, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path) != "rankkit"], ids=name_of)
def test_imports_point_down_the_levels_only(path):
    module = name_of(path)
    own = level_of(module)
    for imported in imports_of(path):
        if imported not in KNOWN or imported == "rankkit" or folder_of(imported) == folder_of(module):
            continue
        assert level_of(imported) < own, f"{module} imports {imported}, which is not below it"


def test_no_modules_import_one_another_in_a_circle():
    assert circle_in(graph_of(MODULES)) == []


@pytest.mark.parametrize("path", [p for p in MODULES if folder_of(name_of(p)) in STANDARD_LIBRARY_ONLY], ids=name_of)
def test_the_core_needs_the_standard_library_only(path):
    foreign = {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names) - {"rankkit"}
    assert foreign == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import rankkit",
        "from rankkit import Request, Budget, Ranking, BaseReranker",
        "import rankkit.testing, rankkit.prompting.template",
        "import rankkit.core, rankkit.pointwise, rankkit.pairwise, rankkit.listwise, rankkit.backends",
    ],
)
def test_importing_rankkit_loads_nothing_heavy(statement):
    code = f"{statement}; import sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def faults_of(path: Path) -> list[str]:
    """What no module may do, wherever it stands: print, swallow, share something mutable, hide its parameters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print" and "cli" not in path.parts:
            found.append(f"{path}:{node.lineno} prints")
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _passes_on(node):
            found.append(f"{path}:{node.lineno} swallows every error")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
            if any(isinstance(default, ast.List | ast.Set | ast.Dict) for default in defaults):
                found.append(f"{path}:{node.lineno} has a mutable default")
            if not node.name.startswith("_") and node.args.kwarg:
                found.append(f"{path}:{node.lineno} takes **{node.args.kwarg.arg}")
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_empty_container(value):
            found.append(f"{path}:{node.lineno} is an empty container on module level: state")
    return found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return handler.type is None or any(
        isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in names
    )


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """It raises, or it names the error and makes something of it: returning ``None``, or nothing of it, is silence."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Name) and node.id == handler.name and isinstance(node.ctx, ast.Load):
            return True
    return False


def _is_empty_container(value: object) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in ("list", "dict", "set", "deque", "defaultdict", "Counter") and not value.args
    if isinstance(value, ast.Dict):
        return not value.values
    return isinstance(value, ast.List | ast.Set) and not value.elts


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_prints_swallows_or_shares_mutable_state(path):
    assert faults_of(path) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('x')", "prints"),
        ("try:\n    f()\nexcept Exception:\n    pass", "swallows"),
        ("def g():\n    try:\n        f()\n    except BaseException:\n        return None", "swallows"),
        ("try:\n    f()\nexcept:\n    x = 1", "swallows"),
        ("def f(x=[]): ...", "mutable default"),
        ("def f(**options): ...", "takes **options"),
        ("cache = {}", "state"),
        ("cache: dict[str, int] = dict()", "state"),
    ],
)
def test_the_walls_would_notice(tmp_path, code, words):
    bad = tmp_path / "bad.py"
    bad.write_text(code)
    [fault] = faults_of(bad)
    assert words in fault


def test_the_walls_would_notice_imports_that_point_up_or_around(tmp_path):
    bad = tmp_path / "runner.py"
    bad.write_text("def f():\n    import numpy\n    from rankkit.cli import app\n")
    assert set(imports_of(bad)) == {"numpy", "rankkit.cli", "rankkit.cli.app"}
    assert level_of("rankkit.cli.app") > level_of("rankkit.core.runner")
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
