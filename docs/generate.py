"""Writes the files that are made from the code: `python -m docs.generate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from convcalc import api, zoo
from docs import (
    api_page,
    built_forms,
    conventions_page,
    errata_page,
    forms_page,
    layers_page,
)

#: Page to the function that makes its text.
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api_page.page,
    "conventions.md": conventions_page.page,
    "errata.md": errata_page.page,
    "forms.md": forms_page.page,
    "layers.md": layers_page.page,
}


def zoo_index(load: Callable[[str, str | None], api.Network] = api.load) -> str:
    """What `convcalc list` says of every network of the zoo: specs/index.json.

    `load` makes the network of a family, or of a preset of it.
    """
    networks = []
    for family in zoo.families():
        unset = load(family, None)
        own = [preset for preset, home in zoo.presets().items() if home == family]
        presets = {preset: load(family, preset) for preset in own}
        # A family whose plain form is one of its presets is shown by its presets alone.
        if all(network.variables != unset.variables for network in presets.values()):
            presets = {family: unset, **presets}
        for name, network in presets.items():
            totals = network.analyze("macs").totals
            networks.append(
                {
                    "family": family,
                    "name": name,
                    "network": network.name,
                    "source": network.source,
                    "input": network.to_dict()["input"],
                    "params": totals.params,
                    "macs": totals.macs,
                }
            )
    lines = (json.dumps(each, ensure_ascii=False) for each in networks)
    return "[\n" + ",\n".join(lines) + "\n]\n"


#: What is made from the code, by its place in the project.
FILES: dict[str, Callable[[], str]] = {
    "convcalc/language/built.py": built_forms.module,
    **{f"docs/{name}": make for name, make in PAGES.items()},
    "specs/index.json": zoo_index,
}


def main() -> None:
    """Write every file."""
    for name, make in FILES.items():
        (Path(__file__).parent.parent / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
