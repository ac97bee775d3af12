"""Modules that come several times as blocks with arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from convcalc import layers
from convcalc.foreign.writing.arguments import Finished
from convcalc.foreign.writing.elements import stack
from convcalc.foreign.writing.fields import Names, as_name, snake_case
from convcalc.foreign.writing.line import Line, every
from convcalc.foreign.writing.loops import exact, looped
from convcalc.foreign.writing.merging import Merged, Merging, Solving, form_of
from convcalc.language import built
from convcalc.language.statements import REQUIRED

#: Conditions that the modules of one block need, at the most.
_MOST_CONDITIONS = 4
#: Arguments of a block, at the most.
_MOST_ARGUMENTS = 12


def with_blocks(lines: list[Line], *, plain: bool = False) -> tuple[list[Line], dict[str, Any]]:
    """The lines of a network with calls of blocks and with loops; the blocks by their names.

    The `plain` ones have no loops, and only those modules are blocks that cannot be groups.
    """
    blocks = _Blocks(plain)
    found = [(line, _height(line)) for line in every(lines) if line.is_module]
    # No block calls itself: modules inside others of their class are blocks of their own.
    nested = {
        _key(line)
        for line, _ in found
        for inner in every(line.lists["layers"])
        if inner.is_module and _key(inner) == _key(line)
    }
    heights: dict[tuple[str, int], int] = {}
    modules: dict[tuple[str, int], list[Line]] = {}
    for line, height in found:
        key = (_key(line), height if _key(line) in nested else 0)
        heights[key] = max(heights.get(key, 0), height)
        modules.setdefault(key, []).append(line)
    for key in sorted(modules, key=heights.__getitem__):
        blocks.add(key[0], modules[key])
    body = lines if plain else looped(lines, blocks.merging)
    return body, blocks.written


def _height(line: Line) -> int:
    """How many modules are inside each other in a line, itself included."""
    inner = [_height(each) for lines in line.inner() for each in lines]
    return line.is_module + max(inner, default=0)


def _key(line: Line) -> str:
    """What modules have in common that may be one block: their class, or their name's stem."""
    if line.cls and not line.cls.endswith("[]"):
        return line.cls
    return f"~{_stem(line.cls[:-2] or line.name)}{'[]' if line.cls else ''}"


def _stem(name: str) -> str:
    return re.sub(r"[\d_-]+$", "", name)


class _Blocks:
    """The blocks that are found."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
        self.written: dict[str, Any] = {}
        self.merging = Merging({})
        self.names = Names((*layers.TYPES, *built.STRUCTURES))

    def add(self, key: str, modules: list[Line]) -> None:
        """Make blocks of modules of one class, as far as these come several times."""
        if not self.plain:
            for module in modules:
                module.lists["layers"] = looped(module.lists["layers"], self.merging)
            if all(map(_is_one_call, modules)):
                for module in modules:
                    _replace(module)
                return
            if len(modules) > 1 and self._made(key, modules):
                return
            for same in _by(modules, lambda module: form_of(module.lists["layers"])):
                if 1 < len(same) < len(modules):
                    self._made(key, same)
        left = [module for module in modules if module.is_module]
        for same in _by(left, lambda module: tuple(map(exact, module.lists["layers"]))):
            if any(module.reads_input or module.weights for module in same):
                self._made(key, same)

    def _made(self, key: str, modules: list[Line]) -> bool:
        """Make one block of modules; whether that went well."""
        bodies = [module.lists["layers"] for module in modules]
        merged = self.merging.merged(bodies)
        if merged is None or not _is_alike(merged):
            return False
        entering = tuple([module.channels for module in modules])
        solving = Solving(len(modules), entering)
        body = solving.lines(merged, entering)
        if len(solving.conditions) > _MOST_CONDITIONS:
            return False
        found = solving.finish(body)
        if len(found.values) > _MOST_ARGUMENTS:
            return False
        name = self.names.new(_block_name(key))
        self.written[name] = _block(found, body)
        self.merging.defaults[name] = dict(found.defaults)
        for at, module in enumerate(modules):
            module.kind, module.lists = name, {}
            module.fields = {
                each: values[at]
                for each, values in found.values.items()
                if each not in found.defaults or values[at] != found.defaults[each]
            }
        return True


def _by(modules: list[Line], key: Callable[[Line], Any]) -> list[list[Line]]:
    """Modules that have something in common, together."""
    found: dict[Any, list[Line]] = {}
    for module in modules:
        found.setdefault(key(module), []).append(module)
    return [*found.values()]


def _is_one_call(module: Line) -> bool:
    """Whether a module is only what one line in it is."""
    body = module.lists["layers"]
    return len(body) == 1 and not body[0].lists and not module.reads_input and not module.weights


def _replace(module: Line) -> None:
    """Make a module the one line that is in it."""
    (one,) = module.lists["layers"]
    module.kind, module.fields, module.lists = one.kind, one.fields, {}
    module.weights = one.weights


def _is_alike(merged: list[Merged]) -> bool:
    """Whether stacks are enough alike to be one: most of it is in all of them."""
    always, sometimes = _sizes(merged)
    return sometimes <= always


def _sizes(merged: list[Merged], optional: bool = False) -> tuple[int, int]:
    """How many lines are in all stacks, and how many in some."""
    always = sometimes = 0
    for each in merged:
        own = optional or each.is_optional
        always, sometimes = always + (not own), sometimes + own
        for key, inner in each.lists.items():
            for lines in inner if key == "paths" else [inner]:
                more = _sizes(lines, own)
                always, sometimes = always + more[0], sometimes + more[1]
    return always, sometimes


def _block(found: Finished, body: list[Line]) -> dict[str, Any]:
    """A block as a spec has it."""
    block: dict[str, Any] = {}
    if found.values:
        block["args"] = {name: found.defaults.get(name, REQUIRED) for name in found.values}
    if found.rules:
        block["let"] = found.rules
    block["layers"] = stack(body)
    return block


def _block_name(key: str) -> str:
    """The name of a block: `inverted_residual` for `InvertedResidual`, `stage` for `stages[]`."""
    if key.startswith("~"):
        stem = as_name(key[1:].removesuffix("[]").lower())
        name = _one_of(stem) if key.endswith("[]") and stem else stem or "block"
    else:
        name = snake_case(key) or "block"
    taken = name in layers.TYPES or name in built.STRUCTURES or name == "input"
    return f"{name}_block" if taken else name


def _one_of(stem: str) -> str:
    """What one of several is called by what all are: `stage` for `stages`."""
    return stem[:-1] if re.search("[^su]s$", stem) else f"{stem}_block"
