"""What could make llama.cpp take the whole process down, found before it happens.

A build that contains AMX kernels (Intel's matrix tiles) dies of a protection fault at the first prompt of more than a
few tokens (llama.cpp issue 20824). Such a build names ``AMX_INT8 = 1`` in its system information. The kernels work
only on weights that were repacked for them, so loading without the extra buffer types avoids them; where the library
has no switch for that, the model is refused and the safe build named. This module imports llama_cpp nowhere at its
top: the build flags are needed before there is one.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from rankkit.backends.gguf import waiting
from rankkit.core.extras import require_extra
from rankkit.errors import BackendError, ContextTooSmall
from rankkit.machine import cgroups

_PURPOSE = "a GGUF model"

#: CMake option → the CPU flags (as Linux names them) that it needs. Those of the first group are on by default in a
#: build for another machine, so a CPU without them must switch them off.
_BASE = {
    "GGML_SSE42": ("sse4_2",),
    "GGML_AVX": ("avx",),
    "GGML_AVX2": ("avx2",),
    "GGML_BMI2": ("bmi2",),
    "GGML_FMA": ("fma",),
    "GGML_F16C": ("f16c",),
}
_BEYOND = {
    "GGML_AVX_VNNI": ("avx_vnni",),
    "GGML_AVX512": ("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"),
    "GGML_AVX512_VBMI": ("avx512vbmi",),
    "GGML_AVX512_VNNI": ("avx512_vnni",),
    "GGML_AVX512_BF16": ("avx512_bf16",),
}


@dataclass(frozen=True, slots=True)
class LlamaFacts:
    """What ``rankkit doctor`` tells. ``amx`` is the dangerous build; ``avoidable`` says that models are loaded without
    its kernels, slower but safe. ``waiting`` says what is wrong with how its threads wait, ``""`` for nothing.
    """

    version: str
    system_info: str
    amx: bool
    avoidable: bool
    waiting: str = ""


def build_flags(root: Path = cgroups.SYSTEM, machine: str = "") -> str:
    """``CMAKE_ARGS`` for a build of llama-cpp-python that is fast and safe on this CPU: all that it has, but AMX.

    Empty where the default build is right: on other processors than x86-64, and on other systems than Linux.
    """
    flags = cpu_flags(root)
    if not flags or (machine or platform.machine()).lower() not in ("x86_64", "amd64"):
        return ""
    base = [f"-D{option}={'ON' if flags.issuperset(needed) else 'OFF'}" for option, needed in _BASE.items()]
    beyond = [f"-D{option}=ON" for option, needed in _BEYOND.items() if flags.issuperset(needed)]
    return " ".join(["-DGGML_NATIVE=OFF", *base, *beyond])


def cpu_flags(root: Path) -> frozenset[str]:
    for line in (cgroups.read(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def import_llama() -> ModuleType:
    """The llama_cpp package, loaded so that its threads wait briefly.

    Raises:
        MissingExtra: it is not installed.
        BackendError: it is, but its library cannot be loaded.
    """
    return _loaded()[0]


@functools.cache
def _loaded() -> tuple[ModuleType, str]:
    """The package, and what is wrong with how its threads will wait."""
    too_late = "llama_cpp" in sys.modules or waiting.loaded_before()
    with require_extra("gguf", _PURPOSE), waiting.waits_briefly():
        try:
            llama = importlib.import_module("llama_cpp")
        except (OSError, RuntimeError) as error:
            raise BackendError(f"llama-cpp-python cannot load its library: {error}", hint=rebuild_hint()) from error
    uses_openmp = "OPENMP = 1" in llama.llama_print_system_info().decode("utf-8", "replace")
    problem = waiting.problem(os.environ, too_late=too_late) if uses_openmp else ""
    if problem:
        logging.getLogger("rankkit").warning("%s", problem)
    return llama, problem


def rebuild_hint() -> str:
    flags = build_flags()
    setting = f"CMAKE_ARGS='{flags}' " if flags else ""
    options = "--force-reinstall --no-cache-dir --no-binary llama-cpp-python"
    return f"Build it again: {setting}pip install {options} llama-cpp-python"


def diagnose() -> LlamaFacts:
    """Facts about the installed llama-cpp-python. Loads its library, no model.

    Raises:
        MissingExtra: it is not installed.
        BackendError: its library cannot be loaded.
    """
    llama, problem = _loaded()
    info = llama.llama_print_system_info().decode("utf-8", "replace").strip(" |")
    avoidable = hasattr(llama.llama_model_params, "use_extra_bufts")
    return LlamaFacts(llama.__version__, info, has_amx(info), avoidable, problem)


def has_amx(system_info: str) -> bool:
    return re.search(r"AMX_\w+ = 1", system_info) is not None


def allow_extra_buffers(facts: LlamaFacts) -> bool:
    """Whether weights may be repacked, which is faster where it is safe.

    Raises:
        BackendError: it is not safe, and this version of the library has no switch to leave it out.
    """
    if facts.amx and not facts.avoidable:
        raise BackendError(
            f"this build of llama-cpp-python ({facts.version}) has AMX kernels, which crash the whole process",
            hint=rebuild_hint(),
        )
    return not facts.amx


def check_memory(needed: int, available: int | None, *, model: str, context: int) -> None:
    """Refuse to load what does not fit: the system would end the process instead of raising an error.

    Raises:
        BackendError: with both numbers.
    """
    if available is not None and needed > available:
        raise BackendError(
            f"{model} with a context of {context} tokens needs about {needed / 2**20:.0f} MiB of memory; "
            f"{available / 2**20:.0f} MiB are available",
            hint="Give a smaller context=, take a smaller model or quantisation, or free memory.",
        )


def check_context(needed: int, context: int, *, what: str) -> None:
    """Raises:
    ContextTooSmall: with both numbers.
    """
    if needed > context:
        raise ContextTooSmall(
            f"{what} needs {needed} tokens; the context has room for {context}",
            hint="Give the model a larger context=, or let the prompt have fewer or shorter passages.",
        )
