"""Whether PyTorch says the same of a network, layer by layer: its code is built and run."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcalc import exporters
from convcalc.diagnostics import fail
from convcalc.exporters.base import Model
from convcalc.exporters.torch_layers.running import Ran, calls, is_of_type
from convcalc.extras import require
from convcalc.graph import Graph, Node


class Difference(NamedTuple):
    """What two say of a layer: its `shape`, its `weights` or its `macs`.

    A shape is a list, several are a list of lists; so are the shapes of weights. None: there is no
    such layer.
    """

    name: str
    what: str
    ours: Any
    theirs: Any


class Verification(NamedTuple):
    """A network whose code was run, how many layers were compared, and where they differ."""

    graph: Graph
    layers: int
    differences: tuple[Difference, ...]
    #: The version of what ran it.
    torch: str

    @property
    def passed(self) -> bool:
        """Whether all layers are the same."""
        return not self.differences


def verify(model: Model) -> Verification:
    """Build the module that is exported, without numbers in its weights, run it, and compare.

    Raises ConvcalcError where PyTorch is not installed, for a network whose layers it does not all
    know, and for one that it does not run, such as one that normalises a single number.
    """
    torch = require("torch", "torch", "verifying a network")
    graph = model.graph
    unknown = next((node for node in graph.nodes if node.placed.operations is None), None)
    if unknown is not None:
        message = f"{graph.name} cannot be run: `{unknown.name}` is an operator that nobody knows"
        raise fail("cannot-verify", message, "`--until` and `--drop` leave layers out of a spec")
    with torch.device("meta"):
        text = str(exporters.find("pytorch").content(model))
        try:
            inputs = [torch.empty(1, *shape) for shape in graph.inputs.values()]
            ran, outputs = calls(_built(text), inputs)
        except ImportError as error:
            message = f"the code of {graph.name} needs a package that cannot be imported: {error}"
            raise fail("missing-extra", message, "`pip install torchvision`") from None
        except Exception as error:  # whatever PyTorch raises of what it does not take
            said = str(error).partition("\n")[0]
            raise fail("cannot-verify", f"PyTorch does not run {graph.name}: {said}") from error
    found = [*_differences(graph, ran)]
    leaving = [tensor.shape for tensor in graph.outputs]
    if [*outputs] != [tuple(shape) for shape in leaving]:
        found.append(Difference("outputs", "shape", _listed(leaving), _listed(outputs)))
    return Verification(graph, len(graph.nodes), tuple(found), torch.__version__)


def _built(text: str) -> Any:
    """An object of the last class in a file, which is the network's."""
    module = types.ModuleType("exported")
    exec(compile(text, "exported.py", "exec"), vars(module))
    *_, network = [each for each in vars(module).values() if isinstance(each, type)]
    # Nothing is trained, and the counter of operations would look for gradients.
    return network().eval().requires_grad_(False)


#: How many calls further on one is looked for that a layer may be, and is not as it should be.
_NEAR = 4


def _differences(graph: Graph, ran: Sequence[Ran]) -> Iterator[Difference]:
    """Where the calls of a module, in order, are not what the nodes of a graph say.

    Between them are calls that no layer stands for: an addition of padding, axes that are moved.
    """
    at = 0
    found: dict[str, Ran] = {}
    for node in graph.nodes:
        after = range(at, len(ran))
        index = next((i for i in after if _is_same(ran[i], node)), None)
        if index is None:
            index = next((i for i in after[:_NEAR] if is_of_type(ran[i], node.type)), None)
        if index is None:
            yield Difference(node.name, "shape", _listed(node.outputs), None)
            continue
        yield from map(_of_no_layer, filter(_counts, ran[at:index]))
        found[node.name] = call = ran[index]
        yield from _between(node, call)
        owner = found.get(node.weights_of or "")
        if owner is not None and call.tensors and owner.module != call.module:
            yield Difference(node.name, "weights", [], _listed(call.tensors))
        at = index + 1
    yield from map(_of_no_layer, filter(_counts, ran[at:]))


def _is_same(call: Ran, node: Node) -> bool:
    """Whether a call is of a layer's type, and makes what that makes of as many tensors."""
    return is_of_type(call, node.type) and not list(_between(node, call))


def _between(node: Node, call: Ran) -> Iterator[Difference]:
    """Where a layer and a call of its type differ."""
    if call.outputs != tuple(map(tuple, node.outputs)):
        yield Difference(node.name, "shape", _listed(node.outputs), _listed(call.outputs))
    ours = [weight.shape for weight in node.placed.tensors]
    if (call.module or call.tensors) and Counter(ours) != Counter(call.tensors):
        yield Difference(node.name, "weights", _listed(ours), _listed(call.tensors))
    assert node.placed.operations is not None
    macs = node.placed.operations.macs
    if 2 * macs != call.flops:
        yield Difference(node.name, "macs", macs, call.flops // 2)


def _counts(call: Ran) -> bool:
    """Whether a call has weights or products of its own."""
    return bool(call.tensors or call.flops)


def _of_no_layer(call: Ran) -> Difference:
    what = "weights" if call.tensors else "macs"
    theirs = _listed(call.tensors) if call.tensors else call.flops // 2
    return Difference(f"{call.path}.{call.name}".lstrip("."), what, None, theirs)


def _listed(shapes: Sequence[Sequence[int]]) -> Any:
    """Shapes as JSON has them; that of a single one alone."""
    found = [list(shape) for shape in shapes]
    return found[0] if len(found) == 1 else found
