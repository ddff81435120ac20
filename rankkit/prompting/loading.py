"""Prompt files by name: those that ship, and one's own by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rankkit.errors import PromptError, nearest
from rankkit.prompting.files import read_prompt_file
from rankkit.prompting.parsing import parse_prompt
from rankkit.prompting.template import PromptTemplate

PARADIGMS = ("pointwise", "pairwise", "listwise")


def load_prompt(name: str | Path, paradigm: str | None = None) -> PromptTemplate:
    """A shipped prompt by name (``"rankgpt"``, ``"listwise/rankgpt"``), or one of your own by the path of its file.

    Raises:
        PromptError: no such prompt (with the nearest names), or a file that does not hold together.
    """
    file, called = find_prompt(name, paradigm)
    where = str(file) if Path(name).suffix == ".toml" else f"prompts/{called}.toml"
    return parse_prompt(read_prompt_file(file), name=called, where=where)


def find_prompt(name: str | Path, paradigm: str | None = None) -> tuple[Path, str]:
    """The file of a prompt that ships, or one of your own, and what the prompt is called.

    Raises:
        PromptError: no such prompt, or one of another paradigm.
    """
    path = Path(name)
    if path.suffix == ".toml":
        return path, path.stem
    shipped = list_prompts()
    known = [key for key in shipped if key.startswith(f"{paradigm or ''}")]
    called = [key for key in shipped if str(name) in (key, key.partition("/")[2])]
    wanted = [key for key in called if key in known]
    if called and not wanted:
        raise PromptError(
            f"prompt {called[0]!r} is for {called[0].partition('/')[0]} judges; a {paradigm} one is needed",
            hint=f"These are: {', '.join(known)}. Or give the path of a .toml file of your own.",
        )
    if len(wanted) != 1:
        problem = "more than one prompt is" if wanted else "no prompt is"
        raise PromptError(f"{problem} called {str(name)!r}", hint=nearest(str(name), wanted or known))
    return _folder() / f"{wanted[0]}.toml", wanted[0]


def list_prompts() -> list[str]:
    """The shipped prompts, as ``paradigm/name``."""
    root = _folder()
    return sorted(f"{paradigm}/{file.stem}" for paradigm in PARADIGMS for file in (root / paradigm).glob("*.toml"))


def _folder() -> Path:
    """Inside the package when it was installed from a wheel; beside it in a checkout, which an editable install
    points at.
    """
    inside = Path(str(resources.files("rankkit"))) / "prompts"
    if inside.is_dir():
        return inside
    checkout = inside.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "prompts").is_dir():
        return checkout / "prompts"
    raise PromptError(
        f"the prompt files are neither in {inside} nor in {checkout / 'prompts'}",
        hint="The installation is incomplete: install rankkit again.",
    )
