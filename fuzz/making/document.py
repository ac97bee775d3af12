"""Whole specs, as plain values: they use all of the language, and most of them are right.

A spec is made from its input on: each line is put on the shapes that reach it, by the layer types'
own rules, so that a new type is tried as well. Fields get values from their kinds' JSON Schemas. A
line of a loop is right in its first turn, one of a block at one call; `repair` mends what the
others make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.graph import Builder, input_tensors
from convcalc.language.scopes import tensor_values
from convcalc.layers.composite import Composite
from convcalc.shape import Shape
from fuzz.making.expressions import express, plain

#: The shapes of what a line takes or makes.
Shapes = tuple[Shape, ...]
#: A mapping of a spec, as plain values.
Mapped = dict[str, Any]

#: Texts that people write, and that YAML, a terminal or a table may stumble over.
TEXTS = (
    *("N", "LeNet", "null", "true", "7", "1e3", "0x1F", "- a", "a: b", "a #b", "#", "?", "%", "@a"),
    *(
        "сеть",
        "畳み込み",
        "شبكة",
        "רשת",
        "Ünïcode × 2⁵³",
        "e\u0301",
        "👩‍🔬",
        "a\tb",
        "it's",
        'a "b"',
    ),
    *(
        "\\input{x}",
        "<script>",
        "=1+1",
        "a|b",
        "*a*",
        "&a",
        "!a",
        "[a]",
        "{a}",
        "a,b",
        "`a`",
        " a ",
    ),
    *("two\nlines", "a\n\n b\n", "x" * 200),
)
_VARIABLES = ("a", "n", "width", "alpha", "wide", "_x", "N2", "input", "name", "layers", "out")
_ARGUMENTS = ("c", "k", "stride", "hidden", "ratio", "se", "act", "maps")
#: The shapes that a network begins with, the frequent ones first.
_INPUTS = ((8, 12, 12), (8, 12, 12), (3, 16, 16), (12, 9, 7), (6, 24), (4, 6, 5, 6), (24,))
#: No line makes more of a tensor than this, times what the input is larger.
_MOST_ELEMENTS, _MOST_PARTS = 60_000, 6


class Made(NamedTuple):
    """A spec, and what it was made for: the values of its variables, and what leaves it.

    None where a loop has turns that differ, in which other shapes may come about.
    """

    data: Mapped
    variables: Mapping[str, Any]
    outputs: Shapes | None


class _Scope:
    """What a list of layers sees: values by name, and tensors by name."""

    def __init__(self, values: Mapping[str, Any], tensors: Mapping[str, Shapes]) -> None:
        self.values = dict(values)
        self.tensors = dict(tensors)

    def inside(self, **values: Any) -> _Scope:
        """The scope of a list inside, which has more values."""
        return _Scope({**self.values, **values}, self.tensors)


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

    def fresh(self) -> str:
        """A name that is not taken."""
        self.names += 1
        return f"{self.rng.choice(('x', 'stem-', '_y', 'B', 'conv'))}{self.names}"

    # The parts of a spec

    def document(self) -> Made:
        spec: Mapped = {"name": self.rng.choice(TEXTS).strip() or "N"}
        for key in ("source", "description"):
            if self.odds(0.2):
                spec[key] = self.rng.choice(TEXTS)
        if self.odds(0.6):
            spec["variables"] = self.settings()
        inputs = self.inputs()
        scope = _Scope(self.variables, {**inputs, "input": tuple(s for (s,) in inputs.values())})
        spec["input"] = self.input_form(inputs)
        if self.odds(0.5):
            for _ in range(self.rng.randint(1, min(self.size, 3))):
                self.blocks.append(self.block(next(iter(inputs.values()))[0]))
            spec["blocks"] = {block.name: block.form for block in self.blocks}
        self.lines_left = 3 * self.size
        scope = scope.inside()
        spec["layers"], outputs = self.lines(scope.tensors["input"], scope, depth=0, fewest=1)
        named = [name for name in scope.tensors if name not in (*inputs, "input")]
        if named and self.odds(0.3):
            chosen = self.rng.sample(named, self.rng.randint(1, len(named)))
            spec["outputs"] = chosen[0] if len(chosen) == 1 and self.odds(0.5) else chosen
            outputs = sum((scope.tensors[name] for name in chosen), ())
        if self.variables and self.odds(0.5):
            spec["presets"] = self.presets()
        data = self.shuffled(spec)
        return Made(data, self.variables, outputs if self.is_sure else None)

    def settings(self) -> Mapped:
        """Variables with their defaults, which may speak of those above."""
        result: Mapped = {}
        for name in self.rng.sample(_VARIABLES, self.rng.randint(1, self.size + 1)):
            value = self.any_value()
            result[name] = self.written(value, self.variables)
            self.variables[name] = value
        return result

    def any_value(self) -> Any:
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

    def presets(self) -> Mapped:
        """Settings of variables, each of the kind that its default has."""
        return {
            self.rng.choice(("small", "x0_5", "小", "a b", "1", "-")): {
                name: self.written(self.like(self.variables[name]), {})
                for name in self.rng.sample(
                    list(self.variables), self.rng.randint(0, len(self.variables))
                )
            }
            for _ in range(self.rng.randint(1, min(self.size, 3)))
        }

    def like(self, value: Any) -> Any:
        """Another value of the same kind, most of the time."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return self.rng.choice((value, value * 2, value + 1, value * 4))
        if isinstance(value, tuple):
            return tuple(self.like(item) for item in value)
        return value

    def inputs(self) -> dict[str, Shapes]:
        """The inputs by name; a single one is often called `input`."""
        shape = Shape(*(size * self.scale for size in self.rng.choice(_INPUTS)))
        if self.odds(0.75):
            return {"input": (shape,)}
        names = self.rng.sample(("left", "right", "x", "in-2"), self.rng.randint(1, 3))
        return {name: (shape if self.odds(0.8) else Shape(*_INPUTS[2]),) for name in names}

    def input_form(self, inputs: Mapping[str, Shapes]) -> Any:
        forms = {name: self.written(tuple(s), self.variables) for name, (s,) in inputs.items()}
        return forms["input"] if list(forms) == ["input"] else forms

    def block(self, shape: Shape) -> _Block:
        """A block; it may call those that were made before."""
        values = dict(self.variables)
        arguments: Mapped = {}
        lets: Mapped = {}
        given = {}
        for name in self.rng.sample(_ARGUMENTS, self.rng.randint(0, min(self.size + 1, 4))):
            value = given[name] = self.any_value()
            default = self.odds(0.5)
            arguments[name] = self.written(value, values) if default else "required"
            values[name] = value
        for name in self.rng.sample(("l1", "l2", "width"), self.rng.randint(0, 2)):
            value = self.any_value()
            lets[name] = self.written(value, {**values, **tensor_values(shape)})
            values[name] = value
        self.lines_left = self.rng.randint(1, self.size + 1)
        lines, outputs = self.stack((shape,), _Scope(values, {"input": (shape,)}), depth=1)
        form = {"args": arguments, "let": lets, "layers": lines}
        form = {key: value for key, value in form.items() if value or key == "layers"}
        name = f"{self.rng.choice(('unit', 'mb-conv', 'Block_'))}{len(self.blocks)}"
        return _Block(name, self.shuffled(form), shape, given, outputs)

    # Lines

    def stack(
        self, inputs: Shapes, outer: _Scope, depth: int, **values: Any
    ) -> tuple[list[Any], Shapes]:
        """A list of layers inside of something, and what its last one makes."""
        return self.lines(inputs, outer.inside(**values), depth)

    def lines(
        self, inputs: Shapes, scope: _Scope, depth: int, fewest: int = 0
    ) -> tuple[list[Any], Shapes]:
        """The lines of a list of layers, and what the last one makes."""
        lines: list[Any] = []
        most = (
            self.rng.randint(1, 2 * self.size) if depth == 0 else self.rng.choice((0, 1, 1, 2, 3))
        )
        while len(lines) < fewest or (len(lines) < most and self.lines_left > 0):
            self.lines_left -= 1
            line, inputs = self.line(inputs, scope, depth)
            lines.append(line)
        return lines, inputs

    def line(self, inputs: Shapes, scope: _Scope, depth: int) -> tuple[Any, Shapes]:
        """One element of a list, on what the line above it makes."""
        common: Mapped = {}
        taken = inputs
        one = len(inputs) > 1 and (self.odds(0.3) or _outputs("concat", {}, inputs) is None)
        if one or self.odds(0.15):
            common["from"], taken = self.source(scope, 1 if one else 3)
        name, fields, outputs = self.content(taken, scope, depth)
        result, is_there = outputs, True
        if self.odds(0.1):
            is_there = self.odds(0.7)
            common["when"] = self.written(is_there, self.seen(scope, taken))
            result = outputs if is_there else inputs
        if self.odds(0.8 if name == "split" else 0.25) and is_there:
            common["name"] = self.rng.choice(list(scope.tensors)) if self.odds(0.1) else ""
            if common["name"] in ("", "input"):
                common["name"] = self.fresh()
            scope.tensors[common["name"]] = outputs
        if layers.is_known(name) and self.odds(0.1):
            common["functional"] = self.odds(0.7)
        fields = self.shuffled({**fields, **common})
        if fields:
            return {name: fields}, result
        return self.rng.choice((name, name, {name: None}, {name: {}})), result

    def source(self, scope: _Scope, most: int = 3) -> tuple[Any, Shapes]:
        """What `from` names, and its shapes."""
        known: list[tuple[str, Shapes]] = []
        for name, shapes in scope.tensors.items():
            known.append((name, shapes))
            known += [(f"{name}.{part}", (shape,)) for part, shape in enumerate(shapes)]
        known = [each for each in known if len(each[1]) <= most] or known
        first, shapes = self.rng.choice(known)
        if self.odds(0.6) or len(shapes) == most:
            return self.rng.choice((first, [first])), shapes
        alike = [each for each in known if each[1] == shapes[:1]] or [(first, shapes)]
        others = [self.rng.choice(alike) for _ in range(self.rng.randint(1, 2))]
        return [first, *(name for name, _ in others)], shapes + sum((s for _, s in others), ())

    def content(self, taken: Shapes, scope: _Scope, depth: int) -> tuple[str, Mapped, Shapes]:
        """A layer, a structure or a call of a block: its name, its fields, what it makes."""
        if len(taken) == 1 and self.odds(0.35) and depth < 5:
            made = self.rng.choice(
                (self.sequential, self.repeat, self.for_each, self.residual, self.branches)
            )(taken, scope, depth + 1)
            if made is not None:
                return made
        if self.blocks and self.odds(0.25) and len(taken) == 1:
            return self.call(taken[0], scope)
        return self.layer(taken, scope)

    def seen(self, scope: _Scope, taken: Shapes) -> Mapping[str, Any]:
        """What expressions see on a line."""
        return {**scope.values, **tensor_values(taken[0])}

    # Layers

    def layer(self, taken: Shapes, scope: _Scope) -> tuple[str, Mapped, Shapes]:
        """A layer of any type that takes these shapes."""
        for attempt in range(8):
            name = self.rng.choice(_fitting(len(taken), len(taken[0]) - 1))
            values = {
                field.name: self.literal(schema, taken[0])
                for field, schema in _fields(name)
                if field.required or self.odds(0.3 if attempt < 5 else 0)
            }
            outputs = _outputs(name, values, taken)
            if outputs is not None and self.is_small(outputs):
                return name, self.fields(name, values, self.seen(scope, taken)), outputs
        return "flatten" if len(taken) == 1 else "concat", {}, taken

    def is_small(self, outputs: Shapes) -> bool:
        most = _MOST_ELEMENTS * self.scale**4
        return len(outputs) <= _MOST_PARTS and all(shape.size <= most for shape in outputs)

    def fields(self, type: str, values: Mapped, seen: Mapping[str, Any]) -> Mapped:
        """The fields of a layer as a spec has them, each by one of its names."""
        return {
            (field.short if field.short and self.odds(0.8) else field.name): self.spelled(
                values[field.name], seen
            )
            for field, _ in _fields(type)
            if field.name in values
        }

    def spelled(self, value: Any, seen: Mapping[str, Any]) -> Any:
        """A field's value; a word mostly stands for itself."""
        if isinstance(value, list) and self.odds(0.9):
            return [self.spelled(item, seen) for item in value]
        if value is None or (isinstance(value, str) and self.odds(0.9)):
            return value
        if type(value) is int and self.odds(0.02):
            return f"{plain(value)} * 1.0"
        return self.written(_frozen(value), seen)

    def written(self, value: Any, seen: Mapping[str, Any]) -> Any:
        """A value as it is, or as an expression over what is seen."""
        if isinstance(value, tuple) and self.odds(0.8):
            return [self.written(item, seen) for item in value]
        if isinstance(value, (str, tuple)) or self.odds(0.3):
            return express(self.rng, value, seen)
        return value

    def literal(self, schema: Mapping[str, Any], x: Shape) -> Any:
        """A value that a field's JSON Schema allows, and that may suit the shape."""
        if "anyOf" in schema:
            return self.literal(self.rng.choice(schema["anyOf"]), x)
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        kind = schema["type"]
        if kind == "array":
            return self.listed(schema, x)
        if kind == "integer":
            least = schema.get("minimum", -1)
            if self.odds(0.6):
                return least + self.rng.randint(0, 3)
            divisors = [n for n in (1, 2, 3, 4, 6, 8, 12) if x.channels % n == 0]
            return max(least, self.rng.choice((*divisors, x.channels, 2 * x.channels, 5, 16)))
        if kind == "number":
            least, most = schema.get("minimum", -2), schema.get("maximum", 8)
            if "exclusiveMinimum" in schema:
                least = 0.25
            return self.rng.choice([n for n in (0.25, 0.5, 1, 2, 0.0, 1.5) if least <= n <= most])
        return self.odds(0.5) if kind == "boolean" else None

    def listed(self, schema: Mapping[str, Any], x: Shape) -> list[Any]:
        """A list: one item for every axis, or sizes that make up the shape."""
        items = schema["items"]
        if items.get("type") == "integer" and self.odds(0.4):
            sizes = self.factors(x.size) if items.get("minimum", 0) < 0 else self.shares(x.channels)
            return sizes if self.odds(0.9) else list(x)
        fewest = schema.get("minItems", 0)
        count = fewest if schema.get("maxItems") == fewest else max(fewest, len(x.spatial))
        return [self.literal(items, x) for _ in range(count)]

    def factors(self, size: int) -> list[int]:
        """Sizes of a shape of so many elements, one of them perhaps left open."""
        sizes: list[int] = []
        for _ in range(self.rng.randint(0, 3)):
            factor = self.rng.choice([n for n in (1, 2, 3, 4, 8) if size % n == 0])
            sizes.append(factor)
            size //= factor
        sizes.append(size)
        self.rng.shuffle(sizes)
        if self.odds(0.3):
            sizes[self.rng.randrange(len(sizes))] = -1
        return sizes

    def shares(self, channels: int) -> list[int]:
        """Sizes that sum to the channels."""
        sizes: list[int] = []
        while channels > 1 and len(sizes) < 3 and self.odds(0.7):
            sizes.append(self.rng.randint(1, channels - 1))
            channels -= sizes[-1]
        return [*sizes, channels]

    def fitted(self, shape: Shape, wanted: Shape) -> list[Any]:
        """Lines that make a tensor of one shape one of another, in each turn and call the same."""
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

    # Structures and blocks, on one tensor; None where what they need is not there

    def body(
        self, taken: Shapes, scope: _Scope, depth: int, wanted: Shape | None, **values: Any
    ) -> tuple[list[Any], Shapes]:
        """A list of layers that makes one tensor, of a shape where one is wanted."""
        lines, outputs = self.stack(taken, scope, depth, **values)
        if len(outputs) > 1:
            joined = _outputs("concat", {}, outputs)
            if joined is None:
                return [], taken
            lines.append("concat")
            outputs = joined
        if wanted is not None:
            lines += self.fitted(outputs[0], wanted)
            outputs = (wanted,)
        return lines, outputs

    def sequential(
        self, taken: Shapes, scope: _Scope, depth: int
    ) -> tuple[str, Mapped, Shapes] | None:
        lines, outputs = self.stack(taken, scope, depth)
        return "sequential", {"layers": lines}, outputs

    def repeat(self, taken: Shapes, scope: _Scope, depth: int) -> tuple[str, Mapped, Shapes] | None:
        times = self.rng.choice((0, 1, 1, 2, 2, 3, 4))
        index = {} if self.odds(0.5) else {self.loop_name(scope): 0}
        self.is_sure &= times < 2 or not index
        wanted = None if times == 1 and self.odds(0.5) else taken[0]
        lines, outputs = self.body(taken, scope, depth, wanted, **index)
        form = {"times": self.written(times, self.seen(scope, taken)), "layers": lines}
        for name in index:
            form["index"] = name
        return "repeat", form, outputs if times else taken

    def loop_name(self, scope: _Scope) -> str:
        free = [name for name in ("i", "j", "s", "t", "row", "cell") if name not in scope.values]
        return self.rng.choice(free or ["i9"])

    def for_each(
        self, taken: Shapes, scope: _Scope, depth: int
    ) -> tuple[str, Mapped, Shapes] | None:
        names: list[str] = []
        for _ in range(self.rng.randint(1, 3)):
            names.append(self.loop_name(scope.inside(**dict.fromkeys(names))))
        names = list(dict.fromkeys(names))
        first = tuple(self.any_value() for _ in names)
        rows = [first] + [tuple(map(self.like, first)) for _ in range(self.rng.randint(0, 2))]
        self.is_sure &= len(rows) < 2
        wanted = None if len(rows) == 1 and self.odds(0.5) else taken[0]
        lines, outputs = self.body(taken, scope, depth, wanted, **dict(zip(names, first)))
        table = tuple(row if len(names) > 1 else row[0] for row in rows)
        form = {"bind": names, "in": self.written(table, self.seen(scope, taken)), "layers": lines}
        return "for_each", form, outputs

    def residual(
        self, taken: Shapes, scope: _Scope, depth: int
    ) -> tuple[str, Mapped, Shapes] | None:
        form: Mapped = {}
        seen = self.seen(scope, taken)
        connect = self.odds(0.8)
        if not connect or self.odds(0.3):
            form["connect"] = self.written(connect, seen)
        form["layers"], outputs = self.body(
            taken, scope, depth, taken[0] if self.odds(0.5) else None
        )
        if outputs != taken or self.odds(0.2):
            form["shortcut"], _ = self.body(taken, scope, depth, outputs[0])
        return "residual", form, outputs

    def branches(
        self, taken: Shapes, scope: _Scope, depth: int
    ) -> tuple[str, Mapped, Shapes] | None:
        count = self.rng.choice((1, 2, 2, 2, 3))
        merge = self.rng.choice(("concat", "add", "mul"))
        entering = taken[0]
        form: Mapped = {"merge": merge}
        if self.odds(0.4):
            form["split"] = entering.channels % count == 0 and self.odds(0.8)
            if form["split"]:
                entering = Shape(entering.channels // count, *entering.spatial)
        paths = []
        results: list[Shape] = []
        for _ in range(count):
            wanted = results[0] if results else None
            if wanted is not None and merge == "concat":
                if len(wanted) > 1 and len(entering) > 1 and wanted.spatial == entering.spatial:
                    wanted = entering
                elif len(wanted) == 1:
                    wanted = Shape(self.rng.randint(1, 9))
            lines, outputs = self.body((entering,), scope, depth, wanted)
            paths.append(lines)
            results += outputs
        outputs = tuple(results)
        joined = outputs if count == 1 else _outputs(merge, {}, outputs)
        if joined is None:
            return None
        return "branches", {**form, "paths": paths}, joined

    def call(self, taken: Shape, scope: _Scope) -> tuple[str, Mapped, Shapes]:
        """The call of a block, with lines before it where the tensor is not what it was made on."""
        block = self.rng.choice(self.blocks)
        arguments = block.form.get("args", {})
        seen = self.seen(scope, (block.input,))
        given = {
            name: self.written(value, seen)
            for name, value in block.given.items()
            if arguments[name] == "required" or self.odds(0.3)
        }
        if taken == block.input:
            return block.name, given, block.outputs
        lines = self.fitted(taken, block.input)
        return "sequential", {"layers": [*lines, {block.name: given}]}, block.outputs

    def shuffled(self, mapping: Mapped) -> Mapped:
        """The same in another order."""
        keys = list(mapping)
        self.rng.shuffle(keys)
        return {key: mapping[key] for key in keys}


@cache
def _fitting(count: int, axes: int) -> list[str]:
    """The layer types that take so many tensors, of so many spatial axes."""
    return [
        name
        for name, cls in layers.TYPES.items()
        if cls.axes[0] <= axes <= cls.axes[1]
        and (count >= 2 if cls.arity is None else count == cls.arity)
    ]


@cache
def _fields(type: str) -> list[tuple[layers.Field, Mapping[str, Any]]]:
    """The fields of a layer type, each with its JSON Schema."""
    return [(field, field.kind.schema()) for field in layers.fields_of(layers.find(type))]


def _outputs(type: str, values: Mapped, taken: Shapes) -> Shapes | None:
    """The shapes that a layer makes; None where it does not take these."""
    kinds = {field.name: field.kind for field, _ in _fields(type)}
    try:
        layer = layers.find(type)(**{key: kinds[key].parse(each) for key, each in values.items()})
        if isinstance(layer, Composite):
            inputs = input_tensors({str(index): shape for index, shape in enumerate(taken)})
            return tuple(tensor.shape for tensor in layer.build(Builder(), *inputs))
        return layer.placed(taken).outputs
    except Refusal:
        return None


def _frozen(value: Any) -> Any:
    """A value with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
