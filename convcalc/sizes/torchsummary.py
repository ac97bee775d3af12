"""torchsummary's block (`torchsummary.summary`): what all modules put out, twice, in 4 bytes each.

torchsummary/torchsummary.py (`summary`), version 1.5.1. Hooks on every module but the model,
`nn.Sequential` and `nn.ModuleList` (with what is derived from these); a megabyte is 1024² bytes.

- A block that is a module class of its own (`module` in a spec) counts its output once more, beside
  that of the layer that made it: 62.79 MB of ResNet-18, whose layers alone have 51.44.
- Functions, operators and methods are not seen: `+`, `torch.cat`, `torch.flatten`, and what is
  `functional` here. A module that is called again counts again, with its parameters.
- Parameters are those called `weight` and `bias` of modules with a hook: what is learned otherwise
  (a class token, a layer scale) is not among them.
- Every number has 4 bytes, whatever its type. Sizes of several inputs are multiplied.
- Modules that only pass on or turn what enters them count too and are no layers here:
  `StochasticDepth`, `Permute`, and `nn.Flatten`, which a `flatten` is not taken for. Where
  torchvision's networks have such, the spec's `notes` say so: EfficientNets, ConvNeXts, Swin
  Transformers and MaxViT, whose figures here lack them (172.05 for 173.65 MB of EfficientNet-B0).
- It stops at torchvision's DenseNets, whose layers take lists, and at `nn.MultiheadAttention`.
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.arithmetic import product
from convcalc.graph import Graph
from convcalc.sizes.base import (
    IN_MEGABYTES,
    Definition,
    block_ends,
    elements,
    in_two_places,
    is_in_attention,
    is_module,
)
from convcalc.steps import Settings

_MEGABYTE = 1024**2
_BYTES = 4


def _measured(graph: Graph, settings: Settings) -> dict[str, tuple[float, str]]:
    modules = [node for node in graph.nodes if is_module(node)]
    made = sum(map(elements, modules)) + sum(map(elements, block_ends(graph)))
    params = sum(
        tensor.size
        for node in modules
        for tensor in node.placed.tensors
        if tensor.name.rpartition(".")[2] in ("weight", "bias")
    )
    entering = product(size for shape in graph.inputs.values() for size in shape)
    input = entering * settings.batch * _BYTES / _MEGABYTE
    both = 2 * made * settings.batch * _BYTES / _MEGABYTE
    weights = params * _BYTES / _MEGABYTE
    return in_two_places(
        input=input, forward_backward=both, params=weights, total=weights + both + input
    )


def _stops(graph: Graph) -> Iterator[str]:
    if any(node.functional and is_in_attention(node) for node in graph.nodes):
        yield "at `nn.MultiheadAttention`, which returns more than a tensor"
    if not any(is_module(node) and node.placed.tensors for node in graph.nodes):
        yield "where no module has parameters"
    if len({len(shape) for shape in graph.inputs.values()}) > 1:
        yield "where inputs have different numbers of axes"


DEFINITION = Definition(
    name="torchsummary",
    tool="torchsummary.summary",
    version="1.5.1",
    meaning="what the modules of a network's layers put out, twice, and what enters and what is"
    " learned, in 4 bytes a number; a block that is a module class of its own counts its output"
    " once more; 1 MB is 1024² bytes",
    labels=IN_MEGABYTES,
    measure=_measured,
    width=_BYTES,
    stops=_stops,
)
