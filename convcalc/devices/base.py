"""What a device is, and how its file is read: the most that it does in a second."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc import zoo
from convcalc.amounts import parse_amount
from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, fail
from convcalc.dtypes import SIZES, size_of
from convcalc.frozen import FrozenDict
from convcalc.language import reader
from convcalc.language.limits import DEFAULT, Budget
from convcalc.words import describe, did_you_mean, listed, quoted, shortened

#: What the documentation shows, and a mistake is told.
EXAMPLE = "operations_per_second: {float32: 472e9}"
_OPERATIONS, _BYTES = "operations_per_second", "bytes_per_second"
_KEYS = ("name", "source", _OPERATIONS, _BYTES)
_OPTIONAL = ("product", "note")
#: Characters of a device's name, at the most: as many as that of a layer.
_LONGEST_NAME = 60
#: Types that are counted as another is.
_ALIKE = {"uint8": "int8"}


class Device(NamedTuple):
    """The most that a device does in a second: operations of each type of number, and bytes that
    its memory moves.

    Figures are at the highest clock that the part can reach, so that what they give is a bound.
    `sources` has the vendor's document of each figure, by its type or as `bytes_per_second`.
    """

    name: str
    sources: Mapping[str, str]
    operations_per_second: Mapping[str, Fraction]
    bytes_per_second: Fraction
    #: What it is called by those who sell it; empty where that is its name.
    product: str = ""
    #: What the figures include and leave out: which of its units, and how they work.
    note: str = ""

    @property
    def source(self) -> str:
        """The documents that its figures are from."""
        return "; ".join(dict.fromkeys(self.sources.values()))

    def peak(self, dtype: str) -> Fraction:
        """Operations in a second on numbers of a type. Raises ConvcalcError where none is known."""
        size_of(dtype)
        known = self.operations_per_second
        found = known.get(dtype) or known.get(_ALIKE.get(dtype, dtype))
        if found is None:
            message = f"the device {quoted(self.name)} has no figure for {dtype}"
            help = f"it has figures for {listed(known)}; --dtype asks for one"
            raise fail("no-figure", message, help)
        return found

    def ridge(self, dtype: str) -> Fraction:
        """The operations a byte from which on its arithmetic is the limit, not its memory."""
        return self.peak(dtype) / self.bytes_per_second

    def __repr__(self) -> str:
        return f"<convcalc.Device {self.name}>"


def checked(device: Device) -> Device:
    """A device that was made by hand, with exact figures: a float is the number of its text.

    Raises ConvcalcError for a figure that is no number above 0, and for an unknown type of number.
    """
    name, peaks = device.name, device.operations_per_second
    if not (isinstance(name, str) and name.strip() and len(name) <= _LONGEST_NAME):
        message = f"a device's name is a text of {_LONGEST_NAME} characters at the most"
        raise fail("bad-device", f"{message}, not {shortened(describe(name))}")
    if not isinstance(peaks, Mapping) or not peaks:
        message = f"`{_OPERATIONS}` of {quoted(name)} is a figure for each type of number"
        raise fail("bad-device", f"{message}, not {describe(peaks)}")
    figures = {}
    for key, value in (*peaks.items(), (_BYTES, device.bytes_per_second)):
        if key != _BYTES:
            size_of(key)
        exact = _exact(value)
        if exact is None:
            message = f"`{key}` of {quoted(name)} is a number above 0, not {describe(value)}"
            raise fail("bad-device", message)
        figures[key] = exact
    moved = figures.pop(_BYTES)
    return device._replace(operations_per_second=FrozenDict(figures), bytes_per_second=moved)


def _exact(value: Any) -> Fraction | None:
    """A number above 0, a float as the number of its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)):
        return None
    if not math.isfinite(value) or value <= 0:
        return None
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def read(path: str) -> Device:
    """The device of a YAML file. Raises ConvcalcError, with the place of each mistake in it."""
    if os.path.isdir(path):
        message = f"{path} is a folder, and a device is a YAML file"
        raise fail("unknown-device", message, _LISTS)
    if not zoo.is_file(path):
        files: list[str] = []
        with suppress(OSError):  # a folder that is not there, or not to be read
            files = os.listdir(os.path.dirname(path) or ".")
        near = did_you_mean(os.path.basename(path), filter(_is_yaml, files))
        raise fail("unknown-device", f"there is no device file {path}", near or _LISTS)
    return parse(zoo.read_bytes(path, path, DEFAULT.bytes), path)


_LISTS = "`convcalc roofline --list-devices` lists those that come with convcalc"


def _is_yaml(name: str) -> bool:
    return name.endswith(zoo.SUFFIXES)


def parse(data: bytes | str, name: str) -> Device:
    """The device that a text describes; `name` is what it goes by in messages.

    Raises ConvcalcError, with the place of each mistake in it.
    """
    try:
        source = reader.source_of(data, name, DEFAULT)
        found = reader.read(source, Budget())
    except ConvcalcError as error:
        raise ConvcalcError(map(_of_a_device, error.diagnostics), error.more) from None
    return _Reading(source).device(found)


#: What is said of texts that hold no device, or several, where the language speaks of specs.
_SAID = {
    "empty-file": (
        "there is no device in here: nothing but white space and comments",
        f"a device has {listed(_KEYS)}",
    ),
    "several-documents": (
        "a device is one YAML document, and a second one begins here",
        "put each device into a file of its own",
    ),
}


def _of_a_device(diagnostic: Diagnostic) -> Diagnostic:
    """A mistake of the language, said of a device's file."""
    if diagnostic.code not in _SAID:
        message = diagnostic.message.replace("the spec language", "a device's file")
        # What is advised is for specs: another limit, a block in place of a merge key.
        is_of_specs = "--limit" in diagnostic.help or "block" in diagnostic.help
        return diagnostic._replace(message=message, help="" if is_of_specs else diagnostic.help)
    message, help = _SAID[diagnostic.code]
    return diagnostic._replace(message=message, help=help)


class _Reading:
    """Makes a device of what a file says, and notes what is wrong with that."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def device(self, data: Any) -> Device:
        """The device. Raises ConvcalcError with all mistakes."""
        if not isinstance(data, reader.Mapping) or not data:
            self.wrong(f"a device is a mapping, and this is {describe(data)}", Mark(1, 1))
            raise ConvcalcError(self.found)
        self.require_keys(data, (*_KEYS, *_OPTIONAL), "a device")
        for key in _KEYS:
            if key not in data:
                help = f"a device has {listed(_KEYS)}"
                self.wrong(f"the device has no `{key}`", data.key_mark(next(iter(data))), help)
        if len(str(data.get("name", ""))) > _LONGEST_NAME:
            message = f"a device's name has {_LONGEST_NAME} characters at the most"
            self.wrong(message, data.mark_of("name"))
        name, product, note = (self.text(data, key) for key in ("name", "product", "note"))
        peaks = self.operations(data) if _OPERATIONS in data else {}
        moved = self.number(data, _BYTES) if _BYTES in data else None
        sources = self.sources(data, [*peaks, _BYTES]) if "source" in data else {}
        if self.found or moved is None:
            raise ConvcalcError.of(self.found)
        return Device(name, FrozenDict(sources), FrozenDict(peaks), moved, product, note)

    def wrong(self, message: str, mark: Mark, help: str = "") -> None:
        self.found.append(Diagnostic("bad-device", message, self.source, mark, help=help))

    def require_keys(self, data: reader.Mapping, known: Iterable[str], what: str) -> None:
        """Note the keys that are none of those known."""
        for key in data:
            if key not in known:
                help = f"{did_you_mean(key, known)} {what} has {listed(known)}".strip()
                self.wrong(f"{what} has no {quoted(key)}", data.key_mark(key), help)

    def text(self, data: reader.Mapping, key: str) -> str:
        """A text with something in it; empty where there is none, or it is wrong."""
        value = data.get(key, "")
        if key in data and (not isinstance(value, str) or not value.strip()):
            message = f"`{key}` is a text, not {describe(value)}"
            if value is None or isinstance(value, str):
                message = f"`{key}` needs a text with something in it"
            help = "put it in quotes to have it as a text" if isinstance(value, int) else ""
            self.wrong(message, data.mark_of(key), help)
            return ""
        return str(value)

    def operations(self, data: reader.Mapping) -> dict[str, Fraction]:
        """The figure of each type of number."""
        peaks = data[_OPERATIONS]
        if not isinstance(peaks, reader.Mapping) or not peaks:
            message = f"`{_OPERATIONS}` is a figure for each type of number, not {describe(peaks)}"
            message = message.replace("a mapping", "an empty mapping")
            self.wrong(message, data.mark_of(_OPERATIONS), f"write {EXAMPLE}")
            return {}
        self.require_keys(peaks, SIZES, f"`{_OPERATIONS}`")
        figures = {key: self.number(peaks, key) for key in peaks if key in SIZES}
        return {key: figure for key, figure in figures.items() if figure is not None}

    def number(self, data: reader.Mapping, key: str) -> Fraction | None:
        """A number above 0; None where it is wrong."""
        value = data[key]
        exact = _exact(value)
        if isinstance(value, str):
            with suppress(ConvcalcError):
                exact = _exact(parse_amount(value))
        if exact is None:
            message = f"`{key}` is a number above 0, not {describe(value)}"
            self.wrong(message, data.mark_of(key), "write a number a second: 936e9, or 936G")
        return exact

    def sources(self, data: reader.Mapping, figures: Iterable[str]) -> dict[str, str]:
        """The document of each figure: one for all, or by their names."""
        said = data["source"]
        if not isinstance(said, reader.Mapping):
            return dict.fromkeys(figures, self.text(data, "source"))
        self.require_keys(said, (_OPERATIONS, _BYTES, *SIZES), "`source`")
        for key in said:
            self.text(said, key)
        return dict(self.by_figure(data, said, figures))

    def by_figure(
        self, data: reader.Mapping, said: reader.Mapping, figures: Iterable[str]
    ) -> Iterator[tuple[str, str]]:
        for figure in figures:
            found = said.get(figure) or (None if figure == _BYTES else said.get(_OPERATIONS))
            if found is None:
                help = "name the document that it is from; one text for `source` is for all figures"
                self.wrong(f"the figure `{figure}` has no source", data.key_mark("source"), help)
            else:
                yield figure, str(found)
