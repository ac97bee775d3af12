"""onnx-tool (`onnx_tool.model_profile`) on the file that PyTorch's exporter writes.

onnx_tool/node.py (the `profile` of each node class) and graph.py, version 1.0.1; the exporter of
torch 2.13.0 that `torch.onnx.export(dynamo=True)` is, opset 20. (Files of an older opset have other
operators: below 20 a GELU is five of them, and counts 7 an element, not 34.) It prints
"Forward_MACs": multiply–accumulates, biases, and elementwise operations by what they would cost, 32
an exponential, 4 a division, 24 a root.

- The exporter folds a batch norm into the convolution (or flat linear layer) before it, where
  nothing else uses that one's output. The batch norm is gone, and the convolution has a bias: so it
  is for trained weights. (A network fresh from its constructor folds to a bias of zeros, which the
  exporter drops.)
- A batch norm that stays is 31 an element. tanh is 76: its cost is doubled.
- A transposed convolution counts out·(C_out/g)·K; a 3-D pool the first axis of its kernel alone.
- mish raises: "this Node Mish-n0 has no value_infer". An adaptive pool whose output does not divide
  its input becomes a dozen operators that no rule here says, or does not export, as a 3-D mean
  never does.
- A constant operand costs what a tensor does. `maximum` and `minimum` with a constant are
  `torch.clamp` with one bound: a Clip, 2 an element; where that is a whole number, a Max or a Min,
  1.
- Clips and ReLUs in a row become one, and what is worked out of small learned tensors alone is
  folded, neither of which is reproduced.
- A square and an RMS norm's squares are powers, 32 an element.
- A `self_attention`, timm's or PyTorch's, scales queries and keys, each by the fourth root of 1/d,
  not their products.
- With a `max_unpool` come the places that its pool had the maxima at: an element of its output
  each, and 2 of its input, and a constant a channel of every sample (of one sample here). A `fold`
  raises: "this Node Col2Im-node_col2im has no value_infer".
- Parameters are the initialisers that counted operators read: the axes of a global pool and the
  scales of an upsampling among them, each equal constant once. What a concatenation alone reads is
  not among them.
"""

from collections.abc import Iterator
from typing import Any

from convcalc.conventions.base import Convention, Place, Quantities, in_attention, in_numbers, table
from convcalc.graph import Graph, Node


def places(graph: Graph) -> Iterator[Place]:
    """What the exporter makes of each layer's surroundings."""
    merged = folded(graph) | unread(graph)
    seen: set[Any] = set()
    for index, (node, place) in enumerate(zip(graph.nodes, in_attention(graph))):
        constant = _constant(node, place)
        yield place._replace(merged=index in merged, first=constant not in seen)
        seen.add(constant)


def folded(graph: Graph) -> frozenset[int]:
    """The batch norms that the exporter folds, and the layers that it folds them into."""
    tensors = [tensor for node in graph.nodes for tensor in node.inputs] + list(graph.outputs)
    uses: dict[int, int] = {}
    for tensor in tensors:
        uses[tensor.node] = uses.get(tensor.node, 0) + 1
    shared = {node.weights_of for node in graph.nodes}
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if node.type != "batch_norm":
            continue
        source = node.inputs[0].node
        if source < 0 or uses[source] > 1:
            continue
        before = graph.nodes[source]
        if before.name in shared or before.weights_of is not None:
            continue
        flat = before.layer.family == "dense" and len(before.outputs[0]) == 1
        if flat or before.layer.family in ("convolution", "transposed convolution"):
            found |= {source, index}
    return frozenset(found)


def unread(graph: Graph) -> frozenset[int]:
    """The learned tensors that concatenations alone read."""
    read = {tensor.node for node in graph.nodes if node.type != "concat" for tensor in node.inputs}
    found = (index for index, node in enumerate(graph.nodes) if node.type == "parameter")
    return frozenset(index for index in found if index not in read)


def _constant(node: Node, place: Place) -> Any:
    """What a layer's constant holds: equal ones are written once."""
    axes = len(node.outputs[0].spatial)
    written: Any = node.placed.written
    if node.type == "reduce":
        return "axes of a reduction", written.axes
    if node.type == "rms_norm":
        return "axes of an RMS norm"
    if place.attends and node.type == "mul":
        return "factor of queries and keys", written.value
    if node.layer.family == "pooling" and not node.placed.windows:
        return "axes of a mean", axes
    return node.layer, axes


def window(q: Quantities) -> int:
    """The cells of an adaptive pool's window; of a 3-D one the first axis alone."""
    return q.x[1] // q.y[1] if q.axes == 3 else q.shrink


def uneven(q: Quantities) -> bool:
    """Whether the output of an adaptive pool does not divide its input."""
    q = q.numbers
    return any(n % m for n, m in zip(q.x.spatial, q.y.spatial))


def parts(q: Quantities) -> int:
    """The sizes of a split, where they differ."""
    first, *others = q.node.outputs
    return 0 if all(each == first for each in others) else len(q.node.outputs)


def clipped(q: Quantities) -> bool:
    """Whether there are two bounds, or one that is no whole number."""
    names = ("min", "max") if q.layer.type == "clamp" else ("value",)
    values = (in_numbers(getattr(q.layer, name)) for name in names)
    bounds = [value for value in values if value is not None]
    return len(bounds) > 1 or any(bound != int(bound) for bound in bounds)


def reduced(q: Quantities) -> int:
    """The axes of a reduction, where no other has brought them."""
    return len(set(q.layer.axes)) if q.place.first else 0


REDUCED_AXES = "(3 if axes == 3 else 2) if first else 0"

CONVENTION = Convention(
    name="onnx-tool",
    tool="onnx_tool.model_profile",
    version="1.0.1, torch 2.13.0's exporter (dynamo)",
    unit="MACs",
    meaning="multiply–accumulates, biases, and elementwise operations weighted by their cost",
    summary="MACs, biases, folded batch norms; 1 an element of a relu, 33 of a silu, 1 of an add",
    share=0.04,
    rules=table(
        {
            "convolution linear": "macs + (out if merged else bias)",
            "conv_transpose": "out * (out_channels // groups) * kernel + (out if merged else bias)",
            "batch_norm": "0 if merged else 31 * out",
            "layer_norm": "7 * inp + 29 * rows",
            "group_norm": "9 * inp",
            "instance_norm": "7 * inp",
            "local_response_norm": "(size + 39) * inp",
            "relu": "out",
            "relu6": "2 * out",
            "leaky_relu": "2 * out",
            "prelu": "2 * out",
            "elu": "35 * out",
            "gelu": "34 * out",
            "silu": "33 * out",
            "sigmoid": "32 * out",
            "hard_sigmoid": "4 * out",
            "hard_swish": "5 * out",
            "tanh": "76 * out",
            "softmax": "36 * out",
            "rms_norm": "(35 if affine else 34) * inp + 29 * rows",
            "clamp": "2 * out if clipped else out",
            "abs": "out",
            "sqrt": "24 * out",
            "square exp": "32 * out",
            "log": "43 * out",
            "softplus": "77 * out",
            "max_pool avg_pool": "kernel_size[0] * out if axes == 3 else kernel * out",
            "global_avg_pool global_max_pool": "inp",
            "adaptive_avg_pool adaptive_max_pool": "inp if max(output_size) == 1 else window * out",
            "add sub": "max(inputs - 1, 1) * out",
            "mul": "0 if attends else max(inputs - 1, 1) * out",
            "div": "4 * out",
            "maximum minimum": "2 * out if clipped else max(inputs - 1, 1) * out",
            "matmul": "macs + 2 * inp if attends and transpose_a else macs",
            "reduce": "25 * inp if op == 'l2' else inp",
            "max_unpool": "2 * inp + out",
            "scale": "out",
            "upsample": "0 if mode == 'nearest' else 4 * out if mode == 'bilinear' else 8 * out",
        }
    ),
    default=None,
    gaps={
        "adaptive_avg_pool": "uneven or axes == 3 and max(output_size) > 1",
        "adaptive_max_pool": "uneven",
        "upsample": "mode != 'nearest' and mode != 'bilinear' and mode != 'bicubic'",
    },
    parameters=table(
        {
            "convolution linear conv_transpose": "params + maps if merged and not bias else params",
            "batch_norm": "0 if merged else 4 * channels",
            "layer_norm": "params if affine else channels",
            "group_norm": "2 * channels + (2 * groups if first else 0)",
            "instance_norm": "2 * channels",
            "global_avg_pool global_max_pool": REDUCED_AXES,
            "adaptive_avg_pool adaptive_max_pool": (
                f"({REDUCED_AXES}) if max(output_size) == 1 else 0"
            ),
            "split": "parts",
            "parameter": "0 if merged else params",
            "mul": "1 if attends and first else 0",
            "rms_norm": "params + 1 if first else params",
            "reduce": "reduced",
            "max_unpool": "channels",
            "upsample": "axes + 2 if first else 0",
        }
    ),
    quantities={
        "window": window,
        "uneven": uneven,
        "parts": parts,
        "reduced": reduced,
        "clipped": clipped,
    },
    places=places,
)
