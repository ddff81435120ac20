"""Take out of a graph what nobody reads."""

from __future__ import annotations

from typing import Any

from rankkit.backends.encoders.graphs.onnx_format import subgraphs


def drop_unread(graph: Any) -> None:
    """Operators and constants that nobody reads any more."""
    read = {output.name for output in graph.output}
    read |= {name for one in subgraphs(graph) for node in one.node for name in node.input}
    for place in reversed(range(len(graph.node))):
        if read.intersection(graph.node[place].output):
            read.update(graph.node[place].input)
        else:
            del graph.node[place]
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in read:
            del graph.initializer[place]
