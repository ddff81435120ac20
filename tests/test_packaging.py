"""What a stranger installs: the wheel, the sdist and an editable install all rank and find their prompts and pages."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from rankkit.cli.app import COMMANDS
from rankkit.core.extras import DISTRIBUTION
from tests.tiny import tiny_cross_encoder

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PROGRAM = """
import sys, rankkit
from importlib import resources
from rankkit.prompting.loading import list_prompts, load_prompt
assert load_prompt("rankzephyr").question == "order" and len(list_prompts()) >= 5
assert (resources.files("rankkit.comparison.outputs") / "page" / "page.html").is_file()
ranking = rankkit.rerank("word", ["bad", "best"], model=sys.argv[1])
print(rankkit.__file__, ranking.ids, ranking.scores)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return out


def tracked(*folders: str) -> set[str]:
    """The files of these folders that belong to the project."""
    ignored = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if not ignored & set(path.parts)}


def test_the_wheel_holds_the_package_its_prompts_and_nothing_else(built):
    [wheel] = built.glob("*.whl")
    assert wheel.name.startswith("rankkit_rerank-")
    names = set(zipfile.ZipFile(wheel).namelist())
    info = {name for name in names if ".dist-info/" in name}
    prompts = {f"rankkit/{name}" for name in tracked("prompts")}
    assert names - info == tracked("rankkit") | prompts
    assert {name.partition("/")[2] for name in info} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "licenses/NOTICE",
    }


def test_the_sdist_holds_all_that_building_and_testing_need(built):
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    single = {"pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE", "Makefile"}
    folders = tracked("rankkit", "prompts", "tests", "docs", "examples", "benchmarks", "scripts", ".ci")
    assert names - {"PKG-INFO", ".gitignore"} == folders | single


@pytest.mark.slow
def test_the_sdist_tests_itself(built, tmp_path):
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    pytest_there = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    parts = ["core", "pointwise", "prompting", "backends/encoders", "test_documentation.py", "test_architecture.py"]
    for arguments in (["--collect-only"], [*(f"tests/{part}" for part in parts), "-m", "not model and not slow"]):
        done = subprocess.run(
            [*pytest_there, *arguments, "--hypothesis-profile", "quick"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]


def clean_environment(wheel: Path, folder: Path, *, without: tuple[str, ...] = ()) -> tuple[Path, Path]:
    """An environment with the wheel and this one's dependencies; no registry is asked during tests."""
    venv.create(folder, with_pip=False)
    python = next(path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists())
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    zipfile.ZipFile(wheel).extractall(site)  # a wheel of pure Python is installed by unpacking it
    own = Path(sys.modules["numpy"].__file__).parent.parent
    for item in own.iterdir():
        left_out = "rankkit" in item.name or item.name.endswith(".pth")
        left_out = left_out or item.name.partition("-")[0].partition(".")[0] in without
        if not left_out and not (site / item.name).exists():
            (site / item.name).symlink_to(item, target_is_directory=item.is_dir())
    return python, site


@pytest.mark.slow
def test_the_wheel_ranks_from_another_folder_in_a_clean_environment(built, tmp_path):
    folder = tiny_cross_encoder(tmp_path / "model")
    [wheel] = built.glob("*.whl")
    python, site = clean_environment(wheel, tmp_path / "venv")
    result = subprocess.run(
        [python, "-I", "-c", PROGRAM, str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert str(site) in result.stdout and "('1', '0') (3.25, -0.75)" in result.stdout


def test_every_extra_that_an_error_or_a_page_names_is_one():
    named = set()
    for path in (*(ROOT / "rankkit").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"""(?:require_extra|framework)\("([a-z-]+)",""", text))
        named |= {one for some in re.findall(r"rankkit-rerank\[([a-z,-]+)\]", text) for one in some.split(",")}
    assert named <= set(PROJECT["optional-dependencies"]) and {"server", "langchain", "txtai"} <= named


#: Top-level modules that come with an extra only.
EXTRAS_BRING = frozenset(
    "openai httpx httpx2 llama_cpp jinja2 ir_measures pytrec_eval scipy bm25s Stemmer "
    "openvino torch transformers onnx sentencepiece plotly starlette uvicorn prometheus_client mcp mcp_types".split()
)


@pytest.mark.slow
def test_without_extras_each_command_says_which_one_it_lacks(built, tmp_path):
    """Exit code 3, and the line that installs it."""
    [wheel] = built.glob("*.whl")
    without = (
        "openai",
        "llama_cpp",
        "ir_measures",
        "pytrec_eval",
        "bm25s",
        "Stemmer",
        "scipy",
        "torch",
        "uvicorn",
        "mcp",
    )
    python, _ = clean_environment(wheel, tmp_path / "venv", without=without)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text("fleas")
    (tmp_path / "documents.txt").write_text("fleas\ndogs\n")
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (tmp_path / "qrels.txt").write_text("1 0 a 1\n")
    (tmp_path / "candidates.jsonl").write_text(
        '{"qid":"1","query":"q","candidates":[{"docid":"a","text":"x","score":2}]}\n'
    )
    commands = {
        "openai": "rerank q documents.txt --endpoint http://127.0.0.1:9/v1 --model m",
        "search": "search fleas --corpus corpus",
        "eval": "eval --data . --run missing.txt",
        "export": "models export x --kind seq2seq --out out",
        "server": "serve --model m",
        "mcp": "mcp --model m",
    }
    for extra, command in commands.items():
        done = subprocess.run(
            [python, "-I", "-m", "rankkit", *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 3, (command, done.stderr)
        assert f"pip install '{DISTRIBUTION}[{extra}]'" in " ".join(done.stderr.split()), done.stderr


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_command_line_helps_without_any_extra(command):
    """Nothing that every command imports may need a package of one extra."""
    packages = sorted(EXTRAS_BRING)
    code = f"""
import sys
sys.modules.update(dict.fromkeys({packages}))  # None there: an import raises ModuleNotFoundError
from rankkit.cli.app import run
sys.exit(run([*{command.split()}, "--help"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_editable_install_finds_the_prompts_beside_it():
    import rankkit.prompting.loading

    if Path(rankkit.prompting.loading.__file__).is_relative_to(ROOT):
        assert rankkit.prompting.loading._folder() == ROOT / "prompts"


def test_an_installation_without_prompts_says_so(tmp_path, monkeypatch):
    from rankkit.prompting import loading as prompt

    monkeypatch.setattr(prompt.resources, "files", lambda _: tmp_path / "rankkit")
    with pytest.raises(prompt.PromptError, match="install rankkit again"):
        prompt.list_prompts()


def test_the_distribution_has_one_name_everywhere():
    assert PROJECT["name"] == DISTRIBUTION
    assert importlib.metadata.version(DISTRIBUTION)
    foreign = re.compile(r"""(?:pip|uv|pipx)\s+(?:install|add|run)\s[^\n&;|]*?['"\s]rankkit(?=['"\s\[`]|$)""")
    for name in tracked("rankkit", "docs", "examples", "scripts") | {"README.md", "CONTRIBUTING.md", "Makefile"}:
        if name.endswith((".py", ".md", ".toml", ".sh", "Makefile")):
            text = (ROOT / name).read_text(encoding="utf-8")
            assert not foreign.search(text), f"{name} names the package of somebody else"


LINK = re.compile(r"\]\(([^)]*)\)|^\[[^]]+\]:\s*(\S+)", re.M)


def test_the_readme_can_be_read_on_a_package_index(built):
    """A link into the repository leads nowhere there, and a picture is missing: files are named instead."""
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = (name for name in archive.namelist() if name.endswith("METADATA"))
        described = archive.read(name).decode()
    assert "Description-Content-Type: text/markdown" in described and "`docs/comparing.md`" in described
    assert all("".join(link).startswith("https://") for link in LINK.findall(described))


def test_the_readme_leads_to_what_is_there():
    links = ["".join(link) for link in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))]
    inside = [link for link in links if not link.startswith("https://")]
    assert "docs/images/report.png" in inside
    assert all((ROOT / link.partition("#")[0]).is_file() for link in inside)
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= set(inside)
    assert all(url.startswith("https://") for url in PROJECT.get("urls", {}).values())


#: Below these something is broken or unsafe; what it is stands beside the bound in pyproject.toml.
LOWEST = {
    "cyclopts": "5.0",
    "bm25s": "0.3.10",
    "pystemmer": "2.2.0.2",
    "openai": "1.109.1",
    "jinja2": "3.1.6",
    "onnxruntime": "1.24.1",
    "filelock": "3.20.1",
    "pydantic": "2.8",
}


def test_no_declared_bound_is_below_what_works():
    def numbers(version: str) -> tuple[int, ...]:
        return tuple(map(int, version.split(".")))

    lines = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]
    declared = dict(found.groups() for line in lines if (found := re.match(r"([\w-]+)>=([\d.]+)", line)))
    assert set(LOWEST) <= set(declared)
    for name, lowest in LOWEST.items():
        assert numbers(declared[name]) >= numbers(lowest), name
