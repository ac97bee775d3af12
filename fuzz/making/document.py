"""Whole specs, as plain values: they use all of the language, and most of them are right.

A spec is made from its input on: each line is put on the shapes that reach it, by the layer types'
own rules (`layer.py`), so that a new type is tried as well. A line of a loop is right in its first
turn, one of a block at one call; `marks.repaired` mends what the others make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.budgets import metrics
from convcalc.dtypes import SIZES
from convcalc.language.scopes import tensor_values
from convcalc.shape import Shape
from fuzz.making.expressions import express, plain
from fuzz.making.layer import Shapes, fields, layer_on, outputs_of

#: A mapping of a spec, as plain values.
Mapped = dict[str, Any]
#: An element of a layers' list: its type, its fields, and what it makes.
_Content = tuple[str, Mapped, Shapes]

#: Texts that people write, and that YAML, a terminal or a table may stumble over.
TEXTS = (
    *("N", "LeNet", "null", "true", "7", "1e3", "0x1F", "- a", "a: b", "a #b", "#", "?", "%", "@a"),
    *("сеть", "畳み込み", "شبكة", "רשת", "Ünïcode × 2⁵³", "e\u0301", "👩‍🔬", "\u202eabc"),
    *("a\tb", "it's", 'a "b"', "\\input{x}", "<script>", "=1+1", "a|b", "*a*", "&a", "!a", "`a`"),
    *("[a]", "{a}", "a,b", " a ", "two\nlines", "a\n\n b\n", "x" * 200),
)
_VARIABLES = ("a", "n", "width", "alpha", "wide", "_x", "N2", "input", "name", "layers", "out")
_ARGUMENTS = ("c", "k", "stride", "hidden", "ratio", "se", "act", "maps")
_LETS = ("l1", "l2", "width")
_LOOPS = ("i", "j", "s", "t", "row", "cell")
_PRESETS = ("small", "x0_5", "小", "a b", "1", "-")
_INPUTS = ("left", "right", "x", "in-2")
#: The shapes that a network begins with, the frequent ones first.
_SHAPES = ((8, 12, 12), (8, 12, 12), (3, 16, 16), (12, 9, 7), (6, 24), (4, 6, 5, 6), (24,))
#: No line makes a larger tensor, unless the input is larger than these.
_MOST_ELEMENTS = 60_000
#: Structures inside each other.
_DEEPEST = 5


class Made(NamedTuple):
    """A spec, and what it was made for: the values of its variables, and what leaves it.

    None where a loop has turns that differ: other shapes may come about in them, or none at all.
    """

    data: Mapped
    variables: Mapping[str, Any]
    outputs: Shapes | None


class _Scope:
    """What a list of layers sees: values by name, and tensors by name."""

    def __init__(self, values: Mapping[str, Any], tensors: Mapping[str, Shapes]) -> None:
        self.values = dict(values)
        self.tensors = dict(tensors)

    def inside(self, values: Mapping[str, Any]) -> _Scope:
        """The scope of a list inside, which has more values."""
        return _Scope({**self.values, **values}, self.tensors)

    def seen(self, taken: Shapes) -> Mapping[str, Any]:
        """What expressions see by name on a line that takes these shapes."""
        return {**self.values, **tensor_values(taken[0])}


class _Block(NamedTuple):
    """A block, and the one call that its lines were made for."""

    name: str
    form: Mapped
    input: Shape
    given: Mapping[str, Any]
    outputs: Shapes


def document(rng: Random) -> Made:
    """A spec; the same one for the same state of `rng`."""
    return _Maker(rng).document()


class _Maker:
    """Makes one spec."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names = 0
        #: What enters the network, by its names, which no layer may take.
        self.entering: tuple[str, ...] = ("input",)
        #: How much of everything there is; small documents are quick, and they are the most.
        self.size = rng.choice((1, 1, 1, 2, 2, 3, 5))
        self.lines_left = 0
        self.variables: dict[str, Any] = {}
        self.blocks: list[_Block] = []
        #: Whether every turn of every loop is like the first.
        self.is_sure = True
        self.scale = 10 ** rng.randint(3, 30) if self.odds(0.02) else 1

    def odds(self, chance: float) -> bool:
        return self.rng.random() < chance

    def some(self, names: tuple[str, ...] | list[str], fewest: int, most: int) -> list[str]:
        """So many of the names, in any order."""
        return self.rng.sample(names, min(self.rng.randint(fewest, most), len(names)))

    def fresh(self) -> str:
        """A name that is not taken."""
        self.names += 1
        return f"{self.rng.choice(('x', 'stem-', '_y', 'B', 'conv'))}{self.names}"

    def shuffled(self, mapping: Mapped) -> Mapped:
        """The same in another order."""
        keys = list(mapping)
        self.rng.shuffle(keys)
        return {key: mapping[key] for key in keys}

    # The parts of a spec

    def document(self) -> Made:
        spec: Mapped = {"name": self.rng.choice(TEXTS)}
        for key in ("source", "description"):
            if self.odds(0.2):
                spec[key] = self.rng.choice(TEXTS)
        if self.odds(0.1):
            spec["notes"] = {self.fresh(): self.rng.choice(TEXTS)}
        if self.odds(0.1):
            spec["budgets"] = self.budgets()
        if self.odds(0.6):
            spec["variables"] = self.settings()
        inputs = self.inputs()
        forms = {name: self.written(tuple(x), self.variables) for name, x in inputs.items()}
        spec["input"] = forms["input"] if list(forms) == ["input"] else forms
        if self.odds(0.5):
            for _ in range(self.rng.randint(1, min(self.size, 3))):
                self.blocks.append(self.block(next(iter(inputs.values()))))
            spec["blocks"] = {block.name: block.form for block in self.blocks}
        entering = tuple(inputs.values())
        named = {name: (shape,) for name, shape in inputs.items()}
        scope = _Scope(self.variables, {**named, "input": entering})
        self.lines_left = 3 * self.size
        self.entering = (*inputs, "input")
        spec["layers"], outputs = self.lines(entering, scope, self.rng.randint(1, 2 * self.size), 0)
        made = [name for name in scope.tensors if name not in self.entering]
        if made and self.odds(0.3):
            chosen = self.some(made, 1, len(made))
            spec["outputs"] = chosen[0] if len(chosen) == 1 and self.odds(0.5) else chosen
            outputs = sum((scope.tensors[name] for name in chosen), ())
        if self.variables and self.odds(0.5):
            spec["presets"] = self.presets()
        return Made(self.shuffled(spec), self.variables, outputs if self.is_sure else None)

    def budgets(self) -> Mapped:
        """Amounts by metric, as people write them."""
        amounts = (0, 12, 300_000_000, "3M", "1.5G", "2,500", "256KiB")
        return {metric: self.rng.choice(amounts) for metric in self.some(metrics(), 0, 3)}

    def settings(self) -> Mapped:
        """Variables with their defaults, which may speak of those above."""
        result: Mapped = {}
        for name in self.some(_VARIABLES, 1, self.size + 1):
            value = self.value()
            result[name] = self.written(value, self.variables)
            self.variables[name] = value
        return result

    def value(self) -> Any:
        """A value of any kind that a variable can have."""
        kind = self.rng.randrange(8)
        if kind < 4:
            return self.rng.choice((1, 2, 3, 4, 8, 12, 16))
        if kind == 4:
            return self.rng.choice((0.5, 0.25, 1.0, 1.5, 0.1))
        if kind == 5:
            return self.odds(0.5)
        if kind == 6:
            return self.rng.choice(("relu", "silu", "same", "bilinear", "reflect", "all"))
        return tuple(self.rng.randint(1, 16) for _ in range(self.rng.randint(1, 4)))

    def like(self, value: Any) -> Any:
        """A value of the same kind."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return self.rng.choice((value, value * 2, value + 1, value * 4))
        return tuple(map(self.like, value)) if isinstance(value, tuple) else value

    def presets(self) -> Mapped:
        """Settings of variables, each of the kind that its default has."""
        return {
            preset: {
                name: self.written(self.like(self.variables[name]), {})
                for name in self.some(list(self.variables), 0, len(self.variables))
            }
            for preset in self.some(_PRESETS, 1, min(self.size, 3))
        }

    def inputs(self) -> dict[str, Shape]:
        """The inputs by name; a single one is often called `input`."""
        shape = Shape(*(size * self.scale for size in self.rng.choice(_SHAPES)))
        if self.odds(0.75):
            return {"input": shape}
        names = self.some(_INPUTS, 1, 3)
        return {name: shape if self.odds(0.8) else Shape(*_SHAPES[2]) for name in names}

    def block(self, shape: Shape) -> _Block:
        """A block; it may call those that were made before."""
        values = dict(self.variables)
        form: Mapped = {"args": {}, "let": {}}
        given = {}
        for name in self.some(_ARGUMENTS, 0, min(self.size + 1, 4)):
            value = given[name] = self.value()
            required = self.odds(0.5)
            form["args"][name] = "required" if required else self.written(value, values)
            values[name] = value
        for name in self.some(_LETS, 0, 2):
            value = self.value()
            form["let"][name] = self.written(value, {**values, **tensor_values(shape)})
            values[name] = value
        form = {key: names for key, names in form.items() if names}
        if self.odds(0.1):
            form["module"] = self.written(self.odds(0.5), values)
        self.lines_left = self.rng.randint(1, self.size + 1)
        scope = _Scope(values, {"input": (shape,)})
        form["layers"], outputs = self.lines((shape,), scope, self.few(), 1)
        name = f"{self.rng.choice(('unit', 'mb-conv', 'Block_'))}{len(self.blocks)}"
        return _Block(name, self.shuffled(form), shape, given, outputs)

    # Values

    def written(self, value: Any, seen: Mapping[str, Any]) -> Any:
        """A value as it is, or as an expression over what is seen."""
        if isinstance(value, tuple) and self.odds(0.8):
            return [self.written(item, seen) for item in value]
        if isinstance(value, (str, tuple)) or self.odds(0.3):
            return express(self.rng, value, seen)
        return value

    def spelled(self, value: Any, seen: Mapping[str, Any]) -> Any:
        """The value of a layer's field; a word mostly stands for itself."""
        # No expression has null, which leaves a size open.
        if isinstance(value, list) and (None in value or self.odds(0.9)):
            return [self.spelled(item, seen) for item in value]
        if value is None or (isinstance(value, str) and self.odds(0.9)):
            return value
        if type(value) is int and self.odds(0.02):
            return f"{plain(value)} * 1.0"
        return self.written(_frozen(value), seen)

    # Lines

    def few(self) -> int:
        """How many lines there are in a list inside of something."""
        return self.rng.choice((0, 1, 1, 2, 3))

    def lines(
        self, inputs: Shapes, scope: _Scope, most: int, depth: int
    ) -> tuple[list[Any], Shapes]:
        """The lines of a list of layers, one at least in the outermost, and what it makes."""
        lines: list[Any] = []
        while not (lines or depth) or (len(lines) < most and self.lines_left > 0):
            self.lines_left -= 1
            line, inputs = self.line(inputs, scope, depth)
            lines.append(line)
            if self.odds(0.2):
                lines += self.again(line, inputs, scope)
        return lines, inputs

    def again(self, line: Any, outputs: Shapes, scope: _Scope) -> list[Any]:
        """A line once more, with the weights of the first; none where that cannot be named."""
        ((type, fields),) = line.items() if isinstance(line, dict) else ((line, None),)
        fields = fields or {}
        has_weights = layers.is_known(type) or type in {block.name for block in self.blocks}
        if not has_weights or "when" in fields or not {"name", "from"} <= fields.keys():
            return []
        own = self.fresh()
        scope.tensors[own] = outputs
        return [{type: {**fields, "name": own, "weights": fields["name"]}}]

    def line(self, inputs: Shapes, scope: _Scope, depth: int) -> tuple[Any, Shapes]:
        """One element of a list, and what it hands on."""
        common: Mapped = {}
        taken = inputs
        one = len(inputs) > 1 and (self.odds(0.3) or outputs_of("concat", {}, inputs) is None)
        if self.odds(0.03):
            type, fields, outputs = self.layer((), scope.seen(inputs))
        else:
            if one or self.odds(0.15):
                common["from"], taken = self.source(scope, 1 if one else 3)
            type, fields, outputs = self.content(taken, scope, depth)
        is_there = True
        if self.odds(0.1):
            is_there = self.odds(0.7)
            common["when"] = self.written(is_there, scope.seen(taken))
        if is_there and self.odds(0.8 if type == "split" else 0.25):
            known = [name for name in scope.tensors if name not in self.entering]
            again = known and self.odds(0.1)
            common["name"] = self.rng.choice(known) if again else self.fresh()
            scope.tensors[common["name"]] = outputs
        if layers.is_known(type) and self.odds(0.1):
            common["functional"] = self.odds(0.7)
        if self.odds(0.05):
            common["trainable"] = self.written(self.odds(0.3), scope.seen(taken))
        if self.odds(0.05):
            common["dtype"] = self.rng.choice(list(SIZES))
        fields = self.shuffled({**fields, **common})
        line: Any = {type: fields}
        if not fields:
            line = self.rng.choice((type, {type: None}, line))
        return line, outputs if is_there else inputs

    def source(self, scope: _Scope, most: int) -> tuple[Any, Shapes]:
        """What `from` names, and the shapes of it: of so many tensors at the most."""
        known: list[tuple[str, Shapes]] = []
        for name, shapes in scope.tensors.items():
            if len(shapes) == 1 or (len(shapes) <= most and outputs_of("concat", {}, shapes)):
                known.append((name, shapes))
            known += [(f"{name}.{part}", (shape,)) for part, shape in enumerate(shapes)]
        first, shapes = self.rng.choice(known)
        if self.odds(0.6) or len(shapes) == most:
            return self.rng.choice((first, [first])), shapes
        alike = [each for each in known if each[1] == shapes[:1]] or [(first, shapes)]
        others = [self.rng.choice(alike) for _ in range(self.rng.randint(1, 2))]
        return [first, *(name for name, _ in others)], shapes + sum((s for _, s in others), ())

    def content(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        """A layer, a structure or a call of a block."""
        if len(taken) == 1 and depth < _DEEPEST and self.odds(0.35):
            structures = (self.sequential, self.repeat, self.for_each, self.residual, self.branches)
            return self.rng.choice(structures)(taken, scope, depth + 1)
        if len(taken) == 1 and self.blocks and self.odds(0.25):
            return self.call(taken[0], scope)
        return self.layer(taken, scope.seen(taken))

    def layer(self, taken: Shapes, seen: Mapping[str, Any]) -> _Content:
        """A layer of any type, its fields by one of their names each."""
        type, values, outputs = layer_on(self.rng, taken, _MOST_ELEMENTS * self.scale**4)
        spelled: Mapped = {}
        for field, _ in fields(type):
            if field.name in values:
                name = field.short if field.short and self.odds(0.8) else field.name
                spelled[name] = self.spelled(values[field.name], seen)
        return type, spelled, outputs

    def call(self, taken: Shape, scope: _Scope) -> _Content:
        """The call of a block, with lines before it where the tensor is not what it was made on."""
        block = self.rng.choice(self.blocks)
        arguments = block.form.get("args", {})
        seen = scope.seen((block.input,))
        given = {
            name: self.written(value, seen)
            for name, value in block.given.items()
            if arguments[name] == "required" or self.odds(0.3)
        }
        if taken == block.input:
            return block.name, given, block.outputs
        lines = self.fitted(taken, block.input)
        return "sequential", {"layers": [*lines, {block.name: given}]}, block.outputs

    def fitted(self, shape: Shape, wanted: Shape) -> list[Any]:
        """Lines that make a tensor of one shape one of another, the same in each turn and call."""
        if shape == wanted:
            return []
        if len(shape) != len(wanted) or len(shape) == 1:
            flat: list[Any] = ["flatten"] if len(shape) > 1 else []
            flat.append({"linear": {"out": self.written(wanted.size, self.variables)}})
            return [*flat, {"reshape": {"shape": list(wanted)}}] if len(wanted) > 1 else flat
        lines: list[Any] = []
        if shape.spatial != wanted.spatial:
            lines.append({"adaptive_max_pool": {"output_size": list(wanted.spatial)}})
        if shape.channels != wanted.channels:
            lines.append({"conv": {"out": self.written(wanted.channels, self.variables), "k": 1}})
        return lines

    # Structures

    def body(
        self, taken: Shapes, scope: _Scope, depth: int, wanted: Shape | None = None
    ) -> tuple[list[Any], Shapes]:
        """A list of layers that makes one tensor, of a shape where one is wanted."""
        lines, outputs = self.lines(taken, scope, self.few(), depth)
        if len(outputs) > 1:
            joined = outputs_of("concat", {}, outputs)
            lines, outputs = ([*lines, "concat"], joined) if joined else ([], taken)
        if wanted is not None:
            lines = lines + self.fitted(outputs[0], wanted)
            outputs = (wanted,)
        return lines, outputs

    def sequential(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        lines, outputs = self.lines(taken, scope.inside({}), self.few(), depth)
        return "sequential", {"layers": lines}, outputs

    def repeat(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        times = self.rng.choice((0, 1, 1, 2, 2, 3, 4))
        index = self.loop_names(scope, 1)[0] if self.odds(0.5) else None
        self.is_sure &= times < 2 or index is None
        wanted = None if times == 1 and self.odds(0.5) else taken[0]
        inside = scope.inside({index: 0} if index else {})
        form: Mapped = {"times": self.written(times, scope.seen(taken))}
        form["layers"], outputs = self.body(taken, inside, depth, wanted)
        if index is None and self.odds(0.3):
            form["share_weights"] = self.odds(0.8)
        return "repeat", form | ({"index": index} if index else {}), outputs if times else taken

    def for_each(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        names = self.loop_names(scope, 3)
        first = tuple(self.value() for _ in names)
        rows = [first] + [tuple(map(self.like, first)) for _ in range(self.rng.randint(0, 2))]
        self.is_sure &= len(rows) == 1
        wanted = None if len(rows) == 1 and self.odds(0.5) else taken[0]
        table = tuple(map(self.row, rows))
        form: Mapped = {"bind": names, "in": self.written(table, scope.seen(taken))}
        form["layers"], outputs = self.body(
            taken, scope.inside(dict(zip(names, first))), depth, wanted
        )
        return "for_each", form, outputs

    def row(self, cells: tuple[Any, ...]) -> Any:
        """A row of a table; a single cell may stand by itself, unless it is a list."""
        alone = len(cells) == 1 and not isinstance(cells[0], tuple) and self.odds(0.7)
        return cells[0] if alone else cells

    def loop_names(self, scope: _Scope, most: int) -> list[str]:
        """Names that no loop around has."""
        free = [name for name in _LOOPS if name not in scope.values]
        return self.some(free, 1, most) or ["i9"]

    def residual(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        form: Mapped = {}
        connect = self.odds(0.8)
        if not connect or self.odds(0.3):
            form["connect"] = self.written(connect, scope.seen(taken))
        kept = taken[0] if self.odds(0.5) else None
        form["layers"], outputs = self.body(taken, scope.inside({}), depth, kept)
        if outputs != taken or self.odds(0.2):
            form["shortcut"], _ = self.body(taken, scope.inside({}), depth, outputs[0])
        return "residual", form, outputs

    def branches(self, taken: Shapes, scope: _Scope, depth: int) -> _Content:
        count = self.rng.choice((1, 2, 2, 2, 3))
        entering = taken[0]
        form: Mapped = {"merge": self.rng.choice(("concat", "add", "mul")), "paths": []}
        if self.odds(0.4):
            form["split"] = entering.channels % count == 0 and self.odds(0.8)
            if form["split"]:
                entering = Shape(entering.channels // count, *entering.spatial)
        results: Shapes = ()
        for _ in range(count):
            wanted = results[0] if results else None
            if wanted is not None and form["merge"] == "concat":
                wanted = Shape(self.rng.randint(1, 9), *wanted.spatial)
            lines, outputs = self.body((entering,), scope.inside({}), depth, wanted)
            form["paths"].append(lines)
            results += outputs
        if count == 1:
            return "branches", form, results
        return "branches", form, outputs_of(form["merge"], {}, results) or results[:1]


def _frozen(value: Any) -> Any:
    """A value with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
