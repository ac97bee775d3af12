"""The reference page of the Python API, made from signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import convcalc
from convcalc import Limits, passes
from convcalc.costs import FIGURES
from convcalc.words import listed

_HEAD = """\
# Python

```python
>>> import convcalc
>>> network = convcalc.load("mobilenet_v2", alpha=0.5)
>>> network
Network('MobileNetV2', 153 layers, input 3×224×224)
>>> analysis = network.analyze(convention="fvcore", dtype="int8")
>>> analysis.totals.params, analysis.totals.weight_bytes
(1968680, 1987224)
>>> analysis.rows["stem.conv"].output_shapes
((16, 112, 112),)
>>> max(analysis.folded(1).rows, key=lambda row: row.macs).name
'inverted_residual_3'
>>> network.at(resolution=160).totals.macs
50184000
```

`load` takes the name of a spec in the zoo, or the path of one's own; `loads` takes its text.
Variables of the spec are arguments, and `at` is the same network at others. An analysis has a row
a layer: `rows` is a tuple in which a row is also found by its name, or by the end of it where no
other ends so. `folded(1)` sums each block up.

One layer needs no spec. What is not given stays a symbol, and a figure that hangs on it is None:

```python
>>> conv = convcalc.layer("conv", kernel_size=3, padding=1, bias=False)
>>> conv.params, conv.formulas["params"]
(None, '9·C_in·C_out')
>>> convcalc.layer("conv", input="3x224x224", out=64, k=3, p=1, bias=False).params
1728
>>> print(convcalc.layer("linear", input=784, out=10))
linear: out_features 10, bias true, per_position false
...
  params = F_in·F_out + F_out
         = 784·10 + 10
         = 7,850
...
```

The zoo is a tuple of its networks:

```python
>>> [each.name for each in convcalc.networks() if each.family == "resnet" and each.macs < 4e9]
['resnet18', 'resnet34']
>>> convcalc.networks()["resnet50"]
ZooNetwork('resnet50', input 3×224×224, 25,557,032 params, 4,089,184,256 MACs)
```

A `Space` is for searches: what it finds out of its networks it keeps, so that a loop evaluates
thousands of settings a second one at a time, and a million in columns. It draws settings at random,
and counts and chooses among more than anyone can walk:

```python
>>> space = convcalc.Space(network, {"alpha": "0.25:1.4:0.05", "resolution": "128:256:32"})
>>> space.evaluate({"alpha": [0.5, 0.75], "resolution": [192, 160]}, "macs").rows[0]["macs"]
71701760
>>> drawn = space.sample(20, seed=1, max={"macs": "300M"}, where="params >= 2M")
>>> len(drawn), max(row["macs"] for row in drawn) <= 300_000_000
(20, True)
>>> space.solve(max={"macs": "300M", "params": "3M"})
Solution('MobileNetV2', macs ≤ 300,000,000, params ≤ 3,000,000: alpha=0.8, resolution=256)
```

In a notebook a network and an analysis show their blocks, which open and close; an explanation and
the zoo show tables. `to_dataframe()` makes a data frame of an analysis or of the zoo with pandas or
polars, whichever is there.

What is wrong with a spec or an argument raises `ConvcalcError`, with the cure in its text and the
place in its `diagnostics`. A name that is not there is a `KeyError` as well:

```python
>>> analysis.rows["stem.cnov"]
Traceback (most recent call last):
convcalc.named.UnknownName: the analysis has no layer `stem.cnov`
  = did you mean `stem.conv` or `stem.batch_norm`? `rows.names` lists the names of its rows
```

Results cannot be changed. They can be compared, copied and pickled, and used by several threads at
a time, of which each may be the first.
"""

#: What a reader meets first; other public names follow.
_ORDER = (
    *("load", "loads", "layer", "compare", "solve_layer", "networks", "spec_of"),
    *("Network", "Analysis", "Rows", "Row", "Figures", "Explanation", "Verification"),
    *("Checked", "Verdict", "Budget"),
    *("Memory", "MemoryStep", "Training", "Sizes"),
    *("ReceptiveFields", "ReceptiveField", "Span", "Way", "Jump", "Roofline"),
    *("Comparison", "Aligned"),
    *("Space", "Evaluation", "Sweep", "Count", "Pareto", "Solution", "Found"),
    *("LayerSolutions", "LayerSolution"),
    *("ZooNetworks", "ZooNetwork", "Graph", "Node", "Shape", "Limits"),
    *("Difference", "ConvcalcError", "Diagnostic"),
)


def page() -> str:
    """docs/api.md."""
    names = [name for name in convcalc.__all__ if name != "__version__"]
    names.sort(key=lambda name: (*_ORDER, name).index(name))
    lines = [_HEAD, "The page from here on is made from the code (`python -m docs.generate`).", ""]
    lines.append(", ".join(f"[{name}](#{name.lower()})" for name in names))
    for name in names:
        lines += ["", *_entry(name, getattr(convcalc, name))]
    return "\n".join(lines) + "\n"


def _entry(name: str, thing: Any) -> Iterator[str]:
    """A public name: what it is called with, what it says of itself, what it has."""
    yield from (f"## {name}", "")
    if not inspect.isclass(thing):
        yield from _called(f"convcalc.{name}", thing)
        yield from ("", *_prose(thing))
        return
    yield from _prose(thing)
    if thing is convcalc.Figures:
        passes.known()  # which register theirs
        yield from ("", f"The keys are {listed(FIGURES, 100)}.")
    bases = [each for each in thing.__mro__[1:] if _is_public(each)]
    for base in bases:
        yield from ("", f"It has what a [{base.__name__}](#{base.__name__.lower()}) has, and:")
    members = list(_members(thing, bases))
    attributes = [] if bases else list(_fields(thing))
    attributes += [
        f"| `{member}` | {_type_of(value)} | {_line(value)} |"
        for member, value in members
        if isinstance(value, property)
    ]
    if attributes:
        yield from ("", "| attribute | type | |", "| --- | --- | --- |", *attributes)
    for member, value in members:
        if not isinstance(value, property):
            yield from ("", f"### {name}.{member}", "")
            yield from _called(member, getattr(thing, member))
            yield from ("", *_prose(value))


def _is_public(cls: type) -> bool:
    return cls.__name__ in convcalc.__all__ and getattr(convcalc, cls.__name__) is cls


def _type_of(value: property) -> str:
    return _cell(inspect.signature(value.fget).return_annotation) if value.fget else ""


def _cell(type: str) -> str:
    """A type in a table."""
    return f"`{type.strip()}`".replace("|", r"\|")


def _line(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


def _called(name: str, function: Any) -> Iterator[str]:
    """The signature of a function, in lines that are not long."""
    signature = inspect.signature(function)
    parameters = [each for each in signature.parameters.values() if each.name != "self"]
    shown = signature.replace(
        parameters=[
            each.replace(default=_Shown("Limits()")) if each.default == Limits() else each
            for each in parameters
        ]
    )
    text = f"{name}{shown}".replace("'", '"')
    text = re.sub(r': "([^"]+)"', r": \1", re.sub(r'-> "([^"]+)"', r"-> \1", text))
    if len(text) > 100:
        head, rest = text[len(name) :].split(") -> ")
        inside = re.split(r", (?![^\[]*\])", head[1:])
        text = "\n".join([f"{name}(", *(f"    {each}," for each in inside), f") -> {rest}"])
    yield from ("```python", text, "```")


class _Shown:
    """A default as a reader writes it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _prose(thing: Any) -> Iterator[str]:
    """A docstring, its examples as code."""
    inside = False
    for line in (inspect.getdoc(thing) or "").split("\n"):
        if not inside and line.startswith(">>>"):
            inside = True
            yield "```python"
        elif inside and not line:
            inside = False
            yield "```"
        yield line
    if inside:
        yield "```"


def _fields(cls: type) -> Iterator[str]:
    """The fields of a named tuple: their types, and what the comments above them say."""
    known = getattr(cls, "_fields", ())
    home = next((each for each in cls.__mro__ if each.__dict__.get("_fields")), cls)
    cells: dict[str, str] = {}
    said: list[str] = []
    for line in inspect.getsource(home).split("\n") if known else ():
        if found := re.match(r"    #: (.*)", line):
            said.append(found[1])
            continue
        if found := re.match(r"    (\w+): ([^=#]+)", line):
            cells[found[1]] = f"{_cell(found[2])} | {' '.join(said)}"
        said = []
    yield from (f"| `{field}` | {cells[field]} |" for field in known)


def _members(cls: type, bases: list[type]) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, with those of the `bases` left out."""
    seen = {name for base in bases for name in dir(base)} | set(getattr(cls, "_fields", ()))
    for base in cls.__mro__:
        for name, value in vars(base).items() if base.__module__.startswith("convcalc") else ():
            plain = inspect.isfunction(value) or isinstance(value, (property, classmethod))
            hidden = name.startswith("_") or getattr(value, "__name__", "").startswith("_")
            if plain and not hidden and name not in seen:
                seen.add(name)
                yield name, value
