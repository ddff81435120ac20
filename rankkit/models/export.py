"""Making the folder that rankkit's backends load, from a model as it was trained: PyTorch weights to ONNX graphs.

The model's own answers to a few samples come back with the folder, so that whoever loads it can tell how far it is
from the original. Nothing of PyTorch is needed afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rankkit.core.extras import require_extra
from rankkit.errors import ConfigError, InvalidModel

with require_extra("export", "exporting a model"):
    import onnx as onnx  # the exporter and the quantiser need it
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer

Kind = Literal["cross-encoder", "seq2seq"]

#: (query, document): of different lengths, so that the check sees padding and cutting too.
SAMPLES: tuple[tuple[str, str], ...] = (
    ("how long do fleas live", "A flea can live for about a hundred days on a dog or a cat."),
    ("how long do fleas live", "The bridge over the river was closed for repairs."),
    ("what is a cross-encoder", "It reads query and document together and gives one score. " * 60),
    ("capital of Peru", "Lima."),
)
#: What a sequence-to-sequence model is given for each sample; the third is left out, as it would have to be cut.
TEMPLATE = "Query: $query Document: $document Relevant:"

_OPSET = 17
_BATCH, _TOKENS = {0: "batch"}, {0: "batch", 1: "tokens"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A new model folder and what the original said about ``SAMPLES``: one logit each, or the log-probabilities of
    ``targets`` (token ids) as the first token of the answer.
    """

    folder: Path
    kind: Kind
    samples: tuple[tuple[str, str], ...]
    reference: tuple[tuple[float, ...], ...]
    targets: tuple[int, ...] = ()


def export_model(source: str | Path, out: Path, *, kind: Kind, quantize: Literal["int8"] | None = None) -> Exported:
    """Write the graphs, the tokenizer and the configuration of ``source`` (a folder, or a repository of the Hugging
    Face hub, which is then downloaded) into the new folder ``out``. With ``quantize``, weights are 8-bit integers.

    Raises:
        InvalidModel: the source cannot be read, has no trained head of this kind, or more than two labels.
        ConfigError: the folder is there already and holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already and not empty", hint="Name a new folder with --out.")
    tokenizer, model = _load(str(source), kind)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        part = Path(name) / "model"
        part.mkdir()
        write = _write_classifier if kind == "cross-encoder" else _write_seq2seq
        answers = write(model, tokenizer, part)
        if quantize:
            _quantise(part)
        tokenizer.save_pretrained(part)
        model.config.save_pretrained(part)
        if out.exists():
            out.rmdir()
        shutil.move(part, out)
    return Exported(out, kind, *answers)


def _load(source: str, kind: Kind) -> tuple[Any, Any]:
    local = Path(source).is_dir()
    loader = AutoModelForSequenceClassification if kind == "cross-encoder" else AutoModelForSeq2SeqLM
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        model, report = loader.from_pretrained(
            source, local_files_only=local, attn_implementation="eager", output_loading_info=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InvalidModel(
            f"transformers cannot read {source} as a {kind}: {reason[:300]}",
            hint="Give a folder with config.json, weights and tokenizer, or a repository's name; is --kind right?",
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise InvalidModel(
            f"{source} has no weights for {', '.join(missing[:4])}: as a {kind} it was never trained",
            hint="Is it an encoder without a head, or a model of the other --kind?",
        )
    if kind == "cross-encoder" and model.config.num_labels not in (1, 2):
        raise InvalidModel(f"{source} has {model.config.num_labels} labels; a reranker has one, or two (no, yes)")
    if not tokenizer.is_fast:
        raise InvalidModel(f"the tokenizer of {source} has no tokenizer.json and cannot be turned into one")
    if hasattr(model.config, "reference_compile"):
        model.config.reference_compile = False  # ModernBERT would hand its layers to a compiler, which cannot be traced
    return tokenizer, model.eval()


# -- cross-encoders


class _Logits(torch.nn.Module):  # type: ignore[misc]  # torch is optional, so unknown to the type checker
    """Takes its inputs by position, as the exporter hands them over."""

    def __init__(self, model: Any, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, tuple(names)

    def forward(self, *inputs: Any) -> Any:
        return self.model(**dict(zip(self.names, inputs, strict=True))).logits


def _write_classifier(model: Any, tokenizer: Any, folder: Path) -> tuple[Any, ...]:
    names = ["input_ids", "attention_mask"]
    if "token_type_ids" in tokenizer.model_input_names and getattr(model.config, "type_vocab_size", 0) > 1:
        names.append("token_type_ids")
    queries, documents = zip(*SAMPLES, strict=True)
    longest = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", 512), 512)
    longest -= 2 if model.config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    read = tokenizer(
        queries, documents, padding=True, truncation="only_second", max_length=longest, return_tensors="pt"
    )
    inputs = tuple(read[name] for name in names)
    axes = {**dict.fromkeys(names, _TOKENS), "logits": _BATCH}
    logits = _export(_Logits(model, names), inputs, folder / "model.onnx", names, axes)
    values = logits[:, -1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]
    return SAMPLES, tuple((float(value),) for value in values)


# -- sequence to sequence


class _Encoder(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.get_encoder()

    def forward(self, ids: Any, mask: Any) -> Any:
        return self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state


class _Decoder(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, mask: Any, ids: Any, hidden: Any) -> Any:
        answer = self.model(encoder_outputs=(hidden,), attention_mask=mask, decoder_input_ids=ids, use_cache=False)
        return answer.logits


def _write_seq2seq(model: Any, tokenizer: Any, folder: Path) -> tuple[Any, ...]:
    start = model.config.decoder_start_token_id
    if start is None:
        raise InvalidModel(
            "config.json does not say decoder_start_token_id", hint="T5 begins with its padding token, 0."
        )
    samples = tuple(sample for number, sample in enumerate(SAMPLES) if number != 2)
    texts = [TEMPLATE.replace("$query", query).replace("$document", text) for query, text in samples]
    read = tokenizer(texts, padding=True, return_tensors="pt")
    ids, mask = read["input_ids"], read["attention_mask"]
    names = ["input_ids", "attention_mask"]
    axes = {**dict.fromkeys(names, _TOKENS), "last_hidden_state": _TOKENS}
    hidden = _export(_Encoder(model), (ids, mask), folder / "encoder_model.onnx", names, axes)
    names = ["encoder_attention_mask", "input_ids", "encoder_hidden_states"]
    axes = {
        names[0]: _TOKENS,
        names[1]: {0: "batch", 1: "steps"},
        names[2]: _TOKENS,
        "logits": {0: "batch", 1: "steps"},
    }
    first = torch.full((len(texts), 1), start, dtype=torch.int64)
    logits = _export(_Decoder(model), (mask, first, hidden), folder / "decoder_model.onnx", names, axes)
    logs = torch.log_softmax(logits[:, 0].double(), dim=-1)
    targets = logs.mean(dim=0).topk(8).indices.tolist()
    return samples, tuple(tuple(row) for row in logs[:, targets].tolist()), tuple(targets)


# -- both


def _export(
    module: Any, inputs: tuple[Any, ...], path: Path, names: Sequence[str], axes: Mapping[str, Mapping[int, str]]
) -> Any:
    """Trace the module, write it, and return what it answers to ``inputs``."""
    module.eval()  # the exporter sets this back to what it was: a fresh module would leave dropout on
    output = next(name for name in axes if name not in names)
    with torch.no_grad(), _quiet():
        torch.onnx.export(
            module,
            inputs,
            str(path),
            input_names=list(names),
            output_names=[output],
            dynamic_axes={name: dict(axis) for name, axis in axes.items()},
            opset_version=_OPSET,
            dynamo=False,
        )
        return module(*inputs)


@contextmanager
def _quiet() -> Iterator[None]:
    """Tracing warns of every shape that it takes for fixed; whether that did harm, the check tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _quantise(folder: Path) -> None:
    for path in sorted(folder.glob("*.onnx")):
        whole = path.rename(path.with_suffix(".float"))
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8)
        whole.unlink()
