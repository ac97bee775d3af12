"""The sizes of what enters a file's network, those that it leaves open among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from convcalc.diagnostics import ConvcalcError
from convcalc.importers.onnx_reader.wire import Node, Value
from convcalc.words import listed, quoted

#: The orders in which channels are last, by how many axes there are, and the transposition that
#: puts them first.
_TO_CHANNELS_FIRST: Mapping[int, tuple[int, ...]] = {
    3: (0, 2, 1),
    4: (0, 3, 1, 2),
    5: (0, 4, 1, 2, 3),
}
#: Operators that a transposition may come behind.
_ELEMENTWISE = frozenset(("Add", "Sub", "Mul", "Div", "Cast", "Identity", "Neg"))


class Sizes(NamedTuple):
    """The sizes of the inputs, batch and all, with a batch of 1."""

    shapes: Mapping[str, tuple[int, ...]]
    #: The batch that the file has.
    batch: int
    #: Whether they are the ones that the file says.
    are_the_files: bool


def order(
    name: str, shape: Sequence[int | str], uses: Mapping[str, Sequence[Node]]
) -> tuple[int, ...]:
    """Which foreign axes ours are: in a file made of a channels-last network, the last is first.

    Such a file transposes its input before its first convolution. A tensor of one axis has no
    batch, nor has one whose first size is not 1.
    """
    rank = len(shape)
    if rank < 2 or shape[0] not in (1, ""):
        return tuple(range(rank))
    wanted = _TO_CHANNELS_FIRST.get(rank)
    names = [name]
    for _ in range(len(_ELEMENTWISE)):
        nodes = [node for each in names for node in uses.get(each, ())]
        if any(node.op == "Transpose" and node.attributes.get("perm") == wanted for node in nodes):
            return (rank - 1, *range(1, rank - 1))
        names = [out for node in nodes if node.op in _ELEMENTWISE for out in node.outputs]
    return tuple(range(1, rank))


def sizes(
    entering: Sequence[Value],
    asked: Mapping[str, tuple[int, ...]],
    uses: Mapping[str, Sequence[Node]],
    network: str,
    error: Callable[[str, str, str], ConvcalcError],
) -> Sizes:
    """The sizes of the inputs, as the file has them and as they are asked for.

    `uses` are the nodes that read each tensor, `error` makes an error about the file `network`.
    Raises ConvcalcError for sizes that are open, and for those asked for that do not fit.
    """
    return _Inputs(entering, asked, uses, network, error).found()


class _Inputs:
    def __init__(
        self,
        entering: Sequence[Value],
        asked: Mapping[str, tuple[int, ...]],
        uses: Mapping[str, Sequence[Node]],
        network: str,
        error: Callable[[str, str, str], ConvcalcError],
    ) -> None:
        self._entering = entering
        self._uses = uses
        self._network = network
        self._error = error
        self._asked = self._by_name(asked)

    def _by_name(self, asked: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """What is asked, with the name of the only input for none."""
        names = [each.name for each in self._entering]
        found = {}
        for name, given in asked.items():
            known = {_as_asked(each): each for each in names} | {each: each for each in names}
            if not name and len(names) == 1:
                found[names[0]] = given
            elif name in known:
                found[known[name]] = given
            else:
                what = f"no input {quoted(name)}" if name else f"{len(names)} inputs"
                message = f"{self._network} has {what}"
                raise self._error("bad-value", message, f"it has {listed(names)}")
        return found

    def found(self) -> Sizes:
        """The sizes of all of them."""
        shapes: dict[str, tuple[int, ...]] = {}
        batches = set()
        are_the_files = True
        for each in self._entering:
            own = each.dims
            given = self._asked.get(each.name)
            if own is None:
                if given is None:
                    raise self._open(each, ())
                shapes[each.name] = (1, *given)
                are_the_files = False
                continue
            if any(isinstance(n, int) and n < 1 for n in own):
                own = tuple("" if isinstance(n, int) and n < 1 else n for n in own)
            batch = own[0] if len(own) > 1 else 1
            batches.add(batch if isinstance(batch, int) else 1)
            rest = own[1:] if len(own) > 1 else own
            if given is not None:
                rest = self._asked_for(each, rest, given)
                are_the_files = are_the_files and all(
                    isinstance(n, str) or n == m for n, m in zip(own[1:], rest)
                )
            if not all(isinstance(n, int) for n in rest):
                raise self._open(each, rest)
            shapes[each.name] = (*((1,) if len(own) > 1 else ()), *[int(n) for n in rest])
        sizes = batches - {1}
        if len(batches) > 1 or len(sizes) > 1:
            # What has no batch in front is taken as it is.
            for each in self._entering:
                batch = each.dims[0] if each.dims and len(each.dims) > 1 else 1
                if isinstance(batch, int) and batch > 1:
                    shapes[each.name] = (batch, *shapes[each.name][1:])
            sizes = set()
        return Sizes(shapes, sizes.pop() if sizes else 1, are_the_files)

    def _last(self, each: Value, rank: int) -> bool:
        """Whether an input's channels are last."""
        return order(each.name, [1] * rank, self._uses)[0] == rank - 1 > 1

    def _asked_for(
        self, each: Value, own: Sequence[int | str], given: tuple[int, ...]
    ) -> tuple[int | str, ...]:
        """The file's sizes with those asked for, which have the channels first."""
        is_last = self._last(each, len(own) + 1)
        first = (own[-1], *own[:-1]) if is_last else tuple(own)
        if len(given) == 1 and len(own) > 1:
            given = given * (len(own) - 1)
        if len(given) == len(own) - 1:
            wanted: tuple[int | str, ...] = (first[0], *given)
        elif len(given) == len(own):
            wanted = given
        else:
            shown = "x".join(map(str, given))
            message = f"{shown} does not fit the input {quoted(each.name)}, {_shown(first)}"
            raise self._error("bad-value", message, self._help(each, first))
        fits = isinstance(first[0], str) or wanted[0] == first[0]
        if not fits:
            message = f"the input {quoted(each.name)} has {first[0]} channels, and not {wanted[0]}"
            raise self._error("bad-value", message, self._help(each, first))
        return (*wanted[1:], wanted[0]) if is_last else wanted

    def _open(self, each: Value, rest: Sequence[int | str]) -> ConvcalcError:
        """The error for an input with open sizes."""
        is_last = bool(rest) and self._last(each, len(rest) + 1)
        first = (rest[-1], *rest[:-1]) if is_last else tuple(rest)
        what = f", {_shown(first)}" if rest else ""
        message = f"{self._network} leaves the sizes of its input {quoted(each.name)} open{what}"
        return self._error("open-shape", message, self._help(each, first))

    def _help(self, each: Value, first: Sequence[int | str]) -> str:
        defaults = {1: (1000,), 2: (3, 224), 3: (3, 224, 224), 4: (3, 16, 112, 112)}
        examples = defaults.get(len(first), (3, 224, 224))
        shown = [n if isinstance(n, int) else m for n, m in zip(first or examples, examples)]
        lead = "" if len(self._entering) == 1 else f"{_as_asked(each.name)}="
        return f"say them, without the batch: --input {lead}{'x'.join(map(str, shown))}"


def _as_asked(name: str) -> str:
    """The name of an input as `--input NAME=…` can have it."""
    return name.replace("=", "_")


def _shown(sizes: Sequence[int | str]) -> str:
    return "×".join(str(n) or "?" for n in sizes)
