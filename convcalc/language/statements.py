"""What the lines of a spec become: values, calls, statements; and what its forms are made with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import core_schema

from convcalc import layers
from convcalc.diagnostics import Mark
from convcalc.expressions import Expression
from convcalc.language import reader
from convcalc.layers.fields import Whole
from convcalc.words import counted, describe, listed

#: The default of a block's argument that must be given.
REQUIRED = "required"
#: What the turns of a `repeat` are, and a size of a shape.
TIMES, SIZE = Whole(0), Whole(1)
#: What joins the paths of `branches`.
MERGES = ("concat", "add", "mul")


class Items(NamedTuple):
    """A list in which at least one item is an expression."""

    items: tuple[Any, ...]
    marks: reader.Marks

    def mark_of(self, index: int) -> Mark:
        """The place of an item."""
        return self.marks[index]


#: A value of a spec: a number, a text, a truth value, a tuple of these; or yet to be evaluated.
Value = int | float | str | bool | tuple[Any, ...] | Expression | Items | None


class WrongRow(NamedTuple):
    """What is said of a row of a table that has not one cell for each name."""

    message: str
    help: str


def wrong_row(cells: int, names: tuple[str, ...]) -> WrongRow | None:
    """What is said of a row of so many cells; None where it has one for each name."""
    if cells == len(names):
        return None
    given = counted(cells, "value")
    message = f"this row has {given} for the {counted(len(names), 'name')} of `bind`"
    if len(names) == 1:
        return WrongRow(
            message, f"the name is {names[0]}; a row whose only cell is a list is [[1, 2]]"
        )
    return WrongRow(message, f"the names are {listed(names)}")


def expressions_in(value: Value) -> Iterator[Expression]:
    """The expressions that a value is made of."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Items):
        for item in value.items:
            yield from expressions_in(item)


class Checked:
    """Says in a form's field by which check of the language, and which definition of the schema."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Checked({self.name!r})"

    def __call__(self, placed: Any) -> Any:
        """What the check makes of a value, which knows the checks."""
        return placed.checked(self.name)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(self)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, str]:
        return {"$ref": f"#/$defs/{self.name}"}


def built_form(**fields: Any) -> dict[str, Any]:
    """The core schema of a form, as far as it validates, as pydantic makes it of a model."""
    of_fields = {"type": "model-fields", "fields": fields}
    config = {"extra_fields_behavior": "forbid"}
    return {"type": "model", "cls": BuiltForm, "config": config, "schema": of_fields}


def built_field(check: str, *default: Any, **alias: str) -> dict[str, Any]:
    """The core schema of a form's field; one that has a default may be left out."""
    function = {"type": "no-info", "function": Checked(check)}
    schema: dict[str, Any] = {"type": "function-plain", "function": function}
    if default:
        schema = {"type": "default", "schema": schema, "default": default[0]}
    return {"type": "model-field", "schema": schema, **alias}


class BuiltForm:
    """What a run makes in place of a model of `forms.py`: it has the same attributes."""

    # Those that pydantic's core sets on what it makes.
    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )


class Call(NamedTuple):
    """A layer or a block: its known values, and those to be evaluated, by canonical name.

    `names` are those that the open values read. The rest is said in `forms.Layer`. Equal lines
    without open values share one call.
    """

    settled: Mapping[str, Any]
    open: Mapping[str, Value]
    names: tuple[str, ...]
    name: str | None = None
    from_: tuple[str, ...] = ()
    when: Value = True
    trainable: Value = True
    dtype: str | None = None
    weights: str | None = None
    functional: bool = False
    output_shape: Value = None

    @classmethod
    def of(cls, values: Mapping[str, Value], common: Mapping[str, Any]) -> Call:
        """The call with these values of its own, and these that all calls have."""
        open_ = {key: v for key, v in values.items() if isinstance(v, (Expression, Items))}
        settled = {key: v for key, v in values.items() if key not in open_}
        read = {name for v in open_.values() for each in expressions_in(v) for name in each.names}
        return cls(settled, open_, tuple(read), **common)


class Statement(NamedTuple):
    """An element of a `layers` list. `type` is a layer type, a block or a structure."""

    type: str
    #: A Call, or the structure's form.
    body: Any
    #: The marks among which that of the type is, and its index.
    marks: reader.Marks
    mark_index: int
    #: What stands under the type, with its marks.
    origin: reader.Mapping

    @property
    def mark(self) -> Mark:
        """The place of the type."""
        return self.marks[self.mark_index]

    def mark_of(self, field: str, index: int | None = None) -> Mark:
        """The place of a field's value, or of an item of it; of the type where it is left out."""
        key = self.key_of(field)
        if index is not None:
            return self.item_mark(field, index)
        return self.mark if key is None else self.origin.mark_of(key)

    def item_mark(self, field: str, index: int) -> Mark:
        """The place of an item of a field's value; of the value where that is no list."""
        value = self.origin.get(field)
        return value.mark_of(index) if isinstance(value, reader.Sequence) else self.mark_of(field)

    def key_of(self, field: str) -> str | None:
        """The name that the field goes by in the file; None where it is left out."""
        for key in self.origin:
            if key == field or field in layers.SHORT_NAMES.get(key, ()):
                return key
        return None

    def written(self, **more: Any) -> str:
        """The line as a spec has it, with more fields."""
        fields = {key: more.pop(key) for key in ("name",) if key in more}
        fields |= {**self.origin, **more}
        return f"- {self.type}: {_flow(fields)}" if fields else f"- {self.type}"


def _flow(value: Any) -> str:
    """What was read as YAML between braces or brackets."""
    if isinstance(value, dict):
        return f"{{{', '.join([f'{key}: {_flow(each)}' for key, each in value.items()])}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str):
        plain = not re.search(r"[][{},#&*!|>'\"%@`]|: |^[-?:]", value)
        return value if plain else f'"{value}"'
    return describe(value) if value is not None else "null"


#: A `layers` list.
Stack = tuple[Statement, ...]


def is_sequential(layers: Stack) -> bool:
    """Whether an `nn.Sequential` can run a list: one module after the other, each on the last's."""
    return all(map(_follows, layers))


def _follows(st: Statement) -> bool:
    """Whether a line is modules that take what the line above makes, and nothing else."""
    if st.body.from_ or st.type in ("residual", "branches"):
        return False
    if not isinstance(st.body, Call):
        return is_sequential(st.body.layers)
    layer = layers.TYPES.get(st.type)  # a block has none
    return not (st.body.functional or (layer is not None and layer.inline))
