"""Small data and experiments of the tests."""

import json
from pathlib import Path

#: As the tiny cross-encoder reads them: worth 1, -1, 3 and 0.25.
TEXTS = {"a": "a good answer", "b": "a bad answer", "c": "the best answer", "d": "a word of it"}


def write_data(folder: Path, queries: int = 6) -> Path:
    """A data set in which c, then a, are the relevant documents of each query, and stand last in the first stage."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, names, grades = [], [], []
    for number in range(queries):
        name, words = f"q{number}", f"which {'indeed ' * (number % 3)}is number {number}"
        candidates = [
            {"docid": key, "text": TEXTS[key], "score": 9.0 - at} for at, key in enumerate(["b", "d", "a", "c"])
        ]
        lines.append(json.dumps({"qid": name, "query": words, "candidates": candidates}))
        names.append(f"{name}\t{words}")
        grades += [f"{name} 0 c 2", f"{name} 0 a {1 + number % 2}", f"{name} 0 b 0"]
    (folder / "candidates.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "queries.tsv").write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / "qrels.txt").write_text("\n".join(grades) + "\n", encoding="utf-8")
    return folder


def write_run(path: Path, queries: int = 6) -> Path:
    rows = [f"q{n} Q0 {doc} {at} {9 - at} other" for n in range(queries) for at, doc in enumerate("acbd", start=1)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_experiment(folder: Path, **keys: object) -> Path:
    """An experiment file in this folder, whose store and one data set lie beside it."""
    write_data(folder / "data")
    table = {"measures": ["nDCG@10", "RR@10"], "store": "store.sqlite3", "data": [{"folder": "data"}], **keys}
    path = folder / "experiment.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    return path
