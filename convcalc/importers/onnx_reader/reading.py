"""The walk through an ONNX file, from its inputs to what leaves it."""

from __future__ import annotations

import mmap
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from convcalc.arithmetic import Refusal, product
from convcalc.diagnostics import ConvcalcError, Source, fail
from convcalc.foreign.recorder import (
    USED_BY_UNLIKE,
    Foreign,
    Held,
    Learned,
    NoLayerError,
    Recorder,
)
from convcalc.foreign.traced import Traced
from convcalc.importers.onnx_reader import handlers as _handlers
from convcalc.importers.onnx_reader import inputs as sizes_of_inputs
from convcalc.importers.onnx_reader import scopes
from convcalc.importers.onnx_reader.constants import FLOAT, FOLDS, INT64, Constant, union
from convcalc.importers.onnx_reader.folded import has_folded_norm, remark
from convcalc.importers.onnx_reader.functions import inlined
from convcalc.importers.onnx_reader.learning import Tensors, learned_by
from convcalc.importers.onnx_reader.operation import (
    HANDLERS,
    QUANTIZED,
    Known,
    Operation,
    Parts,
    UnfitError,
    tensors_of,
)
from convcalc.importers.onnx_reader.ordering import called, in_order
from convcalc.importers.onnx_reader.pieces import cut
from convcalc.importers.onnx_reader.wire import (
    Graph,
    Model,
    Node,
    NotOnnxError,
    TensorData,
    Value,
    read_model,
)
from convcalc.layers.dense import Identity
from convcalc.visible import visible
from convcalc.words import listed, quoted

assert _handlers  # importing them registers them

#: Operators that run a graph of their own, as often as their inputs say.
_CONTROL = frozenset(("If", "Loop", "Scan", "SequenceMap"))
#: Those that take tensors whose batch is not their first axis.
_KNOWS_BATCHES = frozenset(("Transpose", "Gather", "Shape", "Size"))
#: Operators that are no constants though nothing enters them.
_RANDOM = frozenset(("RandomNormal", "RandomUniform"))
#: Those that are layers even on constants alone.
_COUNTED = frozenset(("Conv", "ConvTranspose", "FusedConv"))
#: Those that no layer is, and that keep the shape of what enters them.
_SHAPE_KEEPING = frozenset(
    (
        *("LpNormalization", "MeanVarianceNormalization", "Hardmax", "ThresholdedRelu", "Shrink"),
        *("Sinh", "Cosh", "Tan", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh", "IsNaN"),
        *("CumSum", "Trilu", "EyeLike", "ScatterND", "ScatterElements", "Scatter", "Not"),
    )
)
#: What Python raises where an attribute has another type or number of values than ONNX says.
_ODD = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError)
#: Refusals of a layer that say that the file is wrong.
_UNFIT = frozenset(
    ("kernel-too-large", "empty-output", "shape-mismatch", "indivisible-groups", "reshape")
)
#: What exporters call any graph.
_NO_NAME = re.compile(
    r"|(main_?)?graph(_?\d+)?|(the_?)?(model|network|net)(_?\d+)?|torch[-_]jit([-_]export)?"
    r"|tf2onnx|onnx|mxnet_converted_model|CNTKGraph|onnx-export|(Onnx)?Mlmodel|subgraph|\W+",
    re.IGNORECASE,
)
#: Characters of an operator's name, at the most.
_LONGEST = 200
#: Names in a message.
_MOST_NAMES = 5


def read(
    path: str,
    name: str,
    *,
    inputs: Mapping[str, tuple[int, ...]] | None,
    shared_once: bool = False,
    unfold_batch_norm: bool = False,
    look: Callable[[], None] = lambda: None,
) -> Traced:
    """The network of an ONNX file, whose weights are not read and need not be there.

    `name` stands for the file in messages. `inputs` is what is asked of its inputs, as
    `convcalc.inputs` has it: sizes that the file leaves open must be among them. Where
    `shared_once`, weights that are used again are those of their first use; `unfold_batch_norm`
    guesses that a batch norm was folded into each convolution with a bias. `look` is called now and
    then. Raises ConvcalcError.
    """
    with _opened(path, name) as data:
        try:
            model = read_model(data, look)
        except NotOnnxError as error:
            raise _broken(name, str(error)) from None
        walk = _Walk(model, data, name, Recorder(shares=shared_once), look)
        walk.unfolds = unfold_batch_norm
        outputs = walk.run(inputs or {})
    called_there = model.graph.name.strip()
    is_telling = _NO_NAME.fullmatch(called_there) is None
    stem = os.path.splitext(os.path.basename(path))[0]
    called = called_there if is_telling else stem
    return walk.recorder.traced(called, os.path.basename(name), outputs)


@contextmanager
def _opened(path: str, name: str) -> Any:
    """A file's bytes, of which only those that are looked at are read."""
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise _broken(name, "it is empty")
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if hasattr(mmap, "MADV_RANDOM"):
                data.madvise(mmap.MADV_RANDOM)  # what lies beside what is read is not wanted
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail("unreadable", f"{name} cannot be read: {reason}") from None
    with data:
        yield data


def _broken(name: str, why: str) -> ConvcalcError:
    help = "if it was copied or downloaded, it may not be all there"
    source = Source(name, "")
    return fail("not-onnx", f"{name} is no ONNX file that can be read: {why}", help, source)


class _Missing(NamedTuple):
    """What stands for a tensor whose shape is not known, until it is used."""

    why: str


class _Walk:
    """One walk through a model, in an order in which every tensor comes before its use."""

    def __init__(
        self,
        model: Model,
        data: Any,
        name: str,
        recorder: Recorder,
        look: Callable[[], None],
    ) -> None:
        self.model = model
        self.graph: Graph = model.graph
        self.name = name
        self.recorder = recorder
        self._look = look
        self._env: dict[str, Known | Parts | _Missing] = {}
        #: Nodes of constants that were worked out before their turn.
        self._done: set[int] = set()
        #: Additions that are the bias of what is before them, each with the tensor that it adds to.
        self._passed: dict[int, str] = {}
        #: What is opaque, by its operator and the reason why.
        self._opaques: Counter[tuple[str, str]] = Counter()
        self.batch = 1
        #: Which axis it is, of the tensors where that is not the first.
        self._batches: dict[Foreign, int] = {}
        #: Whether batch norms that were folded into convolutions are put behind them again.
        self.unfolds = False
        self._folded = 0
        known = (*self.graph.constants, *[each.name for each in self.graph.inputs])
        self.nodes = in_order(inlined(model, self.error), known, self.error)
        #: The nodes that read each tensor.
        self.uses: dict[str, list[Node]] = {}
        self._makers: dict[str, Node] = {}
        for node in self.nodes:
            if node.op in _CONTROL and not node.domain:
                message = f"{called(node)} runs a part of the graph when its input says so"
                help = "export the network without it: with fixed sizes, and one path"
                raise self.error("control-flow", message, help)
            for each in node.inputs:
                self.uses.setdefault(each, []).append(node)
            for each in filter(None, node.outputs):
                if each in self._makers:
                    both = f"{called(self._makers[each])} and {called(node)}"
                    raise self.error("not-onnx", f"{both} both make {quoted(each)}")
                self._makers[each] = node
        self._tensors = Tensors(model, data, self.uses)
        self._leaving = {each.name for each in self.graph.outputs}
        #: Sizes that the file says of tensors; none where they were said of other inputs.
        self._declared: Mapping[str, Value] = {}
        self._scopes = scopes.Scopes(self.nodes, model)

    # --- Errors -----------------------------------------------------------------------------------

    def error(self, code: str, message: str, help: str = "") -> ConvcalcError:
        """An error about the file."""
        return fail(code, message, help, Source(self.name, ""))

    # --- Tensors ----------------------------------------------------------------------------------

    def _start(self, asked: Mapping[str, tuple[int, ...]]) -> None:
        """Take down what is known before the first node."""
        for name, data in self.graph.constants.items():
            self._env[name] = self._tensors.initializer(name, data)
        entering = []
        for each in self.graph.inputs:
            if each.dims == ():  # a number is no tensor: nothing is counted by it
                self._env[each.name] = Constant((), each.type)
            elif each.name not in self._env and (each.name in self.uses or not self.uses):
                entering.append(each)
        if not entering:
            raise self.error("no-input", f"{self.name} has no input that sizes could come from")
        found = sizes_of_inputs.sizes(entering, asked, self.uses, self.name, self.error)
        self.batch = found.batch
        if self.batch > 1:
            self.recorder.note(
                f"the first axis, of {self.batch}, is taken for a batch and divided out: what is"
                " counted is of one sample"
            )
        if found.are_the_files:
            self._declared = {
                each.name: each
                for each in (*self.graph.values.values(), *self.graph.outputs)
                if each.dims is not None
            }
        for each in entering:
            shape = found.shapes[each.name]
            order = sizes_of_inputs.order(each.name, shape, self.uses)
            self._env[each.name] = self.recorder.input(_plain(each.name), shape, order)

    def run(self, asked: Mapping[str, tuple[int, ...]]) -> list[Foreign]:
        """Record every node; what leaves the network."""
        self._start(asked)
        for count, node in enumerate(self.nodes):
            if not count % 8:
                self._look()
            if id(node) in self._passed:
                self._env[node.outputs[0]] = self._env[self._passed[id(node)]]
            elif id(node) not in self._done:
                self._node(node)
        outputs: list[Foreign] = []
        missing: list[tuple[_Missing, str]] = []
        for each in self.graph.outputs:
            value = self._env.get(each.name)
            if isinstance(value, Foreign):
                outputs.append(value)
            elif isinstance(value, _Missing):
                missing.append((value, each.name))
            elif value is None:
                message = f"nothing makes the output {quoted(each.name)}"
                raise self.error("not-onnx", message, "the file may not be all there")
        for value, name in missing:
            if not outputs:
                raise self._unknown_shape(value, f"the output {quoted(name)}")
            self.recorder.note(f"the output {quoted(name)} is left out: it is {value.why}")
        if not self.recorder.calls:  # a spec has a layer
            outputs = [self.recorder.unary(Identity(), each) for each in outputs]
        if self._folded:
            self.recorder.note(remark(self._folded, are_unfolded=self.unfolds))
        for (op, why), count in self._opaques.items():
            times = f"{count} of {op} are" if count > 1 else f"{op} is"
            self.recorder.note(f"{times} opaque, and what it costs is not known: {why}")
        owned = self.recorder.owned().values()
        used = Counter(name for key in owned for name in tensors_of(key))
        if any(count > 1 for count in used.values()):
            self.recorder.note(USED_BY_UNLIKE)
        if not outputs:
            raise self.error("no-output", f"nothing that leaves {self.name} depends on its inputs")
        return outputs

    def _node(self, node: Node) -> None:
        """Record one node."""
        inputs: list[Known | Parts | None] = []
        for name in node.inputs:
            value = self._env.get(name) if name else None
            if isinstance(value, _Missing):
                raise self._unknown_shape(value, called(node))
            inputs.append(value)
        if node.op == "Constant" and not node.domain:
            self._env[node.outputs[0]] = self._of_constant(node)
            return
        opset = self.model.opsets.get("", 1)
        hooks = self._claimed, self._is_inner
        op = Operation(node, inputs, self.recorder, opset, self.batch, *hooks)
        op.batches = self._batches
        if node.op in _COUNTED and has_folded_norm(node):
            self._folded += 1
            op.unfolds = self.unfolds
        is_constant = not any(isinstance(each, (Foreign, Parts)) for each in inputs)
        if is_constant and node.op not in _COUNTED and node.op not in _RANDOM:
            self._fold(node, op)
            return
        start = len(self.recorder.calls)
        with self.recorder.at(*self._scopes.of(node)):
            try:
                self._keep(node, self._handled(node, op))
                self._rename(start)
            except UnfitError as error:
                raise self._unfit(node, op, str(error)) from None
            except (NoLayerError, Refusal) as error:
                if getattr(error, "code", "") in _UNFIT:
                    raise self._unfit(node, op, str(error)) from None
                self.recorder.forget(start)
                self._passed = {
                    key: name for key, name in self._passed.items() if name not in node.outputs
                }
                self._opaque(node, op, str(error))
            except _ODD:
                raise self._unfit(node, op, "its attributes or inputs are no such") from None

    def _rename(self, start: int) -> None:
        """Leave the name of a node to the last of its layers that computes something."""
        calls = self.recorder.calls
        for index in range(start, len(calls) - 1):
            if calls[index].placed.layer.moves and calls[index].placed.type != "parameter":
                calls[index] = calls[index]._replace(name=calls[index].placed.type)

    def _handled(self, node: Node, op: Operation) -> list[Known | Parts | None]:
        """What a node's handler makes of it. Raises NoLayerError."""
        handler = HANDLERS.get((node.domain, node.op))
        if handler is None:
            raise NoLayerError("no layer says it")
        is_moved = any(isinstance(x, Foreign) and x in self._batches for x in op.inputs)
        if is_moved and node.op not in _KNOWS_BATCHES:
            raise NoLayerError("its batch is not in front")
        result = handler(op)
        if isinstance(result, (Foreign, Constant, Held, Parts)):
            result = (result,)
        made: list[Known | Parts | None] = [
            Constant(each.shape, 1, None, each.made_of) if isinstance(each, Held) else each
            for each in result
        ]
        for name, value in zip(node.outputs, made):
            if not name or value is None or isinstance(value, Parts):
                continue
            if isinstance(value, Foreign) and value in self._batches:
                if name in self._leaving:
                    raise NoLayerError("its batch is not in front")
                continue
            is_open = name not in self._declared and not is_moved
            is_undivided = is_open and not _carries_batch(op, value)
            if self.batch > 1 and is_undivided:
                raise NoLayerError(f"it makes {list(value.shape)} of 1 sample")
            if not self._agrees(name, value.shape):
                if op.attribute("ceil_mode", 0):
                    continue  # inference before ONNX 1.17 does not drop a last window
                declared = self._declared[name].dims
                raise NoLayerError(f"{list(value.shape)} and not {list(declared or ())}")
        return made

    def _keep(self, node: Node, made: Sequence[Known | Parts | None]) -> None:
        for place, name in enumerate(node.outputs):
            value = made[place] if place < len(made) else None
            if name:
                self._env[name] = value or _Missing(f"an output of {called(node)}")

    def _agrees(self, name: str, shape: Sequence[int]) -> bool:
        """Whether the file says nothing else of a tensor's sizes."""
        declared = self._declared.get(name)
        if declared is None or not any(isinstance(n, int) for n in declared.dims or ()):
            return True
        assert declared.dims is not None
        if len(declared.dims) != len(shape):
            return False
        pairs = list(zip(declared.dims, shape))
        if self.batch > 1:
            known = product(n for n in declared.dims if isinstance(n, int))
            return any(isinstance(n, str) for n in declared.dims) or (
                known == product(shape) * self.batch
            )
        return all(isinstance(n, str) or n in (m, -1, 0) for n, m in pairs)

    # --- Constants --------------------------------------------------------------------------------

    def _of_constant(self, node: Node) -> Constant | _Missing:
        """The tensor that a Constant holds."""
        for key, value in node.attributes.items():
            if isinstance(value, TensorData):
                hold = self._tensors.initializer if key == "sparse_value" else self._tensors.literal
                return hold(node.outputs[0], value)
            if key in ("value_int", "value_ints"):
                many = (value,) if isinstance(value, int) else tuple(value)
                return Constant(() if key == "value_int" else (len(many),), INT64, many)
            if key in ("value_float", "value_floats"):
                many = (value,) if isinstance(value, float) else tuple(value)
                shape = () if key == "value_float" else (len(many),)
                return Constant(shape, FLOAT, many)
        return _Missing(f"the constant of {called(node)}")

    def _fold(self, node: Node, op: Operation) -> None:
        """Work out a node on constants alone, which is no layer."""
        if node.op == "DequantizeLinear":
            self._keep(node, [self._dequantized(node, op)])
            return
        function = FOLDS.get(node.op) if not node.domain else None
        try:
            if function is None:
                raise NoLayerError("no layer says it")
            made = function(op)
            many = (made,) if isinstance(made, Constant) else made
            self._keep(node, cut(op, many, self.uses.get(node.inputs[0], ())))
        except _ODD:
            raise self._unfit(node, op, "its attributes or inputs are no such") from None
        except NoLayerError:
            of = union(*op.constants)
            shapes = self._shapes(node, op)
            self._keep(
                node, [None if each is None else Constant(each, 1, None, of) for each in shapes]
            )

    def _dequantized(self, node: Node, op: Operation) -> Constant:
        """A weight that is kept as integers with a scale is learned, and the scale is not."""
        self.recorder.note(QUANTIZED)
        constant = op.weights(0)
        learned = Learned(node.inputs[0], constant.shape)
        return Constant(constant.shape, 1, None, (learned,))

    def _claimed(self, node: Node, size: int) -> Constant | None:
        """The vector that the only reader of a node's output adds, which is then its bias."""
        (name,) = node.outputs[:1]
        uses = self.uses.get(name, ())
        if len(uses) != 1 or name in self._leaving or uses[0].op != "Add" or uses[0].domain:
            return None
        (add,) = uses
        other = next((each for each in add.inputs if each != name), None)
        constant = self._settled(other) if other is not None and len(add.inputs) == 2 else None
        if constant is None or not constant.is_float or constant.size != size:
            return None
        if not constant.shape or constant.shape[-1] != size:
            return None
        self._passed[id(add)] = name
        return constant

    def _is_inner(self, node: Node, start: int) -> bool:
        """Whether no node but this one is still to read what the calls from `start` on make."""
        made = {
            name
            for name, value in self._env.items()
            if isinstance(value, Foreign) and value.tensor.node >= start
        }
        read = {id(each) for name in made for each in self.uses.get(name, ())}
        later = self.nodes[self.nodes.index(node) + 1 :]
        return not made & self._leaving and not any(id(each) in read for each in later)

    def _settled(self, name: str, depth: int = 8) -> Constant | None:
        """A constant, worked out before its turn where it must be; None where it is none."""
        found = self._env.get(name)
        if isinstance(found, Constant):
            return found
        maker = self._makers.get(name)
        if found is not None or maker is None or not depth or maker.op in _COUNTED:
            return None
        is_known = all(not each or self._settled(each, depth - 1) for each in maker.inputs)
        if not is_known or (not maker.inputs and maker.op != "Constant"):
            return None
        self._node(maker)
        self._done.add(id(maker))
        found = self._env.get(name)
        return found if isinstance(found, Constant) else None

    # --- What no layer says -----------------------------------------------------------------------

    def _unfit(self, node: Node, op: Operation, why: str) -> ConvcalcError:
        """The error for a node whose tensors do not fit it."""
        if self.batch > 1:
            return self._undivided(node, why)
        entering = [each for each in op.inputs if isinstance(each, Foreign)]
        shown = listed(["×".join(map(str, each.shape)) for each in entering[:_MOST_NAMES]])
        on = f" on {shown}" if shown else ""
        return self.error("not-onnx", f"{called(node)}{on} cannot be right: {why}")

    def _undivided(self, node: Node, why: str) -> ConvcalcError:
        """The error for a file's batch that is not in every shape."""
        message = f"the batch of {self.batch} cannot be divided out of {called(node)}: {why}"
        return self.error("static-batch", message, "export the network with a batch of 1")

    def _opaque(self, node: Node, op: Operation, why: str) -> None:
        """Record a node whose cost is not known, by the shapes of what leaves it."""
        if self.batch > 1 and (node.domain, node.op) in HANDLERS:
            raise self._undivided(node, why)
        self._opaques[node.op, why] += 1
        entering = [each for each in op.inputs if isinstance(each, Foreign)]
        learned = learned_by(node, op.constants)
        operator = visible(node.op).strip()[:_LONGEST] or "unnamed"
        made: list[Known | None] = []
        for name, shape in zip(node.outputs, self._shapes(node, op)):
            is_read = name and (name in self.uses or name in self._leaving)
            if shape is None or 0 in shape or not is_read:
                made.append(None)
                continue
            try:
                made.append(self.recorder.opaque(operator, entering, shape, learned))
            except (NoLayerError, Refusal) as error:
                message = f"{called(node)} is no layer, and cannot be left open: {error}"
                raise self.error("not-onnx", message) from None
            learned = ()
        self._keep(node, made)

    def _shapes(self, node: Node, op: Operation) -> list[tuple[int, ...] | None]:
        """The shapes of what leaves a node, as the file says them, or as ONNX infers them."""
        found: list[tuple[int, ...] | None] = []
        for name in node.outputs:
            value = self._declared.get(name)
            sizes = () if value is None else value.dims
            is_known = value is not None and all(isinstance(n, int) and n >= 0 for n in sizes or ())
            shape = tuple(int(n) for n in sizes or ()) if is_known else None
            if shape and self.batch > 1:
                carries = not shape[0] % self.batch
                shape = (shape[0] // self.batch, *shape[1:]) if carries else None
            found.append(shape)
        if node.op in _SHAPE_KEEPING and op.inputs and isinstance(op.inputs[0], Foreign):
            found[0] = found[0] or op.inputs[0].shape
        needed = [
            shape is None and bool(name) and (name in self.uses or name in self._leaving)
            for name, shape in zip(node.outputs, found)
        ]
        if any(needed):
            from convcalc.importers.onnx_reader.inference import inferred

            known = [None if isinstance(each, Parts) else each for each in op.inputs]
            for place, shape in enumerate(inferred(node, known, self.model.opsets)):
                found[place] = found[place] or shape
        return found

    def _unknown_shape(self, value: _Missing, what: str) -> ConvcalcError:
        """The error for what is used, and has no known shape."""
        message = f"the sizes of {what} are not known: it reads {value.why}"
        if value.why.startswith("an output") and what.startswith("the output"):
            message = f"the sizes of {what} are not known: it is {value.why}"
        help = "`onnx.shape_inference.infer_shapes` may write them into the file"
        return self.error("open-shape", message, help)


def _carries_batch(op: Operation, value: Known) -> bool:
    """Whether the first axis of what an operator makes goes along the batch, if it has one.

    `Reshape` says the sizes of the file, which were divided by its batch.
    """
    if isinstance(value, Constant) or op.name == "Reshape" or value.shape[:1] in ((1,), ()):
        return True
    return any(isinstance(x, Foreign) and x.shape[:1] == value.shape[:1] for x in op.inputs)


def _plain(name: str) -> str:
    """The name of an input as a spec can have it."""
    found = "".join(char if char.isalnum() or char == "_" else "_" for char in name)
    return found if found and not found[0].isdigit() else f"input_{found}".rstrip("_")
