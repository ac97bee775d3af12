"""Names of Python: of classes, arguments and attributes, after those of a spec."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

#: Parts of names that people write in capitals.
_CAPITALS = {
    each.lower(): each
    for each in (
        *("BN", "CNN", "FPN", "GN", "LN", "MB", "MBConv", "MLP", "PReLU", "ReLU", "ReLU6", "RPN"),
        *("SE", "SiLU", "SPP", "SPPF", "ASPP", "DW", "PW", "GELU", "ELU", "CSP", "FFN", "VGG"),
    )
}  # fmt: skip
#: Names that every file has a use for.
RESERVED = frozenset(
    ("_", "self", "x", "nn", "np", "F", "torch", "keras", "math", "layers", "super")
)


def spelt(text: str) -> str:
    """A text in the characters that a name of Python has after its first, others as `_`."""
    text = unicodedata.normalize("NFKC", text)  # as Python reads names
    return "".join([char if f"_{char}".isidentifier() else "_" for char in text])


def is_free(name: str) -> bool:
    """Whether a name is one of Python's, and stands for nothing in every file."""
    taken = keyword.iskeyword(name) or name in RESERVED or hasattr(builtins, name)
    return name.isidentifier() and not taken


def identifier(name: str) -> str:
    """A name of a spec as Python has it; none begins as those that a class spells anew (`__x`)."""
    name = re.sub("^__+", "_", spelt(name))
    if not name.isidentifier():
        name = f"_{name}"
    return name if is_free(name) else f"{name}_"


def class_name(name: str) -> str:
    """The name of a class: `ConvBN` after `conv_bn`, `UNet` after `U-Net`."""
    parts = [each for each in spelt(name).split("_") if each]
    joined = spelt("".join([_CAPITALS.get(part, part[:1].upper() + part[1:]) for part in parts]))
    return joined if is_free(joined) else f"Net{joined}"


def plural(name: str) -> str:
    """Several of what a name is one of."""
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search("[^aeiou]y$", name) else f"{name}s"


class Namespace:
    """Names that are given once each."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)

    def new(self, name: str) -> str:
        """The name, or the first of `name_2`, `name_3`, … that is not given."""
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found


class Attributes(Namespace):
    """Names of attributes. None begins with an underscore, as what is the framework's own does."""

    def new(self, name: str) -> str:
        bare = name.strip("_") if name.startswith("_") else name
        if not bare.isidentifier():
            bare = f"layer_{bare}".rstrip("_")
        return super().new(bare if is_free(bare) or bare == name else f"{bare}_")
