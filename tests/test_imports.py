"""What a command imports is what it uses: the budget that keeps it quick, as lists of modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import io, json, sys
from convcalc.cli import main
out, sys.stdout = sys.stdout, io.StringIO()
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=out)
"""

CORE = {
    *("convcalc", "convcalc.arithmetic", "convcalc.diagnostics", "convcalc.graph"),
    *(
        "convcalc.layers.grouping",
        "convcalc.shape",
        "convcalc.words",
        "convcalc.window",
        "convcalc.zoo",
        "convcalc.api",
        "convcalc.analysis",
    ),
    *("convcalc.cli", "convcalc.cli.options", "convcalc.render", "convcalc.render.columns"),
    *("convcalc.conventions", "convcalc.conventions.base", "convcalc.conventions.exact"),
}
LAYERS = {
    "convcalc.layers",
    *(f"convcalc.layers.{name}" for name in ("base", "fields", "activation", "composite")),
    *(f"convcalc.layers.{name}" for name in ("convolution", "dense", "joining")),
    *(f"convcalc.layers.{name}" for name in ("normalization", "pooling", "resampling")),
}
SPEC = {
    *("convcalc.language", "convcalc.expressions"),
    *(f"convcalc.language.{name}" for name in ("reader", "document", "check", "expand", "limits")),
}
MAY_IMPORT = {
    "--version": CORE,
    "analyze lenet --json": {*CORE, *LAYERS, *SPEC, "convcalc.cli.analyze", "convcalc.render.json"},
    "analyze lenet --csv": {*CORE, *LAYERS, *SPEC, "convcalc.cli.analyze", "convcalc.render.csv"},
    "analyze lenet": {
        *CORE,
        *LAYERS,
        *SPEC,
        *("convcalc.cli.analyze", "convcalc.render.table", "convcalc.render.plain"),
    },
    "layer conv --k 3 --in 128": {
        *(CORE - {"convcalc.zoo", "convcalc.api"}),
        *LAYERS,
        *("convcalc.language", "convcalc.expressions", "convcalc.language.limits"),
        *("convcalc.cli.layer", "convcalc.explain", "convcalc.symbolic"),
        *("convcalc.render.explanation", "convcalc.render.table"),
    },
    "layer conv --k 3 --in 128 --json": {
        *(CORE - {"convcalc.zoo", "convcalc.api"}),
        *LAYERS,
        *("convcalc.language", "convcalc.expressions", "convcalc.language.limits"),
        *("convcalc.cli.layer", "convcalc.explain", "convcalc.symbolic"),
        *("convcalc.render.json", "convcalc.analysis"),
    },
}
#: Heavy packages, and the commands that may import them.
HEAVY = {
    "rich": (),
    "numpy": (),
    "importlib.metadata": (),
    "pydantic": (),
    "jsonschema": (),
    "asyncio": (),
    "difflib": (),
    "pydantic_core": ("analyze",),
    "yaml": ("analyze",),
}


def imported(arguments: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV_")},
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize("arguments", MAY_IMPORT)
def test_modules_of_a_command(arguments: str) -> None:
    modules = imported(arguments)
    assert {name for name in modules if name.startswith("convcalc")} <= MAY_IMPORT[arguments]
    command = arguments.split()[0]
    heavy = {name for name in modules if name in HEAVY}
    assert heavy <= {name for name, commands in HEAVY.items() if command in commands}
