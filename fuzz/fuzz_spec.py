"""Coverage-guided fuzzing of `convcalc analyze`, by hand; see README.md beside it.

    python fuzz/fuzz_spec.py raw [CORPUS_DIR] [libFuzzer options]
    python fuzz/fuzz_spec.py structured [CORPUS_DIR] [libFuzzer options]

`raw` hands the fuzzer's bytes to the reader. `structured` makes a spec of them that is YAML in any
case and has known names in most places, so that expansion and the layers' rules are reached.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import atheris

with atheris.instrument_imports(include=["convcalc"]):
    import convcalc
    import convcalc.analysis
    import convcalc.api
    import convcalc.diagnostics
    import convcalc.language.check
    import convcalc.language.expand
    from convcalc import layers

#: What one input may take: seconds of processor time, and bytes of the process in all.
SECONDS, MEMORY = 5, 2**30

_NAMES = ("a", "n", "alpha", "x", "in_channels", "in_height", "i", "block")
_PIECES = (*"0123456789", "+", "-", "*", "/", "//", "%", "**", "(", ")", "[", "]", ",", " ", "<")
_WORDS = (" if ", " else ", " and ", " or ", "not ", "min(", "round(", "make_divisible(", "==")


def answer(text: bytes) -> str:
    """What is said to a spec: its totals, or its diagnostics. Anything else is a finding."""
    start = time.process_time()
    try:
        analysis = convcalc.loads(text).analyze()
        said = json.dumps(analysis.to_dict(), ensure_ascii=False)
    except convcalc.ConvcalcError as error:
        said = "\n".join(convcalc.diagnostics.render(error.diagnostics, "full"))
        if not said:
            raise AssertionError("an error says nothing") from error
    assert time.process_time() - start < SECONDS, "an answer took too long"
    return said


def raw(data: bytes) -> None:
    """One input of the raw path."""
    if len(data) < 65_536:
        assert answer(data) == answer(data)


class _Maker:
    """A spec made of the fuzzer's decisions."""

    def __init__(self, data: bytes) -> None:
        self.source = atheris.FuzzedDataProvider(data)

    def pick(self, choices: Any) -> Any:
        return choices[self.source.ConsumeIntInRange(0, len(choices) - 1)]

    def odds(self, one_in: int) -> bool:
        return bool(self.source.ConsumeIntInRange(1, one_in) == 1)

    def expression(self) -> str:
        count = self.source.ConsumeIntInRange(1, 8)
        return "".join(self.pick((*_NAMES, *_PIECES, *_WORDS)) for _ in range(count))

    def value(self) -> Any:
        kind = self.source.ConsumeIntInRange(0, 9)
        if kind < 5:
            return self.source.ConsumeIntInRange(0, 9)
        if kind == 5:
            return self.source.ConsumeInt(8)
        if kind == 6:
            return self.source.ConsumeFloat()
        if kind == 7:
            return [self.value() for _ in range(self.source.ConsumeIntInRange(0, 3))]
        return self.expression() if kind == 8 else self.pick((True, None, "same", "bilinear", {}))

    def element(self, depth: int) -> Any:
        if depth < 5 and self.odds(3):
            return self.structure(depth + 1)
        name = self.pick((*layers.TYPES, "block"))
        fields = layers.fields_of(layers.find(name)) if name in layers.TYPES else ()
        call = {
            (field.short or field.name): self.value()
            for field in fields
            if self.odds(4) != field.required
        }
        if name == "block":
            call["out"] = self.value()
        for key in ("name", "from", "when"):
            if self.odds(8):
                call[key] = self.pick(("x", "input", "x.0", ["x", "input"], "a < n", self.value()))
        return {name: call} if call else name

    def structure(self, depth: int) -> Any:
        form = self.pick(("sequential", "repeat", "for_each", "residual", "branches"))
        stack = self.stack(depth)
        if form == "repeat":
            content: Any = {"times": self.value(), "index": "i", "layers": stack}
        elif form == "for_each":
            content = {"bind": ["a", "n"], "in": [[1, 2], self.value()], "layers": stack}
        elif form == "branches":
            content = {"paths": [stack, self.stack(depth)], "merge": self.pick(("add", "concat"))}
        elif form == "residual":
            content = {"layers": stack, "shortcut": self.stack(depth), "connect": self.value()}
        else:
            content = {"layers": stack}
        return {form: content}

    def stack(self, depth: int) -> list[Any]:
        return [self.element(depth) for _ in range(self.source.ConsumeIntInRange(0, 4))]

    def document(self) -> dict[str, Any]:
        shapes = ([8, 12, 12], [3, 32, 32], [4, 64], [2, 8, 8, 8], [16], self.value())
        return {
            "name": "N",
            "variables": {"a": 2, "n": self.value(), "alpha": 0.5},
            "input": self.pick(shapes),
            "blocks": {"block": {"args": {"out": "required"}, "layers": self.stack(3)}},
            "layers": self.stack(0),
        }


def structured(data: bytes) -> None:
    """One input of the structured path."""
    text = json.dumps(_Maker(data).document()).encode()
    if len(text) < 65_536:
        assert answer(text) == answer(text)


def main() -> None:
    """Fuzz until it is stopped, or as the options of libFuzzer say."""
    paths = {"raw": raw, "structured": structured}
    if len(sys.argv) < 2 or sys.argv[1] not in paths:
        sys.exit(__doc__)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    one_input = paths[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
