"""What a graph does anew for each input, though it comes out the same each time, is said once.

Exporters write a fixed shape as a chain of small operators: a model's number of heads and their size are asked of a
tensor, put together with the number of tokens, and turned into a scale, several times a layer. Runtimes cannot know
that these never change; whoever saw the shapes can.
"""

from __future__ import annotations

from typing import Any

from rankkit.backends.encoders.graphs.onnx_format import copy_of, integer, integers_tensor, shape_axes
from rankkit.backends.encoders.graphs.pruning import drop_unread
from rankkit.backends.encoders.graphs.row_rules import Facts


def simplified(model: Any, facts: Facts) -> Any:
    """The same graph, with less to do. Answers stay the same to the last bit, but for what a runtime
    rewrites in another way then.
    """
    made = copy_of(model)
    graph = made.graph
    asked = {
        node.output[0]: (node.input[0], shape_axes(node, rank))
        for node in graph.node
        if node.op_type == "Shape" and (rank := facts.shapes.rank(node.input[0])) is not None
    }
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] not in facts.constants:
            _fix_shape(graph, node, facts)
        elif node.op_type in ("Gather", "Slice") and node.input[0] in asked:
            measured, axes = asked[node.input[0]]
            _fix_size(graph, node, measured, _picked(node, axes, facts), facts)
        elif node.op_type == "Shape" and node.output[0] in asked:
            measured, axes = asked[node.output[0]]
            _fix_size(graph, node, measured, (axes, True), facts)
    drop_unread(graph)
    return made


def _fix_shape(graph: Any, node: Any, facts: Facts) -> None:
    """A ``Reshape`` to sizes that are fixed, or the input's own (0), or what remains (-1, once)."""
    source, target = node.input[0], node.output[0]
    ranks = facts.shapes.rank(source), facts.shapes.rank(target)
    if ranks[0] is None or ranks[1] is None or integer(node, "allowzero", 0):
        return
    sizes: list[int] = []
    for axis in range(ranks[1]):
        size = facts.shapes.dimension(target, axis)
        same = axis < ranks[0] and facts.shapes.sizes(source, axis) == facts.shapes.sizes(target, axis)
        sizes.append(size if isinstance(size, int) else 0 if same else -1)
    if sizes.count(-1) <= 1 and not any(facts.shapes.dimension(target, axis) == 0 for axis in range(ranks[1])):
        name = f"{target}/shape"
        graph.initializer.append(integers_tensor(name, sizes))
        node.input[1] = name


def _fix_size(graph: Any, node: Any, measured: str, picked: tuple[list[int], bool] | None, facts: Facts) -> None:
    """Sizes of a value, if they are fixed: a constant instead. ``picked`` are the axes, and whether as a vector."""
    if picked is None:
        return
    axes, is_vector = picked
    sizes = [facts.shapes.dimension(measured, axis) for axis in axes]
    fixed = [size for size in sizes if isinstance(size, int)]
    if not axes or len(fixed) < len(sizes):
        return
    tensor = integers_tensor(f"{node.output[0]}/size", fixed)
    if not is_vector:
        del tensor.dims[:]
    graph.initializer.append(tensor)
    node.op_type = "Identity"
    node.input[:] = [tensor.name]
    del node.attribute[:]


def _picked(node: Any, axes: list[int], facts: Facts) -> tuple[list[int], bool] | None:
    """Which axes' sizes an operator takes of those that it is given, and whether as a vector."""
    if node.op_type == "Gather":
        tensor, numbers = facts.constants.get(node.input[1]), facts.integers(node.input[1])
        if tensor is None or numbers is None or len(tensor.dims) > 1:
            return None
        fits = all(-len(axes) <= number < len(axes) for number in numbers)
        return ([axes[number] for number in numbers], bool(tensor.dims)) if fits else None
    bounds = [facts.integers(name) for name in node.input[1:]]
    if len(bounds) < 2 or any(bound is None or len(bound) != 1 for bound in bounds):
        return None
    first, last, *more = (bound[0] for bound in bounds if bound)
    step = more[1] if len(more) > 1 else 1
    return axes[slice(first, last, step)], True
