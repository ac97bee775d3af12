"""Pieces of costly inputs: each adds to a spec, or to a command line, as much as its sizes say.

A piece is a function of a draft and two sizes. Pieces come one after the other, so that one that
wraps (`repeat`) holds what those before it have added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from convcalc import Limits, layers

#: A little more than the limit on the bytes of a spec; nothing longer is made.
MOST_BYTES = Limits().bytes + 100_000
#: What an argument of the operating system's may have, and all of them together (half of each).
MOST_OF_ARGUMENT, MOST_ARGUMENTS = 60_000, 20_000

#: What one layer line is, by type; all of them stand on what their example stands on.
EXAMPLES: Mapping[str, tuple[str, str]] = {
    name: found for name in layers.names() if (found := layers.example(layers.find(name)))
}

#: Expressions that cost much for their length, over the names that `Draft.needs` brings.
TERMS = (
    *(
        "max(l)",
        "len([l])",
        "len([m])",
        "l[0]",
        "m[0][0]",
        "len([l,l,l,l])",
        "l == k",
        "m == m2",
        "m < m2",
    ),
    *(
        "i*i",
        "1/3",
        "i/7",
        "f",
        "f*f",
        "f/f2",
        "f**3",
        "7**350",
        "7**350%9",
        "1e300*1e299",
        "1.5e99",
    ),
    *("make_divisible(1e20+i, 3)", "make_divisible(f)", "round(10**299/7, -300)", "round(f, 300)"),
    *("floor(f)", "int(10**299)", "in_channels", "in_channels*in_height", "not i", "[i][0]"),
    *("(1 if i else 0)", "max(1,2,3,4,5,6,7,8,9)", "max([i,i,i,i])", "10**297//10**290", "abs(-f)"),
    *(f"({'x' * 300!r} == {'x' * 300!r})", "len([[],[],[],[]])", "- - - - - - - -i", "((((i))))"),
)
#: The variables that terms speak of.
_NEEDED: Mapping[str, str] = {
    "l": f"[{','.join(['1'] * 500)}]",
    "k": f"[{','.join(['1'] * 500)}]",
    "m": f"'[{','.join(['l'] * 15)}]'",
    "m2": f"'[{','.join(['l'] * 15)}]'",
    "f": "(10 ** 140 + 1) / (10 ** 140 + 7)",
    "f2": "(10 ** 140 + 3) / (10 ** 140 + 9)",
    "i": "1",
}


class Draft:
    """An input while it is put together: the parts of a spec as text, and options."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.presets: list[str] = []
        self.blocks: list[str] = []
        self.input = "[8, 9, 9]"
        #: The elements of `layers`, each in flow style.
        self.layers: list[str] = []
        self.outputs: list[str] = []
        #: Lines before and after the spec, its name, and what is between two layers.
        self.before: list[str] = []
        self.after: list[str] = []
        self.name = "N"
        self.between = ", "
        #: What is done to the whole text.
        self.last: list[Callable[[bytes], bytes]] = []
        self.options: list[str] = []
        self.specs = 1
        #: For `layer`: its type, its options.
        self.type = "conv"
        self.fields: list[str] = []
        self._names = 0

    def new_name(self) -> str:
        """A name that is not taken."""
        self._names += 1
        return f"n{self._names}"

    def needs(self, text: str) -> str:
        """An expression, whose names become variables."""
        names = set(re.findall(r"[a-z]\w*", text))
        for name in _NEEDED:
            if name in names or (name == "l" and names & {"m", "m2"}):
                self.variables.setdefault(name, _NEEDED[name])
        return text

    def spec(self) -> bytes:
        """The text of the spec."""
        name = self.name
        variables = "".join(f"  {key}: {value}\n" for key, value in self.variables.items())
        parts = [
            *self.before,
            f"name: {name}",
            *([f"variables:\n{variables}".rstrip("\n")] if variables else []),
            *(["presets:", *self.presets] if self.presets else []),
            f"input: {self.input}",
            *(["blocks:", *self.blocks] if self.blocks else []),
        ]
        if self.between == "\n":
            parts += ["layers:", *[f"- {each}" for each in self.layers or ["relu"]]]
        else:
            parts.append(f"layers: [{self.between.join(self.layers or ['relu'])}]")
        if self.outputs:
            parts += ["outputs:", *self.outputs]
        text = "\n".join([*parts, *self.after, ""]).encode()
        for change in self.last:
            text = change(text)
        return text[:MOST_BYTES]


Piece = Callable[[Draft, int, int], None]
#: The pieces by name.
PIECES: dict[str, Piece] = {}


def _piece(function: Piece) -> Piece:
    PIECES[function.__name__.strip("_")] = function
    return function


def _times(text: str, number: int) -> str:
    """A text again and again, as often as there is room for."""
    return text * min(number, MOST_BYTES // max(1, len(text.encode())))


def _each(function: Callable[[int], str], number: int) -> list[str]:
    """Texts made of the numbers from 0, as many as there is room for."""
    texts, room = [], MOST_BYTES
    for text in map(function, range(number)):
        room -= len(text) + 2
        if room < 0:
            break
        texts.append(text)
    return texts


def _similar(index: int, mistyped: bool = False) -> str:
    """One of many names that differ in their last letters."""
    return f"abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqr_{index:06}{'x' if mistyped else ''}"


def _expression(draft: Draft, which: int, terms: int) -> str:
    term = TERMS[which % len(TERMS)]
    room = 1_950 // (len(term) + 3)
    return draft.needs(" + ".join([term] * max(1, min(terms, room))))


# Layers


@_piece
def _lines(draft: Draft, number: int, which: int) -> None:
    """The same line."""
    element = ("relu", "relu: {}", "conv: {out: 8, k: 1}", "relu: {name: n}", "relu: {from: input}")
    draft.layers += _each(lambda _: element[which % len(element)], number)


@_piece
def _distinct(draft: Draft, number: int, which: int) -> None:
    """Lines that are all different."""
    element = (
        "conv: {{out: {}, k: 1}}",
        "linear: {{out: {}}}",
        "relu: {{name: r{}}}",
        "conv: {{out: in_channels + {}, k: 1}}",
        "sequential: {{name: r{}, layers: [relu]}}",
        "relu: {{name: r{}, when: false}}",
        "conv: {{out: {0}, k: {0}, p: {0}, s: 2, d: 1, bias: false}}",
        "dropout: {{rate: 0.{}}}",
    )[which % 8]
    draft.layers += _each(lambda index: element.format(index + 1), number)


@_piece
def _growing(draft: Draft, which: int, _: int) -> None:
    """A line that is another layer wherever it stands."""
    element = (
        "conv: {out: in_channels + 1, k: 1}",
        "deform_conv: {out: in_channels + 1, k: 3, p: 1, modulated: true}",
        "conv_transpose: {out: in_channels + 1, k: 3, p: 1}",
        "conv: {out: in_channels * 2, k: 1}",
        "separable_conv: {out: in_channels + 1, k: 3, p: 1}",
        "conv: {out: in_channels + 1, k: 1}, squeeze_excite: {squeeze: in_channels}",
        "depthwise_conv: {k: 1, multiplier: 2}",
        "pad: {p: 1}",
        "conv: {out: in_channels + 1, k: 1}, batch_norm, relu, max_pool: {k: 3, s: 1, p: 1}",
    )
    draft.layers.append(element[which % len(element)])


@_piece
def _example(draft: Draft, which: int, _: int) -> None:
    """The example of a layer type, on the input that it has."""
    element, shape = list(EXAMPLES.values())[which % len(EXAMPLES)]
    if "from" not in element:
        draft.layers.append(element)
        draft.input = f"[{shape.replace('x', ', ')}]"


@_piece
def _split(draft: Draft, sections: int, which: int) -> None:
    """Many parts, joined again."""
    name = draft.new_name()
    sections = max(2, min(sections, 100_000))
    asked = str(sections) if which % 2 else f"[{', '.join(['1'] * sections)}]"
    draft.input = f"[{sections}, 1]"
    draft.layers.append(f"split: {{name: {name}, sections: {asked}}}")
    joined = ("concat: {from: NAME}", "add: {from: NAME}", "relu: {from: NAME.0}", "identity")
    draft.layers.append(joined[which // 2 % 4].replace("NAME", name))


@_piece
def _join(draft: Draft, number: int, which: int) -> None:
    """A layer that takes the same tensor many times."""
    name = draft.new_name()
    draft.layers.append(f"relu: {{name: {name}}}")
    type = ("add", "mul", "concat")[which % 3]
    draft.layers.append(f"{type}: {{from: [{_times(f'{name}, ', max(2, number))}]}}")


@_piece
def _inputs(draft: Draft, number: int, which: int) -> None:
    """Many inputs, which are joined."""
    names = _each(lambda index: f"i{index}: [8, 9, 9]", max(2, number))
    draft.input = f"{{{', '.join(names)}}}"
    draft.layers.append(("add", "concat", "relu")[which % 3] + ": {from: i0}")
    draft.layers.append(f"add: {{from: [input, i{len(names) - 1}]}}")


@_piece
def _paths(draft: Draft, number: int, which: int) -> None:
    """Branches of many paths."""
    path = ("[]", "[relu]", "[identity: {name: n}]")[which % 3]
    split = "split: true, " if which // 3 % 2 else ""
    merge = ("concat", "add")[which % 2]
    paths = _times(f"{path}, ", number)
    draft.layers.append(f"branches: {{{split}merge: {merge}, paths: [{paths}]}}")


@_piece
def _condition(draft: Draft, which: int, terms: int) -> None:
    """A long condition."""
    draft.layers.append(f'relu: {{when: "{_expression(draft, which, terms)} != 0"}}')


@_piece
def _outputs(draft: Draft, number: int, _: int) -> None:
    """Many outputs."""
    draft.layers.append("relu: {name: out}")
    draft.outputs += _each(lambda _: "- out", number)


@_piece
def _digits(draft: Draft, digits: int, which: int) -> None:
    """Sizes of many digits."""
    size = f"'10**{digits}'"
    draft.input = f"[{', '.join([size] * (1 + which % 4))}]"


@_piece
def _huge(draft: Draft, digits: int, which: int) -> None:
    """Fields of many digits."""
    n = f"10**{digits}"
    element = (
        f"conv: {{out: {n} + i, k: {n}, p: {n}}}",
        f"conv_transpose: {{out: {n}, k: {n}, s: {n}, d: 10**9 + 7}}",
        f"deform_conv: {{out: {n} + i, k: {n}, p: {n}}}",
        f"max_pool: {{k: {n} + i, p: {n}//2, s: {n}}}",
        f"upsample: {{scale: {n}}}",
        f"squeeze_excite: {{squeeze: {n} + i}}",
        f"linear: {{out: {n} + i}}",
        f"conv: {{out: {n} + i, k: 1}}",
    )[which % 8]
    draft.layers.append(draft.needs(element))


# What holds layers


@_piece
def _repeat(draft: Draft, times: int, _: int) -> None:
    """A loop around all that is there."""
    body = ", ".join(draft.layers)
    draft.layers = [f"repeat: {{times: {times}, index: i, layers: [{body}]}}"]


@_piece
def _for_each(draft: Draft, times: int, which: int) -> None:
    """A loop over a list."""
    body = ", ".join(draft.layers)
    rows = f"[{_times('1, ', times)}]" if which % 2 else draft.needs("l")
    draft.layers = [f"for_each: {{bind: [i], in: {rows}, layers: [{body}]}}"]


@_piece
def _copies(draft: Draft, times: int, _: int) -> None:
    """All that is there again, as text."""
    room = MOST_BYTES // max(1, sum(map(len, draft.layers)))
    draft.layers = draft.layers * max(1, min(times, room))


@_piece
def _groups(draft: Draft, levels: int, length: int) -> None:
    """Named groups inside each other."""
    body, name = ", ".join(draft.layers), "x" * max(1, min(length, 60))
    for _ in range(min(levels, 40)):
        body = f"sequential: {{name: {name}, layers: [{body}]}}"
    draft.layers = [body]


@_piece
def _blocks(draft: Draft, levels: int, length: int) -> None:
    """Blocks that call blocks, with long names."""
    base, name = draft.new_name(), "x" * max(1, min(length, 60))
    draft.blocks.append(f"  {base}-0: {{layers: [{', '.join(draft.layers)}]}}")
    levels = max(1, min(levels, 70))
    for index in range(1, levels):
        call = f"{base}-{index - 1}: {{name: {name}}}"
        draft.blocks.append(f"  {base}-{index}: {{layers: [{call}]}}")
    draft.layers = [f"{base}-{levels - 1}: {{name: {name}}}"]


@_piece
def _fan(draft: Draft, levels: int, calls: int) -> None:
    """Blocks that call others several times, so that the calls multiply."""
    base = draft.new_name()
    draft.blocks.append(f"  {base}-0: {{layers: [{', '.join(draft.layers)}]}}")
    levels, calls = max(1, min(levels, 60)), max(1, min(calls, 1_000))
    for index in range(1, levels):
        call = ", ".join([f"{base}-{index - 1}"] * calls)
        draft.blocks.append(f"  {base}-{index}: {{layers: [{call}]}}")
    draft.layers = [f"{base}-{levels - 1}"]


@_piece
def _arguments(draft: Draft, number: int, which: int) -> None:
    """A block with many arguments and values of its own."""
    base = draft.new_name()
    value = draft.needs(("1", "'[l]'", "'[m, 1]'", "'[l, 1][0]'")[which % 4])
    arguments = ", ".join(_each(lambda index: f"{base}a{index}: {value}", number))
    body = ", ".join(draft.layers)
    kind = ("args", "let")[which // 4 % 2]
    draft.blocks.append(f"  {base}: {{{kind}: {{{arguments}}}, layers: [{body}]}}")
    draft.layers = [base]


@_piece
def _residual(draft: Draft, levels: int, _: int) -> None:
    """Shortcuts around shortcuts."""
    body = ", ".join(draft.layers)
    for _ in range(min(levels, 30)):
        body = f"residual: {{layers: [{body}]}}"
    draft.layers = [body]


# Values


@_piece
def _list(draft: Draft, items: int, which: int) -> None:
    """The lists that expressions speak of, as long as they may be and longer."""
    items = max(1, min(items, 1_000_000))
    draft.variables["l"] = f"[{_times('1,', items)}1]"
    draft.variables["k"] = ("l", draft.variables["l"])[which % 2]


@_piece
def _variables(draft: Draft, number: int, which: int) -> None:
    """Many variables."""
    value = ("1", "n{}", "1.5", "[1, 2]", "'text'", "10**299")[which % 6]
    names = [f"v{index}" for index in range(min(number, MOST_BYTES // 12))]
    before = ["1", *names]
    draft.variables |= {
        name: value if value != "n{}" else last for name, last in zip(names, before)
    }


@_piece
def _computed(draft: Draft, which: int, number: int) -> None:
    """Variables that are long expressions."""
    text = _expression(draft, which, 10_000)
    for index in range(min(number, MOST_BYTES // len(text))):
        draft.variables[f"c{index}"] = f'"{text}"'


@_piece
def _presets(draft: Draft, number: int, which: int) -> None:
    """Many presets."""
    draft.variables["p"] = "1"
    setting = ("{{p: {}}}", "{{}}", "{{p: p + {}}}", "{{p: 10**299 + {}}}")[which % 4]
    draft.presets += _each(lambda index: f"  s{index}: {setting.format(index)}", number)


@_piece
def _alias(draft: Draft, items: int, number: int) -> None:
    """A long value that many aliases stand for."""
    items = max(1, min(items, 1_000_000))
    draft.variables["s"] = f"&big [{', '.join(['1'] * items)}]"
    draft.variables["t"] = f"[{_times('*big, ', number)}]"


@_piece
def _alias_layers(draft: Draft, number: int, _: int) -> None:
    """All that is there, once more by each alias."""
    base = draft.new_name()
    draft.blocks.append(f"  {base}: {{layers: &{base} [{', '.join(draft.layers)}]}}")
    more = _each(lambda index: f"  {base}-{index}: {{layers: *{base}}}", number)
    draft.blocks += more
    draft.layers = [base]


# Mistakes


@_piece
def _unknown(draft: Draft, number: int, known: int) -> None:
    """Mistyped blocks and layer types, among many similar ones."""
    draft.blocks += _each(lambda index: f"  {_similar(index)}: {{layers: []}}", known)
    draft.layers += _each(lambda index: _similar(index, True), number)


@_piece
def _unknown_names(draft: Draft, number: int, known: int) -> None:
    """Mistyped names of variables."""
    draft.variables |= dict.fromkeys(_each(_similar, known), "1")
    draft.layers += _each(lambda index: f"conv: {{out: {_similar(index, True)}, k: 1}}", number)


@_piece
def _unknown_fields(draft: Draft, number: int, known: int) -> None:
    """Mistyped arguments of a block."""
    base = draft.new_name()
    known_names = ", ".join(_each(lambda index: f"{_similar(index)}: 1", known))
    given = ", ".join(_each(lambda index: f"{_similar(index, True)}: 1", number))
    draft.blocks.append(f"  {base}: {{args: {{{known_names}}}, layers: []}}")
    draft.layers.append(f"{base}: {{{given}}}")


@_piece
def _unknown_tensors(draft: Draft, number: int, known: int) -> None:
    """Mistyped names of tensors."""
    draft.layers += _each(lambda index: f"relu: {{name: {_similar(index)}}}", known)
    draft.layers += _each(lambda index: f"relu: {{from: {_similar(index, True)}}}", number)


@_piece
def _unknown_outputs(draft: Draft, number: int, known: int) -> None:
    """Mistyped names of outputs."""
    draft.layers += _each(lambda index: f"relu: {{name: {_similar(index)}}}", known)
    draft.outputs += _each(lambda index: f"- {_similar(index, True)}", number)


@_piece
def _unknown_settings(draft: Draft, number: int, known: int) -> None:
    """Presets that set mistyped variables."""
    draft.variables |= dict.fromkeys(_each(_similar, known), "1")
    given = ", ".join(_each(lambda index: f"{_similar(index, True)}: 1", number))
    draft.presets.append(f"  p: {{{given}}}")


@_piece
def _wrong(draft: Draft, number: int, which: int) -> None:
    """Layers that are refused."""
    element = (
        "conv: {out: 8, k: 1, g: 3}",
        "conv: {out: i / 7, k: 99}",
        "relu: {from: input.9}",
        "conv: {out: in_width / 7, k: 1, when: i}",
        "conv: {ou: 8, kk: 1, gg: 3, q: 7}",
        "{relu: , conv: }",
        "conv: {out: '1 +', k: ')'}",
        "add: {from: input}",
        "conv: {out: f, k: m}",
    )
    draft.needs("i")
    draft.needs("f m")
    draft.layers += _each(lambda _: element[which % len(element)], number)


# Text

#: Texts of all kinds; `raw` repeats one of them.
RAW = (
    *("# comment\n", "#\n", "\n", "\r\n", " ", "\t", "# \N{GRINNING FACE}\n", "#" + "x" * 500),
    *("- a\n", "- 1\n", "[", "{", "- ", "? ", "1,", "{},", "[[],[]],", "a: b\n", "a:\n - b\n"),
    *('"', "'", "''", "\\u0041", "\\U0001F600", "\N{GRINNING FACE}", "é", "| \n", "> \n", "---\n"),
    *("%TAG ! !\n", "%YAML 1.2\n", "...\n", "&a ", "*a ", "!t ", "<<: *a\n", "a: &a [*a]\n"),
    *("1", "0", "9", "a", "_", "x y ", "1e9", "0x1", "-", ".", ":", ": ", ",", "]", "}", "@", "`"),
    *("<", "&", "$", "\\\\", "=", "~", "|", "//www.", "`a", "<script>"),
    *("\x85", "\u2028", "\u00a0", "\ufeff", "\u200b", "\u202e", "a\u0301", "\x07"),
)
#: What stands around it.
AROUND = (
    ("", ""),
    ('x: "', '"'),
    ("x: '", "'"),
    ("x: [", "]"),
    ("x: {", "}"),
    ("x: |\n  ", "\n"),
    ("x: >\n  ", "\n"),
    ("x: ", "\n"),
    ("? ", "\n"),
    ("&", " x\n"),
    ("!", " x\n"),
    ("# ", "\n"),
    ("x: 0x", "\n"),
    ("x: 1.", "\n"),
    ("description: ", "\n"),
    ("source: '", "'\n"),
)


@_piece
def _raw(draft: Draft, which: int, number: int) -> None:
    """A text again and again, before the spec."""
    before, after = AROUND[which // len(RAW) % len(AROUND)]
    draft.before.append(before + _times(RAW[which % len(RAW)], number) + after)


@_piece
def _raw_after(draft: Draft, which: int, number: int) -> None:
    """The same after the spec."""
    before, after = AROUND[which // len(RAW) % len(AROUND)]
    draft.after.append(before + _times(RAW[which % len(RAW)], number) + after)


@_piece
def _raw_name(draft: Draft, which: int, number: int) -> None:
    """A long name of the network."""
    draft.name = ('"', "'", "")[which // len(RAW) % 3].join(
        ("", _times(RAW[which % len(RAW)], number), "")
    )


@_piece
def _keys(draft: Draft, number: int, which: int) -> None:
    """Keys that nothing knows, distinct or the same."""
    key = ("k{}:", "k:", "k{0}: &a{0} x", "k{0}: *a{0}", "? k{}")[which % 5]
    draft.after += _each(lambda index: key.format(index), number)


@_piece
def _space(draft: Draft, number: int, which: int) -> None:
    """Space between the layers: one line each, or one long line."""
    gaps = ("\n", ", " + " " * min(number, 1_000_000), ", # c\n  ", ",\n\n  ")
    draft.between = gaps[which % len(gaps)]


@_piece
def _bytes(draft: Draft, which: int, number: int) -> None:
    """The whole text otherwise: line ends, another encoding, bytes that are no text."""
    changes: tuple[Callable[[bytes], bytes], ...] = (
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text + b"\xff",
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.decode(errors="replace").encode("utf-16"),
        lambda text: text + b"\x00" * min(number, 1_000_000),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b"\n", "\u2028".encode()),
    )
    draft.last.append(changes[which % len(changes)])


# Command lines


@_piece
def _settings(draft: Draft, number: int, which: int) -> None:
    """Many `--set`, or long ones."""
    number = max(1, min(number, MOST_ARGUMENTS))
    draft.variables["v"] = "[1]"
    value = ("v=1", "v=" + "1," * min(number, 900) + "1", "v=" + "1+" * min(number, 900) + "1")
    text = (*value, "w" * 60_000 + "=1", "v=10**299", "v=[[1,1],[1,1]]")[which % 6]
    draft.options += ["--set", text] * min(number, 1_000_000 // len(text) + 1)


@_piece
def _columns(draft: Draft, number: int, which: int) -> None:
    """Many columns."""
    column = ("name", "macs", "output_shape", "params", "nothing")[which % 5]
    text = f"{column}," * min(max(1, number), MOST_OF_ARGUMENT // (len(column) + 1))
    draft.options += ["--columns", text.rstrip(",")]


@_piece
def _option(draft: Draft, which: int, number: int) -> None:
    """One more option."""
    options = (
        ("--batch", "9" * min(max(number, 1), 5_000)),
        ("--depth", str(max(1, number))),
        ("--sort", "macs"),
        ("--si",),
        ("--dtype", "int8"),
        ("--dtype", "i" * min(max(number, 1), MOST_OF_ARGUMENT)),
        ("--input", "3x999999999999999999x999999999999999999"),
        ("--preset", "s0"),
        ("--preset", "s" * min(max(number, 1), MOST_OF_ARGUMENT)),
        ("--error-format", "json"),
        ("--error-format", "github"),
        ("--sort", "n" * min(max(number, 1), MOST_OF_ARGUMENT)),
    )
    draft.options += options[which % len(options)]


@_piece
def _specs(draft: Draft, number: int, _: int) -> None:
    """The same spec several times."""
    draft.specs = max(1, min(number, 1_000))


@_piece
def _type(draft: Draft, which: int, _: int) -> None:
    """A layer type, for `layer`."""
    draft.type = layers.names()[which % len(layers.names())]


@_piece
def _field(draft: Draft, which: int, number: int) -> None:
    """A field of the layer type."""
    fields = layers.fields_of(layers.find(draft.type))
    if fields:
        field = fields[which % len(fields)]
        option = f"--{field.name.replace('_', '-')}"
        values = (
            str(number),
            "9" * min(max(number, 1), 1_000),
            f"10**{min(number, 999)}",
            "1," * min(number, 1_000) + "1",
            "1+" * min(number, 1_000) + "1",
            f"[{'[1,2],' * min(number, 300)}[1,2]]",
            "same",
        )
        draft.fields += [option, values[which // len(fields) % len(values)]]


@_piece
def _in(draft: Draft, number: int, which: int) -> None:
    """Inputs of the layer."""
    number = max(1, min(number, 10_000))
    shapes = (
        ["--in", "999999999999999999x999999999999999999x999999999999999999"],
        [text for index in range(number) for text in ("--in", f"{index + 1}x9x9")],
        ["--in", "8x9x9"] * number,
        ["--in", f"{number}x9"],
        ["--in", "x".join(["9"] * number)],
        ["--in", f"{number}x1x1", "--dims", "2"],
    )
    draft.fields += shapes[which % len(shapes)]


@_piece
def _word(draft: Draft, number: int, which: int) -> None:
    """A long argument."""
    number = max(1, min(number, MOST_OF_ARGUMENT))
    draft.options.append(
        ("a" * number, "--" + "a" * number, "\N{GRINNING FACE}" * (number // 4))[which % 3]
    )


class Genome(NamedTuple):
    """What an input is made of: a command, and pieces with their sizes."""

    command: str
    pieces: tuple[tuple[str, int, int], ...]

    def draft(self) -> Draft:
        """The input that the pieces make."""
        draft = Draft()
        for name, a, b in self.pieces:
            PIECES[name](draft, a, b)
        return draft

    def __str__(self) -> str:
        pieces = ", ".join(f"{name} {a} {b}" for name, a, b in self.pieces)
        return f"{self.command}: {pieces or 'nothing'}"
