"""What is known of a model by its name, or by a look at its folder or file, without opening it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from rankkit.models import catalogue
from rankkit.models.store import local_path


def display_name(model: str) -> str:
    """How a model is called in names and steps: its catalogue name, or its folder's or file's."""
    path = local_path(model)
    if path is None:
        return catalogue.find(model).name
    return path.resolve().stem if path.is_file() else path.resolve().name


def kind_of_model(model: str) -> str:
    """The catalogue's word for a model: of its row, or by what its folder or file holds.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
    """
    path = local_path(model)
    if path is None:
        return catalogue.find(model).kind
    return "gguf" if path.is_file() else "seq2seq" if _is_seq2seq(path) else "cross-encoder"


def trained_languages(model: str) -> tuple[str, ...]:
    """The languages that a model of the catalogue was trained on; none where nobody knows."""
    return () if local_path(model) is not None else tuple(catalogue.find(model).languages)


def trained_prompt(model: str) -> str:
    """The prompt that a model of the catalogue was trained on; ``""`` where it was trained on none, or nobody knows.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
    """
    return "" if local_path(model) is not None else catalogue.find(model).prompt


def _is_seq2seq(folder: Path) -> bool:
    if any(folder.rglob("*encoder_model*.onnx")):
        return True
    with suppress(OSError, ValueError):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if isinstance(config, dict) and config.get("is_encoder_decoder") is True:
            # BART and its kin have encoder and decoder as classifiers too, which are cross-encoders.
            return not any("SequenceClassification" in str(name) for name in config.get("architectures") or ())
    return False
