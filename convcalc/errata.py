"""Published figures that are wrong: what is right, why, and the command that shows it.

They are data, errata.yaml beside this module; to add one is to add an entry there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from convcalc import zoo
from convcalc.diagnostics import fail
from convcalc.words import did_you_mean


class Erratum(NamedTuple):
    """A figure as `published` at a page of a source, and what is `right`.

    `network` is one of the zoo. The first word of `right` is a figure that `command` prints.
    """

    source: str
    page: str
    network: str
    published: str
    right: str
    reason: str
    command: str


@cache
def known() -> tuple[Erratum, ...]:
    """Every erratum, source by source."""
    import yaml

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "errata.yaml")
    with open(path, encoding="utf-8") as file:
        sources = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(
        Erratum(each["source"], each["page"], **erratum)
        for each in sources
        for erratum in each["errata"]
    )


def of(name: str) -> Sequence[Erratum]:
    """The errata of a network of the zoo, or of all networks of a family.

    Raises ConvcalcError where the zoo has nothing of that name.
    """
    if not zoo.has(name):
        help = did_you_mean(name, dict.fromkeys(each.network for each in known()))
        help = help or "`convcalc list` names the networks"
        raise fail("no-such-spec", f"the zoo has no network `{name}`", help)
    return [each for each in known() if name in (each.network, zoo.presets().get(each.network))]
