"""One wheel, fetched by the user's own pip: it knows the index, the mirror, the proxy and the certificates to use.

``pip download`` neither installs nor runs anything of a wheel. Where this Python has no pip (environments made by uv
have none) another one is looked for; any will do, for a wheel of data is the same for every Python.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rankkit.errors import ChecksumMismatch, DownloadFailed, RankkitError
from rankkit.models.catalogue import Wheel
from rankkit.models.home import disk_full

#: What pip and its HTTP library say when no connection comes about.
_NO_NETWORK = re.compile(
    r"Failed to establish a new connection|NewConnectionError|NameResolutionError|Name or service not known|"
    r"Temporary failure in name resolution|getaddrinfo failed|Network is unreachable|No route to host|"
    r"Connection refused|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|Connection aborted|"
    r"Connection reset|Connection broken|Max retries exceeded|CERTIFICATE_VERIFY_FAILED|SSLError|"
    r"network connection|[Cc]onnection timed out|IncompleteRead"
)
_FULL = re.compile(r"No space left on device|Disk quota exceeded|not enough space on the disk")
_REFUSED = re.compile(r"\b(401|403|407)\b[^\n]*(Error|Unauthorized|Forbidden|Authentication)")
_MISSING = re.compile(r"No matching distribution found|Could not find a version that satisfies")
_VERSIONS = re.compile(r"\(from versions: ([^)]*)\)")
_BROKEN = re.compile(r"DO NOT MATCH THE HASHES|Expected sha256|Wheel '[^\n]*is invalid|BadZipFile|not a zip file")


def find_pip() -> tuple[str, ...]:
    """The command that runs a pip: this Python's, one on PATH, or one that uv fetches.

    Raises:
        DownloadFailed: there is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return (sys.executable, "-m", "pip")
    for program, arguments in (("pip", ()), ("pip3", ()), ("python3", ("-m", "pip")), ("python", ("-m", "pip"))):
        found = shutil.which(program)
        if found and _works((found, *arguments)):
            return (found, *arguments)
    uv = shutil.which("uv")
    if uv:
        # With this very Python: uv would else look for one on PATH, and download one.
        return (uv, "tool", "run", "--quiet", "--python", sys.executable, "pip")
    raise DownloadFailed(
        f"no pip to download wheels with: neither in {sys.executable} nor on PATH, and no uv",
        hint="Run: python -m ensurepip, or: uv pip install pip",
    )


def download(wheel: Wheel, into: Path, work: Path) -> Path:
    """Fetch one wheel into the empty folder ``into``. Temporary files go to ``work``, which must be on the same disk.

    Raises:
        DownloadFailed: no network, no such version, refused by the index; with pip's own words.
        StoreError: the disk is full.
    """
    pip = find_pip()
    command = [
        *pip,
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",
        "--no-input",
        "--disable-pip-version-check",
        "-vv",  # or else it keeps to itself that an index could not be reached, and says that it has no such package
        "--progress-bar=off",
        f"--dest={into}",
        f"{wheel.package}=={wheel.version}",
    ]
    for folder in (into, work):
        folder.mkdir(parents=True, exist_ok=True)
    # run() ends the child when this thread is interrupted. What it says stays in memory: a full disk cannot hold it.
    done = subprocess.run(
        command,
        env=_environment(work, pip),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    found = sorted(into.glob("*.whl"))
    if done.returncode != 0 or len(found) != 1:
        raise explain(wheel, said)
    return found[0]


def explain(wheel: Wheel, said: str) -> RankkitError:
    """pip's words as an error of ours. The order matters: pip ends with "no matching distribution" in most cases."""
    wanted = f"{wheel.package} {wheel.version}"
    last = _last_error(said)
    if _FULL.search(said):
        return disk_full()
    if _BROKEN.search(said):
        return ChecksumMismatch(
            f"{wanted} arrived broken, says pip: {_last(_BROKEN, said)}",
            hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
        )
    versions = _VERSIONS.search(said)
    seen = versions.group(1).strip() if versions else "none"
    if seen == "none" and _NO_NETWORK.search(said):
        return DownloadFailed(
            f"no connection to the package index for {wanted}: {_last(_NO_NETWORK, said)}",
            hint="Check the network, the proxy (HTTPS_PROXY) and pip's settings (pip config list), and try again.",
        )
    if seen == "none" and _REFUSED.search(said):
        return DownloadFailed(
            f"the package index refused {wanted}: {_last(_REFUSED, said)}",
            hint="Check the user name and password in pip's index settings (pip config list) or proxy.",
        )
    if _MISSING.search(said):
        return DownloadFailed(
            f"the package index that pip uses has no {wanted} (versions there: {seen})",
            hint="A mirror may not carry it yet; pip config list shows which index is asked.",
        )
    return DownloadFailed(f"pip could not download {wanted}: {last}")


def _environment(work: Path, pip: tuple[str, ...]) -> Mapping[str, str]:
    # The user's settings, except for what would send the bytes to another disk or hide why a download failed.
    ours = {
        "TMPDIR": str(work),
        "TEMP": str(work),
        "TMP": str(work),
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_QUIET": "0",
        "PYTHONIOENCODING": "utf-8",
    }
    theirs = {**os.environ}
    uv_index = theirs.get("UV_DEFAULT_INDEX") or theirs.get("UV_INDEX_URL")
    if "uv" in Path(pip[0]).stem and uv_index and "PIP_INDEX_URL" not in theirs:
        # uv lets an index be written name=url.
        ours["PIP_INDEX_URL"] = re.sub(r"^[\w.-]+=(?=https?:|file:)", "", uv_index)
    return theirs | ours


def _works(command: tuple[str, ...]) -> bool:
    try:
        asked = subprocess.run([*command, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1]


def _last(pattern: re.Pattern[str], said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if pattern.search(line)]
    return lines[-1].removeprefix("ERROR: ").removeprefix("WARNING: ")
