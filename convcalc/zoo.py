"""Where specs are: a file, or a spec or preset of the zoo by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from convcalc.diagnostics import ConvcalcError, Diagnostic, Source, fail
from convcalc.words import did_you_mean

#: What the file of a spec ends in.
SUFFIXES = (".yaml", ".yml")
#: Bytes that are read at once, and more than a spec of the zoo has.
_CHUNK, _OWN = 1 << 16, 1 << 20


class Found(NamedTuple):
    """A spec's text, its file, its name in messages, and the preset that its own name chose."""

    data: bytes | str
    path: str
    name: str
    preset: str | None = None
    #: What is to be said beside it: it was read of a foreign file.
    doubts: tuple[Diagnostic, ...] = ()

    @property
    def is_of_zoo(self) -> bool:
        """Whether it is a spec that comes with convcalc, asked for by its name."""
        return os.path.dirname(self.path) == folder()

    def preset_or(self, asked: str | None) -> str | None:
        """The preset that the name chose, or else the one that is asked for by itself.

        Raises ConvcalcError where they differ.
        """
        if asked is not None and self.preset not in (None, asked):
            family = self.name.removesuffix(".yaml")
            message = f"`{self.preset}` is a preset of `{family}` itself, and has no other"
            raise fail(
                "bad-value", message, f"name the spec, `{family}`, and its preset, `{asked}`"
            )
        return self.preset or asked


@cache
def folder() -> str:
    """The folder of the zoo: in the package where it is installed, beside it in a checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(here, "specs")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(here), "specs")


@cache
def families() -> tuple[str, ...]:
    """The names of the zoo's specs, one a family."""
    try:
        files = os.listdir(folder())
    except OSError:
        return ()
    return tuple(sorted(file[:-5] for file in files if file.endswith(".yaml")))


@cache
def presets() -> dict[str, str]:
    """Every preset of the zoo, to the spec that has it.

    Read from the lines below `presets:` without a YAML parser, so that a name is found at once: the
    zoo's own files are written so, and a test holds them to it.
    """
    found: dict[str, str] = {}
    for family in families():
        path = os.path.join(folder(), family + ".yaml")
        for preset in _preset_lines(read_bytes(path, family, _OWN)):
            found.setdefault(preset, family)
    return found


@cache
def index() -> tuple[dict[str, Any], ...]:
    """What is known of every network of the zoo without reading its spec, family by family.

    An object a network: `family`, `name` (a preset, or the family's), `network`, `source`, `input`,
    `params`, `macs`. It is made by `docs.generate`.
    """
    import json

    with open(os.path.join(folder(), "index.json"), encoding="utf-8") as file:
        return tuple(json.load(file))


def _preset_lines(data: bytes) -> Iterator[str]:
    inside = False
    for line in data.decode("utf-8").splitlines():
        if line.startswith("presets:"):
            inside = True
        elif inside and line[:1].strip() and not line.startswith("#"):
            return
        elif inside and (found := re.match(r"  ([\w.-]+):", line)):
            yield found[1]


def has(name: str) -> bool:
    """Whether a name is that of a spec or preset of the zoo."""
    return name in families() or name in presets()


def name_of(text: str) -> str | None:
    """The name of the family whose spec has this text; None where none has."""
    data = text.encode()
    for family in families():
        path = os.path.join(folder(), family + ".yaml")
        if os.path.getsize(path) == len(data) and read_bytes(path, family, _OWN) == data:
            return family
    return None


def is_file(name: str) -> bool:
    """Whether a SPEC is a file that is there, or a pipe or a device; it stands before the zoo."""
    return os.path.exists(name) and not os.path.isdir(name)


def locate(name: str, most: int) -> Found:
    """The spec of a path or of a name in the zoo, up to one more byte than `most`.

    A path is what has a folder or a suffix in it, or is there: a file, or a pipe or a device, which
    are read likewise. Raises ConvcalcError where there is neither, with the nearest names.
    """
    if is_file(name):
        return Found(read_bytes(name, name, most), name, name)
    if os.sep not in name and not name.endswith(SUFFIXES):
        family, preset = (name, None) if name in families() else (presets().get(name), name)
        if family is not None:
            path = os.path.join(folder(), family + ".yaml")
            return Found(read_bytes(path, name, most), path, f"{family}.yaml", preset)
    raise missing(name)


def missing(name: str, suffixes: tuple[str, ...] = SUFFIXES) -> ConvcalcError:
    """The error for a name that is no file and none of the zoo's; a file has such a suffix."""
    if os.path.isdir(name):
        files = sorted(_files_in(name, SUFFIXES) or ())
        help = (
            f"name the files in it, such as {os.path.join(name, files[0])}"
            if files
            else "name a file"
        )
        return fail("no-such-spec", f"{name} is a folder, not a spec", help)
    bare = os.path.basename(name)
    for suffix in SUFFIXES:
        bare = bare.removesuffix(suffix)
    help = did_you_mean(bare, [*families(), *presets()])
    if not os.path.dirname(name) or not help:
        help = f"{help} `convcalc list` names the specs that come with convcalc".strip()
    if os.path.dirname(name) or name.endswith(suffixes):
        near = _files_like(name, suffixes)
        return fail("no-such-spec", f"there is no file {name}", near or help)
    return fail("no-such-spec", f"there is no file and no spec in the zoo called {name!r}", help)


def _files_like(name: str, suffixes: tuple[str, ...]) -> str:
    files = _files_in(os.path.dirname(name) or ".", suffixes)
    if files is None:
        return f"there is no folder {os.path.dirname(name)} either"
    return did_you_mean(os.path.basename(name), files)


def _files_in(parent: str, suffixes: tuple[str, ...]) -> list[str] | None:
    """The files of such suffixes in a folder; None where it cannot be looked into."""
    try:
        return [file for file in os.listdir(parent) if file.endswith(suffixes)]
    except (OSError, ValueError):  # which has a character that no name has
        return None


def read_bytes(path: str, name: str, most: int) -> bytes:
    """What is in a file, up to one more byte than `most`. Raises ConvcalcError."""
    pieces = []
    rest = most + 1
    try:
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(min(rest, _CHUNK)):
                pieces.append(piece)
                rest -= len(piece)
        return b"".join(pieces)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise fail(
            "unreadable", f"{name} cannot be read: {reason}", source=Source(name, "")
        ) from None
