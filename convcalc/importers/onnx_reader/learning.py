"""Which constants of a file are learned: the file does not say.

Floats that enter an operator that learns are: the weights and the bias of a convolution or a
product, the scale and the shift of a normalisation, slopes. So are floats, more than one, that are
added to, multiplied with or joined to what hangs on the inputs: position tables, class tokens,
scales a channel; and what is made of such by arithmetic on constants alone, such as a table that is
gathered. What is worked out from shapes, made of integers, or one number, is not; nor is a mask or
a table of coordinates. Scales of `Resize`, ends of `Clip` and indices enter where nothing is
learned. PyTorch's exporters write what is learned as initializers, so a literal of theirs is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.foreign.recorder import Learned, Value
from convcalc.importers.onnx_reader.constants import FLOATS, Constant
from convcalc.importers.onnx_reader.wire import Model, Node, TensorData, few_numbers

#: Operators that learn all that enters them.
_LEARNERS = frozenset(
    ("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "PRelu")
)
#: What names end in of tensors that are not learned.
_NOT_LEARNED = ("mask", "coords", "coords_table")
#: What a mask adds to the scores of what is not to be seen, at the most.
_FAR = -50


class Tensors:
    """The constants of a file."""

    def __init__(self, model: Model, data: Any, uses: Mapping[str, Sequence[Node]]) -> None:
        self._are_literals = model.producer == "pytorch"
        self._data = data
        self._uses = uses

    def initializer(self, name: str, tensor: TensorData) -> Constant:
        """A tensor that the file holds."""
        may_learn = tensor.type in FLOATS and tensor.dims and not self._is_mask(name, tensor)
        made_of = (Learned(name, tensor.dims),) if may_learn else ()
        return Constant(tensor.dims, tensor.type, tensor.values, made_of)

    def literal(self, name: str, tensor: TensorData) -> Constant:
        """The tensor of a node that holds one."""
        found = self.initializer(name, tensor)
        return found._replace(made_of=()) if self._are_literals else found

    def _is_mask(self, name: str, tensor: TensorData) -> bool:
        """Whether a tensor is a mask or a table of coordinates.

        A mask holds zeros and one number far below; where its data is not there, its name may tell.
        What only enters operators that learn is not looked at.
        """
        if all(node.op in _LEARNERS for node in self._uses.get(name, ())):
            return False
        if name.rpartition(".")[2].endswith(_NOT_LEARNED):
            return True
        found = few_numbers(self._data, tensor, 2)
        return found is not None and len(found) == 2 and max(found) == 0 and min(found) <= _FAR


def may_be_learned(constant: Constant) -> bool:
    """Whether a constant that is added, multiplied or joined is counted as a parameter."""
    return constant.is_float and constant.size > 1 and bool(constant.made_of)


def mixed(known: Constant | Value) -> Value:
    """A tensor, which is learned where it is a constant that may be."""
    if not isinstance(known, Constant):
        return known
    return known.as_weights() if may_be_learned(known) else known.as_numbers()
