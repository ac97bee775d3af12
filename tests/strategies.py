"""Random specs, expressions and command lines: mostly well formed, often wrong in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from convcalc import layers
from convcalc.cli import _COMMANDS

ROOT = Path(__file__).parent.parent
CORPUS = [
    path.read_text(encoding="utf-8")
    for folder in ("specs", "tests/errors")
    for path in sorted((ROOT / folder).glob("*.yaml"))
]

# Expressions

NAMES = ("a", "b", "n", "alpha")
_numbers = st.one_of(
    st.integers(0, 9).map(str),
    st.integers(0, 10**6).map(str),
    st.floats(0, 1000, allow_nan=False).map(lambda x: f"{x:.3f}"),
    st.sampled_from(("0.5", "1e3", "0", "1", ".25", "7.")),
)
_operators = st.sampled_from(
    ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or")
)


def _joined(children: SearchStrategy[str]) -> SearchStrategy[str]:
    some = st.lists(children, max_size=3).map(", ".join)
    functions = st.sampled_from(
        ("min", "max", "abs", "int", "floor", "ceil", "round", "len", "make_divisible")
    )
    return st.one_of(
        st.tuples(children, _operators, children).map(" ".join),
        st.tuples(children, children, children).map("{0[0]} if {0[1]} else {0[2]}".format),
        children.map("({})".format),
        children.map("-{}".format),
        children.map("not {}".format),
        some.map("[{}]".format),
        st.tuples(functions, some).map("{0[0]}({0[1]})".format),
        st.tuples(children, children).map("{0[0]}[{0[1]}]".format),
    )


#: Well-formed expressions over NAMES.
expressions: SearchStrategy[str] = st.recursive(
    st.one_of(_numbers, st.sampled_from((*NAMES, "true", "false", "'relu'"))), _joined, max_leaves=8
)
#: Texts that look like expressions.
nearly_expressions: SearchStrategy[str] = st.text(
    "ab1290.()[]+-*/%<>=!, 'if else and or not_", max_size=30
)

# Documents, as JSON, which is YAML. One value in thirty is of the wrong kind, or no value at all.

_wrong: SearchStrategy[Any] = st.one_of(
    st.integers(-1, 10**12),
    st.floats(width=32),
    st.booleans(),
    st.none(),
    expressions,
    nearly_expressions,
    st.sampled_from(("same", "required", "in_channels", "out", "i", "nowhere", "b.7", {}, [])),
    st.lists(st.integers(0, 4), max_size=3),
)


def mostly(right: SearchStrategy[Any], wrong: SearchStrategy[Any] = _wrong) -> SearchStrategy[Any]:
    """Values of `right`, and now and then one of `wrong`."""
    return st.integers(0, 29).flatmap(lambda dice: right if dice else wrong)


def literals(schema: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Small values that a field's JSON Schema allows."""
    if "anyOf" in schema:
        return st.one_of([literals(each) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        fewest = schema.get("minItems", 0)
        most = schema.get("maxItems", max(fewest, 2))
        return st.lists(literals(schema["items"]), min_size=fewest, max_size=most)
    if schema["type"] == "integer":
        least = schema.get("minimum", -1)
        return st.one_of(st.integers(least, least + 3), st.sampled_from(("a", "n + 1", "a * n")))
    if schema["type"] == "number":
        return st.floats(0.125, 1)
    return st.booleans() if schema["type"] == "boolean" else st.none()


_COMMON: dict[str, SearchStrategy[Any]] = {
    "name": mostly(st.sampled_from(("x", "y", "z-1"))),
    "from": mostly(st.sampled_from(("input", "input", "x")), st.just(["input", "y.0", "y.7"])),
    "when": mostly(st.one_of(st.booleans(), st.sampled_from(("in_channels > 2", "a == n")))),
}


@st.composite
def _calls(draw: DrawFn) -> Any:
    name = draw(mostly(st.sampled_from(layers.names()), st.sampled_from(("rellu", "block"))))
    fields = layers.fields_of(layers.find(name)) if name in layers.TYPES else ()
    call: dict[str, Any] = {}
    for field in fields:
        if draw(st.integers(0, 29)) if field.required else not draw(st.integers(0, 3)):
            key = field.short or field.name
            call[key] = draw(mostly(literals(field.kind.schema())))
    if name == "block":
        call["out"] = draw(mostly(st.integers(1, 8)))
    for key, value in _COMMON.items():
        if not draw(st.integers(0, 9)):
            call[key] = draw(value)
    return draw(mostly(st.just({name: call} if call else name)))


def _structures(children: SearchStrategy[Any]) -> SearchStrategy[Any]:
    stack = st.lists(children, max_size=3)
    rows = st.lists(st.lists(st.integers(1, 4), min_size=2, max_size=2), max_size=3)
    forms: dict[str, dict[str, SearchStrategy[Any]]] = {
        "sequential": {"layers": stack},
        "repeat": {"times": mostly(st.integers(0, 3)), "index": st.just("i"), "layers": stack},
        "for_each": {"bind": st.just(["a", "n"]), "in": mostly(rows), "layers": stack},
        "residual": {"layers": stack, "connect": mostly(st.booleans())},
        "branches": {
            "paths": st.lists(stack, min_size=1, max_size=3),
            "merge": st.sampled_from(("concat", "add", "mul")),
            "split": mostly(st.booleans()),
        },
    }
    return st.one_of(
        [st.fixed_dictionaries({name: st.fixed_dictionaries(form)}) for name, form in forms.items()]
    )


_stacks = st.lists(st.recursive(_calls(), _structures, max_leaves=5), min_size=1, max_size=4)
_shapes = mostly(
    st.sampled_from(([8, 12, 12], [8, 12, 12], [3, 32, 32], [4, 64], [2, 8, 8, 8], [16]))
)
_documents = st.fixed_dictionaries(
    {
        "name": st.just("N"),
        "variables": mostly(
            st.just({"a": 2, "b": [1, 2], "n": 3, "alpha": 0.5}),
            st.dictionaries(st.sampled_from(NAMES), _wrong, max_size=3),
        ),
        "input": _shapes,
        "layers": _stacks,
    },
    optional={
        "presets": mostly(st.just({"p": {"alpha": 0.25, "a": "n * 2"}})),
        "blocks": st.fixed_dictionaries(
            {
                "block": st.fixed_dictionaries(
                    {"layers": _stacks},
                    optional={
                        "args": mostly(st.just({"out": "required", "k": 3})),
                        "let": mostly(st.just({"wide": "in_channels * a"})),
                        "module": mostly(st.sampled_from([False, "in_channels == 4"])),
                    },
                )
            }
        ),
        "outputs": mostly(st.just("x")),
    },
)
#: Specs, as text.
documents: SearchStrategy[str] = _documents.map(json.dumps)


_pieces = st.sampled_from(
    (
        *"[]{}:,-&*!|>'\"%#\n\t 0é\u2028",
        *("- ", ": ", "&a ", "*a", "<<: ", "9" * 20, "1e400", ".nan", "true", "null"),
        *("out", "conv", "in_channels", "layers:\n"),
    )
)


@st.composite
def mutants(draw: DrawFn) -> str:
    """A spec of the zoo or of the corpus of mistakes, with some of its text changed."""
    text = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 20)))
        text = text[:at] + draw(_pieces) + text[end:]
    return text


#: Anything at all.
noise: SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text("[]{}:,-&*!|>'\"%#\n\t ab1", max_size=80).map(str.encode),
)

# Command lines

_words = st.one_of(
    st.sampled_from(
        ("lenet", "-", "nothing.yaml", "8x9x9", "alpha=1", "alpha=", "layers=9", "conv")
    ),
    st.sampled_from(
        ("paddle", "thop", "name,macs", "json", "0", "-1", "1e9", "type", "p", "é", "")
    ),
    st.text(max_size=8).filter(lambda word: "\0" not in word),
)
_options = st.sampled_from(
    (
        *("--json", "--csv", "--si", "--set", "--preset", "--input", "--batch", "--convention"),
        *("--depth", "--group-by", "--sort", "--columns", "--limit", "--format", "--error-format"),
        *("--in", "--out", "--k", "--s", "--dims", "--no-bias", "--help", "-h", "--version"),
        "--what",
    )
)


@st.composite
def command_lines(draw: DrawFn) -> list[str]:
    """Arguments: a command, then options and words in any order; none that writes a file."""
    # `list` reads the whole zoo, and `completion` nothing.
    commands = [name for name in _COMMANDS if name not in ("list", "completion")]
    first = draw(st.one_of(st.sampled_from(commands), st.sampled_from(commands), _words))
    rest = draw(st.lists(st.one_of(_options, _words), max_size=6))
    return [word for word in [first, *rest] if not word.startswith(("-o", "--output"))]
