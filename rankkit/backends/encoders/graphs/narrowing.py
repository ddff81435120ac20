"""A classification head reads one row of the last layer, that of [CLS]: compute that one and no other.

The graph is walked from its end. Where all that is read of a value is one row along its tokens, what makes the value
is asked which rows of *its* inputs that takes (``row_rules``). So the cut moves up, through the head's dense layers,
normalisations and attention, to where more than the row is needed: keys and values, and the layer before. There the
row is cut out. Nothing is said about names or layers, so every graph is treated alike, and one with operators that no
rule knows is cut below them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rankkit.backends.encoders.graphs.onnx_format import (
    attribute,
    copy_of,
    integer,
    integers_tensor,
    new_node,
    shape_axes,
    subgraphs,
)
from rankkit.backends.encoders.graphs.pruning import drop_unread
from rankkit.backends.encoders.graphs.row_rules import PRODUCTS, Axes, Facts, input_axes, new_shape
from rankkit.errors import RankkitError


class NotNarrowed(RankkitError):
    """The graph is left as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a value: its number along an axis."""

    axis: int
    number: int


@dataclass(slots=True)
class _Plan:
    """What the walk found. ``uses`` has, for each value, what each of its readers wants of it (``None``: all), and
    ``readers`` their places.
    """

    uses: dict[str, list[Row | None]] = field(default_factory=dict)
    readers: dict[str, list[int]] = field(default_factory=dict)
    narrow: dict[int, Axes] = field(default_factory=dict)  # operators (by place) that compute one row, and from what
    rows: dict[int, Row] = field(default_factory=dict)  # which row that is
    roots: dict[int, Row] = field(default_factory=dict)  # operators that pick the row
    asked: dict[int, str] = field(default_factory=dict)  # Shape operators of values that may be narrowed

    def row_of(self, value: str) -> Row | None:
        """The one row that all readers want."""
        wanted = self.uses.get(value, [])
        return wanted[0] if wanted and all(use == wanted[0] for use in wanted) else None


def narrowed(model: Any, facts: Facts) -> tuple[Any, int]:
    """The graph for one row, where only one row is read, and how many matrix products that made smaller.

    Raises:
        NotNarrowed: there is nothing to gain, or nobody can tell.
    """
    _check_order(model.graph)
    plan = _walk(model.graph, facts)
    products = sum(model.graph.node[place].op_type in PRODUCTS for place in plan.narrow)
    if not plan.roots:
        raise NotNarrowed("its answer is not read from one token's row, so no row can be left out")
    if not products:
        raise NotNarrowed(_stopped_at(model.graph, plan))
    made = copy_of(model)
    _rewrite(made.graph, plan, facts)
    drop_unread(made.graph)
    return made, products


def _check_order(graph: Any) -> None:
    made = {item.name for item in (*graph.input, *graph.initializer)} | {""}
    for node in graph.node:
        if not made.issuperset(node.input):
            raise NotNarrowed("its operators do not stand in the order in which they run")
        made.update(node.output)


def _walk(graph: Any, facts: Facts) -> _Plan:
    plan = _Plan()
    inner = {name for one in subgraphs(graph) for node in one.node for name in node.input}
    for value in (*(output.name for output in graph.output), *inner):
        plan.uses.setdefault(value, []).append(None)
    for place in reversed(range(len(graph.node))):
        node = graph.node[place]
        root = _picked(node, facts)
        if root is not None:
            plan.roots[place] = root
            wanted: list[Row | None] = [root, *[None] * (len(node.input) - 1)]
        elif node.op_type == "Shape" and _describable(node, facts):
            plan.asked[place] = node.input[0]
            continue  # what a shape says can be had without the value
        else:
            wanted = _wanted(graph, place, plan, facts)
        for name, use in zip(node.input, wanted, strict=True):
            if name:  # an input that is left out has none
                plan.uses.setdefault(name, []).append(use)
                plan.readers.setdefault(name, []).append(place)
    return plan


def _wanted(graph: Any, place: int, plan: _Plan, facts: Facts) -> list[Row | None]:
    """What an operator reads of its inputs, given what is read of its outputs."""
    node = graph.node[place]
    row = _narrow_output(graph, node, plan, facts)
    axes = None if row is None else input_axes(node, node.output[0], row.axis, facts)
    if row is None or axes is None:
        return [None] * len(node.input)
    plan.narrow[place], plan.rows[place] = axes, row
    return [None if axis is None else Row(axis, row.number) for axis in axes]


def _narrow_output(graph: Any, node: Any, plan: _Plan, facts: Facts) -> Row | None:
    """The row that is read of all outputs. A scale and an offset may be those of the row alone where nobody else reads
    them.
    """
    read = [name for name in node.output if name in plan.uses]
    if node.op_type == "DynamicQuantizeLinear":
        if not all(_read_for_rows_only(graph, name, plan, facts) for name in node.output[1:]):
            return None
        read = [name for name in read if name == node.output[0]]
    rows = {plan.row_of(name) for name in read}
    if len(rows) != 1 or None in rows or node.output[0] not in read:
        return None
    [row] = rows
    assert row is not None
    known = all(facts.shapes.rank(name) is not None for name in read)
    return row if known and all(facts.shapes.is_tokens(name, row.axis) for name in read) else None


def _read_for_rows_only(graph: Any, value: str, plan: _Plan, facts: Facts) -> bool:
    """Whether a value that is the same for all tokens goes into nothing but what computes one row."""
    if None in plan.uses.get(value, []) and value not in plan.readers:
        return False  # an output of the graph
    return all(
        place in plan.narrow
        or all(
            _is_the_same_for_all(name, facts) and _read_for_rows_only(graph, name, plan, facts)
            for name in filter(None, graph.node[place].output)
        )
        for place in plan.readers.get(value, [])
    )


def _is_the_same_for_all(value: str, facts: Facts) -> bool:
    rank = facts.shapes.rank(value)
    return rank is not None and all(isinstance(facts.shapes.dimension(value, axis), int) for axis in range(rank))


def _picked(node: Any, facts: Facts) -> Row | None:
    """The row that an operator picks out of all tokens, if it does."""
    if (node.domain or "") or node.op_type not in ("Gather", "Slice") or facts.shapes.rank(node.input[0]) is None:
        return None
    rank = facts.rank(node.input[0])
    if node.op_type == "Gather":
        axis, numbers = integer(node, "axis", 0) % rank, facts.integers(node.input[1])
        number = numbers[0] if numbers is not None and len(numbers) == 1 else -1
    else:
        axis, number = _sliced(node, rank, facts)
    return Row(axis, number) if number >= 0 and facts.shapes.is_tokens(node.input[0], axis) else None


def _sliced(node: Any, rank: int, facts: Facts) -> tuple[int, int]:
    """Axis and number of the one row that a Slice leaves; (0, -1) where it leaves more."""
    if len(node.input) < 3:
        stated = [attribute(node, name) for name in ("starts", "ends", "axes")]
        found = [None if item is None else list(item.ints) for item in stated]
    else:
        found = [facts.integers(name) for name in node.input[1:4]]
        steps = facts.integers(node.input[4]) if len(node.input) > 4 else [1]
        if steps != [1]:
            return 0, -1
    if len(found) < 3 or any(item is None or len(item) != 1 for item in found):
        return 0, -1
    [start], [end], [axis] = (item for item in found if item)
    return (axis % rank, start) if start >= 0 and end == start + 1 else (0, -1)


def _describable(node: Any, facts: Facts) -> bool:
    """Whether the sizes that are asked of a value can be said without it: constants, and what the graph's inputs
    have.
    """
    value = node.input[0]
    rank = facts.shapes.rank(value)
    return rank is not None and all(facts.shapes.dimension(value, axis) is not None for axis in shape_axes(node, rank))


def _stopped_at(graph: Any, plan: _Plan) -> str:
    picked = {graph.node[place].input[0] for place in plan.roots}
    kinds = sorted({node.op_type for node in graph.node if picked & set(node.output)})
    return f"the row that its answer is read from comes out of {' and '.join(kinds) or 'its inputs'}, as a whole"


def _rewrite(graph: Any, plan: _Plan, facts: Facts) -> None:
    """Cut the rows out where the narrow part begins, and let it know its new shapes."""
    made_narrow = {name for place in plan.narrow for name in graph.node[place].output}
    cuts: dict[tuple[str, Row], str] = {}
    nodes: list[Any] = []
    for place, node in enumerate(graph.node):
        if place in plan.narrow:
            row = plan.rows[place]
            for number, axis in enumerate(plan.narrow[place]):
                if axis is not None and node.input[number] not in made_narrow:
                    wanted = Row(axis, row.number)
                    nodes.extend(_cut_out(graph, node.input[number], wanted, cuts))
                    node.input[number] = cuts[node.input[number], wanted]
            if node.op_type == "Reshape":
                node.input[1] = _constant(graph, f"{node.output[0]}/row", new_shape(node.output[0], row.axis, facts))
                del node.attribute[:]
        elif place in plan.roots and node.input[0] in made_narrow:
            _pick_the_only_row(graph, node, facts)
        elif place in plan.asked and plan.asked[place] in made_narrow:
            nodes.extend(_shape_of_all(graph, node, facts))
            continue
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    # Shapes that the exporter noted down need not hold any more.
    del graph.value_info[:]


def _cut_out(graph: Any, value: str, row: Row, cuts: dict[tuple[str, Row], str]) -> Iterator[Any]:
    if (value, row) in cuts:
        return
    name = cuts[value, row] = f"{value}/row{row.axis}"
    bounds = [_constant(graph, f"{name}/{number}", [number]) for number in (row.number, row.number + 1, row.axis)]
    # Of constants of one name there is one.
    yield new_node("Slice", [value, *bounds], name)


def _constant(graph: Any, name: str, values: list[int]) -> str:
    if all(tensor.name != name for tensor in graph.initializer):
        graph.initializer.append(integers_tensor(name, values))
    return name


def _pick_the_only_row(graph: Any, node: Any, facts: Facts) -> None:
    if node.op_type == "Gather":
        scalar = not facts.constants[node.input[1]].dims
        node.input[1] = _constant(graph, f"{node.output[0]}/first", [0])
        if scalar:  # then the axis is taken away
            del graph.initializer[-1].dims[:]
    else:
        node.op_type = "Identity"
        del node.input[1:]
        del node.attribute[:]


def _shape_of_all(graph: Any, node: Any, facts: Facts) -> Iterator[Any]:
    """What ``Shape`` said of a value that has one row now: as before."""
    value, result = node.input[0], node.output[0]
    pieces: list[str] = []
    yield new_node("Shape", ["input_ids"], f"{result}/inputs")
    for axis in shape_axes(node, facts.rank(value)):
        size = facts.shapes.dimension(value, axis)
        if isinstance(size, int):
            pieces.append(_constant(graph, f"{result}/{size}", [size]))
            continue
        begin = ("inputs", "tokens").index(str(size))
        bounds = [_constant(graph, f"{result}/at/{number}", [number]) for number in (begin, begin + 1)]
        pieces.append(f"{result}/{axis}/{size}")
        yield new_node("Slice", [f"{result}/inputs", *bounds], pieces[-1])
    yield new_node("Concat", pieces, result, axis=0)
