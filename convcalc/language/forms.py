"""The forms of a spec: which fields each has, declared once, with type, text and examples.

From these models come the check of every spec, the JSON Schema and what an editor shows. Fields are
checked in their order, in which names come into reach too. What `Checked` names is looked up while
a spec is checked (`check.CHECKS`) and in the schema's definitions (`schema.py`). A run does not
import this module: pydantic alone takes longer than the run. It has `built.py`, which
`docs/built_forms.py` makes of the models.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from convcalc.language.statements import Checked, Stack, Value

Condition = Annotated[Value, Checked("condition")]
Layers = Annotated[Stack, Checked("layers")]
Tensors = Annotated[tuple[str, ...], Checked("tensors")]
Text = Annotated[str, Checked("text")]
Truth = Annotated[bool, Checked("truth")]
Values = Annotated[dict[str, Value], Checked("values")]


class Form(BaseModel):
    """What is written as a mapping with fields of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Element(Form):
    """What every element of a `layers` list takes."""

    name: Annotated[str | None, Checked("layer_name")] = Field(
        None,
        description="names the tensor that it makes, for `from`",
        examples=["stem"],
    )
    from_: Tensors = Field(
        (),
        alias="from",
        description="the name of the tensor that it takes, or a list of them; the line above when"
        " left out",
        examples=["stem", ["left", "right"]],
    )
    when: Condition = Field(
        True,
        description="where this is false, the layer is left out",
        examples=["stride == 1"],
    )


class Layer(Element):
    """What a layer takes beside the fields of its type."""

    functional: Truth = Field(
        False,
        description="whether the modelled code calls a function for it instead of a module",
        examples=[True],
    )


class Structure(Element):
    """Layers inside an element; every subclass is a structure of the language."""


class Sequential(Structure):
    """A group under one name."""

    layers: Layers = Field(
        description="the layers of the group, one after the other",
        examples=[[{"conv": {"out": 32, "k": 3}}, "relu"]],
    )


class Repeat(Structure):
    """The same layers several times, one after the other."""

    times: Annotated[Value, Checked("times")] = Field(
        description="how often", examples=[3, "depth - 1"]
    )
    index: Annotated[str | None, Checked("index")] = Field(
        None,
        description="the name of the turn's number in expressions, from 0",
        examples=["i"],
    )
    layers: Layers = Field(
        description="the layers of one turn", examples=[[{"conv": {"out": "32 * (i + 1)", "k": 3}}]]
    )


class ForEach(Structure):
    """The same layers once for each row of a table, whose cells get names."""

    rows: Annotated[Value, Checked("rows")] = Field(
        alias="in",
        description="the rows, each a list with one cell for every name",
        examples=[[[64, 1], [128, 2]]],
    )
    bind: Annotated[tuple[str, ...], Checked("bind")] = Field(
        description="the names of a row's cells", examples=[["channels", "stride"]]
    )
    layers: Layers = Field(
        description="the layers of one turn",
        examples=[[{"conv": {"out": "channels", "k": 3, "s": "stride"}}]],
    )


class Residual(Structure):
    """A body plus a shortcut around it."""

    layers: Layers = Field(
        description="the body", examples=[[{"conv": {"out": 64, "k": 3, "p": 1}}]]
    )
    shortcut: Layers = Field(
        (),
        description="the layers of the shortcut; the identity when left out",
        examples=[[{"conv": {"out": 64, "k": 1}}]],
    )
    connect: Condition = Field(
        True,
        description="where this is false, the body stands alone; true when left out",
        examples=["stride == 1"],
    )


class Branches(Structure):
    """Paths side by side, and what joins them."""

    paths: Annotated[tuple[Stack, ...], Checked("paths")] = Field(
        description="the paths, each a list of layers; an empty one is the identity",
        examples=[[[], [{"conv": {"out": 64, "k": 1}}]]],
    )
    merge: Annotated[str, Checked("merge")] = Field(
        description="what joins them: `concat`, `add` or `mul`", examples=["concat"]
    )
    split: Truth = Field(
        False,
        description="whether each path gets an equal share of the channels, not all; false when"
        " left out",
        examples=[True],
    )


class Block(Form):
    """A stack of layers with arguments, which is used by its name."""

    args: Annotated[dict[str, Value], Checked("arguments")] = Field(
        {},
        description="the arguments, each with its default, or `required`",
        examples=[{"out": "required", "k": 3}],
    )
    let: Values = Field(
        {},
        description="names for values that are worked out once, when the block is entered",
        examples=[{"hidden": "out // 4"}],
    )
    layers: Layers = Field(
        description="the layers", examples=[[{"conv": {"out": "hidden", "k": 1}}, "relu"]]
    )


class Spec(Form):
    """A network, or a family of networks."""

    name: Text = Field(description="what tables call the network", examples=["LeNet"])
    source: Text = Field(
        "",
        description="where the numbers can be checked",
        examples=["LeCun et al. 1998, figure 2"],
    )
    description: Text = Field("", description="free text", examples=["A small network."])
    variables: Values = Field(
        {},
        description="the numbers that a user may set, each with its default",
        examples=[{"alpha": 1.0}],
    )
    presets: Annotated[dict[str, dict[str, Value]], Checked("presets")] = Field(
        {}, description="named settings of variables", examples=[{"small": {"alpha": 0.5}}]
    )
    input: Annotated[dict[str, Value], Checked("inputs")] = Field(
        description="`[channels, height, width]`, `[channels, length]` or `[features]`, without the"
        " batch; a mapping of names to such lists for several inputs",
        examples=[[3, 224, 224], {"left": [3, 64, 64], "right": [3, 64, 64]}],
    )
    blocks: Annotated[dict[str, Block], Checked("blocks")] = Field(
        {},
        description="stacks of layers that are used by name",
        examples=[
            {"unit": {"args": {"out": "required"}, "layers": [{"conv": {"out": "out", "k": 3}}]}}
        ],
    )
    layers: Annotated[Stack, Checked("network")] = Field(
        description="the network", examples=[[{"conv": {"out": 32, "k": 3}}, "relu"]]
    )
    outputs: Tensors = Field(
        (),
        description="the names of the layers whose tensors leave the network; the last layer's when"
        " left out",
        examples=["head", ["small", "large"]],
    )


def name(form: type[Form]) -> str:
    """What the language calls a form: `for_each` for `ForEach`."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", form.__name__).lower()


#: The structures of the language, by name, and the other forms.
STRUCTURES = {name(form): form for form in Structure.__subclasses__()}
OTHERS = {name(form): form for form in (Element, Layer, Block, Spec)}
