"""sentence-transformers' CrossEncoder. ``onnx``: the same int8 file. ``torch``: the same architecture with random
weights, for speed only.
"""

import sys
import tempfile
from pathlib import Path

from sentence_transformers import CrossEncoder
from serve import serve
from transformers import BertConfig, BertForSequenceClassification

source, backend, batch = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
config = BertConfig(
    hidden_size=384,
    num_hidden_layers=12,
    num_attention_heads=12,
    intermediate_size=1536,
    vocab_size=30522,
    num_labels=1,
)
folder = Path(tempfile.mkdtemp(prefix="cross-encoder-"))
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
    (folder / name).symlink_to(source / name)
if backend == "onnx":
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").symlink_to(source / "model.onnx")
    config.save_pretrained(folder)
    model = CrossEncoder(str(folder), backend="onnx", max_length=512, model_kwargs={"file_name": "onnx/model.onnx"})
else:
    BertForSequenceClassification(config).save_pretrained(folder)
    model = CrossEncoder(str(folder), max_length=512, device="cpu")


def score(query, documents):
    return model.predict([(query, text) for text in documents], batch_size=batch, show_progress_bar=False)


serve(score)
