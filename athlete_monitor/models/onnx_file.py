"""The operators of an ONNX file, read from its bytes without the ``onnx`` library, which the live process lacks.

An exported model is a sequence of a few operators. A file with a loop, a branch, a function, another operator or data
in another file is refused before ONNX Runtime loads it: it could run forever, or read files that it must not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS: Final = frozenset(
    ("Add", "Cast", "Identity", "MatMul", "Max", "Min", "Mul", "Reshape", "Round", "Sub", "TreeEnsembleRegressor")
)
"""The operators that exported models use."""

DOMAINS: Final = frozenset(("", "ai.onnx", "ai.onnx.ml"))
MOST_NODES: Final = 200

# Numbers of the fields in onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTION = 7, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
_PLAIN: Final = re.compile(
    rb"(?:\x3d....|\x40[\x80-\xff]{0,8}[\x00-\x7f]|\x4a\x0aBRANCH_LEQ|\x4a\x04LEAF){1,1000}", re.DOTALL
)
"""Numbers and words of an attribute, a field each: tens of thousands in a model, skipped a thousand at a time."""


def check_onnx(content: bytes) -> None:
    """Accept an exported model.

    Raises:
        ModelError: it is not an ONNX file, or holds something that no exported model needs.
    """
    graphs = 0
    for number, value in fields_of(memoryview(content)):
        if number in {_MODEL_TRAINING, _MODEL_FUNCTION}:
            raise ModelError("not an exported model: the ONNX file defines functions or training")
        if number == _MODEL_GRAPH:
            _check_graph(message_of(value))
            graphs += 1
    if graphs != 1:
        raise ModelError("not an ONNX model: it holds no graph")


def _check_graph(graph: memoryview) -> None:
    nodes = 0
    for number, value in fields_of(graph):
        if number == _GRAPH_NODE:
            _check_node(message_of(value))
            nodes += 1
        elif number == _GRAPH_INITIALIZER:
            _check_tensor(message_of(value))
        elif number == _GRAPH_SPARSE:
            raise ModelError("not an exported model: the ONNX file holds sparse data")
    if not 0 < nodes <= MOST_NODES:
        raise ModelError(f"not an exported model: {nodes} operators, 1 to {MOST_NODES} are allowed")


def _check_node(node: memoryview) -> None:
    name = domain = ""
    for number, value in fields_of(node):
        if number == _NODE_OPERATOR:
            name = text_of(value)
        elif number == _NODE_DOMAIN:
            domain = text_of(value)
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(message_of(value))
    if name not in OPERATORS or domain not in DOMAINS:
        raise ModelError(f"not an exported model: it uses the ONNX operator {(domain + '.' + name).lstrip('.')!r}")


def _check_attribute(attribute: memoryview) -> None:
    for number, value in fields_of(attribute, _PLAIN):
        if number in {_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS}:
            raise ModelError("not an exported model: an ONNX operator holds a graph of its own")
        if number in {_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS}:
            _check_tensor(message_of(value))


def _check_tensor(tensor: memoryview) -> None:
    for number, value in fields_of(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise ModelError("not an exported model: the ONNX file keeps data in another file")


def message_of(value: memoryview | int) -> memoryview:
    """Return a value that must be bytes.

    Raises:
        ModelError: it is a number.
    """
    if isinstance(value, int):
        raise ModelError("not an ONNX model: a field has another type")
    return value


def text_of(value: memoryview | int) -> str:
    """Return the beginning of a value that must be a text; raises as ``message_of``."""
    return bytes(message_of(value)[:100]).decode("utf-8", "replace")


def fields_of(message: memoryview, skipped: re.Pattern[bytes] | None = None) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field of a protocol buffer message: bytes, or a whole number.

    Whole fields that match ``skipped`` are left out.

    Raises:
        ModelError: the message is damaged.
    """
    place = 0
    while place < len(message):
        if skipped is not None and (found := skipped.match(message, place)):
            place = found.end()
            continue
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ModelError("not an ONNX model: the file is damaged")
        if place + size > len(message):
            raise ModelError("not an ONNX model: the file is cut off")
        yield tag >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if place + count >= len(message):
            break
        byte = message[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ModelError("not an ONNX model: the file is cut off or damaged")
