"""A smoke test of an environment with the lowest versions that are allowed: every part of rankkit is used once.

make lowest
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

#: A cross-encoder of a few kilobytes; its order means nothing.
MODEL = Path(__file__).resolve().parent.parent.parent / "tests" / "golden" / "bert"


class Server(BaseHTTPRequestHandler):
    """Answers every chat with the same order."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "[2] > [1]"}
        body = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""


def rankkit(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "rankkit", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"rankkit {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def read_by_name(folder: Path) -> None:
    """A data set of local files, registered with ir_datasets."""
    os.environ["IR_DATASETS_HOME"] = str(folder / "ir_datasets")
    import ir_datasets

    from rankkit.data import load_ir_dataset

    tables = {"docs_tsv": "a\tdogs\nb\tfleas\n", "queries_tsv": "1\tfleas\n", "qrels_trec": "1 0 b 1\n"}
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = {name: str(folder / name) for name in tables}
    ir_datasets.registry.register("lowest", ir_datasets.create_dataset(**files))
    corpus = load_ir_dataset("lowest").corpus
    if corpus is None or corpus.pick(["b"])["b"].text != "fleas":
        sys.exit("ir_datasets does not give the documents back")


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        (corpus / "documents.txt").write_text("dogs bark\na flea lives\n", encoding="utf-8")
        (folder / "qrels.txt").write_text("1 0 b 1\n", encoding="utf-8")
        documents = [{"docid": "a", "text": "dogs", "score": 2}, {"docid": "b", "text": "fleas", "score": 1}]
        line = json.dumps({"qid": "1", "query": "fleas", "candidates": documents})
        (folder / "candidates.jsonl").write_text(line + "\n", encoding="utf-8")
        texts = str(corpus / "documents.txt")
        rankkit("--help")
        rankkit("doctor", "--json")
        rankkit("models", "list", "--json")
        rankkit("rerank", "fleas", texts, "--model", str(MODEL), "--json")
        order = json.loads(rankkit("rerank", "fleas", texts, "--endpoint", url, "--model", "m", "--json"))
        if [row["index"] for row in order["results"]] != [1, 0]:
            sys.exit(f"the endpoint's order was not taken: {order}")
        rankkit("search", "flea", "--corpus", str(corpus), "--model", str(MODEL), "--json")
        rankkit("eval", "--data", str(folder), "--model", str(MODEL), "--json")
        rankkit("data", "check", str(folder), "--json")
        read_by_name(folder)
    used = (
        "numpy",
        "pydantic",
        "onnxruntime",
        "tokenizers",
        "cyclopts",
        "openai",
        "bm25s",
        "ir-measures",
        "ir-datasets",
    )
    print("works with", ", ".join(f"{package} {version(package)}" for package in used))


if __name__ == "__main__":
    main()
