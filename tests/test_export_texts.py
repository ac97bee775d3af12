"""What a spec says in words, in the Python that it is exported to: it stays words and names.

Nothing of a spec may become a statement, whatever its texts are; all of its names are names there.
"""

from __future__ import annotations

import ast
import builtins
import json
import symtable
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from convcalc import api, exporters
from convcalc.diagnostics import ConvcalcError
from convcalc.exporters.base import Model
from convcalc.exporters.python.layout import docstring
from convcalc.exporters.pytorch import _OF_MODULES
from fuzz.making.document import document

FORMATS = ("keras", "pytorch")
#: Texts that would be more than a text where they are not written with care.
TEXTS = (
    '"""\nprint("PWNED")\n"""',
    "'''\nprint('PWNED')\n'''",
    '"; print("PWNED"); "',
    "ends with a quote\"",
    'ends with three"""',
    '"""begins with three',
    '""""""" seven of them """""""',
    "ends with a backslash\\",
    "\\N{x} \\x \\u12 \\",
    '\\"""\nprint("PWNED")\n\\"""',
    "\u2028print('PWNED')\u2029",
    "\u202edesrever \u200b",
    "a" * 99 + "\\" * 20 + '"' * 30,
    "{name} %s {0!r}",
    "# no comment",
    "2⁵³ ﷺ ͺ ﬁ ² º İß",
)  # fmt: skip
#: Names that mean something else in Python, or become another name's there.
NAMES = (
    *("in", "lambda", "None", "class", "match", "type", "print", "len", "range", "int", "max"),
    *("x", "y", "z", "self", "nn", "F", "torch", "keras", "layers", "ops", "math", "_", "__"),
    *("__x", "__init__", "__call__", "__class__", "_apply", "_modules", "_in", "_1", "__dict__"),
    *("forward", "train", "training", "load_state_dict", "to_empty", "state_dict", "append"),
    *("inputs", "outputs", "name_", "super", "Conv2d", "DropPath", "Net", "channels", "x1", "y_2"),
    *("ﬁ", "fi", "ſ", "s", "in_", "in__", "K", "º", "branch_1", "shortcut", "part_1", "args"),
    *("Opaque", "reshape_", "cut_", "as_model", "Scale", "Parameter_", "turn", "body", "net"),
)  # fmt: skip


def exported(data: Any, format: str, preset: str | None = None) -> str:
    opened = api.opened(json.dumps(data), preset=preset)
    content = exporters.find(format).content(Model(opened.request.document, opened.at({})))
    assert isinstance(content, str)
    content.encode()
    return content


def names_nobody_defines(code: str) -> set[str]:
    """The names that functions take from a file that does not have them."""
    table = symtable.symtable(code, "exported.py", "exec")
    known = {each.get_name() for each in table.get_symbols() if not each.is_referenced()}
    known |= {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    known |= {each.get_name() for each in table.get_symbols() if each.is_imported()}
    return {*_globals(table)} - known - {*vars(builtins)}


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _globals(inner)


def _attributes(code: str) -> Iterator[str]:
    """The attributes of `self` that classes of a file make, those of its helpers left out."""
    for each in ast.walk(ast.parse(code)):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            yield each.attr


def with_texts(text: str, opaque: bool) -> dict[str, Any]:
    """A spec that has a text wherever it takes any."""
    own = [{"opaque": {"op": text, "shape": [4, 6, 6]}}] if opaque else []
    # A text in an expression ends at its quote, and has none but printable characters.
    word = "".join([char if char.isprintable() and char != "'" else "." for char in text])
    return {
        "name": text,
        "source": text,
        "description": text,
        "variables": {"mode": f"'{word}'"},
        "presets": {text: {"mode": "'other'"}},
        "input": [3, 8, 8],
        "blocks": {
            "unit": {
                "args": {"out": "required", "word": "required"},
                "layers": [{"conv": {"out": "out if word == mode else 4", "k": 3}}],
            }
        },
        "layers": [{"unit": {"out": 4, "word": "mode"}}, {"relu": {"when": "mode != 'x'"}}, *own],
    }


@pytest.mark.parametrize("format", FORMATS)
def test_no_text_of_a_spec_becomes_a_statement(format: str) -> None:
    opaque = format == "pytorch"  # Keras refuses operators that nobody knows
    for has_preset in (False, True):
        expected: list[Any] = []
        for text in ("Net", *TEXTS):
            spec = with_texts(text, opaque)
            found = ast.parse(exported(spec, format, text if has_preset else None))
            expected = expected or [type(each) for each in found.body]
            assert [type(each) for each in found.body] == expected, text
            title = ast.get_docstring(found) or ""
            assert " ".join(title.split()).startswith(" ".join(text.split())), text


def test_a_docstring_says_any_text() -> None:
    for text in (*TEXTS, "\x00 \x07 \x1b[31m \x7f \ud800", *map(chr, range(0x300))):
        code = docstring(f"a{text}", f"b{text}")
        code.encode()
        found = ast.parse(code)
        assert len(found.body) == 1
        said = ast.get_docstring(found, clean=False) or ""
        assert said.split() == f"a{text} b{text}".split(), text


def with_names(name: str, other: str) -> dict[str, Any]:
    """A spec that has a name wherever it takes any that it does not have yet, and another."""
    return {
        "name": name,
        "variables": {name: 4, other: 8},
        "input": {"left": [3, 8, 8], f"_{name}": [3, 8, 8]},
        "blocks": {
            "unit": {
                "args": {name: "required", "b": 4},
                "let": {other: f"{name} * 2"},
                "layers": [
                    {"conv": {"name": name, "out": other, "k": 1}},
                    {"conv": {"name": other, "out": "b", "k": 1}},
                    {"concat": {"from": ["input", name, other]}},
                ],
            },
            f"{name}-b": {"layers": ["relu"]},
        },
        "layers": [
            {"concat": {"name": "both", "from": ["left", f"_{name}"]}},
            {"unit": {"name": name, name: other, "b": name}},
            {
                "for_each": {
                    "bind": [f"{name}_", "n"],
                    "in": [[4, 1], [8, 2]],
                    "layers": [{"conv": {"name": other, "out": f"{name}_", "k": 1}},
                               {"concat": {"from": ["input", other]}}],
                }
            },
            {f"{name}-b": {"name": other}},
            {"conv": {"out": other, "k": 1}},
        ],
        "outputs": [name, other],
    }  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_every_name_of_a_spec_is_a_name_in_python(format: str) -> None:
    written = 0
    for name, other in zip(NAMES, (*NAMES[1:], NAMES[0])):
        try:
            data = with_names(name, other)
            api.loads(json.dumps(data))
        except ConvcalcError:
            continue  # not a name of the language
        file = exported(data, format)
        assert names_nobody_defines(file) == set(), (name, other)
        # What nn.Module has itself, and what is private there, stays what it is.
        taken = _OF_MODULES.intersection(attributes := set(_attributes(file)))
        assert taken | {each for each in attributes if each[0] == "_"} == set(), (name, other)
        written += 1
    assert written > 50


@pytest.mark.parametrize("format", FORMATS)
def test_random_networks_are_files_whose_names_are_known(format: str) -> None:
    written = 0
    for seed in range(60):
        try:
            file = exported(document(Random(seed)).data, format)
        except ConvcalcError:
            continue
        assert names_nobody_defines(file) == set(), seed
        written += 1
    assert written > 20


def test_attributes_are_not_those_of_pytorchs_modules() -> None:
    nn = pytest.importorskip("torch.nn")
    own = {*dir(nn.Sequential(nn.ReLU())), *dir(nn.ModuleList()), *nn.Module.__annotations__}
    assert {each for each in own if not each.startswith("_")} <= _OF_MODULES
