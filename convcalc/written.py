"""Values as people write them on a command line: `3`, `0.5,1`, `[8, 16]`, `relu`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convcalc.diagnostics import fail
from convcalc.expressions import ExpressionError, parse
from convcalc.words import describe, shortened

#: What a value may speak of: null, for a size that is left open.
_NULL: Mapping[str, Any] = {"null": None}


@dataclass(frozen=True)
class Written:
    """A variable's value as an option has it: the text, and what that reads as by itself.

    Where it reads as nothing, `why` says so. A variable that is a text takes the text, whatever
    that looks like, unless it reads as a text: `relu`, `3` and `'relu'` alike.
    """

    text: str
    value: Any
    why: str = ""

    def for_default(self, default: Any) -> Any:
        """The value for a variable with this default. Raises ConvcalcError where it is none."""
        if isinstance(default, str):
            return self.value if isinstance(self.value, str) else self.text
        if self.why:
            message = f"{shortened(self.text)!r} is no value: {self.why}"
            raise fail("bad-value", message, f"its value in the spec is {describe(default)}")
        return self.value


def written(text: str) -> Written:
    """A text as a value that a variable is set to."""
    try:
        return Written(text, evaluated(text))
    except ExpressionError as error:
        return Written(text, text, error.message)


def evaluated(text: str) -> Any:
    """The value of an expression, or of a list without its brackets; a name is a text.

    Raises ExpressionError.
    """
    try:
        return parse(f"[{text}]" if len(parts(text)) > 1 else text).evaluate(_NULL)
    except ExpressionError as error:
        if error.code == "unknown-name" and text.isidentifier():
            return text
        raise


def parts(text: str, separator: str = ",") -> list[str]:
    """What stands between separators that are in no brackets and no quotes: `[64, 3]`, `64`."""
    found, start, depth, quote = [], 0, 0, ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == separator and depth == 0:
            found.append(text[start:at])
            start = at + 1
        else:
            depth += (sign in "[(") - (sign in "])")
    return [*found, text[start:]]
