"""Hold rankkit's exports against the originals, input by input, and write the golden files that `make test` uses.

The reference is plain transformers: whole strings tokenised at once, documents cut by removing tokens one at a time
from the whole, one input a run. Run by ``make parity``; exits with 1 where a number is off by more than ``TOLERANCE``.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.graphs.making import optimise_graph
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.backends.protocols import PairBatch
from rankkit.models.export import export_model
from rankkit.prompting.loading import load_prompt
from scripts.parity import small_models
from scripts.parity.small_models import LENGTH, words

TOLERANCE = 1e-4
INPUTS = 200
#: Only so many of the inputs are kept as golden ones.
KEPT = 40
GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"

MONO, DUO = load_prompt("monot5").text, load_prompt("duot5").text


def main() -> int:
    off: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        off["t5 mono"], off["t5 duo"] = check_t5(room)
        for kind in ("bert", "roberta", "xlm_roberta", "electra", "deberta", "modernbert"):
            off[kind] = check_cross_encoder(room, kind)
    for what, difference in off.items():
        print(f"{what:<12} {INPUTS} inputs, largest difference {difference:.2e}")
    return int(any(not difference <= TOLERANCE for difference in off.values()))


# -- sequence to sequence


def check_t5(room: Path) -> tuple[float, float]:
    small_models.t5(room / "t5")
    made = export_model(room / "t5", room / "t5-onnx", kind="seq2seq")
    tokenizer = AutoTokenizer.from_pretrained(room / "t5")
    model = AutoModelForSeq2SeqLM.from_pretrained(room / "t5").eval()
    ours = Seq2Seq(made.folder)
    targets = [tokenizer.convert_tokens_to_ids(token) for token in ("▁true", "▁false")]
    assert list(ours.target_tokens(["true", "false"])) == targets
    rng = random.Random(1)
    mono = [{"query": words(rng, 1, 12), "passage": words(rng, 1, 60)} for _ in range(INPUTS)]
    duo = [{"query": words(rng, 1, 12), "first": words(rng, 1, 40), "second": words(rng, 1, 40)} for _ in range(INPUTS)]
    off, golden = [], []
    for template, rows in ((MONO, mono), (DUO, duo)):
        due = []
        for row in rows:
            ids, cut = reference_ids(tokenizer, template, row)
            with torch.no_grad():
                start = torch.tensor([[model.config.decoder_start_token_id]])
                logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=start).logits[0, 0]
            due.append(torch.log_softmax(logits.double(), -1)[targets].tolist())
            golden.append({"template": template, "row": row, "ids": ids, "cut": cut, "log_probabilities": due[-1]})
        found = in_order(ours.fill(template, rows), lambda batch: ours.score_targets(batch, targets), len(rows))
        off.append(max(abs(a - b) for x, y in zip(found, due, strict=True) for a, b in zip(x, y, strict=True)))
    assert sum(bool(item["cut"]) for item in golden) > INPUTS // 4, "hardly an input was too long"
    keep(made.folder, "t5", golden[: KEPT // 2] + golden[INPUTS : INPUTS + KEPT // 2])
    return off[0], off[1]


def reference_ids(tokenizer: AutoTokenizer, template: str, row: Mapping[str, str]) -> tuple[list[int], bool]:
    """The whole string's tokens; too many, and those at the documents' ends go, one at a time in turn."""
    text, spans = "", {}
    for piece in template.split(" "):
        text += " " if text else ""
        value = row[piece[1:]] if piece.startswith("$") else piece
        if piece.startswith("$") and piece != "$query":
            spans[piece] = (len(text) - 1, len(text) + len(value))  # the space belongs to the first token
        text += value
    read = tokenizer(text, return_offsets_mapping=True)
    ids, offsets = read["input_ids"], read["offset_mapping"]
    inside = {
        name: [at for at, (first, last) in enumerate(offsets) if last > begin and first < end and last > first]
        for name, (begin, end) in spans.items()
    }
    over, gone = len(ids) - LENGTH, dict.fromkeys(inside, 0)
    room = sum(len(at) for at in inside.values()) - over
    for _ in range(over):
        able = [name for name, at in inside.items() if len(at) > room // (2 * len(inside)) and at]
        name = min(able, key=lambda name: (gone[name], -len(inside[name])))
        gone[name] += 1
        inside[name].pop()
    kept = {at for every in inside.values() for at in every}
    documents = {
        at
        for at, (first, last) in enumerate(offsets)
        for b, e in spans.values()
        if last > b and first < e and last > first
    }
    return [number for at, number in enumerate(ids) if at in kept or at not in documents], over > 0


# -- cross-encoders


def check_cross_encoder(room: Path, kind: str) -> float:
    getattr(small_models, kind)(room / kind)
    made = export_model(room / kind, room / f"{kind}-onnx", kind="cross-encoder")
    optimised = optimise_graph(made.folder / "model.onnx")
    print(f"{kind:<12} {optimised.words}")
    # What is held against transformers below is then the optimised graph.
    assert kind == "deberta" or (optimised.graph is not None and optimised.largest_difference <= 1e-5)
    tokenizer = AutoTokenizer.from_pretrained(room / kind)
    model = AutoModelForSequenceClassification.from_pretrained(room / kind).eval()
    ours = CrossEncoder(made.folder)
    rng = random.Random(2)
    pairs = [(words(rng, 1, 12), words(rng, 1, 90)) for _ in range(INPUTS)]
    due = []
    for query, document in pairs:
        read = tokenizer(query, document, truncation="only_second", max_length=LENGTH, return_tensors="pt")
        with torch.no_grad():
            due.append(model(**read).logits[0, 0].item())
    found = in_order(ours.batches(pairs), ours.score, INPUTS)
    if kind in ("bert", "modernbert"):
        keep(made.folder, kind, [{"pair": pair, "logit": logit} for pair, logit in zip(pairs, due, strict=True)][:KEPT])
    return max(abs(a - b) for a, b in zip(found, due, strict=True))


# -- both


def in_order(batches: Iterable[PairBatch], run: Callable[[PairBatch], list], count: int) -> list:
    answers = {}
    for batch in batches:
        answers |= dict(zip(batch.positions, run(batch), strict=True))
    return [answers[position] for position in range(count)]


def keep(folder: Path, name: str, answers: list[dict[str, object]]) -> None:
    """The exported folder as it is, with the reference's answers beside it."""
    shutil.rmtree(GOLDEN / name, ignore_errors=True)
    (GOLDEN / name).mkdir(parents=True)
    for file in (
        "config.json",
        "tokenizer_config.json",
        "tokenizer.json",
        *(path.name for path in folder.glob("*.onnx")),
    ):
        shutil.copy(folder / file, GOLDEN / name)
    lines = "\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    (GOLDEN / name / "answers.jsonl").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
