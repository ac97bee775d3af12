"""The house: no import goes round in a circle or points upward, deferred ones counted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "convcalc"
FILES = sorted(PACKAGE.rglob("*.py"))

#: The rooms from the ground up; a file imports from its own room and from those before it.
ROOMS = (
    *(
        "visible",
        "likeness",
        "words",
        "arithmetic",
        "shape",
        "symbolic",
        "trace",
        "window",
        "reach",
        "diagnostics",
        "dtypes",
        "amounts",
        "extras",
        "inputs",
        "frozen",
        "named",
        "registry",
    ),
    *(
        "expressions",
        "written",
        "layers",
        "graph",
        "parts",
        "steps",
        "traffic",
        "costs",
        "memory",
        "receptive_field",
        "sizes",
        "conventions",
        "passes",
        "analysis",
        "alignment",
        "comparison",
        "explain",
    ),
    *("budgets", "reconcile", "language", "zoo", "baseline", "foreign", "importers", "exporters"),
    *("devices", "roofline", "search"),
    *("verification", "reported", "errata", "render", "explained", "swept"),
    *("catalogue", "api", "compared", "spaces", "cli", "__main__"),
)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the package that a module imports, wherever in it, for checkers too."""

    def named() -> Iterator[str]:
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else str(node.module)

    return frozenset(name for name in named() if name in MODULES) - {module}


def reached(start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in imports(waiting.pop()) - found:
            found.add(name)
            waiting.append(name)
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_imports_itself_in_the_end(module: str) -> None:
    assert module not in reached(module)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"convcalc"}))
def test_no_import_points_upward(module: str) -> None:
    own = ROOMS.index(room_of(module))
    for other in imports(module) - {"convcalc"}:
        assert ROOMS.index(room_of(other)) <= own, f"{module} imports {other}"


def test_only_the_command_line_and_the_renderers_print() -> None:
    printing = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert {room_of(name) for name in printing} <= {"render", "cli"}


def test_no_field_is_looked_for_by_name() -> None:
    looked_for = [
        f"{path.name}:{node.lineno}"
        for path in FILES
        if path.parent.name in ("conventions", "render", "formats") or path.name == "graph.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) == 3
    ]
    assert looked_for == []
