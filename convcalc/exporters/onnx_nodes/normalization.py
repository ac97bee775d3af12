"""Normalisation."""

from __future__ import annotations

from convcalc.exporters.onnx_nodes.base import Nodes, channels_first, channels_last, writes


@writes("batch_norm")
def _batch_norm(nodes: Nodes) -> None:
    learned = nodes.learned("weight", 1.0), nodes.learned("bias", 0.0)
    running = nodes.weight("running_mean"), nodes.weight("running_var")
    nodes.op("BatchNormalization", nodes.x, *learned, *running)


@writes("instance_norm")
def _instance_norm(nodes: Nodes) -> None:
    learned = nodes.learned("weight", 1.0), nodes.learned("bias", 0.0)
    nodes.op("InstanceNormalization", nodes.x, *learned)


@writes("group_norm")
def _group_norm(nodes: Nodes) -> None:
    learned = nodes.learned("weight", 1.0), nodes.learned("bias", 0.0)
    nodes.op("GroupNormalization", nodes.x, *learned, num_groups=nodes.layer.groups)


@writes("layer_norm")
def _layer_norm(nodes: Nodes) -> None:
    if nodes.layer.over == "channels":
        _over_channels(nodes, "LayerNormalization", 1e-5)
    elif nodes.layer.affine:
        nodes.op("LayerNormalization", nodes.x, *nodes.weights(), axis=1)
    else:
        ones = nodes.filled("weight", nodes.entering, 1.0)
        nodes.op("LayerNormalization", nodes.x, ones, axis=1)


@writes("rms_norm")
def _rms_norm(nodes: Nodes) -> None:
    nodes.file.opset = 23  # the first that has it
    _over_channels(nodes, "RMSNormalization", 2.0**-23)


def _over_channels(nodes: Nodes, type: str, epsilon: float) -> None:
    """A norm of the channels at every position; they are put last, where it takes them.

    `epsilon` is PyTorch's, which for the root mean square is another than ONNX's.
    """
    learned = [nodes.learned("weight", 1.0), *([nodes.weight("bias")] if nodes.has("bias") else [])]
    if not nodes.entering.spatial:
        nodes.op(type, nodes.x, *learned, axis=-1, epsilon=epsilon)
        return
    x = nodes.transposed(nodes.x, channels_last(nodes.entering), part="last")
    y = nodes.op(type, x, *learned, part="normalized", axis=-1, epsilon=epsilon)
    nodes.transposed(y, channels_first(nodes.leaving))


@writes("local_response_norm")
def _local_response_norm(nodes: Nodes) -> None:
    """ONNX's own, in onnxruntime's bounds: on maps, and with as many channels on either side."""
    size, shape = nodes.layer.size, nodes.entering
    if size % 2 == 0:
        _even_response_norm(nodes, size)
    elif len(shape) == 3:
        nodes.op("LRN", nodes.x, size=size)
    else:
        x = nodes.reshaped(nodes.x, [shape.channels, shape.positions, 1], part="maps")
        nodes.reshaped(nodes.op("LRN", x, part="normalized", size=size), shape)


def _even_response_norm(nodes: Nodes, size: int) -> None:
    """x / (1 + 10⁻⁴·m)^0.75, m the mean square of `size` channels, as PyTorch computes it."""
    shape = nodes.entering
    squares = nodes.op("Mul", nodes.x, nodes.x, part="squares")
    column = nodes.reshaped(squares, [1, shape.channels, shape.positions], part="column")
    means = nodes.op(
        "AveragePool",
        nodes.op(
            "Pad",
            column,
            nodes.integers("pads", [0, 0, size // 2, 0, 0, 0, size // 2 - 1, 0]),
            part="padded",
        ),
        part="means",
        kernel_shape=[size, 1],
    )
    scaled = nodes.op("Mul", means, nodes.number("alpha", 1e-4), part="scaled")
    base = nodes.op("Add", scaled, nodes.number("k", 1.0), part="base")
    power = nodes.op("Pow", base, nodes.number("beta", 0.75), part="power")
    nodes.op("Div", nodes.x, nodes.reshaped(power, shape, part="divisor"))
