"""Which constants of a file are learned: the file does not say.

Floats that enter an operator that learns are: the weights and the bias of a convolution or a
product, the scale and the shift of a normalisation, slopes. So are floats, more than one, that are
added to, multiplied with or joined to what hangs on the inputs: position tables, class tokens,
scales a channel; and what is made of such by arithmetic on constants alone, such as a table that is
gathered. What is worked out from shapes, made of integers, or one number, is not; nor is a mask or
a table of coordinates. Scales of `Resize`, ends of `Clip` and indices enter where nothing is
learned. PyTorch's exporters write what is learned as initializers, so a literal of theirs is not,
but for the weights of convolutions and products; and an initializer of one number is. Integers are
learned where they are cast to such a weight. Ones and zeros of a normalisation stand for none where
the exporter has made them; so do the zeros that a recurrent layer starts from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Learned, Value
from convcalc.importers.onnx_reader.constants import FLOATS, Constant, union
from convcalc.importers.onnx_reader.wire import Model, Node, TensorData, few_numbers

#: Operators that learn all that enters them.
_LEARNERS = frozenset(
    ("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "PRelu")
)
#: Those that learn what enters them first or second.
_WEIGHING = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul"))
#: What a weight goes through on its way there.
_CARRYING = frozenset(("Cast", "Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze"))
#: 8-bit integers, and 4-bit ones, as `TensorProto.DataType` numbers them.
_SMALL = frozenset((2, 3, 21, 22))
#: Recurrent layers, and which of their inputs are what they start from.
_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))
_STATES = (5, 6)
#: What exporters call the constants that they make.
_MADE_UP = re.compile(
    r"(val|clone|_?lifted_tensor|_?tensor_constant|.*[/:]Constant|const_fold_opt_?)(_*\d+)?(_output_\d+)?"
)
#: What names end in of tensors that are not learned.
_NOT_LEARNED = ("mask", "coords", "coords_table")
#: What a mask adds to the scores of what is not to be seen, at the most.
_FAR = -50


class Tensors:
    """The constants of a file."""

    def __init__(self, model: Model, data: Any, uses: Mapping[str, Sequence[Node]]) -> None:
        self._is_pytorch = model.producer == "pytorch"
        self._data = data
        self._uses = uses

    def initializer(self, name: str, tensor: TensorData) -> Constant:
        """A tensor that the file holds."""
        if tensor.type in FLOATS:
            may_learn = bool(tensor.dims) and not self._is_mask(name, tensor)
            if product(tensor.dims) == 1 and not self._only_learns(name):
                may_learn = may_learn and self._is_pytorch and not is_made_up(name)
        else:
            may_learn = tensor.type in _SMALL and self._is_weight(name)
        made_of = (Learned(name, tensor.dims),) if may_learn else ()
        return Constant(tensor.dims, tensor.type, tensor.values, made_of)

    def literal(self, name: str, tensor: TensorData) -> Constant:
        """The tensor of a node that holds one."""
        found = self.initializer(name, tensor)
        is_theirs = self._is_pytorch and not self._is_weight(name)
        return found._replace(made_of=()) if is_theirs else found

    def _is_weight(self, name: str, depth: int = 8) -> bool:
        """Whether all that a tensor comes to is to be the weight of a convolution or a product."""
        uses = self._uses.get(name, ())
        return bool(uses) and all(
            name in node.inputs[:2]
            if node.op in _WEIGHING
            else node.op in _CARRYING and depth > 0 and self._is_weight(node.outputs[0], depth - 1)
            for node in uses
        )

    def _only_learns(self, name: str) -> bool:
        return all(node.op in _LEARNERS for node in self._uses.get(name, ()))

    def _is_mask(self, name: str, tensor: TensorData) -> bool:
        """Whether a tensor is a mask or a table of coordinates.

        A mask holds zeros and one number far below; where its data is not there, its name may tell.
        What only enters operators that learn is not looked at.
        """
        if self._only_learns(name):
            return False
        if name.rpartition(".")[2].endswith(_NOT_LEARNED):
            return True
        found = few_numbers(self._data, tensor, 2)
        return found is not None and len(found) == 2 and max(found) == 0 and min(found) <= _FAR


def may_be_learned(constant: Constant) -> bool:
    """Whether a constant that is added, multiplied or joined is counted as a parameter."""
    return constant.is_float and bool(constant.made_of)


def is_made_up(name: str) -> bool:
    """Whether a constant is called as exporters call what they make themselves."""
    return _MADE_UP.fullmatch(name) is not None


def learned_by(node: Node, constants: Sequence[Constant | None]) -> tuple[Learned, ...]:
    """What an operator learns that no layer says, by what enters it."""
    return union(
        *[
            constant
            for place, constant in enumerate(constants)
            if constant is not None
            and not (node.op in _RECURRENT and place in _STATES and _are(constant, 0))
        ]
    )


def _are(constant: Constant, value: float) -> bool:
    return constant.values is not None and set(constant.values) <= {value}


def is_filler(constant: Constant | None, value: float, *, is_made: bool = False) -> bool:
    """Whether a scale or a shift stands for none: `value` throughout, which no one has learned.

    `is_made` says so of one that is part of a pattern that exporters make.
    """
    if constant is None or not constant.made_of:
        return True
    return _are(constant, value) and (
        is_made or all(is_made_up(str(each.key)) for each in constant.made_of)
    )


def mixed(known: Constant | Value) -> Value:
    """A tensor, which is learned where it is a constant that may be."""
    if not isinstance(known, Constant):
        return known
    return known.as_weights() if may_be_learned(known) else known.as_numbers()
