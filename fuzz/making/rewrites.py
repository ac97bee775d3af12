"""Documents that mean the same, otherwise written.

Each takes a document that is right, and makes one that costs the same line by line; None where
there is nothing to rewrite. Names of rows are another matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from fuzz.making.places import Path, at, changed, element_paths

#: What every element takes beside its own fields.
_COMMON = ("name", "from", "when", "trainable", "dtype")
#: The mappings whose order means something.
_ORDERED = ("variables", "args", "let", "input")


def reordered(rng: Random, data: Any) -> Any:
    """The keys of mappings in another order."""
    if isinstance(data, list):
        return [reordered(rng, each) for each in data]
    if not isinstance(data, dict):
        return data
    keys = list(data)
    rng.shuffle(keys)
    return {
        key: data[key]
        if key in _ORDERED and isinstance(data[key], dict)
        else reordered(rng, data[key])
        for key in keys
    }


def renamed(rng: Random, data: Any) -> Any:
    """Other names for layers and tensors, in `name`, `from`, `weights` and `outputs`."""
    names: dict[str, str] = {}

    def new(tensor: str) -> str:
        name, dot, part = tensor.partition(".")
        if name not in names:
            names[name] = f"{rng.choice(('z', 'Q_', 'n-'))}{len(names)}"
        return f"{names[name]}{dot}{part}"

    def tensors(value: Any) -> Any:
        return [new(each) for each in value] if isinstance(value, list) else new(value)

    inputs = data["input"] if isinstance(data["input"], dict) else {}
    names |= {name: name for name in ("input", *inputs)}

    def line(type: str, fields: dict[str, Any]) -> dict[str, Any]:
        for key, change in (("name", new), ("from", tensors), ("weights", new)):
            if key in fields:
                fields = {**fields, key: change(fields[key])}
        return {type: fields}

    result = _each_line(data, line)
    if "outputs" in data:
        result = {**result, "outputs": tensors(data["outputs"])}
    return result if len(names) > 1 + len(inputs) else None


def unrolled(rng: Random, data: Any) -> Any:
    """A `repeat` as its body, as often as it says; with an index, as a `for_each`."""
    path = _one(rng, data, "repeat", _can_be_unrolled)
    if path is None:
        return None
    fields = at(data, path)["repeat"]
    body = {"layers": fields["layers"]}
    if "index" in fields:
        turns = list(range(fields["times"]))
        new = {"for_each": {**_common(fields), "bind": [fields["index"]], "in": turns, **body}}
    else:
        new = _group(fields, [{"sequential": body}] * fields["times"])
    return changed(data, path, lambda _: new)


def _can_be_unrolled(fields: Mapping[str, Any]) -> bool:
    return type(fields["times"]) is int and not fields.get("share_weights")


def row_by_row(rng: Random, data: Any) -> Any:
    """A `for_each` as one for each row."""
    path = _one(rng, data, "for_each", lambda fields: isinstance(fields["in"], list))
    if path is None:
        return None
    fields = at(data, path)["for_each"]
    own = {"bind": fields["bind"], "layers": fields["layers"]}
    new = _group(fields, [{"for_each": {**own, "in": [row]}} for row in fields["in"]])
    return changed(data, path, lambda _: new)


def as_branches(rng: Random, data: Any) -> Any:
    """A `residual` as the two paths that it is."""
    path = _one(rng, data, "residual", lambda fields: fields.get("connect", True) is True)
    if path is None:
        return None
    fields = at(data, path)["residual"]
    paths = [fields["layers"], fields.get("shortcut", [])]
    new = {"branches": {**_common(fields), "merge": "add", "paths": paths}}
    return changed(data, path, lambda _: new)


def split_apart(rng: Random, data: Any) -> Any:
    """`branches` that split as a `split` and paths that take its parts."""
    path = _one(rng, data, "branches", lambda f: f.get("split") is True and len(f["paths"]) > 1)
    if path is None:
        return None
    fields = at(data, path)["branches"]
    parts = {"split": {"name": _FRESH, "sections": len(fields["paths"])}}
    paths = [
        [{"sequential": {"from": f"{_FRESH}.{number}", "layers": each}}]
        for number, each in enumerate(fields["paths"])
    ]
    new = _group(fields, [parts, {"branches": {"merge": fields["merge"], "paths": paths}}])
    return changed(data, path, lambda _: new)


def inlined(rng: Random, data: Any) -> Any:
    """The calls of a block as its lines, around which its arguments are names of a table."""
    called = [name for name in data.get("blocks", ()) if _can_be_inlined(data, name)]
    if not called:
        return None
    name = rng.choice(called)
    block = data["blocks"][name]
    others = {key: each for key, each in data["blocks"].items() if key != name}
    data = {**data, "blocks": others}

    def line(type: str, fields: dict[str, Any]) -> dict[str, Any]:
        return _inline(block, fields) if type == name else {type: fields}

    return _each_line(data, line)


def _can_be_inlined(data: Any, name: str) -> bool:
    """Whether a block is called, and no call is one of a layer with the weights of another."""
    calls = [at(data, path) for path in _calls(data, name)]
    fields = [call[name] or {} for call in calls if isinstance(call, dict)]
    return bool(calls) and not any("weights" in each for each in fields)


#: A name that nothing else has.
_FRESH = "fresh-tensor"


def _inline(block: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A call as the block's lines."""
    arguments = block.get("args", {})
    given = {key: value for key, value in fields.items() if key not in _COMMON}
    defaults = {key: value for key, value in arguments.items() if key not in given}
    # A group without a layer hands on what it takes, and names it.
    entering = {"sequential": {"name": _FRESH, "layers": []}}
    lines = [entering, *_each_line({"layers": block["layers"]}, _from_fresh)["layers"]]
    for key, value in reversed([*defaults.items(), *block.get("let", {}).items()]):
        lines = [{"for_each": {"bind": [key], "in": [[value]], "layers": lines}}]
    if given:
        row = list(given.values())
        lines = [{"for_each": {"bind": list(given), "in": [row], "layers": lines}}]
    return _group(fields, lines)


def _from_fresh(type: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A line of a block that takes what entered it by another name."""

    def new(tensor: str) -> str:
        return re.sub(r"^input(?=\.|$)", _FRESH, tensor)

    if "from" in fields:
        names = fields["from"]
        fields = {
            **fields,
            "from": list(map(new, names)) if isinstance(names, list) else new(names),
        }
    return {type: fields}


def _calls(data: Any, name: str) -> Iterator[Path]:
    """The calls of a block."""
    for path in element_paths(data):
        line = at(data, path)
        if line == name or (isinstance(line, dict) and name in line):
            yield path


def _one(
    rng: Random, data: Any, structure: str, fits: Callable[[dict[str, Any]], bool]
) -> Path | None:
    """The path of one structure of a kind."""
    found = [path for path in _calls(data, structure) if fits(at(data, path)[structure])]
    return rng.choice(found) if found else None


def _common(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: fields[key] for key in _COMMON if key in fields}


def _group(fields: Mapping[str, Any], lines: list[Any]) -> dict[str, Any]:
    """Lines in the place of one that had these fields."""
    return {"sequential": {**_common(fields), "layers": lines}}


def _each_line(data: Any, change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Any:
    """The document with every element changed, from the inside out."""
    for path in reversed(list(element_paths(data))):
        line = at(data, path)
        type, fields = next(iter(line.items())) if isinstance(line, dict) else (line, None)
        new = change(type, fields or {})
        data = changed(data, path, lambda _, new=new: new)  # type: ignore[misc]
    return data


#: By the name of what they leave as it is.
REWRITES: Mapping[str, Callable[[Random, Any], Any]] = {
    "the order of keys": reordered,
    "the names of layers": renamed,
    "a repeat unrolled": unrolled,
    "a table row by row": row_by_row,
    "a residual as branches": as_branches,
    "a split of its own": split_apart,
    "a block inlined": inlined,
}
