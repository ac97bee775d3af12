"""What foreign networks say in many layers and the vocabulary in one, recognised.

`values` tells arithmetic by what it computes, `views` reshapes and permutes by the order that they
make, `structures` layers by how they stand together. What no pattern takes, `remains` says in
layers that there are.
"""

from __future__ import annotations

from convcalc.foreign.patterns.remains import without_primitives
from convcalc.foreign.patterns.structures import with_structures
from convcalc.foreign.patterns.values import with_values
from convcalc.foreign.patterns.views import with_views, without_twins
from convcalc.foreign.traced import Traced

__all__ = ["recognised"]

#: What is done, over and over until nothing changes.
_PASSES = (without_twins, with_views, with_values, with_structures)


def recognised(traced: Traced) -> Traced:
    """The same network with patterns as the layers that they are.

    Learned tensors, MACs and what leaves it are the same.
    """
    return _settled(without_primitives(_settled(traced)))


def _settled(traced: Traced) -> Traced:
    while True:
        before = traced
        for step in _PASSES:
            traced = step(traced)
        if traced is before:
            return traced
