"""FlashRank on the same ONNX file: its cache folder is given the files under the names that it looks for."""

import json
import sys
import tempfile
from pathlib import Path

from flashrank import Ranker, RerankRequest
from serve import serve

source = Path(sys.argv[1])
cache = Path(tempfile.mkdtemp(prefix="flashrank-"))
folder = cache / "ms-marco-MiniLM-L-12-v2"
folder.mkdir()
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
    (folder / name).symlink_to(source / name)
(folder / "flashrank-MiniLM-L-12-v2_Q.onnx").symlink_to(source / "model.onnx")
(folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
ranker = Ranker(model_name="ms-marco-MiniLM-L-12-v2", cache_dir=str(cache), max_length=512)


def score(query, documents):
    passages = [{"id": index, "text": text} for index, text in enumerate(documents)]
    results = ranker.rerank(RerankRequest(query=query, passages=passages))
    scores = {result["id"]: result["score"] for result in results}
    return [scores[index] for index in range(len(documents))]


serve(score)
