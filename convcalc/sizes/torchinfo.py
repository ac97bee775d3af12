"""torchinfo's block (`torchinfo.summary`): what leaf modules with parameters put out, twice.

torchinfo/model_statistics.py (`ModelStatistics`) and layer_info.py, version 1.8.0; a megabyte is
10⁶ bytes.

- Of the modules without children those count that have parameters: convolutions, linear layers and
  norms, at every call; activations and pools do not, nor do blocks.
- Parameters of modules with children are left out of their size: a layer scale, a class token, and
  all of an `nn.MultiheadAttention` (`functional` here). A module that is called again counts once.
- The input is the storage that holds it, with the 64 bytes of the Python object
  (`sys.getsizeof`).
"""

from __future__ import annotations

from convcalc.costs import learned
from convcalc.graph import Graph
from convcalc.sizes.base import IN_MEGABYTES, Definition, elements, in_two_places, is_module
from convcalc.steps import Settings

_MEGABYTE = 10**6
#: Bytes of an `UntypedStorage` beside its numbers, in CPython 3.11 and PyTorch 2.14.
_STORAGE = 64


def _measured(graph: Graph, settings: Settings) -> dict[str, tuple[float, str]]:
    batch, width = settings.batch, settings.width
    entering = sum(shape.size * batch * width + _STORAGE for shape in graph.inputs.values())
    both = weights = 0
    for node in graph.nodes:
        params = learned(node.placed.tensors) if is_module(node) else 0
        if params:
            own = settings.width_of(node)
            both += 2 * elements(node) * batch * own
            weights += 0 if node.placed.borrowing else params * own
    return in_two_places(
        input=entering / _MEGABYTE,
        forward_backward=both / _MEGABYTE,
        params=weights / _MEGABYTE,
        total=(entering + both + weights) / _MEGABYTE,
    )


DEFINITION = Definition(
    name="torchinfo",
    tool="torchinfo.summary",
    version="1.8.0",
    meaning="what modules that have parameters and no children put out, twice, what enters, and the"
    " parameters of these modules; 1 MB is 10⁶ bytes",
    labels=IN_MEGABYTES,
    measure=_measured,
)
