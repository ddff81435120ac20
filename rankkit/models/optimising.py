"""The optimised form of a model's graph: made once, kept beside the model, used whenever it is opened.

The graph computes the last layer for the one token that a classification head reads, and says fixed shapes once. It is
recognised by what it computes. Where nothing can be gained, or the scores would move, it is left as it is, and why is
kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rankkit.backends.encoders.graphs import optimised
from rankkit.backends.encoders.graphs.optimised import Optimised as Optimised
from rankkit.models.graphs import graphs_of, made_of
from rankkit.models.home import disk_errors
from rankkit.models.store import locate


def optimise(model: str | Path, *, graph: str | None = None) -> tuple[Optimised, ...]:
    """Make the optimised form of each graph of a model that is run: of a catalogue's name, a folder or a graph's file.
    One that is there already, whole, is left as it is. Nothing is downloaded.

    Raises:
        UnknownModel, ModelNotPulled: there is no such model here.
        ConfigError: it has no ONNX graph.
        InvalidModel: a graph cannot be read or run.
        StoreError: nothing can be written, neither beside the model nor in the cache.
    """
    return tuple(made_of(path) for path in graphs_of(locate(model), graph))


def optimised_forms(model: str | Path, *, graph: str | None = None) -> Mapping[str, Optimised | None]:
    """What was made of each graph of a model, by the graph's name; ``None`` where nothing was yet."""
    return {path.name: optimised.find_optimised(path) for path in graphs_of(locate(model), graph)}


def forget(model: str | Path, *, graph: str | None = None) -> int:
    """Delete the optimised forms: the model's own graphs are run again. Returns how many bytes that freed.

    Raises:
        StoreError: the disk.
    """
    with disk_errors():
        return sum(optimised.discard(path) for path in graphs_of(locate(model), graph))
