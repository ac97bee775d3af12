"""Reads the structure of an ONNX file, and leaves its weights where they are.

A file is protocol buffers: nested runs of (field, value), which are gone through without any that
are not needed. The file is mapped, so what is left out is never read, however large it is. Field
numbers are those of ONNX's `onnx.proto`.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

#: A tensor of more bytes is a weight, and no sizes or indices that a walk needs.
MOST_BYTES = 8192
#: A tensor of so many bytes has pages around its beginning that nobody wants.
_LARGE = 1 << 16
#: Nodes that a file has at the most, those of functions each time that they are called.
MOST_NODES = 300_000


class NotOnnxError(Exception):
    """What was read is no ONNX; its message says why in a few words."""


class TensorData(NamedTuple):
    """A constant tensor: its sizes, its type, and its numbers where they are few."""

    name: str
    dims: tuple[int, ...]
    #: As `TensorProto.DataType` numbers them.
    type: int
    #: Row by row; None where they are many, elsewhere, or no numbers.
    values: tuple[Any, ...] | None
    #: From where to where its bytes stand in the file; None where they do not.
    place: tuple[int, int] | None = None


class Value(NamedTuple):
    """A tensor that the file says the type of."""

    name: str
    type: int
    #: Its sizes: numbers, or the names of open ones; None where not even their number is known.
    dims: tuple[int | str, ...] | None


class Node(NamedTuple):
    """A use of an operator."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    metadata: Mapping[str, str]


class GraphAttribute(NamedTuple):
    """What stands for a graph inside a node, which is not read."""


class Reference(NamedTuple):
    """What stands for the attribute that a function is called with."""

    name: str


class Graph(NamedTuple):
    """The nodes of a model, and the tensors that are known beforehand."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, TensorData]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    #: What is said of tensors between them.
    values: Mapping[str, Value]
    name: str = ""


class Function(NamedTuple):
    """An operator that the model defines by others."""

    name: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    #: Attributes with the value that stands for one not given.
    defaults: Mapping[str, Any]
    nodes: tuple[Node, ...]
    opsets: Mapping[str, int]


class Model(NamedTuple):
    """A file."""

    graph: Graph
    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str], Function]
    producer: str
    version: str


_Field = tuple[int, Any]


class _Bytes:
    """A run of fields in what can be cut like bytes."""

    def __init__(self, data: Any, look: Callable[[], None]) -> None:
        self.data = data
        self._look = look
        self._nodes = 0
        self._tensors = 0

    def count_node(self) -> None:
        """One node more."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise NotOnnxError(f"it has more than {MOST_NODES:,} nodes")
        if not self._nodes % 64:
            self._look()

    def count_tensor(self, size: int) -> None:
        """One tensor of so many bytes more. What was mapped around a large one is given back."""
        self._tensors += 1
        if size >= _LARGE and isinstance(self.data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)
        if not self._tensors % 32:
            self._look()

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of variable length, and where it ends."""
        result = shift = 0
        while at < end and shift < 70:
            byte = self.data[at]
            at += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result, at
            shift += 7
        raise NotOnnxError("it ends in the middle of a number")

    def fields(self, at: int, end: int) -> Iterator[_Field]:
        """The fields from one place to another: numbers as they are, a run as its two ends."""
        data = self.data
        while at < end:
            tag = data[at]
            at += 1
            if tag >= 128:
                tag, at = self.varint(at - 1, end)
            field, kind = tag >> 3, tag & 7
            if kind == 2:
                size = data[at] if at < end else 128
                at += 1
                if size >= 128:
                    size, at = self.varint(at - 1, end)
                if at + size > end:
                    raise NotOnnxError("it ends before what it says that it holds")
                yield field, (at, at + size)
                at += size
            elif kind == 0:
                number = data[at] if at < end else 128
                at += 1
                if number >= 128:
                    number, at = self.varint(at - 1, end)
                yield field, number
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
                if at + size > end:
                    raise NotOnnxError("it ends in the middle of a number")
                yield field, data[at : at + size]
                at += size
            else:
                raise NotOnnxError("it is no protocol buffer")
            if not field:
                raise NotOnnxError("it is no protocol buffer")

    def text(self, run: Any) -> str:
        """A run as text."""
        start, end = _run(run)
        return self.data[start:end].decode("utf-8", "replace")  # type: ignore[no-any-return]

    def integers(self, value: Any) -> Iterator[int]:
        """One integer, or a run of them."""
        if isinstance(value, int):
            yield _signed(value)
            return
        at, end = _run(value)
        while at < end:
            number, at = self.varint(at, end)
            yield _signed(number)

    def floats(self, value: Any) -> tuple[float, ...]:
        """One float, or a run of them."""
        if isinstance(value, bytes):
            return struct.unpack("<f", _sized(value, 4))
        at, end = _run(value)
        return struct.unpack(f"<{(end - at) // 4}f", self.data[at : at + (end - at) // 4 * 4])


def _run(value: Any) -> tuple[int, int]:
    if not isinstance(value, tuple):
        raise NotOnnxError("a field has another type than ONNX's")
    return value[0], value[1]


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise NotOnnxError("a field has another type than ONNX's")
    return _signed(value)


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise NotOnnxError("a field has another type than ONNX's")
    return value


def _signed(number: int) -> int:
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def read_model(data: Any, look: Callable[[], None]) -> Model:
    """The structure of a file, `data` being its bytes or a map of them.

    `look` is called now and then. Raises NotOnnxError.
    """
    source = _Bytes(data, look)
    graph: Graph | None = None
    opsets: dict[str, int] = {}
    functions: dict[tuple[str, str], Function] = {}
    producer = version = ""
    for field, value in source.fields(0, len(data)):
        if field == 7:
            graph = _graph(source, *_run(value))
        elif field == 8:
            opsets |= [_opset(source, value)]
        elif field == 2:
            producer = source.text(value)
        elif field == 3:
            version = source.text(value)
        elif field == 25:
            function = _function(source, *_run(value))
            functions[function.domain, function.name] = function
    if graph is None:
        raise NotOnnxError("it holds no graph")
    return Model(graph, opsets, functions, producer, version)


def _opset(source: _Bytes, run: Any) -> tuple[str, int]:
    domain, version = "", 1
    for field, value in source.fields(*_run(run)):
        if field == 1:
            domain = source.text(value)
        elif field == 2:
            version = _number(value)
    return ("" if domain == "ai.onnx" else domain), version


def _graph(source: _Bytes, start: int, end: int) -> Graph:
    nodes: list[Node] = []
    constants: dict[str, TensorData] = {}
    inputs: list[Value] = []
    outputs: list[Value] = []
    values: dict[str, Value] = {}
    name = ""
    for field, value in source.fields(start, end):
        if field == 1:
            nodes.append(_node(source, *_run(value)))
        elif field == 5:
            tensor = _tensor(source, *_run(value))
            constants[tensor.name] = tensor
        elif field == 2:
            name = source.text(value)
        elif field == 15:
            tensor = _sparse(source, *_run(value))
            constants[tensor.name] = tensor
        elif field == 11:
            inputs.append(_value(source, *_run(value)))
        elif field == 12:
            outputs.append(_value(source, *_run(value)))
        elif field == 13:
            found = _value(source, *_run(value))
            values[found.name] = found
    return Graph(tuple(nodes), constants, tuple(inputs), tuple(outputs), values, name)


def _node(source: _Bytes, start: int, end: int) -> Node:
    source.count_node()
    op = domain = name = ""
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for field, value in source.fields(start, end):
        if field == 1:
            inputs.append(source.text(value))
        elif field == 2:
            outputs.append(source.text(value))
        elif field == 3:
            name = source.text(value)
        elif field == 4:
            op = source.text(value)
        elif field == 5:
            key, attribute = _attribute(source, *_run(value))
            attributes[key] = attribute
        elif field == 7:
            domain = source.text(value)
        elif field == 9:
            metadata.update(_property(source, *_run(value)))
    if domain == "ai.onnx":
        domain = ""
    return Node(op, domain, name, tuple(inputs), tuple(outputs), attributes, metadata)


#: What is kept of a node's metadata: where it stood in the code it was made from.
SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"
#: How long their keys are, which stand first.
_SIZES = frozenset((len(SCOPES), len(CLASSES)))


def _property(source: _Bytes, start: int, end: int) -> dict[str, str]:
    if end - start < 2 or source.data[start + 1] not in _SIZES:
        return {}  # most of it is where each line of code stands
    key = ""
    for field, value in source.fields(start, end):
        if field == 1:
            key = source.text(value)
            if key not in (SCOPES, CLASSES):
                return {}
        elif field == 2 and key:
            return {key: source.text(value)}
    return {}


def _attribute(source: _Bytes, start: int, end: int) -> tuple[str, Any]:
    name = ""
    found: Any = None
    many: list[Any] = []
    for field, value in source.fields(start, end):
        if field == 1:
            name = source.text(value)
        elif field == 2:
            (found,) = source.floats(value)
        elif field == 3:
            found = _number(value)
        elif field == 4:
            found = source.text(value)
        elif field == 5:
            found = _tensor(source, *_run(value))
        elif field in (6, 11):
            found = GraphAttribute()
        elif field == 7:
            many += source.floats(value)
        elif field == 8:
            many += source.integers(value)
        elif field == 9:
            many.append(source.text(value))
        elif field == 21:
            found = Reference(source.text(value))
        elif field == 22:
            found = _sparse(source, *_run(value))
    # An empty list is written as nothing at all.
    return name, tuple(many) if found is None else found


def _tensor(source: _Bytes, start: int, end: int) -> TensorData:
    source.count_tensor(end - start)
    name, kind = "", 0
    dims: list[int] = []
    raw: tuple[int, int] | None = None
    numbers: list[Any] = []
    is_whole = True
    for field, value in source.fields(start, end):
        if field == 1:
            dims += source.integers(value)
        elif field == 2:
            kind = _number(value)
        elif field == 8:
            name = source.text(value)
        elif field == 9:
            raw = _run(value)
        elif field in (13, 14) and value:
            is_whole = False
        elif field in (4, 5, 7, 10, 11):
            size = value[1] - value[0] if isinstance(value, tuple) else 8
            is_whole = is_whole and size <= MOST_BYTES and len(numbers) <= MOST_BYTES
            if is_whole and field == 4:
                numbers += source.floats(value)
            elif is_whole and field == 10:
                numbers += _doubles(source, value)
            elif is_whole:
                numbers += source.integers(value)
    if any(size < 0 for size in dims) or len(dims) > 64:
        raise NotOnnxError(f"the tensor {name} has the sizes {dims[:64]}")
    values: tuple[Any, ...] | None = tuple(numbers)
    if raw is not None:
        values = _unpacked(source, kind, raw)
    elif kind in (10, 16) and values:
        values = _unpacked_halves(kind, values)
    count = 1
    for size in dims:
        count *= size
    if not is_whole or values is None or len(values) != count:
        values = None
    return TensorData(name, tuple(dims), kind, values, raw)


def _doubles(source: _Bytes, value: Any) -> tuple[float, ...]:
    if isinstance(value, bytes):
        return struct.unpack("<d", _sized(value, 8))
    start, end = _run(value)
    return struct.unpack(f"<{(end - start) // 8}d", source.data[start : end - (end - start) % 8])


#: `struct`'s letter for the types that are kept as their bytes.
_LETTERS = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d"}
_LETTERS |= {12: "I", 13: "Q", 16: "H"}


def _unpacked(source: _Bytes, kind: int, run: tuple[int, int]) -> tuple[Any, ...] | None:
    """The numbers of a tensor that is kept as its bytes; None where they are many."""
    start, end = run
    letter = _LETTERS.get(kind)
    if letter is None or end - start > MOST_BYTES:
        return None
    each = struct.calcsize(f"<{letter}")
    count = (end - start) // each
    found = struct.unpack(f"<{count}{letter}", source.data[start : start + count * each])
    return _unpacked_halves(kind, found) if kind == 16 else found


def _unpacked_halves(kind: int, bits: tuple[int, ...]) -> tuple[float, ...] | None:
    """Numbers of 16 bits that are kept as integers: float16, or the first half of a float."""
    if not all(0 <= each < 1 << 16 for each in bits):
        return None
    if kind == 10:
        return struct.unpack(f"<{len(bits)}e", struct.pack(f"<{len(bits)}H", *bits))
    wide = [each << 16 for each in bits]
    return struct.unpack(f"<{len(wide)}f", struct.pack(f"<{len(wide)}I", *wide))


#: Bytes that are looked at in one go.
_BLOCK = 4096


def few_numbers(data: Any, tensor: TensorData, most: int) -> set[float] | None:
    """The different numbers of a tensor; None where they are more than `most`, or not in the file.

    Of weights no more than the first block is read, since that has many.
    """
    if tensor.values is not None:
        found = set(tensor.values)
        return found if len(found) <= most else None
    if tensor.place is None or tensor.type not in (1, 11):
        return None
    start, end = tensor.place
    letter = _LETTERS[tensor.type]
    width = struct.calcsize(f"<{letter}")
    kinds: set[bytes] = set()
    for at in range(start, end - width + 1, _BLOCK):
        block = data[at : min(at + _BLOCK, end)]
        kinds.update([block[place : place + width] for place in range(0, len(block), width)])
        if len(kinds) > most:
            return None
    return {struct.unpack(f"<{letter}", each)[0] for each in kinds if len(each) == width}


def _sparse(source: _Bytes, start: int, end: int) -> TensorData:
    """A tensor of which only the numbers that are not 0 are kept; these are never spread out."""
    name, kind = "", 1
    dims: list[int] = []
    for field, value in source.fields(start, end):
        if field == 1:
            inner = _tensor(source, *_run(value))
            name, kind = inner.name, inner.type
        elif field == 3:
            dims += source.integers(value)
    if any(size < 0 for size in dims) or len(dims) > 64:
        raise NotOnnxError(f"the tensor {name} has the sizes {dims[:64]}")
    return TensorData(name, tuple(dims), kind, None)


def _value(source: _Bytes, start: int, end: int) -> Value:
    name = ""
    kind = 0
    dims: tuple[int | str, ...] | None = None
    for field, value in source.fields(start, end):
        if field == 1:
            name = source.text(value)
        elif field == 2:
            for inner, run in source.fields(*_run(value)):
                if inner == 1:
                    kind, dims = _tensor_type(source, *_run(run))
    return Value(name, kind, dims)


def _tensor_type(source: _Bytes, start: int, end: int) -> tuple[int, tuple[int | str, ...] | None]:
    kind = 0
    dims: tuple[int | str, ...] | None = None
    for field, value in source.fields(start, end):
        if field == 1:
            kind = _number(value)
        elif field == 2:
            sizes = source.fields(*_run(value))
            dims = tuple([_size(source, *_run(run)) for inner, run in sizes if inner == 1])
    return kind, dims


def _size(source: _Bytes, start: int, end: int) -> int | str:
    """One size of a tensor; a name, which may be empty, where it is open."""
    for field, value in source.fields(start, end):
        if field == 1:
            return _number(value)
        if field == 2:
            return source.text(value)
    return ""


def _function(source: _Bytes, start: int, end: int) -> Function:
    name = domain = ""
    inputs: list[str] = []
    outputs: list[str] = []
    nodes: list[Node] = []
    defaults: dict[str, Any] = {}
    opsets: dict[str, int] = {}
    for field, value in source.fields(start, end):
        if field == 1:
            name = source.text(value)
        elif field == 4:
            inputs.append(source.text(value))
        elif field == 5:
            outputs.append(source.text(value))
        elif field == 7:
            nodes.append(_node(source, *_run(value)))
        elif field == 9:
            opsets |= [_opset(source, value)]
        elif field == 10:
            domain = source.text(value)
        elif field == 11:
            key, attribute = _attribute(source, *_run(value))
            defaults[key] = attribute
    found = tuple(inputs), tuple(outputs), defaults, tuple(nodes), opsets
    return Function(name, domain, *found)
