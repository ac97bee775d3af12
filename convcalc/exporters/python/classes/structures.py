"""The structures of the language, each in the ways that it can be written.

A structure has lists of lines in it, and lists have structures in them: so the modules that write
structures register here what those that write lists look up.
"""

from __future__ import annotations

from collections.abc import Callable

from convcalc.exporters.python.channels import Tree
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.items import Item
from convcalc.exporters.python.use import Held, Ran
from convcalc.language.statements import Statement

#: Writes a structure as statements of `forward`: what it hands on, given what enters it.
Statements = Callable[[Writer, Statement, Ran, list[Held]], list[Held]]
#: Writes a structure as modules one after the other: these, and the channels after them, given
#: those before them and whether these are an argument of the class alone.
Modules = Callable[[Writer, Statement, Ran, Tree, bool], tuple[list[Item], Tree]]

STATEMENTS: dict[str, Statements] = {}
MODULES: dict[str, Modules] = {}


def as_statements(type: str) -> Callable[[Statements], Statements]:
    """Register how a structure is written in `forward`."""

    def register(write: Statements) -> Statements:
        STATEMENTS[type] = write
        return write

    return register


def as_modules(*types: str) -> Callable[[Modules], Modules]:
    """Register how structures are written as modules."""

    def register(write: Modules) -> Modules:
        MODULES.update(dict.fromkeys(types, write))
        return write

    return register
