"""Windows laid out as columns, and columns laid back."""

from __future__ import annotations

from convcalc.exporters.onnx_nodes.base import Nodes, dilations, pads_of, writes
from convcalc.exporters.onnx_nodes.pooling import windows_of


@writes("unfold")
def _unfold(nodes: Nodes) -> None:
    x, windows = nodes.x, nodes.windows
    if any(pads_of(windows)):
        befores = [window.before for window in windows]
        afters = [window.after for window in windows]
        margins = nodes.integers("pads", [0, 0, *befores, 0, 0, *afters])
        x = nodes.op("Pad", x, margins, part="padded")
    sizes = nodes.entering.spatial
    counts = [window.output_size(size) for window, size in zip(windows, sizes)]
    x = windows_of(nodes, x, counts)
    # C × k × H × k × W: a column has the cells of a window for one channel after the other.
    x = nodes.transposed(x, [0, 1, 3, 2, 4], part="columns")
    nodes.reshaped(x, nodes.leaving)


@writes("fold")
def _fold(nodes: Nodes) -> None:
    windows = nodes.windows
    nodes.op(
        "Col2Im",
        nodes.x,
        nodes.integers("image_shape", nodes.leaving.spatial),
        nodes.integers("block_shape", [window.kernel for window in windows]),
        pads=pads_of(windows),
        strides=[window.stride for window in windows],
        **dilations(windows),
    )
