"""The channels along a list of lines, some of which may be left out."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.use import Ran


class Ways:
    """The channels of what goes from line to line, which may differ by what was left out."""

    def __init__(self, writer: Writer, channels: Tree, count: int) -> None:
        self.writer = writer
        self.at: list[Tree] = [channels] * count
        #: The condition of the last line that was put, and what it made.
        self.test: Tree = None
        self.made: Tree = None

    def put(self, channels: Tree, positions: Iterable[int], test: Tree = None) -> None:
        """Say what leaves a line, in the runs in which it is there."""
        for position in positions:
            self.at[position] = channels
        self.test, self.made = test, channels

    def among(self, positions: Iterable[int], lines: Ran) -> Tree:
        """The channels of what enters lines at some of the runs; None where that is not known."""
        found: list[tuple[Tree, list[int]]] = []
        for position in positions:
            tree = self.at[position]
            known = next((each for each in found if expressions.same(each[0], tree)), None)
            if known is None:
                found.append((tree, known_at := []))
            else:
                known_at = known[1]
            known_at.append(position)
        trees = [tree for tree, _ in found if tree is not None]
        if len(trees) < len(found):
            return None if len(found) > 1 or not trees else trees[0]
        if len(trees) == 1:
            return trees[0]
        for tree, own in reversed(found):
            others = [lines[at] for _, each in found for at in each if each is not own]
            if self.writer.holds(tree, others, 0):
                return tree
        if len(found) == 2 and self.test is not None:
            (before, after) = trees
            if expressions.same(before, self.made):
                before, after = after, before
            return ast.IfExp(self.test, after, before)
        return None
