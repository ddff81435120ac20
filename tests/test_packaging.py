"""What a stranger installs: the wheel, the sdist and an editable install all rank and find their prompts."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tiny import tiny_cross_encoder

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import sys, rankkit
from rankkit.prompting.template import list_prompts, load_prompt
assert load_prompt("rankzephyr").question == "order" and len(list_prompts()) >= 5
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


def test_the_wheel_holds_prompts_types_and_data(built):
    [wheel] = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"rankkit/py.typed", "rankkit/prompts/listwise/rankgpt.toml", "rankkit/cli/demo_documents.toml"} <= names
    assert "rankkit/models/catalogue.toml" in names
    assert not [name for name in names if name.startswith("tests/")]
    [licence] = [name for name in names if name.endswith("LICENSE")]
    assert b"Apache License" in zipfile.ZipFile(wheel).read(licence)


def test_the_sdist_can_be_built_from(built):
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"prompts/listwise/rankgpt.toml", "rankkit/__init__.py", "tests/tiny.py", "pyproject.toml"} <= names


@pytest.mark.slow
def test_the_wheel_ranks_from_another_folder_in_a_clean_environment(built, tmp_path):
    folder = tiny_cross_encoder(tmp_path / "model")
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = next(
        path for path in (environment / "bin" / "python", environment / "Scripts" / "python.exe") if path.exists()
    )
    [wheel] = built.glob("*.whl")
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    zipfile.ZipFile(wheel).extractall(site)  # a wheel of pure Python is installed by unpacking it
    _borrow_dependencies(Path(site))
    result = subprocess.run(
        [python, "-I", "-c", PROGRAM, str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert str(site) in result.stdout and "('1', '0') (3.25, -0.75)" in result.stdout


def _borrow_dependencies(site: Path) -> None:
    """The dependencies of this environment, but not its rankkit: no registry is asked during tests."""
    own = Path(sys.modules["numpy"].__file__).parent.parent
    for item in own.iterdir():
        if "rankkit" not in item.name and not item.name.endswith(".pth") and not (site / item.name).exists():
            (site / item.name).symlink_to(item, target_is_directory=item.is_dir())


def test_an_editable_install_finds_the_prompts_beside_it():
    import rankkit.prompting.template

    if Path(rankkit.prompting.template.__file__).is_relative_to(ROOT):
        assert rankkit.prompting.template._folder() == ROOT / "prompts"


def test_an_installation_without_prompts_says_so(tmp_path, monkeypatch):
    from rankkit.prompting import template as prompt

    monkeypatch.setattr(prompt.resources, "files", lambda _: tmp_path / "rankkit")
    with pytest.raises(prompt.PromptError, match="install rankkit again"):
        prompt.list_prompts()
