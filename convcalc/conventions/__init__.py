"""How tools and traditions count: one file each.

To add a convention, add a file with a `CONVENTION` in it; its name is the file's, `-` for `_`.
Another package adds one by an entry point in the group `convcalc.conventions`. A name is the tool's
newest version; `NAME@VERSION` is an older one, which stands in the newest's `older`.
"""

from convcalc.conventions.base import Convention
from convcalc.diagnostics import fail
from convcalc.registry import Registry
from convcalc.words import listed

_REGISTRY: Registry[Convention] = Registry(
    __name__, __path__, "CONVENTION", "convention", first=("exact", "macs")
)
add = _REGISTRY.add
names = _REGISTRY.names


def find(name: str) -> Convention:
    """The convention of a name; with `@` and the beginning of a version, the newest of those.

    Raises ConvcalcError, which lists the known names, or the versions of the tool.
    """
    tool, at, version = name.partition("@")
    if tool not in names() and tool not in _REGISTRY.all_names():
        from convcalc import sizes  # what is right needs none

        if tool in sizes.names():
            help = f"its sizes are `convcalc memory NAME --definition {tool}`"
            raise fail("unknown-convention", f"`{tool}` counts no operations", help)
    if not at or name in names():
        return _REGISTRY.find(name)
    newest = _REGISTRY.find(tool)
    known = (newest, *newest.older)
    for each in known:
        if each.is_of(version):
            return each
    here = f"`{tool}`" + (f", which is {newest.version}" if newest.version else "")
    older = listed([each.name for each in newest.older])
    help = f"there is {here}" + (f"; its older versions are {older}" if older else " alone")
    raise fail("unknown-convention", f"unknown convention `{name}`", help)


def every() -> tuple[Convention, ...]:
    """All conventions, each followed by its older versions."""
    newest = [find(name) for name in names()]
    return tuple(each for one in newest for each in (one, *one.older))
