"""Channels in groups: what convolutions, normalisation, shuffles and splits have in common."""

from __future__ import annotations

import math
from typing import Any

from convcalc.arithmetic import divides, exact_div, require, value_of

#: How many divisors a message lists.
_MOST = 12
#: Larger numbers are not searched for divisors.
_LARGEST = 10**9


def per_group(
    channels: int,
    groups: int,
    *,
    what: str = "channels",
    parts: str = "groups",
    field: str = "groups",
    other: Any = None,
) -> int:
    """The channels of one group.

    In the message that refuses it, `what` are the channels and `parts` the groups; `field` is the
    layer's field that says how many groups, and `other` a number that they must divide as well.
    Raises Refusal where the channels do not come out even.
    """
    require(
        divides(groups, channels),
        "{channels} {what} cannot be split into {groups} {parts}",
        code="indivisible-groups",
        field=field,
        label="{channels} % {groups} = {rest}",
        help=lambda: _divisors_help(*map(value_of, (channels, groups, other))),
        channels=channels,
        groups=groups,
        what=what,
        parts=parts,
        rest=lambda: value_of(channels) % value_of(groups),
    )
    return exact_div(channels, groups)


def _divisors_help(channels: Any, groups: Any, other: Any) -> str:
    """Which numbers would do, those nearest to `groups`."""
    both = isinstance(other, int)
    common = math.gcd(channels, other) if both else channels
    if not isinstance(common, int) or common > _LARGEST:
        return ""
    found = sorted(_divisors(common), key=lambda number: abs(number - groups))[:_MOST]
    *most, last = sorted(found)
    numbers = f"{', '.join(map(str, most))} and {last}" if most else str(last)
    verb = "divide" if most else "divides"
    return f"{numbers} {verb} both in and out channels" if both else f"{numbers} {verb} {channels}"


def _divisors(number: int) -> set[int]:
    small = {each for each in range(1, math.isqrt(number) + 1) if number % each == 0}
    return small | {number // each for each in small}
