"""What a command imports is what it uses: the budget that keeps it quick, as lists of modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from convcalc import layers, passes
from convcalc.registry import files

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


def several(package: str, names: str) -> set[str]:
    return {package, *(f"{package}.{name}" for name in names.split())}


#: What counting takes, and what any command does: the whole vocabulary among it.
CORE = {
    *several(
        "convcalc", "arithmetic window shape visible words diagnostics expressions graph costs"
    ),
    *several("convcalc", "dtypes frozen named reach steps"),
    *several("convcalc.layers", " ".join(files(layers.__path__))),
    *several("convcalc.conventions", "base exact"),
    *several("convcalc.passes", "base"),
    *several("convcalc.cli", "candidates options output streams command"),
    *several("convcalc.render", "report"),
    *several("convcalc.render.formats", "base"),
    "convcalc.analysis",
    "convcalc.registry",
}
SPEC = {
    *several("convcalc", "api zoo importers receptive_field traffic cli.progress"),
    *several("convcalc.language", "reader document statements built check expand limits"),
    *several("convcalc.language", "placing refusals scopes values"),
    *several("convcalc.passes", " ".join(files(passes.__path__))),
    *several("convcalc", "memory"),
    *several("convcalc.memory", "arena definitions lifetimes"),
    *several("convcalc.render", "analysis column columns fitting heading wrapping"),
    "convcalc.cli.analyze",
}
LAYER = {
    *several("convcalc", "explain inputs symbolic"),
    "convcalc.cli.layer",
    *several("convcalc.render", "explanation wrapping"),
}
MAY_IMPORT = {
    "--version": {
        *several("convcalc", "diagnostics visible words"),
        *several("convcalc.cli", "streams command"),
    },
    "list": {
        *several("convcalc", "diagnostics visible words zoo registry"),
        *several("convcalc.cli", "candidates options output rows streams command listing"),
        *several("convcalc.render", "column fitting networks report wrapping"),
        *several("convcalc.render.formats", "base table"),
    },
    "analyze lenet --json": {*CORE, *SPEC, "convcalc.render.formats.json"},
    "analyze lenet --csv": {*CORE, *SPEC, "convcalc.render.formats.csv"},
    "analyze lenet": {*CORE, *SPEC, "convcalc.render.formats.table"},
    "validate lenet": {*CORE, *SPEC, "convcalc.cli.validate"},
    "explain lenet conv_1": {
        *CORE,
        *(SPEC - {"convcalc.cli.analyze"}),
        *(LAYER - {"convcalc.cli.layer"}),
        *several("convcalc", "cli.explain explained"),
        "convcalc.render.formats.table",
    },
    "layer conv --k 3 --in 128": {*CORE, *LAYER, "convcalc.render.formats.table"},
    "layer conv --k 3 --in 128 --json": {*CORE, *LAYER, "convcalc.render.formats.json"},
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
    "fractions": ("analyze", "explain", "validate"),
    "pydantic_core": ("analyze", "explain", "validate"),
    "yaml": ("analyze", "explain", "validate"),
}


def imported(arguments: str, **environment: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
            **environment,
        },
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize("arguments", MAY_IMPORT)
def test_modules_of_a_command(arguments: str) -> None:
    modules = imported(arguments)
    assert {name for name in modules if name.startswith("convcalc")} <= MAY_IMPORT[arguments]
    command = arguments.split()[0]
    heavy = {name for name in modules if name in HEAVY}
    assert heavy <= {name for name, commands in HEAVY.items() if command in commands}


def test_importing_the_package_imports_nothing_of_it() -> None:
    script = "import sys, convcalc; print([n for n in sys.modules if n.startswith('convcalc.')])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("line", "is_read"),
    [
        ("analyze mobilenet", False),
        ("analyze lenet --columns name,", False),
        ("layer conv --padding s", False),
        ("analyze lenet --set a", True),
    ],
)
def test_completing_reads_a_spec_only_for_what_is_in_it(line: str, is_read: bool) -> None:
    heavy = imported(line, _CONVCALC_COMPLETE="zsh") & set(HEAVY)
    assert heavy == ({"yaml"} if is_read else set())
