"""Bad and strange ONNX files: an error that says what and where, or an answer; never a crash."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

if TYPE_CHECKING:
    from tests.conftest import Run

FLOAT = TensorProto.FLOAT


class Case(NamedTuple):
    """A file, and how reading it ends."""

    make: Callable[[], bytes]
    #: What the error must say, each a regular expression; None: there is an answer.
    says: tuple[str, ...] | None
    #: What `analyze` is told beside the file.
    options: tuple[str, ...] = ()
    #: Figures of the answer.
    params: int | None = None
    macs: int | None = None


def value(name: str, *dims: Any) -> Any:
    """An input or output; without sizes, its shape is not written."""
    return helper.make_tensor_value_info(name, FLOAT, list(dims) or None)


def absent(name: str, *dims: int, data_type: int = FLOAT, **data: Any) -> Any:
    """A weight without its data, or with other data."""
    return TensorProto(name=name, data_type=data_type, dims=dims, **data)


def ints(name: str, *values: int) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def network(
    nodes: list[Any],
    weights: list[Any],
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    opset: int = 17,
    **more: Any,
) -> Any:
    graph = helper.make_graph(
        nodes,
        "network",
        inputs if inputs is not None else [value("x", 1, 3, 8, 8)],
        outputs if outputs is not None else [value("y")],
        weights,
    )
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def conv(name: str = "first", entering: str = "x", leaving: str = "y", **attributes: Any) -> Any:
    return helper.make_node("Conv", [entering, "w"], [leaving], name=name, **attributes)


W = absent("w", 4, 3, 3, 3)
#: Parameters and multiply-accumulates of one such convolution on the 8 x 8 input.
PARAMS, MACS = 108, 108 * 36


def good() -> bytes:
    return bytes(network([conv()], [W]).SerializeToString())


def of(nodes: list[Any], weights: list[Any], **more: Any) -> Callable[[], bytes]:
    return lambda: bytes(network(nodes, weights, **more).SerializeToString())


def control_flow(operator: str) -> bytes:
    out = helper.make_node("Identity", ["x"], ["inner"], name="inside")
    body = helper.make_graph([out], "body", [], [value("inner")])
    attributes: Any = {
        "If": {"then_branch": body, "else_branch": body},
        "Loop": {"body": body},
        "Scan": {"body": body, "num_scan_inputs": 1},
    }[operator]
    inputs = {"If": ["c"], "Loop": ["", "c", "x"], "Scan": ["x"]}[operator]
    node = helper.make_node(operator, inputs, ["y"], name="choose", **attributes)
    # Whether it is taken is not known before it runs.
    inputs_of = [value("x", 1, 3, 8, 8), helper.make_tensor_value_info("c", TensorProto.BOOL, [])]
    return bytes(network([node], [], inputs_of).SerializeToString())


def cyclic() -> bytes:
    add = helper.make_node("Add", ["x", "b"], ["a"], name="add")
    relu = helper.make_node("Relu", ["a"], ["b"], name="relu")
    return bytes(network([add, relu], [], outputs=[value("b")]).SerializeToString())


def local_function() -> bytes:
    block = helper.make_function(
        "local",
        "Block",
        ["a", "b"],
        ["c"],
        [
            helper.make_node("Conv", ["a", "b"], ["d"], name="inside"),
            helper.make_node("Relu", ["d"], ["c"]),
        ],
        [helper.make_opsetid("", 17)],
    )
    node = helper.make_node("Block", ["x", "w"], ["y"], name="block", domain="local")
    local = helper.make_opsetid("local", 1)
    model = network([node], [W], opsets=[local], functions=[block])
    return bytes(model.SerializeToString())


def recursive_function() -> bytes:
    block = helper.make_function(
        "local",
        "Block",
        ["a"],
        ["c"],
        [helper.make_node("Block", ["a"], ["c"], name="inside", domain="local")],
        [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)],
    )
    node = helper.make_node("Block", ["x"], ["y"], name="block", domain="local")
    local = helper.make_opsetid("local", 1)
    model = network([node], [], opsets=[local], functions=[block])
    return bytes(model.SerializeToString())


def sparse() -> bytes:
    model = network([conv()], [])
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            helper.make_tensor("w", FLOAT, [1], [1.0]),
            helper.make_tensor("i", TensorProto.INT64, [1], [0]),
            [4, 3, 3, 3],
        )
    )
    return bytes(model.SerializeToString())


def external(location: str) -> bytes:
    weight = absent("w", 4, 3, 3, 3)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    return bytes(network([conv()], [weight]).SerializeToString())


def many(count: int) -> bytes:
    nodes = [
        helper.make_node("Relu", [f"t{i}" if i else "x"], [f"t{i + 1}"], name=f"relu_{i}")
        for i in range(count)
    ]
    return bytes(network(nodes, [], outputs=[value(f"t{count}")]).SerializeToString())


def field(number: int, payload: bytes) -> bytes:
    """A field of bytes in a message, as Protocol Buffers write it."""
    length, size = len(payload), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + payload


def nested(depth: int) -> bytes:
    """Graphs in the branches of Ifs, deeper than messages may go."""
    graph = b""
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    return b"\x08\x08" + field(7, graph)


def broken_name() -> bytes:
    return good().replace(b"first", b"\xff\xfe\xffrst")


def opset_missing() -> bytes:
    model = network([conv()], [W])
    del model.opset_import[:]
    return bytes(model.SerializeToString())


def no_name(says: str = "") -> bytes:
    model = network([conv()], [W])
    model.graph.node[0].ClearField("name")
    model.graph.ClearField("name")
    return bytes(model.SerializeToString())


def strange(operator: str, domain: str, *, is_described: bool) -> bytes:
    node = helper.make_node(operator, ["x"], ["z"], name="odd", domain=domain)
    after = helper.make_node("Conv", ["z", "w"], ["y"], name="first")
    model = network([node, after], [W], opsets=[helper.make_opsetid(domain, 1)] if domain else [])
    if is_described:
        model.graph.value_info.append(value("z", 1, 3, 8, 8))
    return bytes(model.SerializeToString())


RESHAPE = helper.make_node("Reshape", ["x", "s"], ["y"], name="shaping")
GEMM = helper.make_node("Gemm", ["x", "w"], ["y"], name="fc")
VECTOR = [value("x", 1, 1_000_000)]
NO_ONNX = (r"ONNX|\.onnx",)

CASES = {
    # What is no ONNX at all.
    "empty": Case(lambda: b"", NO_ONNX),
    "text": Case(lambda: b"This is no network.\n" * 20, NO_ONNX),
    "YAML": Case(lambda: b"name: net\ninput: [3, 8, 8]\nlayers:\n- relu\n", NO_ONNX),
    "JPEG": Case(lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 4, NO_ONNX),
    "zip": Case(lambda: b"PK\x03\x04" + bytes(60) + b"archive/data.pkl" + bytes(200), NO_ONNX),
    "zeros": Case(lambda: bytes(1000), NO_ONNX),
    "truncated": Case(lambda: good()[:-7], NO_ONNX),
    "cut in half": Case(lambda: good()[: len(good()) // 2], NO_ONNX),
    "another message": Case(lambda: bytes(W.SerializeToString()), NO_ONNX),
    "invalid UTF-8": Case(broken_name, NO_ONNX),
    "graphs in graphs": Case(lambda: nested(200), NO_ONNX),
    # What a description cannot hold.
    "If": Case(lambda: control_flow("If"), ("choose", "If")),
    "Loop": Case(lambda: control_flow("Loop"), ("choose", "Loop")),
    "Scan": Case(lambda: control_flow("Scan"), ("choose", "Scan")),
    "no nodes": Case(of([], [], outputs=[]), ("no output|nothing",)),
    "no outputs": Case(of([conv()], [W], outputs=[]), ("output",)),
    "sizes open": Case(of([conv()], [W], inputs=[value("x", "N", 3, "H", "W")]), ("x", r"--input")),
    "sizes given": Case(
        of([conv()], [W], inputs=[value("x", "N", 3, "H", "W")]),
        None,
        ("--input", "3x8x8"),
        params=PARAMS,
        macs=MACS,
    ),
    "sizes negative": Case(of([conv()], [W], inputs=[value("x", 1, 3, -1, -1)]), ("x", r"--input")),
    "sizes zero": Case(of([conv()], [W], inputs=[value("x", 1, 3, 0, 8)]), ("x",)),
    "an input without a shape": Case(
        of([conv()], [W], inputs=[helper.make_tensor_value_info("x", FLOAT, None)]), ("x",)
    ),
    "a sequence": Case(
        of(
            [conv()],
            [W],
            inputs=[helper.make_tensor_sequence_value_info("x", FLOAT, [1, 3, 8, 8])],
        ),
        ("x",),
    ),
    # Graphs that are none.
    "cyclic": Case(cyclic, ("add|relu",)),
    "reads what is not there": Case(of([conv(entering="nowhere")], [W]), ("nowhere", "first")),
    "a weight that is not there": Case(of([conv()], []), ("w", "first")),
    "an output that is not there": Case(of([conv()], [W], outputs=[value("never")]), ("never",)),
    "a name twice": Case(of([conv("one"), conv("two")], [W]), ("y", "two|one")),
    "a node without inputs": Case(
        of([helper.make_node("Conv", [], ["y"], name="first")], []), ("first",)
    ),
    "wrong weights": Case(of([conv()], [absent("w", 4, 5, 3, 3)]), ("first", "3 channels")),
    "negative weights": Case(of([conv()], [absent("w", 4, -3, 3, 3)]), ("w|first",)),
    "a stride of zero": Case(of([conv(strides=[0, 0])], [W]), ("first",)),
    "a kernel larger than its input": Case(of([conv()], [absent("w", 4, 3, 30, 30)]), ("first",)),
    "a shape without data": Case(
        of([RESHAPE], [absent("s", 2, data_type=TensorProto.INT64)]), ("shaping|s",)
    ),
    "a shape of 10^12 sizes": Case(
        of([RESHAPE], [absent("s", 10**12, data_type=TensorProto.INT64)]), ("shaping|s",)
    ),
    "a shape that does not fit": Case(of([RESHAPE], [ints("s", 1, 5, 5)]), ("shaping",)),
    "a function that calls itself": Case(recursive_function, ("block|Block|inside",)),
    # Strange, and read.
    "good": Case(good, None, params=PARAMS, macs=MACS),
    "no names": Case(no_name, None, params=PARAMS, macs=MACS),
    "10^12 weights": Case(
        of([GEMM], [absent("w", 10**6, 10**6)], inputs=VECTOR), None, params=10**12, macs=10**12
    ),
    "10^12 weights, four bytes": Case(
        of([GEMM], [absent("w", 10**6, 10**6, raw_data=b"\0\0\0\0")], inputs=VECTOR),
        None,
        params=10**12,
        macs=10**12,
    ),
    "weights elsewhere": Case(lambda: external("gone.bin"), None, params=PARAMS, macs=MACS),
    "weights outside": Case(
        lambda: external("../../../etc/passwd"), None, params=PARAMS, macs=MACS
    ),
    "weights at an absolute path": Case(
        lambda: external("/dev/zero"), None, params=PARAMS, macs=MACS
    ),
    "sparse weights": Case(sparse, None, params=PARAMS, macs=MACS),
    "a function of the file's own": Case(local_function, None, params=PARAMS, macs=MACS),
    "strings": Case(
        of(
            [conv()],
            [W, absent("words", 1, data_type=TensorProto.STRING, string_data=[b"\xff" * 99])],
        ),
        None,
        params=PARAMS,
        macs=MACS,
    ),
    "weights that are not used": Case(
        of([conv()], [W, absent("left", 1000)]), None, params=PARAMS, macs=MACS
    ),
    "names of a megabyte": Case(of([conv("n" * 10**6)], [W]), None, params=PARAMS, macs=MACS),
    "names in 1,500 scopes": Case(
        of([conv("/a" * 1500 + "/Conv")], [W]), None, params=PARAMS, macs=MACS
    ),
    "names that are no names": Case(
        of([conv("a: [b\n# {c}\t'\"\x1b[31m\u202e")], [W]), None, params=PARAMS, macs=MACS
    ),
    "names that are YAML": Case(of([conv("yes")], [W]), None, params=PARAMS, macs=MACS),
    "names of layers": Case(of([conv("input")], [W]), None, params=PARAMS, macs=MACS),
    "two nodes of one name": Case(
        of(
            [
                conv("same", "x", "z"),
                helper.make_node("Relu", ["z"], ["r"], name="same"),
                helper.make_node("Conv", ["r", "v"], ["y"], name="same"),
            ],
            [W, absent("v", 4, 4, 1, 1)],
        ),
        None,
        params=PARAMS + 16,
        macs=MACS + 16 * 36,
    ),
    "numbers that are infinite": Case(
        of(
            [
                helper.make_node(
                    "Pad", ["x"], ["p"], name="pad", pads=[0, 0, 0, 0, 0, 0, 1, 1], value=-math.inf
                ),
                helper.make_node("Clip", ["p"], ["c"], name="clip", min=0.0, max=math.inf),
                helper.make_node("MaxPool", ["c"], ["m"], name="pool", kernel_shape=[2, 2]),
                conv(entering="m"),
            ],
            [W],
            opset=10,
        ),
        None,
        params=PARAMS,
        macs=MACS,
    ),
    "constants of 10^12 elements": Case(
        of(
            [
                helper.make_node("ConstantOfShape", ["s"], ["c"], name="fill"),
                helper.make_node("ReduceSum", ["c"], ["t"], name="sum", keepdims=0),
                conv(leaving="z"),
                helper.make_node("Add", ["z", "t"], ["y"], name="add"),
            ],
            [W, ints("s", 10**6, 10**6)],
        ),
        None,
        params=PARAMS,
        macs=MACS,
    ),
}


@pytest.mark.parametrize("title", CASES)
def test_a_file_is_refused_with_a_reason_or_read(title: str, run: Run, tmp_path: Path) -> None:
    case = CASES[title]
    path = tmp_path / "network.onnx"
    path.write_bytes(case.make())
    for command in (("analyze", "--json"), ("import",)):
        ran = run(command[0], str(path), *case.options, *command[1:])
        assert ran.status == (0 if case.says is None else 2), ran
        for text in case.says or ():
            assert re.search(text, ran.err), ran.err
        assert len(ran.err) < 5000
        assert not case.says or "network.onnx" in ran.err
    if case.params is not None:
        totals = run("analyze", str(path), *case.options, "--json").json["totals"]
        assert (totals["params"], totals["macs"]) == (case.params, case.macs)


@pytest.mark.parametrize("domain", ["", "com.example"])
def test_an_operator_that_is_not_known_is_opaque_where_its_shape_is_written(
    domain: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(strange("Frobnicate", domain, is_described=True))
    report = run("analyze", str(path), "--json").json
    assert report["totals"]["unknown"] == 1
    assert report["totals"]["macs"] == MACS
    assert run("analyze", str(path), "--strict").status == 1


def test_an_operator_that_is_not_known_is_named_where_its_shape_is_not_written(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(strange("Frobnicate", "com.example", is_described=False))
    ran = run("analyze", str(path))
    assert ran.status == 2
    assert "Frobnicate" in ran.err
    assert "odd" in ran.err


def test_a_missing_opset_is_the_first_or_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(opset_missing())
    ran = run("analyze", str(path), "--json")
    assert ran.status == 0 or (ran.status == 2 and "opset" in ran.err)


def test_a_long_chain_is_read_without_recursion(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(many(1_500))
    ran = run("analyze", str(path), "--json", "--limit", "layers=1500")
    assert ran.status == 0, ran.err


def test_a_missing_file_is_said(run: Run) -> None:
    ran = run("analyze", "not-there.onnx")
    assert ran.status == 2
    assert "not-there.onnx" in ran.err


def test_without_the_package_it_says_how_to_install_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is not known here is asked of onnx, and nothing else is.
    path = tmp_path / "network.onnx"
    monkeypatch.setitem(sys.modules, "onnx", None)
    path.write_bytes(strange("Frobnicate", "com.example", is_described=False))
    ran = run("analyze", str(path))
    assert ran.status == 2
    assert "pip install 'convcalc[onnx]'" in ran.err
    path.write_bytes(good())
    assert run("analyze", str(path), "--json").json["totals"]["macs"] == MACS
