"""One wheel, fetched by the user's own pip: it knows the index, the mirror, the proxy and the certificates to use.

``pip download`` neither installs nor runs anything of a wheel. Where this Python has no pip (environments made by uv
have none) another one is looked for; any will do, for a wheel of data is the same for every Python.

What pip writes for people is quoted and never interpreted: why it failed is asked of ``pip index versions --json``.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from rankkit.errors import ChecksumMismatch, DownloadFailed, RankkitError
from rankkit.models.catalogue import Wheel
from rankkit.models.home import disk_full, size
from rankkit.models.progress import longest_under

#: Bytes of a wheel whose row states no size: more than package indexes take.
_MOST = 8 << 30
#: pip unpacks a wheel's description beside it, which may be longer than a very small wheel.
_SMALL = 1 << 20
#: How Python writes these numbers of the system into an error, whatever the language of its words.
_FULL = tuple(f"[Errno {number}]" for number in (errno.ENOSPC, errno.EDQUOT))
_QUIET = ("--no-input", "--disable-pip-version-check")


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

    Where the row has the wheel's sha256, pip takes no other file.

    Raises:
        DownloadFailed: no network, no such version, refused by the index; with pip's own words.
        ChecksumMismatch: more arrives than the row says; the download is ended at that point.
        StoreError: the disk is full.
    """
    pip = find_pip()
    for folder in (into, work):
        folder.mkdir(parents=True, exist_ok=True)
    environment = _environment(work, pip)
    command = [
        *pip,
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",
        *_QUIET,
        "--progress-bar=off",
        f"--dest={into}",
        *_requirement(wheel, work),
    ]
    code, said = _run(command, environment, into.parent, wheel)
    found = sorted(into.glob("*.whl"))
    if code != 0 or len(found) != 1:
        raise explain(wheel, said, _versions(pip, wheel, environment))
    if wheel.bytes is not None and found[0].stat().st_size > wheel.bytes:
        raise _too_long(wheel, wheel.bytes)
    return found[0]


def explain(wheel: Wheel, said: str, versions: Sequence[str]) -> RankkitError:
    """Why pip failed: ``said`` is what it wrote, ``versions`` are those of the package that the index shows now."""
    wanted = f"{wheel.package} {wheel.version}"
    if any(number in said for number in _FULL):
        return disk_full()
    if versions and not any(_same(version, wheel.version) for version in versions):
        return DownloadFailed(
            f"the package index that pip uses has no {wanted} (versions there: {', '.join(versions[:20])})",
            hint="A mirror may not carry it yet; pip config list shows which index is asked.",
        )
    if versions:
        pinned = " with the sha256 that the catalogue states" if wheel.sha256 else ""
        return DownloadFailed(
            f"the package index has {wanted}, but pip could not download it{pinned}: {_quote(said)}",
            hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
        )
    return DownloadFailed(
        f"no connection to the package index, or it has no {wanted}; pip says: {_quote(said)}",
        hint="Check the network, the proxy (HTTPS_PROXY) and pip's settings, its index and password among them "
        "(pip config list), and try again.",
    )


def _requirement(wheel: Wheel, work: Path) -> tuple[str, ...]:
    """What is wanted, as arguments. Nothing of a row can be read as an option: it stands behind ``--`` or in a file."""
    pinned = f"{wheel.package}=={wheel.version}"
    if not wheel.sha256:
        return "--", pinned
    file = work / "requirements.txt"
    file.write_text(f"{pinned} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    return "--require-hashes", f"--requirement={file}"


def _run(command: Sequence[str], environment: Mapping[str, str], place: Path, wheel: Wheel) -> tuple[int, str]:
    """pip's exit code and words. It is ended as soon as a file below ``place`` is longer than the wheel may be.

    What it says stays in memory: a full disk cannot hold it.
    """
    most = max(wheel.bytes or _MOST, _SMALL)
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as running:
        try:
            while True:
                try:
                    _, said = running.communicate(timeout=0.1)
                    return running.returncode, said.decode(errors="replace")
                except subprocess.TimeoutExpired:
                    if longest_under(place) > most:
                        raise _too_long(wheel, wheel.bytes or _MOST) from None
        finally:
            # Also when this thread is interrupted: nobody would wait for the child.
            running.kill()


def _too_long(wheel: Wheel, most: int) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"{wheel.package} {wheel.version} is longer than the {size(most)} that it may have: the download was ended",
        hint="A proxy or mirror holds another file under this name.",
    )


def _versions(pip: tuple[str, ...], wheel: Wheel, environment: Mapping[str, str]) -> list[str]:
    """The versions that the index shows; none where it cannot be asked, or this pip cannot say."""
    command = [*pip, "index", "versions", *_QUIET, "--json", "--only-binary=:all:", "--ignore-requires-python"]
    asked = subprocess.run(
        [*command, "--", wheel.package], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    try:
        answer = json.loads(asked.stdout)
    except ValueError:
        return []
    listed = answer.get("versions") if isinstance(answer, dict) else None
    return [str(version) for version in listed] if isinstance(listed, list) else []


def _same(shown: str, wanted: str) -> bool:
    """Whether they are one version: 1.0 is 1.0.0."""
    try:
        return Version(shown) == Version(wanted)
    except InvalidVersion:
        return False


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


def _quote(said: str) -> str:
    """The last words of a program, without what could steer a terminal: some of them are a server's."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in said.splitlines()]
    kept = [line for line in lines if line][-3:]
    return " / ".join(kept)[:1000] or "nothing"
