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
    if path.is_file():
        return "gguf"
    return "seq2seq" if _is_seq2seq(path) else _vector_kind(path) or "cross-encoder"


def trained_languages(model: str) -> tuple[str, ...]:
    """The languages that a model of the catalogue was trained on; none where nobody knows."""
    return () if local_path(model) is not None else tuple(catalogue.find(model).languages)


def trained_prompt(model: str) -> str:
    """The prompt that a model of the catalogue was trained on; ``""`` where it was trained on none, or nobody knows.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
    """
    return "" if local_path(model) is not None else catalogue.find(model).prompt


def _vector_kind(folder: Path) -> str:
    """What a folder is that sentence-transformers, PyLate or ColBERT wrote; ``""`` for a model with a head."""
    if (folder / "artifact.metadata").is_file() or "query_length" in _table(
        folder / "config_sentence_transformers.json"
    ):
        return "late-interaction"
    names = _table(folder / "config.json").get("architectures")
    architectures = [str(name) for name in names] if isinstance(names, list) else []
    if "HF_ColBERT" in architectures:
        return "late-interaction"
    headless = bool(architectures) and all(name.endswith("Model") for name in architectures)
    return "bi-encoder" if headless or (folder / "1_Pooling" / "config.json").is_file() else ""


def _table(path: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _is_seq2seq(folder: Path) -> bool:
    if any(folder.rglob("*encoder_model*.onnx")):
        return True
    config = _table(folder / "config.json")
    if config.get("is_encoder_decoder") is True:
        # BART and its kin have encoder and decoder as classifiers too, which are cross-encoders.
        names = config.get("architectures")
        return not any("SequenceClassification" in str(name) for name in (names if isinstance(names, list) else ()))
    return False
