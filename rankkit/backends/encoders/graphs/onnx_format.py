"""The ONNX file format, as much of it as graphs are rewritten with.

Messages are made from a description of the fields in use (numbers and kinds are those of ``onnx.proto``); all other
fields of a file are kept as they are. It needs the ``protobuf`` package, which onnxruntime brings, and not ``onnx``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, EncodeError
from numpy.typing import NDArray

from rankkit.errors import InvalidModel

#: A message's fields: name, number, kind (a name is that of a message), and a star where there are many.
_FIELDS = """
Model       ir_version 1 int64, opset_import 8 OperatorSet*, graph 7 Graph, functions 25 bytes*
OperatorSet domain 1 string, version 2 int64
Graph       node 1 Node*, initializer 5 Tensor*, input 11 ValueInfo*, output 12 ValueInfo*, value_info 13 ValueInfo*
ValueInfo   name 1 string
Node        input 1 string*, output 2 string*, name 3 string, op_type 4 string, domain 7 string, attribute 5 Attribute*
Attribute   name 1 string, type 20 int32, f 2 float, i 3 int64, t 5 Tensor, g 6 Graph, ints 8 int64*, graphs 11 Graph*
Tensor      dims 1 int64*, data_type 2 int32, int32_data 5 int32*, int64_data 7 int64*, name 8 string, raw_data 9 bytes
Tensor      external_data 13 Entry*, data_location 14 int32
Entry       key 1 string, value 2 string
"""

#: Numbers of the format: a tensor's kind, where its numbers lie, and an attribute's kind.
INT32, INT64, EXTERNAL, ATTRIBUTE_INT = 6, 7, 1, 2
#: Numbers of 16 bits, of both sorts.
HALVES = (10, 16)


@cache
def _message(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"rankkit.onnx.{name}"))


@cache
def _pool() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="rankkit/onnx.proto", package="rankkit.onnx")
    described: dict[str, Any] = {}
    for line in _FIELDS.strip().splitlines():
        message, fields = line.split(maxsplit=1)
        if message not in described:
            described[message] = file.message_type.add(name=message)
        for written in fields.split(", "):
            name, number, kind = written.split()
            _describe(described[message].field.add(name=name, number=int(number)), kind)
    pool = descriptor_pool.DescriptorPool()  # one of our own: that of the process may know the real onnx.proto
    pool.Add(file)
    return pool


def _describe(field: Any, kind: str) -> None:
    repeated, kind = kind.endswith("*"), kind.rstrip("*")
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    if kind[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f".rankkit.onnx.{kind}"
    else:
        field.type = field.Type.Value(f"TYPE_{kind.upper()}")
        # Numbers are written packed, as the format's own library does; both ways are read.
        field.options.packed = repeated and kind.startswith("int")


def read_model(path: Path) -> Any:
    """Raises:
    InvalidModel: it cannot be read, or is no graph.
    """
    try:
        model = _message("Model").FromString(path.read_bytes())
    except (OSError, DecodeError, RecursionError) as error:
        raise InvalidModel(f"{path} cannot be read as an ONNX graph: {error}") from error
    if not model.graph.node:
        raise InvalidModel(f"{path} is no ONNX graph: it has no operators")
    return model


def write_model(model: Any, path: Path) -> None:
    """Raises:
    InvalidModel: it is larger than a message can be (2 GiB).
    OSError: the disk.
    """
    try:
        content = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise InvalidModel(f"the graph for {path.name} cannot be written: {error}") from error
    path.write_bytes(content)


def copy_of(model: Any) -> Any:
    copied = _message("Model")()
    copied.CopyFrom(model)
    return copied


def new_node(operator: str, inputs: Sequence[str], output: str, *, axis: int | None = None) -> Any:
    node = _message("Node")(op_type=operator, input=inputs, output=[output], name=output)
    if axis is not None:
        node.attribute.add(name="axis", type=ATTRIBUTE_INT, i=axis)
    return node


def new_output(name: str) -> Any:
    """An output whose kind and shape the runtime finds out."""
    return _message("ValueInfo")(name=name)


def integers_tensor(name: str, values: Sequence[int]) -> Any:
    """A vector of 64-bit integers."""
    content = np.asarray(values, dtype="<i8").tobytes()
    return _message("Tensor")(name=name, data_type=INT64, dims=[len(values)], raw_data=content)


def integers_of(tensor: Any) -> NDArray[np.int64] | None:
    """What a tensor of 32- or 64-bit integers holds; ``None`` of any other, and where the numbers lie elsewhere."""
    if tensor.data_type not in (INT32, INT64) or tensor.data_location == EXTERNAL:
        return None
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, dtype="<i8" if tensor.data_type == INT64 else "<i4").astype(np.int64)
    return np.asarray(tensor.int64_data if tensor.data_type == INT64 else tensor.int32_data, dtype=np.int64)


def attribute(node: Any, name: str) -> Any | None:
    return next((item for item in node.attribute if item.name == name), None)


def integer(node: Any, name: str, default: int) -> int:
    found = attribute(node, name)
    return default if found is None else int(found.i)


def shape_axes(node: Any, rank: int) -> list[int]:
    """The axes of its input whose sizes a ``Shape`` gives."""
    return list(range(rank))[slice(integer(node, "start", 0), integer(node, "end", rank))]


def subgraphs(graph: Any) -> Iterator[Any]:
    """Every graph inside an operator (the branches of an If, say), at any depth."""
    for node in graph.node:
        for item in node.attribute:
            for inner in (*([item.g] if item.HasField("g") else []), *item.graphs):
                yield inner
                yield from subgraphs(inner)


def tensors(graph: Any) -> Iterator[Any]:
    """All weights and constants, those of inner graphs too."""
    for one in (graph, *subgraphs(graph)):
        yield from one.initializer
        yield from (item.t for node in one.node for item in node.attribute if item.HasField("t"))


def external_files(model: Any) -> list[str]:
    """The names, relative to the graph, of files that hold its weights."""
    outside = (tensor for tensor in tensors(model.graph) if tensor.data_location == EXTERNAL)
    return sorted({entry.value for tensor in outside for entry in tensor.external_data if entry.key == "location"})
