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
    """What is written as a mapping with fields of its own; the text below each says what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Element(Form):
    """What every element of a `layers` list takes."""

    name: Annotated[str | None, Checked("layer_name")] = Field(None, examples=["stem"])
    """names the tensor that it makes, for `from`"""
    from_: Tensors = Field((), alias="from", examples=["stem", ["left", "right"]])
    """the name of the tensor that it takes, or a list of them; the line above when left out"""
    when: Condition = Field(True, examples=["stride == 1"])
    """where this is false, the layer is left out"""
    trainable: Condition = Field(True, examples=[False, "stage > frozen_stages"])
    """where this is false, training leaves the weights of all that is in it as they are"""
    dtype: Annotated[str | None, Checked("dtype")] = Field(None, examples=["float16"])
    """the type of a number in the weights and the outputs of all that is in it; that of the whole
    network when left out"""


class Call(Element):
    """What a layer and the call of a block take beside that."""

    weights: Annotated[str | None, Checked("weights")] = Field(None, examples=["left"])
    """the name of a layer or block above that is built in the same way: this one uses its weights,
    which count once; its own when left out"""


class Layer(Call):
    """What a layer takes beside the fields of its type."""

    functional: Truth = Field(False, examples=[True])
    """whether the modelled code calls a function for it instead of a module"""
    output_shape: Annotated[Value, Checked("output_shape")] = Field(None, examples=[[64, 56, 56]])
    """the shape of what it makes, `[channels, *spatial]`; only checked"""


class Structure(Element):
    """Layers inside an element; every subclass is a structure of the language."""


class Sequential(Structure):
    """A group under one name."""

    layers: Layers = Field(examples=[[{"conv": {"out": 32, "k": 3}}, "relu"]])
    """the layers of the group, one after the other"""


class Repeat(Structure):
    """The same layers several times, one after the other."""

    times: Annotated[Value, Checked("times")] = Field(examples=[3, "depth - 1"])
    """how often"""
    index: Annotated[str | None, Checked("index")] = Field(None, examples=["i"])
    """the name of the turn's number in expressions, from 0"""
    share_weights: Truth = Field(False, examples=[True])
    """whether all turns use the weights of the first, which count once; false when left out"""
    layers: Layers = Field(examples=[[{"conv": {"out": "32 * (i + 1)", "k": 3}}]])
    """the layers of one turn"""


class ForEach(Structure):
    """The same layers once for each row of a table, whose cells get names."""

    rows: Annotated[Value, Checked("rows")] = Field(alias="in", examples=[[[64, 1], [128, 2]]])
    """the rows, each a list with one cell for every name, or the cell alone for one name"""
    bind: Annotated[tuple[str, ...], Checked("bind")] = Field(examples=[["channels", "stride"]])
    """the names of a row's cells"""
    layers: Layers = Field(examples=[[{"conv": {"out": "channels", "k": 3, "s": "stride"}}]])
    """the layers of one turn"""


class Residual(Structure):
    """A body plus a shortcut around it."""

    layers: Layers = Field(examples=[[{"conv": {"out": 64, "k": 3, "p": 1}}]])
    """the body"""
    shortcut: Layers = Field((), examples=[[{"conv": {"out": 64, "k": 1}}]])
    """the layers of the shortcut; the identity when left out"""
    connect: Condition = Field(True, examples=["stride == 1"])
    """where this is false, the body stands alone; true when left out"""


class Branches(Structure):
    """Paths side by side, and what joins them."""

    paths: Annotated[tuple[Stack, ...], Checked("paths")] = Field(
        examples=[[[], [{"conv": {"out": 64, "k": 1}}]]]
    )
    """the paths, each a list of layers; an empty one is the identity"""
    merge: Annotated[str, Checked("merge")] = Field(examples=["concat"])
    """what joins them: `concat`, `add` or `mul`"""
    split: Truth = Field(False, examples=[True])
    """whether each path gets an equal share of the channels, not all; false when left out"""


class Block(Form):
    """A stack of layers with arguments, which is used by its name."""

    args: Annotated[dict[str, Value], Checked("arguments")] = Field(
        {}, examples=[{"out": "required", "k": 3}]
    )
    """the arguments, each with its default, or `required`"""
    let: Values = Field({}, examples=[{"hidden": "out // 4"}])
    """names for values that are worked out once, when the block is entered"""
    module: Condition = Field(None, examples=[True, "k == 3"])
    """whether the modelled code has a module class of its own for it, which is no
    `nn.Sequential`; when left out, where none could run it: it has branches, a residual, a `from`,
    or a layer that is `functional` or has no module in PyTorch"""
    layers: Layers = Field(examples=[[{"conv": {"out": "hidden", "k": 1}}, "relu"]])
    """the layers"""


class Spec(Form):
    """A network, or a family of networks."""

    name: Text = Field(examples=["LeNet"])
    """what tables call the network"""
    source: Text = Field("", examples=["LeCun et al. 1998, figure 2"])
    """where the numbers can be checked"""
    description: Text = Field("", examples=["A small network."])
    """free text"""
    notes: Annotated[dict[str, str], Checked("notes")] = Field(
        {}, examples=[{"torchsummary": "also counts StochasticDepth, which is no layer here"}]
    )
    """what to know of the sizes that a tool prints, by the name of the definition: where it counts
    what is no layer, or stops"""
    variables: Values = Field({}, examples=[{"alpha": 1.0}])
    """the numbers that a user may set, each with its default"""
    presets: Annotated[dict[str, dict[str, Value]], Checked("presets")] = Field(
        {}, examples=[{"small": {"alpha": 0.5}}]
    )
    """named settings of variables"""
    budgets: Annotated[dict[str, int], Checked("budgets")] = Field(
        {}, examples=[{"macs": "300M", "params": "4M"}]
    )
    """the most that figures of the totals may come to, by their names, which `convcalc check` holds
    the network against; amounts may have k, M, G or KiB, MiB, GiB"""
    input: Annotated[dict[str, Value], Checked("inputs")] = Field(
        description="`[channels, height, width]`, `[channels, length]` or `[features]`, without the"
        " batch; a mapping of names to such lists for several inputs",
        examples=[[3, 224, 224], {"left": [3, 64, 64], "right": [3, 64, 64]}],
    )
    blocks: Annotated[dict[str, Block], Checked("blocks")] = Field(
        {},
        examples=[
            {"unit": {"args": {"out": "required"}, "layers": [{"conv": {"out": "out", "k": 3}}]}}
        ],
    )
    """stacks of layers that are used by name"""
    layers: Annotated[Stack, Checked("network")] = Field(
        examples=[[{"conv": {"out": 32, "k": 3}}, "relu"]]
    )
    """the network"""
    outputs: Tensors = Field((), examples=["head", ["small", "large"]])
    """the names of the layers whose tensors leave the network; the last layer's when left out"""


def name(form: type[Form]) -> str:
    """What the language calls a form: `for_each` for `ForEach`."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", form.__name__).lower()


#: The structures of the language, by name, and the other forms.
STRUCTURES = {name(form): form for form in Structure.__subclasses__()}
OTHERS = {name(form): form for form in (Element, Call, Layer, Block, Spec)}
