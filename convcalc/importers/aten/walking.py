"""The graph of an exported module, gone through once, and its layers taken down."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import importlib
import operator as python
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import (
    Foreign,
    Held,
    Learned,
    NoLayerError,
    Owned,
    Recorder,
    Value,
)
from convcalc.foreign.traced import Call, Scope, Traced
from convcalc.importers.aten.operators import OPERATORS, PICKS, PRODUCTS, Operation, foreign_of
from convcalc.layers.attention import Parameter
from convcalc.words import listed

for _name in ("convolutions", "elementwise", "moving", "normalizations", "products", "reductions"):
    importlib.import_module(f"convcalc.importers.aten.{_name}")

#: Modules of `torch.nn` that are made of others, or call functions as any code does.
_COMPOSITE = ("torch.nn.modules.activation.MultiheadAttention", "torch.nn.modules.transformer.")
#: Families of layers that are a module in `torch.nn`, so that calling the function tells.
_MODULES = frozenset(
    {"activation", "convolution", "dense", "normalization", "pooling", "resampling"}
    | {"transposed convolution"}
)
#: Operators of which no tool sees the parts.
_FUSED = frozenset({"scaled_dot_product_attention"})
#: Views, of which a change in place is one of what they look at.
_VIEWS = frozenset({"slice", "select", "view", "narrow", "unsqueeze", "squeeze", "expand"})


def walked(program: Any, module: Any, name: str, source: str) -> tuple[Walk, Traced]:
    """The walk through an exported graph, and the network that it makes.

    Parameters that layers cannot share are layers of their own, if that makes no layer unknown.
    """
    walk = Walk(program, module)
    traced = walk.traced(name, source)
    while parted := walk.to_part():
        other = Walk(program, module, walk.apart | parted)
        made = other.traced(name, source)
        if other.unknown.total() > walk.unknown.total():
            break
        walk, traced = other, made
    return walk, traced


class Walk:
    """Goes through an exported graph, and records the layers of each call."""

    def __init__(self, program: Any, module: Any, apart: frozenset[str] = frozenset()) -> None:
        self.program = program
        self.module = module
        self.types = {path: type(each).__name__ for path, each in module.named_modules()}
        self.trained = {
            name: each.requires_grad
            for name, each in module.named_parameters(remove_duplicate=False)
        }
        #: The one name of each tensor that has several.
        self.names = _first_names(module)
        #: The parameters that are layers of their own, which others read.
        self.apart = apart
        self.recorder = Recorder()
        self.values: dict[Any, Any] = {}
        #: What each view looks at.
        self.bases: dict[Any, Any] = {}
        #: How often each unknown operator is called.
        self.unknown: Counter[str] = Counter()
        #: What opaque layers own, once for each.
        self._opaque_used: Counter[str] = Counter()
        self._uses: dict[tuple[Scope, ...], dict[tuple[str, str], int]] = {}

    def traced(self, name: str, source: str) -> Traced:
        """The network."""
        signature = self.program.graph_signature
        specs = {each.arg.name: each for each in signature.input_specs if hasattr(each.arg, "name")}
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self._placeholder(node, specs.get(node.name))
            elif node.op == "call_function":
                self.values[node] = self._call(node)
            elif node.op == "output":
                outputs = self._outputs(node)
        recorder = self.recorder
        for op, count in self.unknown.items():
            times = "" if count == 1 else f" ({count} times)"
            recorder.note(f"what {op} costs is not known{times}")
        return _without_idle(recorder.traced(name, source, outputs))

    # --- Values -----------------------------------------------------------------------------------

    def _placeholder(self, node: Any, spec: Any) -> Any:
        """A parameter, a buffer, or an input."""
        found = node.meta.get("val")
        if not hasattr(found, "shape"):
            return found
        shape = tuple(int(size) for size in found.shape)
        kind = spec.kind.name if spec is not None else "USER_INPUT"
        if kind == "PARAMETER":
            name = self.names.get(spec.target, spec.target)
            is_trained = self.trained.get(spec.target, True)
            return Held(shape, (Learned(name, shape, is_trained, name in self.apart),))
        if kind != "USER_INPUT":
            return Held(shape)
        return self.recorder.input(node.name, shape)

    def _outputs(self, node: Any) -> list[Foreign]:
        """What leaves the network."""
        found = []
        for each in _flat(self._of(node.args[0])):
            if isinstance(each, (Foreign, Held)):
                found.append(foreign_of(self.recorder, each))
        if len({each.tensor for each in found}) < len(found):
            self.recorder.note("it returns one tensor several times, which leaves once here")
        return found

    def _of(self, argument: Any) -> Any:
        """An argument with the values of the nodes in it."""
        if isinstance(argument, (list, tuple)):
            return [self._of(each) for each in argument]
        if isinstance(argument, dict):
            return {name: self._of(each) for name, each in argument.items()}
        try:
            return self.values.get(argument, argument)
        except TypeError:
            return argument

    # --- Calls ------------------------------------------------------------------------------------

    def _call(self, node: Any) -> Any:
        """What a call makes."""
        arguments = [self._of(each) for each in node.args]
        named = {name: self._of(each) for name, each in node.kwargs.items()}
        if node.target is python.getitem:
            made = arguments[0]
            return made[arguments[1]] if arguments[1] < len(made) else None
        name, in_place = _operator_of(node.target)
        shapes = _shapes(node.meta.get("val"))
        tensors = [each for each in _flat([arguments, named]) if isinstance(each, (Foreign, Held))]
        if not shapes:
            return node.meta.get("val")
        if name in _VIEWS and node.args:
            self.bases[node] = node.args[0]
        is_reached = any(isinstance(each, Foreign) for each in tensors) and name not in _MADE
        is_table = name in PICKS and isinstance(tensors[0], Held) and bool(tensors[0].made_of)
        is_product = name in PRODUCTS and all(product(each.shape) for each in tensors)
        is_empty = not any(map(product, shapes))
        if is_empty or not (is_reached or is_table or (is_product and tensors)):
            made = _held(node, name, shapes, tensors, arguments)
        else:
            made = self._recorded(node, name, shapes, tensors, arguments, named)
        if in_place and node.args:
            self._change(node.args[0], made)
        return made

    def _change(self, node: Any, made: Any) -> None:
        """What was changed in place is what it has become; so is what it is a view of."""
        if node not in self.bases:
            self.values[node] = made
            return
        while node in self.bases:
            node = self.bases[node]
        whole = self.values[node]
        if isinstance(made, Held) and isinstance(whole, Held):
            self.values[node] = Held.of(whole.shape, whole, made)
        elif isinstance(whole, (Held, Foreign)):
            entering = [foreign_of(self.recorder, each) for each in (whole, made)]
            self.values[node] = self.recorder.opaque("copy_", entering, whole.shape)
            self.unknown["copy_"] += 1

    def _recorded(
        self,
        node: Any,
        name: str,
        shapes: tuple[tuple[int, ...], ...],
        tensors: Sequence[Value],
        arguments: Sequence[Any],
        named: Mapping[str, Any],
    ) -> Any:
        """What a call makes on tensors that inputs reach, its layers taken down."""
        recorder = self.recorder
        scopes, label, is_function = self._place(node, name)
        start = len(recorder.calls)
        with recorder.at(scopes, label, is_function):
            inner = partial(recorder.at, scopes)
            op = Operation(recorder, shapes, inner, self._is_used_once)
            try:
                handler = OPERATORS.get(name)
                if handler is None:
                    raise NoLayerError("no layer says it")
                made = handler(op, *arguments, **named)
                _check(made, shapes)
            except (NoLayerError, TypeError) as error:
                if isinstance(error, TypeError) and "argument" not in str(error):
                    raise
                recorder.forget(start)
                self.unknown[name] += 1
                parts = self._opaque(name, tensors, shapes)
                made = parts if isinstance(node.meta["val"], (list, tuple)) else parts[0]
        # A fused attention calls no function for its parts.
        self._tell(
            start, is_function and name not in _FUSED, str(node.meta.get("torch_fn", ("", ""))[1])
        )
        return made

    def _is_used_once(self, value: Value) -> bool:
        """Whether one call alone takes what some call made."""
        makers = [node for node, made in self.values.items() if made is value]
        return sum(len(node.users) for node in makers) == 1

    def _opaque(
        self, name: str, tensors: Sequence[Value], shapes: Sequence[tuple[int, ...]]
    ) -> list[Value]:
        """What an unknown operator makes; what it learns is the first's."""
        recorder = self.recorder
        held = [each for each in tensors if isinstance(each, Held)]
        learned = {each.key: each for part in held for each in part.made_of}
        apart = [each for each in held if any(part.is_apart for part in each.made_of)]
        used = self.used() | self.apart
        new = [each for key, each in learned.items() if key not in used]
        self._opaque_used.update({str(each.key): product(each.shape) for each in new})
        entering = [
            foreign_of(recorder, each)
            for each in tensors
            if isinstance(each, Foreign) or each in apart
        ]
        entering = entering or [foreign_of(recorder, tensors[0])]
        return [
            recorder.opaque(name, entering, shape, () if n else new)
            for n, shape in enumerate(shapes)
        ]

    def used(self) -> set[Any]:
        """The names of the parameters that layers work with."""
        owned = {name for key in self.recorder.owned().values() for name, _ in _owned(key)}
        return owned | self._opaque_used.keys()

    def extra(self) -> dict[str, int]:
        """How many elements of each parameter are counted more than once; none: it is not here."""
        counted = Counter(self._opaque_used)
        for key in self.recorder.owned().values():
            for name, size in _owned(key):
                counted[name] += size
        sizes = {name: each.numel() for name, each in self.module.named_parameters()}
        return {name: n - sizes[name] for name, n in counted.items() if n > sizes[name]}

    def to_part(self) -> frozenset[str]:
        """The parameters to be layers of their own so that none is counted more than once.

        Where layers share their weights and have biases of their own, it is these: without them,
        the layers are alike.
        """
        extra = self.extra()
        found: set[str] = set()
        for key in self.recorder.owned().values():
            names = [name for name, _ in _owned(key)]
            if extra.keys() & names:
                found.update(names[1:] if names[0] in extra else extra.keys() & names)
        return frozenset(found - self.apart or extra.keys() - self.apart)

    def unused(self) -> dict[str, int]:
        """The outermost modules and parameters that nothing uses, each with its parameters."""
        used = self.used()
        sizes = {name: each.numel() for name, each in self.module.named_parameters()}
        idle = {name for name in sizes if name not in used and sizes[name]}
        found: dict[str, int] = {}
        for name in sorted(idle, key=list(sizes).index):
            outer = next(
                each for each in _from_the_outside(name)
                if all(n in idle for n in sizes if n == each or n.startswith(f"{each}."))
            )  # fmt: skip
            found[outer] = found.get(outer, 0) + sizes[name]
        return found

    def _tell(self, start: int, is_function: bool, function: str) -> None:
        """Name the layers of a call, and say of each whether it is a function's.

        The last that computes is what was called; what moves elements for it has its type's name.
        """
        calls = self.recorder.calls
        owners = self.recorder.owned()
        for index in range(start, len(calls)):
            call = calls[index]
            layer = call.placed.layer
            name = call.name
            key = owners.get(index)
            weight = next((name for name, _ in _owned(key)), "")
            if isinstance(layer, Parameter):
                *holders, own = weight.split(".")
                is_a_table = own == "weight" and holders and not is_function
                name = (holders[-1] if is_a_table else own) or layer.type
            elif is_function and weight and layer.family in _MODULES:
                name = self._weight_name(call, weight) or name
            elif layer.moves and index < len(calls) - 1:
                name = layer.type
            if layer.family in _MODULES and not (layer.inline or layer.moves):
                functional = is_function
            else:
                functional = function in (
                    "builtin_function_or_method.add",
                    "builtin_function_or_method.mul",
                    "builtin_function_or_method.matmul",
                )
            calls[index] = call._replace(name=name, functional=functional)

    def _weight_name(self, call: Call, weight: str) -> str:
        """What a layer is called whose weights are `in_proj_weight`, by these; or nothing."""
        around = ".".join(scope.name for scope in call.scopes)
        within = weight[len(around) + 1 :] if around and weight.startswith(f"{around}.") else weight
        name = within.removesuffix("weight").rstrip("._")
        return name if name.isidentifier() else ""

    def _place(self, node: Any, name: str) -> tuple[tuple[Scope, ...], str, bool]:
        """The modules that a call is in, what it is called there, and whether it is a function."""
        stack = [
            (key, path, kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}")
            for key, (path, kind) in (node.meta.get("nn_module_stack") or {}).items()
        ]
        scopes: tuple[Scope, ...] = ()
        around = ""
        for key, path, kind in stack:
            if not path:
                continue
            within = path[len(around) + 1 :] if around and path.startswith(f"{around}.") else path
            *holders, own = within.split(".")
            at = around if within != path else ""
            for holder in holders:
                at = f"{at}.{holder}" if at else holder
                scopes = (*scopes, Scope(holder, self.types.get(at, "")))
            uses = self._uses.setdefault(scopes, {})
            use = uses.setdefault((own, key), sum(each == own for each, _ in uses))
            scopes = (*scopes, Scope(own, kind.rpartition(".")[2], use))
            around = path
        kind = stack[-1][2] if stack else ""
        is_layer = kind.startswith("torch.nn.modules.") and not kind.startswith(_COMPOSITE)
        if is_layer:
            return scopes[:-1], scopes[-1].name if scopes else name, False
        function = str(node.meta.get("torch_fn", ("", ""))[1]).rpartition(".")[2].strip("_")
        called = function if function and function != "multi_head_attention_forward" else name
        return scopes, called.strip("_"), True


def _from_the_outside(name: str) -> Iterable[str]:
    """The modules that a parameter is in, outermost first, and itself."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _operator_of(target: Any) -> tuple[str, bool]:
    """The name of an operator, and whether it changes its first argument."""
    schema = getattr(target, "_schema", None)
    if schema is None:
        return getattr(target, "__name__", str(target)), False
    space, _, name = schema.name.partition("::")
    in_place = name.endswith("_") and not name.startswith("_")
    name = name[:-1] if in_place else name
    return (name if space in ("aten", "prims") else f"{space}::{name}"), in_place


def _shapes(found: Any) -> tuple[tuple[int, ...], ...]:
    """The sizes of the tensors that a call makes."""
    each = found if isinstance(found, (list, tuple)) else [found]
    return tuple(tuple(int(n) for n in tensor.shape) for tensor in each if hasattr(tensor, "shape"))


def _held(
    node: Any,
    name: str,
    shapes: tuple[tuple[int, ...], ...],
    tensors: Sequence[Value],
    arguments: Sequence[Any],
) -> Any:
    """What is worked out of tensors that no input reaches."""
    held = [each for each in tensors if isinstance(each, Held)]
    made = [Held.of(shape, *held) for shape in shapes]
    if len(held) == 1 and held[0].made_of:
        whole = held[0]
        if name in _WHOLE:
            made = [each._replace(part=whole.part) for each in made]
        elif name in _PARTS:
            cut = (whole.part, whole.shape, name in ("select", "unbind"), *map(str, arguments[1:]))
            made = [each._replace(part=(*cut, n)) for n, each in enumerate(made)]
    elif held and name == "copy":
        made = [Held.of(shapes[0], *held)]
    return made if isinstance(node.meta.get("val"), (list, tuple)) else made[0]


#: What makes a constant, by the sizes of a tensor at the most.
_MADE = frozenset(
    {
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty",
        "zeros_like",
        "ones_like",
        "full_like",
        "empty_like",
        "rand_like",
        "randn_like",
    }
)
#: What keeps every element, and each once.
_WHOLE = frozenset(
    {
        "view",
        "reshape",
        "permute",
        "transpose",
        "t",
        "contiguous",
        "clone",
        "detach",
        "alias",
        "unsqueeze",
        "squeeze",
        "flatten",
        "to",
        "unflatten",
        "movedim",
        "neg",
        "_unsafe_view",
        "mul",
        "add",
        "sub",
        "div",
        "batch_norm",
        "exp",
        "sigmoid",
    }
)
#: What keeps some of the elements.
_PARTS = frozenset({"select", "slice", "narrow", "chunk", "split", "split_with_sizes", "unbind"})


def _check(made: Any, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Hold what a handler made to what PyTorch makes. Raises NoLayerError."""
    each = made if isinstance(made, list) else [made]
    for value, shape in zip(each, shapes):
        if value.shape != shape:
            raise NoLayerError(f"made {list(value.shape)} of {list(shape)}")


def _flat(values: Any) -> Iterable[Any]:
    """The values in lists, and those in them."""
    if isinstance(values, list) or (isinstance(values, tuple) and type(values) is tuple):
        for each in values:
            yield from _flat(each)
    elif isinstance(values, dict):
        yield from _flat([*values.values()])
    else:
        yield values


def _owned(key: Any) -> Iterator[tuple[str, int]]:
    """The parameters in the key of a layer, and how many elements of each are its own."""
    return ((str(each.key), each.size) for each in _flat(key) if isinstance(each, Owned))


def _first_names(module: Any) -> dict[str, str]:
    """For each name of a parameter, the first that its tensor has."""
    first: dict[int, str] = {}
    return {
        name: first.setdefault(id(each), name)
        for name, each in module.named_parameters(remove_duplicate=False)
    }


def _without_idle(traced: Traced) -> Traced:
    """The network without layers of no cost, and no weights, whose results nothing uses.

    Modules that nothing reads are told, those that stay too.
    """
    calls = traced.calls
    used = {tensor.node for tensor in traced.outputs}
    for index in range(len(calls) - 1, -1, -1):
        if index in used or not _is_idle(calls[index]):
            used.add(index)
            used.update(tensor.node for tensor in calls[index].inputs)
    read = {tensor.node for index in used if index >= 0 for tensor in calls[index].inputs}
    read |= {tensor.node for tensor in traced.outputs}
    unread: dict[str, list[str]] = {}
    for index, call in enumerate(calls):
        if index not in read and _is_module(call):
            how = "counted, as PyTorch runs it" if index in used else "left out"
            name = ".".join([*[scope.name for scope in call.scopes], call.name])
            unread.setdefault(how, []).append(name)
    said = [f"nothing reads what {listed(each, 8)} makes: {how}" for how, each in unread.items()]
    traced = traced._replace(notes=(*traced.notes, *said))
    if len([index for index in used if index >= 0]) == len(calls):
        return traced
    kept = [index for index in range(len(calls)) if index in used]
    new = {-1 - index: -1 - index for index in range(len(traced.inputs))}
    new |= {old: index for index, old in enumerate(kept)}

    def moved(call: Call) -> Call:
        inputs = tuple(tensor._replace(node=new[tensor.node]) for tensor in call.inputs)
        owner = None if call.weights_of is None else new[call.weights_of]
        return call._replace(inputs=inputs, weights_of=owner)

    outputs = tuple(tensor._replace(node=new[tensor.node]) for tensor in traced.outputs)
    return traced._replace(calls=tuple(moved(calls[index]) for index in kept), outputs=outputs)


def _is_module(call: Call) -> bool:
    """Whether a module was called, and no function or operator."""
    layer = call.placed.layer
    return layer.family in _MODULES and not (layer.inline or call.functional)


def _is_idle(call: Call) -> bool:
    """Whether a layer has no products and no weights."""
    operations = call.placed.operations
    return operations is not None and operations.macs == 0 and not call.placed.tensors
