"""How much a spec may ask for. A spec may come from anyone; every growth is bounded beforehand."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds, each of which has an option of the command line (`--limit layers=1000000`)."""

    #: Bytes of a spec file.
    bytes: int = 16_000_000
    #: YAML values, an alias counted as what it stands for.
    nodes: int = 2_000_000
    #: Lists and mappings inside each other, and blocks, groups and loops likewise.
    depth: int = 64
    #: Layers after expansion.
    layers: int = 100_000
    #: Turns of loops and calls of blocks, whether or not they make a layer.
    steps: int = 1_000_000
    #: Characters of an expression.
    expression: int = 2_000
    #: Decimal digits of an integer.
    digits: int = 300
    #: Seconds of expansion and analysis.
    seconds: int = 60


DEFAULT = Limits()


def parse_limits(settings: tuple[str, ...]) -> Limits:
    """`NAME=N` pairs as limits. Raises ConvcalcError for an unknown name or a number below 1."""
    if not settings:
        return DEFAULT
    from convcalc.diagnostics import did_you_mean, fail, listed

    limits = DEFAULT
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in Limits._fields:
            help = did_you_mean(name, Limits._fields) or f"the limits are {listed(Limits._fields)}"
            raise fail("unknown-limit", f"there is no limit `{name}`", help)
        if not (text.isascii() and text.isdigit() and len(text) < 19) or int(text) < 1:
            raise fail(
                "bad-value",
                f"the limit `{name}` is a whole number, 1 or more",
                f"write {name}=1000000",
            )
        limits = limits._replace(**{name: int(text)})
    return limits
