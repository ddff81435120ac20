"""A real AMX build, asked for a prompt of 60 tokens: by llama-cpp-python itself, and by rankkit.

Run by ``make amx``, which makes such a build in an environment of its own. On a CPU with AMX the first dies of a
protection fault. On one without, llama.cpp would not choose the kernels; a preloaded library says that it may, and the
first dies of an illegal instruction, at the same place. Either way rankkit must see the build, say so, and rank.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rankkit.backends.gguf.safety import cpu_flags, diagnose
from rankkit.machine import cgroups
from rankkit.models import store

MODEL = "smollm2-135m-instruct"

PLAIN = """
import sys, llama_cpp
model = llama_cpp.Llama(sys.argv[1], n_ctx=256, verbose=False)
print(model("one two three four five six " * 10, max_tokens=4)["choices"][0]["text"])
"""

OURS = """
import sys, rankkit
documents = ["Dogs bark at strangers. " * 5, "A flea lives for up to 100 days. " * 5, "The sea is blue. " * 5]
print(rankkit.load(sys.argv[1], paradigm="listwise").rerank("how long do fleas live?", documents).ids)
"""


def main() -> int:
    facts = diagnose()
    if not facts.amx:
        sys.exit(f"this is no AMX build: {facts.system_info}")
    print(f"llama-cpp-python {facts.version}: {facts.system_info}")
    with tempfile.TemporaryDirectory() as folder:
        granted = {} if "amx_int8" in cpu_flags(cgroups.SYSTEM) else {"LD_PRELOAD": str(_granting(Path(folder)))}
        plain, ours = _run("llama-cpp-python alone", PLAIN, granted), _run("rankkit", OURS, granted)
    return 0 if plain < 0 and ours == 0 else 1


def _granting(folder: Path) -> Path:
    library = folder / "grant.so"
    source = Path(__file__).with_name("grant.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


def _run(name: str, code: str, environment: dict[str, str]) -> int:
    command = [sys.executable, "-c", code, str(store.locate(MODEL))]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    code = done.returncode
    end = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    print(f"{name}: {end}. {(done.stdout if code == 0 else done.stderr).strip()[-300:]}")
    return code


if __name__ == "__main__":
    sys.exit(main())
