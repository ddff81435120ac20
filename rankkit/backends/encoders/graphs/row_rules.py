"""Which operators answer for one row of tokens from one row of their inputs, and from which.

A rule is given an operator, its output and the axis along which only one row of it is wanted. It answers with an axis
for each input: that of which one row is enough, or ``None`` for an input that is needed (or read) as a whole. An
operator without a rule, or used in a way that the rule does not know, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rankkit.backends.encoders.graphs.onnx_format import attribute, integer, integers_of
from rankkit.backends.encoders.graphs.probing import Shapes

#: For each input an axis, or ``None``: the whole.
Axes = list[int | None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules know of the graph around an operator."""

    shapes: Shapes
    constants: Mapping[str, Any]
    opset: int

    @classmethod
    def of(cls, model: Any, shapes: Shapes) -> Facts:
        constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and (value := attribute(node, "value")) is not None:
                constants[node.output[0]] = value.t
            elif node.op_type == "Identity" and node.input[0] in constants:
                constants[node.output[0]] = constants[node.input[0]]
        versions = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
        return cls(shapes, constants, max(versions, default=1))

    def rank(self, value: str) -> int:
        rank = self.shapes.rank(value)
        if rank is None:
            raise UnknownUse
        return rank

    def integers(self, value: str) -> list[int] | None:
        """What a constant of integers holds."""
        tensor = self.constants.get(value)
        numbers = None if tensor is None else integers_of(tensor)
        return None if numbers is None else numbers.tolist()

    def axes(self, node: Any, place: int, rank: int) -> list[int]:
        """Axes, counted from the front, that stand in an attribute, or in an input of newer versions."""
        stated = attribute(node, "axes")
        if stated is not None:
            found: Sequence[int] | None = list(stated.ints)
        else:
            found = self.integers(node.input[place]) if len(node.input) > place else None
        if found is None:
            raise UnknownUse
        return [axis % rank for axis in found]


class UnknownUse(Exception):  # never leaves this package
    """The rule does not know this use of its operator."""


Rule = Callable[[Any, str, int, Facts], Axes]


def input_axes(node: Any, output: str, axis: int, facts: Facts) -> Axes | None:
    """By the rule of the operator; ``None`` where it has none, or its rule does not know this use."""
    rule = _RULES.get((node.domain or "", node.op_type))
    if rule is None:
        return None
    try:
        return rule(node, output, axis, facts)
    except UnknownUse:
        return None


def _require(holds: object) -> None:
    if not holds:
        raise UnknownUse


def _elementwise(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """Any number of inputs, broadcast."""
    return [_broadcast(name, facts.rank(output), axis, facts) for name in node.input]


def _broadcast(name: str, rank: int, axis: int, facts: Facts) -> int | None:
    if not name:
        return None
    own = axis - (rank - facts.rank(name))
    if own < 0 or facts.shapes.sizes(name, own) == (1, 1):
        return None
    _require(facts.shapes.is_tokens(name, own))
    return own


def _first_only(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """One input is worked on element by element; the others do not differ from row to row."""
    del output, facts
    return [axis, *[None] * (len(node.input) - 1)]


def _product(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """Rows of a matrix product are rows of its first factor."""
    rank = facts.rank(output)
    _require(axis < rank - 1 and not any(item.name.startswith("trans") and item.i for item in node.attribute))
    first, second = node.input[0], node.input[1]
    _require(facts.rank(first) >= 2 and facts.rank(second) >= 2)
    rest: Axes = [None] * (len(node.input) - 2)
    if axis < rank - 2:  # products one by one
        return [_broadcast(first, rank, axis, facts), _broadcast(second, rank, axis, facts), *rest]
    return [facts.rank(first) - 2, None, *rest]


def _packed_product(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    _require(axis < facts.rank(output) - 1)
    return _first_only(node, output, axis, facts)


def _scaled(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """To whole numbers and back, by scales that do not differ from row to row."""
    scales = facts.rank(node.input[1])
    _require(scales == 0 or (scales == 1 and integer(node, "axis", 1) % facts.rank(output) != axis))
    return _first_only(node, output, axis, facts)


def _integer_product(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    # The first factor's offset, or its scale and offset: one for all of its rows.
    own = node.input[2:5:2] if node.op_type == "MatMulIntegerToFloat" else node.input[2:3]
    _require(all(not name or facts.rank(name) == 0 for name in own))
    return _product(node, output, axis, facts)


def _along_the_last(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """Softmax and its kin: rows by themselves, if the axis lies behind."""
    rank = facts.rank(output)
    at = integer(node, "axis", -1 if facts.opset >= 13 else 1) % rank
    # Before version 13, all axes from the given one on were taken as one.
    _require(at > axis if facts.opset < 13 else at != axis)
    return [axis]


def _normalised(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    _require(axis < integer(node, "axis", -1) % facts.rank(output))
    return _first_only(node, output, axis, facts)


def _skip_normalised(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """onnxruntime's sum of two inputs (and a bias), normalised."""
    rank = facts.rank(output)
    _require(axis < rank - 1)
    pair = [_broadcast(name, rank, axis, facts) for name in node.input[:2]]
    return [*pair, *[None] * (len(node.input) - 2)]


def _reduced(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    rank = facts.rank(node.input[0])
    axes = facts.axes(node, 1, rank)
    kept = integer(node, "keepdims", 1)
    _require(axes and axis not in axes and (kept or all(reduced > axis for reduced in axes)))
    return _first_only(node, output, axis, facts)


def _transposed(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    order = attribute(node, "perm")
    return [order.ints[axis] if order is not None else facts.rank(output) - 1 - axis]


def _reshaped(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """The axis stays one of its own. Its shape is then written anew (see ``new_shape``)."""
    source = node.input[0]
    new_shape(output, axis, facts)
    for own in range(facts.rank(source)):
        if facts.shapes.is_tokens(source, own) and all(
            _count(shapes[source][:own]) == _count(shapes[output][:axis])
            for shapes in (facts.shapes.first, facts.shapes.second)
        ):
            return [own, None]
    raise UnknownUse


def new_shape(output: str, axis: int, facts: Facts) -> list[int]:
    """The shape of a ``Reshape`` whose output has one row along the axis.

    Raises:
        UnknownUse: more than one other size is free.
    """
    sizes: list[int] = []
    for own in range(facts.rank(output)):
        size = 1 if own == axis else facts.shapes.dimension(output, own)
        sizes.append(size if isinstance(size, int) else -1)
    _require(sizes.count(-1) <= 1 and 0 not in sizes)
    return sizes


def _count(sizes: Sequence[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def _unsqueezed(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    added = facts.axes(node, 1, facts.rank(output))
    _require(axis not in added)
    return _first_only(node, output, axis - sum(new < axis for new in added), facts)


def _squeezed(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    source = facts.rank(node.input[0])
    gone = facts.axes(node, 1, source)
    kept = [own for own in range(source) if own not in gone]
    return _first_only(node, output, kept[axis], facts)


def _joined(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    _require(integer(node, "axis", 0) % facts.rank(output) != axis)
    return [axis] * len(node.input)


def _cut(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """A slice along other axes."""
    rank = facts.rank(output)
    if attribute(node, "starts") is None and len(node.input) > 3 and node.input[3]:
        axes = facts.integers(node.input[3])
    else:
        stated = attribute(node, "axes")
        axes = None if stated is None else list(stated.ints)
    _require(axes is not None and axis not in [own % rank for own in axes or ()])
    return _first_only(node, output, axis, facts)


def _parted(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    _require(integer(node, "axis", 0) % facts.rank(output) != axis)
    return _first_only(node, output, axis, facts)


def _gathered(node: Any, output: str, axis: int, facts: Facts) -> Axes:
    """Chosen along another axis."""
    data, indices = facts.rank(node.input[0]), facts.rank(node.input[1])
    at = integer(node, "axis", 0) % data
    _require(axis < at or axis >= at + indices)
    return [axis if axis < at else axis - indices + 1, None]


_ELEMENTWISE = """
Abs Add And BitShift Cast Ceil Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish
Identity IsNaN LeakyRelu Less LessOrEqual Log Max Min Mish Mod Mul Neg Not Or Pow Reciprocal Relu Round Selu Sigmoid
Sign Sin Softplus Softsign Sqrt Sub Sum Tanh Where Xor
""".split()
_REDUCTIONS = "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split()
_MICROSOFT = "com.microsoft"

_RULES: dict[tuple[str, str], Rule] = {
    **{("", name): _elementwise for name in _ELEMENTWISE},
    **{("", name): _reduced for name in _REDUCTIONS},
    **{(_MICROSOFT, name): _elementwise for name in ("BiasGelu", "FastGelu", "Gelu", "QuickGelu")},
    ("", "Dropout"): _first_only,
    ("", "DynamicQuantizeLinear"): _first_only,
    ("", "MatMul"): _product,
    ("", "MatMulInteger"): _integer_product,
    (_MICROSOFT, "MatMulIntegerToFloat"): _integer_product,
    (_MICROSOFT, "FusedMatMul"): _product,
    (_MICROSOFT, "DynamicQuantizeMatMul"): _product,
    (_MICROSOFT, "MatMulNBits"): _packed_product,
    ("", "QuantizeLinear"): _scaled,
    ("", "DequantizeLinear"): _scaled,
    ("", "Softmax"): _along_the_last,
    ("", "LogSoftmax"): _along_the_last,
    ("", "LayerNormalization"): _normalised,
    ("", "SimplifiedLayerNormalization"): _normalised,
    ("", "RMSNormalization"): _normalised,
    (_MICROSOFT, "SkipLayerNormalization"): _skip_normalised,
    (_MICROSOFT, "SkipSimplifiedLayerNormalization"): _skip_normalised,
    ("", "Transpose"): _transposed,
    ("", "Reshape"): _reshaped,
    ("", "Unsqueeze"): _unsqueezed,
    ("", "Squeeze"): _squeezed,
    ("", "Concat"): _joined,
    ("", "Slice"): _cut,
    ("", "Split"): _parted,
    ("", "Gather"): _gathered,
}

#: Operators in which the time goes: without one of them, nothing is gained.
PRODUCTS = {
    "MatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "FusedMatMul",
    "DynamicQuantizeMatMul",
    "MatMulNBits",
}
