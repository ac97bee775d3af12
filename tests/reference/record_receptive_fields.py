"""Record the published table of receptive fields of TF-slim's networks.

    git clone https://github.com/google-research/receptive_field
    git -C receptive_field checkout f12ae8e
    python tests/reference/record_receptive_fields.py receptive_field

receptive_fields.json has for each network and resolution a row an end point: its name, the FLOPs up
to it in 10^9, as printed, and the size, stride and padding of its receptive field. The FLOPs are
those of TensorFlow's profiler; a resolution of `any` is the table's `None`, for which it has no
FLOPs, and no padding where that depends on the resolution.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "receptive_fields.json"
TABLE = "receptive_field/RECEPTIVE_FIELD_TABLE.md"
SOURCE = f"{TABLE} of github.com/google-research/receptive_field at f12ae8e"
Networks = dict[str, dict[str, list[list[Any]]]]


def parsed(table: str) -> Networks:
    """The rows of the table, by network and resolution."""
    networks: Networks = {}
    lines = [line for line in table.splitlines() if line.count("|") == 6]
    for line in lines[2:]:  # after the heading and the rule below it
        cells = [None if cell.strip() == "None" else cell.strip() for cell in line.split("|")]
        network, resolution, end_point, flops, *field = cells
        numbers = [None if cell is None else int(cell) for cell in field]
        at = networks.setdefault(str(network), {}).setdefault(resolution or "any", [])
        at.append([end_point, flops, *numbers])
    return networks


def written(networks: Networks) -> str:
    """The file: a line an end point."""
    parts = []
    for network, resolutions in networks.items():
        for resolution, rows in resolutions.items():
            lines = ",\n".join("    " + json.dumps(row) for row in rows)
            parts.append(f'  ["{network}", "{resolution}", [\n{lines}\n  ]]')
    return f'{{"source": "{SOURCE}", "networks": [\n' + ",\n".join(parts) + "\n]}\n"


def main() -> None:
    table = (Path(sys.argv[1]) / TABLE).read_text(encoding="utf-8")
    FILE.write_text(written(parsed(table)), encoding="utf-8")


if __name__ == "__main__":
    main()
