"""Prompt files on disk: other people's files, so what cannot be a prompt is refused in words."""

from __future__ import annotations

from pathlib import Path

from rankkit.errors import PromptError

#: Far more than any prompt: the longest that ships has two kilobytes.
MOST_BYTES = 256 * 1024


def read_prompt_file(path: Path) -> str:
    """The text of a prompt or template file.

    Raises:
        PromptError: not there, not readable, too large, or not UTF-8.
    """
    if not path.is_file():
        raise PromptError(
            f"there is no prompt file {path}",
            hint="Give the path of a prompt file, or the name of a shipped prompt (rankkit prompts list).",
        )
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise PromptError(
            f"{path} has more than {MOST_BYTES // 1024} KiB, which is no prompt",
            hint="A prompt file holds the words around the passages, not the passages.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptError(
            f"{path} is not UTF-8 (byte {error.start})", hint="Save it as UTF-8: any editor can."
        ) from None


def write_prompt_file(path: Path, text: str) -> None:
    """Write a prompt file that is not there yet; a link that points elsewhere counts as there.

    Raises:
        PromptError: it is there, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise PromptError(f"{path} is there already", hint="Name another file with --out.") from None
    except OSError as error:
        raise PromptError(f"{path} cannot be written: {error.strerror or error}") from error
