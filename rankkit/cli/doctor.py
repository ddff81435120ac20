"""``rankkit doctor``: what this machine has, what is dangerous on it, and the fix for each."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Annotated

from packaging.requirements import Requirement
from rich.table import Table
from rich.text import Text

from rankkit import __version__
from rankkit.backends.gguf.safety import LlamaFacts, build_flags, cpu_flags, diagnose
from rankkit.cli.output import say, stdout, write_json
from rankkit.cli.parameters import AsJson, flag
from rankkit.core.extras import DISTRIBUTION, install_line
from rankkit.errors import MissingExtra, RankkitError, StoreError
from rankkit.machine import cgroups
from rankkit.machine.cpus import available_cpus
from rankkit.models import store
from rankkit.models.home import home
from rankkit.models.optimising import optimised_forms

#: What makes a difference to a reranker's speed, as Linux names it.
_INSTRUCTIONS = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "sve",
    "i8mm",
)

#: The packages of the core whose versions answers and faults depend on.
_CORE = ("numpy", "onnxruntime", "tokenizers", "pydantic", "huggingface-hub")


def doctor(
    *,
    llama_build_flags: Annotated[
        bool,
        flag("--llama-build-flags", help="Print CMAKE_ARGS for a safe, fast llama-cpp-python here, and stop."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show CPUs, instruction sets, extras and models of this machine, and known dangers with their fixes."""
    if llama_build_flags:
        say(build_flags())
        return
    facts = examine()
    if as_json:
        write_json(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        table.add_row(name, Text(_words(value)))
    stdout().print(table)


def examine() -> dict[str, object]:
    """Everything that the command shows, as plain Python."""
    return {
        "rankkit": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cpus": {"in the machine": os.cpu_count() or 1, "usable by this process": available_cpus()},
        "instructions": sorted(cpu_flags(cgroups.SYSTEM) & set(_INSTRUCTIONS)),
        "core": {name: _version(name) or "not installed" for name in _CORE},
        "extras": _extras(),
        "store": _store(),
        "models": _models(),
        "graphs": _graphs(),
        "dangers": _dangers(),
    }


def _extras() -> dict[str, str]:
    """Each extra with the packages that it lacks, or that are too old for it, read from rankkit's own metadata so that
    the two cannot drift.
    """
    try:
        about = importlib.metadata.metadata(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return {
            "unknown": f"rankkit runs without having been installed as {DISTRIBUTION}: pip install -e . in its folder"
        }
    required = [Requirement(line) for line in about.get_all("Requires-Dist") or ()]
    return {extra: _extra(extra, required) for extra in sorted(about.get_all("Provides-Extra") or ())}


def _extra(extra: str, required: Sequence[Requirement]) -> str:
    packages = [one for one in required if _brings(extra, one)]
    lacking = dict.fromkeys(one.name for one in packages if not _version(one.name))
    old = [
        f"{one.name} {_version(one.name)} is not {one.specifier}"
        for one in packages
        if one.name not in lacking and not one.specifier.contains(_version(one.name), prereleases=True)
    ]
    wrong = [*([f"lacks {', '.join(lacking)}"] if lacking else []), *old]
    return f"{install_line(extra)}  ({'; '.join(wrong)})" if wrong else "installed"


def _brings(extra: str, requirement: Requirement) -> bool:
    """Whether an extra brings this on this Python, and the core does not."""
    marker = requirement.marker
    return marker is not None and not marker.evaluate({"extra": ""}) and marker.evaluate({"extra": extra})


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _store() -> str:
    try:
        place = home()
    except StoreError as error:
        return f"none: {error.message}. Set RANKKIT_HOME to a folder that you may read and write"
    nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    return f"{place}{'' if os.access(nearest, os.W_OK) else '  (not writable: set RANKKIT_HOME to a folder that is)'}"


def _models() -> list[str]:
    """What is pulled; of what cannot be read, the error."""
    try:
        return [pulled.name for pulled in store.pulled()]
    except RankkitError as error:
        return [f"cannot be read: {error.message}"]


def _graphs() -> dict[str, str]:
    """How the graph of each cross-encoder here is run."""
    try:
        return {
            pulled.name: form.words if form else f"as it is: run rankkit models optimise {pulled.name}"
            for pulled in store.pulled()
            if pulled.path.is_dir()
            for form in optimised_forms(pulled.path).values()
        }
    except RankkitError as error:
        return {"unknown": error.message}


def _dangers() -> list[str]:
    """Known dangers with the fix. A missing extra is none."""
    try:
        llama = diagnose()
    except MissingExtra:
        return []
    except RankkitError as error:
        return [str(error)]
    return [*_amx_danger(llama), *([llama.waiting] if llama.waiting else [])]


def _amx_danger(llama: LlamaFacts) -> list[str]:
    if not llama.amx:
        return []
    flags = build_flags()
    now = (
        "rankkit loads models without these kernels: safe, but slower."
        if llama.avoidable
        else "rankkit refuses to use it."
    )
    return [
        f"llama-cpp-python {llama.version} was built with AMX kernels, which crash the process. {now} Better: "
        f"CMAKE_ARGS='{flags}' pip install --force-reinstall --no-cache-dir --no-binary :all: "
        "--no-deps llama-cpp-python"
    ]


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(map(str, value)) or "none"
    return str(value)
