"""A use of an operator as handlers see it, and the registry of handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Learned, NoLayerError, Recorder, Value
from convcalc.importers.onnx_reader.constants import Constant, axis_of
from convcalc.importers.onnx_reader.learning import mixed
from convcalc.importers.onnx_reader.pieces import Piece
from convcalc.importers.onnx_reader.wire import GraphAttribute, Node
from convcalc.layers.attention import Parameter
from convcalc.words import counted

#: A tensor of the file: it hangs on the inputs, or it is constant.
Known = Foreign | Constant


class UnfitError(Exception):
    """Tensors that an operator cannot take: the file is wrong. Its message is a few words."""


class Parts(NamedTuple):
    """A list of tensors."""

    tensors: tuple[Known, ...]


class Operation:
    """A use of an operator: what enters it, its attributes, and where its layers are recorded."""

    def __init__(
        self,
        node: Node,
        inputs: Sequence[Known | Parts | None],
        recorder: Recorder,
        opset: int,
        batch: int = 1,
        claim: Callable[[Node, int], Constant | None] = lambda node, size: None,
        is_inner: Callable[[Node, int], bool] = lambda node, start: False,
    ) -> None:
        self.node = node
        self.inputs = tuple(inputs)
        self.recorder = recorder
        #: The version of the operators.
        self.opset = opset
        #: The batch that the file was made for, which is taken as 1.
        self.batch = batch
        #: Which axis the file's batch is, of the tensors where that is not the first.
        self.batches: dict[Foreign, int] = {}
        #: Whether a batch norm that was folded into it is to stand behind it again.
        self.unfolds = False
        self._claim = claim
        self._is_inner = is_inner

    def of(self, name: str, inputs: Sequence[Known | Parts | None]) -> Operation:
        """A use of another operator, or of the same, on other inputs, with these attributes."""
        node = self.node._replace(op=name, domain="")
        others = self.recorder, self.opset, self.batch, self._claim, self._is_inner
        made = Operation(node, inputs, *others)
        made.unfolds, made.batches = self.unfolds, self.batches
        return made

    def done(self, name: str, *inputs: Known | Parts | None) -> Any:
        """What the handler of another operator makes of these inputs. Raises NoLayerError."""
        handler = HANDLERS.get(("", name))
        if handler is None:
            raise NoLayerError(f"{name} is not known")
        return handler(self.of(name, inputs))

    @property
    def name(self) -> str:
        """The operator."""
        return self.node.op

    @property
    def outputs(self) -> int:
        """How many tensors leave it."""
        return len(self.node.outputs)

    @property
    def constants(self) -> tuple[Constant | None, ...]:
        """What enters it, where all of that is constant."""
        return tuple([each if isinstance(each, Constant) else None for each in self.inputs])

    def attribute(self, name: str, default: Any = None) -> Any:
        """One of its attributes."""
        found = self.node.attributes.get(name, default)
        if isinstance(found, GraphAttribute):
            raise NoLayerError("it has a graph inside")
        return found

    def has(self, index: int) -> bool:
        """Whether there is such an input."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def __getitem__(self, index: int) -> Known:
        found = self.inputs[index] if index < len(self.inputs) else None
        if found is None:
            raise NoLayerError(f"it lacks its input {index}")
        if isinstance(found, Parts):
            raise NoLayerError("a list of tensors enters it")
        return found

    def parts(self, index: int) -> tuple[Known, ...]:
        """An input that is a list of tensors."""
        found = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(found, Parts):
            raise NoLayerError("no list of tensors enters it")
        return found.tensors

    def foreign(self, index: int) -> Foreign:
        """An input that hangs on those of the network. Raises NoLayerError for a constant."""
        found = self[index]
        if isinstance(found, Constant):
            raise NoLayerError(f"its input {index} is constant")
        return found

    def tensor(self, index: int) -> Value:
        """An input that is no weight of the operator, though it may be constant."""
        found = self.of_a_sample(self[index])
        return found.as_numbers() if isinstance(found, Constant) else found

    def mixed(self, index: int) -> Value:
        """An input that is learned where it is a constant that may be."""
        return mixed(self.of_a_sample(self[index]))

    def of_a_sample(self, known: Known) -> Known:
        """What joins tensors, for a batch of 1: constants may be spread over the file's."""
        if self.batch == 1 or not isinstance(known, Constant):
            return known
        rank = max((len(x.shape) for x in self.inputs if isinstance(x, Foreign)), default=0)
        if len(known.shape) != rank or rank < 2 or known.shape[0] != self.batch:
            return known
        return known._replace(shape=(1, *known.shape[1:]), values=None)

    def weights(self, index: int) -> Constant:
        """An input that is learned. Raises NoLayerError where it is computed from the inputs."""
        found = self[index]
        if not isinstance(found, Constant):
            raise NoLayerError("its weights are computed")
        return found

    def owned(self, *constants: Constant | None) -> tuple[Any, ...] | None:
        """The key of a layer that has these as its tensors; see `key_of`.

        A tensor that is worked out from several counts as one of them: the others, such as gains,
        stand in front of the layer, where nothing reads them.
        """
        left = {each.key: each for c in constants if c is not None for each in c.made_of}
        for constant in constants:
            if constant is None or not constant.made_of:
                continue
            own = [each for each in constant.made_of if each.key in left]
            if sum(product(each.shape) for each in own) != constant.size:
                own = [each for each in own if product(each.shape) == constant.size][:1]
            if not own:
                found = sum(product(each.shape) for each in constant.made_of)
                self.recorder.note(
                    f"a weight of {constant.size} is worked out from {counted(found, 'parameter')},"
                    f" of which the layer counts {constant.size}"
                )
                own = list(constant.made_of)
            for each in own:
                left.pop(each.key, None)
        for each in left.values():
            with self.recorder.at(self.recorder.scopes, each.name or "parameter"):
                self.recorder.add(Parameter(shape=each.shape), key=each.key)
        return key_of(*constants)

    def integers(self, name: str, index: int) -> tuple[int, ...] | None:
        """Integers that are an attribute in old versions, and an input since; None: left out."""
        found = self.node.attributes.get(name)
        if found is not None:
            return (found,) if isinstance(found, int) else tuple(found)
        if not self.has(index):
            return None
        constant = self[index]
        if not isinstance(constant, Constant) or constant.values is None:
            raise NoLayerError(f"its {name} are not known")
        return tuple(map(int, constant.values))

    def number(self, name: str, index: int) -> float | None:
        """A number that is an attribute in old versions, and an input since; None: left out."""
        found = self.node.attributes.get(name)
        if found is not None:
            return float(found)
        if not self.has(index):
            return None
        constant = self[index]
        if not isinstance(constant, Constant) or not constant.values:
            raise NoLayerError(f"its {name} is not known")
        return float(constant.values[0])

    def axis(self, default: int, rank: int) -> int:
        """Its axis, from 0. Raises NoLayerError for the batch, where the file has one."""
        return self.apart_from_batch(axis_of(self.attribute("axis", default), rank))

    def apart_from_batch(self, axis: int) -> int:
        """An axis. Raises NoLayerError where it is that of the file's batch."""
        if axis == 0 and self.batch > 1:
            raise NoLayerError("it goes along the batch")
        return axis

    def bias(self, size: int) -> Constant | None:
        """The vector that the one node behind adds, which is then part of this one."""
        return self._claim(self.node, size)

    def takes_back(self, start: int) -> bool:
        """Whether the calls from `start` on are read by this node alone, and are taken back."""
        is_inner = self._is_inner(self.node, start)
        if is_inner:
            self.recorder.forget(start)
        return is_inner


def key_of(*constants: Constant | None) -> tuple[Any, ...] | None:
    """What is the same for layers of the same weights; None where they are not the file's."""
    found = dict.fromkeys(each.key for c in constants if c is not None for each in c.made_of)
    return tuple(found) or None


def tensors_of(key: Any) -> tuple[Any, ...]:
    """The tensors of the file that a key is of: one of `key_of`, or a tensor's own."""
    if not isinstance(key, tuple) or isinstance(key, Piece):
        return (key,)
    return tuple(each for each in key if not isinstance(each, tuple) or isinstance(each, Piece))


#: What is said of a quantised network.
QUANTIZED = (
    "quantisation is passed through: its scaling and rounding are not counted, and weights that are"
    " kept as integers are parameters as they were"
)
#: What stands for the scale that a tensor is quantised by when the network runs.
SCALE = Learned("the scale of a quantisation", ())
Handler = Callable[[Operation], Any]
_H = TypeVar("_H", bound=Handler)
#: How each operator becomes layers.
HANDLERS: dict[tuple[str, str], Handler] = {}
#: Another maker's operators that are used in exports.
MICROSOFT = "com.microsoft"


def operator(*names: str, domain: str = "") -> Callable[[_H], _H]:
    """Register what records operators of these names."""

    def register(function: _H) -> _H:
        HANDLERS.update({(domain, name): function for name in names})
        return function

    return register


def compact(values: Sequence[Any]) -> tuple[Any, ...]:
    """A value for every axis, or one where they are equal."""
    values = tuple(values)
    return values[:1] if len(set(values)) == 1 else values
