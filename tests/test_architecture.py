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
        "replay evaluation calibration",
        "config testing",
        "planning integrations",
        "comparison server",
        "cli distributed",
        "__main__",
    )
)
HEAVY = {"numpy", "pydantic", "onnxruntime", "tokenizers", "llama_cpp", "openai", "cyclopts", "rich", "huggingface_hub"}
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
    """Every module that is imported anywhere in the file: inside functions, for type checking and by a string too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.partition(".")[0] == "rankkit":
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (HOMES.get(name, name) for name in names)
        elif isinstance(node, ast.Call) and _called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _called(call: ast.Call) -> str:
    """The last part of what is called: ``import_module`` of ``importlib.import_module``."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


#: Where the public names of the package are at home: ``from rankkit import load`` is an import of ``config``.
HOMES = {
    f"rankkit.{alias.name}": str(node.module)
    for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
KNOWN = {name_of(path): path for path in MODULES}


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
            continue  # what is said of the package itself is followed to its home (HOMES)
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
    found = [f"{path}:{getattr(node, 'lineno', 0)} {fault}" for node in ast.walk(tree) for fault in _faults(node, path)]
    for scope in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        for node in scope.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_container(node.value):
                continue
            if path not in PROCESS_WIDE or ast.unparse(node.value) != "weakref.WeakSet()":
                found.append(f"{path}:{node.lineno} is a container that all share: state")
    return found


def _faults(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Call):
        if _called(node) == "print" and not path.is_relative_to(PACKAGE / "cli"):
            yield "prints"
        if _called(node) == "suppress" and any(_names_everything(argument) for argument in node.args):
            yield "swallows every error"
    elif isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _passes_on(node):
        yield "swallows every error"
    elif isinstance(node, ast.Global):
        yield f"sets {', '.join(node.names)} for the whole process: state"
    elif isinstance(node, ast.Import) and any(alias.name == "rankkit" for alias in node.names):
        yield "imports the package as a whole, which hides what it needs"
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        if any(isinstance(default, ast.List | ast.Set | ast.Dict) or _is_container(default) for default in defaults):
            yield "has a mutable default"
        if not node.name.startswith("_") and node.args.kwarg:
            yield f"takes **{node.args.kwarg.arg}"


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return handler.type is None or any(_names_everything(name) for name in names)


def _names_everything(name: ast.AST | None) -> bool:
    plain = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
    return plain in ("Exception", "BaseException")


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """It raises, or it names the error and makes something of it: returning ``None``, or nothing of it, is silence."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Name) and node.id == handler.name and isinstance(node.ctx, ast.Load):
            return True
    return False


#: What a fork or the end of the interpreter must find belongs to the process, and to nobody else. Weak references only.
PROCESS_WIDE = {PACKAGE / name for name in ("backends/http/forks.py", "core/limits.py", "core/threads.py")}

#: Made to be filled, whatever they are made with.
_FILLED_LATER = {
    "deque",
    "defaultdict",
    "Counter",
    "OrderedDict",
    "WeakKeyDictionary",
    "WeakValueDictionary",
    "WeakSet",
}


def _is_container(value: object) -> bool:
    """An empty one, which can only be there to be filled. One with content is a table, and typed as a ``Mapping``."""
    if isinstance(value, ast.Call):
        called = _called(value)
        return called in _FILLED_LATER or (called in ("list", "dict", "set") and not value.args)
    if isinstance(value, ast.Subscript):
        return False
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
        ("def f(x=set()): ...", "mutable default"),
        ("with contextlib.suppress(Exception):\n    f()", "swallows"),
        ("try:\n    f()\nexcept (ValueError, builtins.Exception):\n    pass", "swallows"),
        ("cache = {}", "state"),
        ("cache = collections.defaultdict(list)", "state"),
        ("class A:\n    seen: list[str] = []", "state"),
        ("def f():\n    global cache\n    cache = 1", "state"),
        ("import rankkit", "as a whole"),
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
    bad.write_text("def f():\n    import numpy\n    from rankkit.cli import app\n    importlib.import_module('yaml')\n")
    assert set(imports_of(bad)) == {"numpy", "rankkit.cli", "rankkit.cli.app", "yaml"}
    bad.write_text("from rankkit import load\n")
    assert set(imports_of(bad)) == {"rankkit", "rankkit.config.loading"}
    assert level_of("rankkit.cli.app") > level_of("rankkit.core.runner")
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
