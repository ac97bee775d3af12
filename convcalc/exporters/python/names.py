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
RESERVED = frozenset(("self", "x", "nn", "np", "F", "torch", "keras", "math", "layers", "super"))


def identifier(name: str) -> str:
    """A name of a spec as Python has it."""
    name = unicodedata.normalize("NFKC", re.sub(r"\W", "_", name))
    if not name.isidentifier():
        name = f"_{name}"
    taken = keyword.iskeyword(name) or name in RESERVED or hasattr(builtins, name)
    return f"{name}_" if taken else name


def class_name(name: str) -> str:
    """The name of a class: `ConvBN` after `conv_bn`, `UNet` after `U-Net`."""
    parts = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name))
    joined = "".join([_CAPITALS.get(part, part[:1].upper() + part[1:]) for part in parts])
    is_name = joined.isidentifier() and not keyword.iskeyword(joined)
    return joined if is_name else f"Net{joined}"


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
