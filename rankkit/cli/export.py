"""``rankkit models export``: make a model folder, load it as it will be used, say how far it is from the original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rankkit.cli.output import remark, say, write_json
from rankkit.cli.parameters import AsJson, argument, option

if TYPE_CHECKING:
    from rankkit.models.export import Exported


def export(
    source: Annotated[str, argument(name="REPO_OR_FOLDER", help="A model's folder, or a hub repository.")],
    /,
    *,
    kind: Annotated[Literal["cross-encoder", "seq2seq"], option("--kind", help="What the model is.")],
    out: Annotated[Path, option("--out", help="The new folder.")],
    quantize: Annotated[Literal["int8"] | None, option("--quantize", help="Smaller and faster weights.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn PyTorch weights into the ONNX folder that rankkit loads, and check it against the original."""
    # Here, not at the top: the other commands do without torch.
    from rankkit.models.export import export_model

    made = export_model(source, out, kind=kind, quantize=quantize)
    found = _answers(made)
    off = max(abs(a - b) for row, due in zip(found, made.reference, strict=True) for a, b in zip(row, due, strict=True))
    unit = "logit" if kind == "cross-encoder" else "log-probability"
    if as_json:
        result = {"path": str(out), "kind": kind, "largest_difference": off, "unit": unit, "samples": len(found)}
        write_json(result)
        return
    say(out)
    remark(f"largest difference from the original over {len(found)} samples: {off:.2g} ({unit})")


def _answers(made: Exported) -> list[tuple[float, ...]]:
    """What the new folder says about the samples, through the backend that rankkit will use."""
    from rankkit.backends.encoders.cross_encoder import CrossEncoder
    from rankkit.backends.encoders.seq2seq import Seq2Seq
    from rankkit.models.export import TEMPLATE

    answers: dict[int, tuple[float, ...]] = {}
    if made.kind == "cross-encoder":
        encoder = CrossEncoder(made.folder)
        for batch in encoder.batches(made.samples):
            answers |= {at: (score,) for at, score in zip(batch.positions, encoder.score(batch), strict=True)}
    else:
        model = Seq2Seq(made.folder)
        rows = [{"query": query, "document": document} for query, document in made.samples]
        for batch in model.fill(TEMPLATE, rows):
            answers |= dict(zip(batch.positions, model.score_targets(batch, made.targets), strict=True))
    return [answers[position] for position in range(len(made.samples))]
