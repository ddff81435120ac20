"""LlamaIndex: an index finds, rankkit reranks what goes on to the language model.

    pip install 'rankkit-rerank[llama-index]'
    python -m rankkit models pull ms-marco-MiniLM-L-12-v2
    python examples/llama_index_nodes.py

The index here gives all that it has, so that no key and no embedding model is needed. A query engine takes the
postprocessor as it is: ``index.as_query_engine(similarity_top_k=50, node_postprocessors=[RankkitRerank(top_n=3)])``.
"""

import json
from pathlib import Path

from llama_index.core import SummaryIndex
from llama_index.core.schema import TextNode

from rankkit.integrations.llama_index import RankkitRerank

QUERY = "how long does an adult flea live?"

lines = (Path(__file__).parent / "documents.jsonl").read_text(encoding="utf-8").splitlines()
nodes = [TextNode(id_=row["id"], text=row["text"], metadata={"title": row["title"]}) for row in map(json.loads, lines)]
found = SummaryIndex(nodes[::-1]).as_retriever().retrieve(QUERY)

print("index:  ", [node.node_id for node in found])
for node in RankkitRerank(top_n=3).postprocess_nodes(found, query_str=QUERY):
    print(f"{node.score:8.2f}  {node.node_id:8}  {node.text[:80]}")
