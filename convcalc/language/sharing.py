"""Weights that are used more than once: whose, and what is said where these do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from convcalc.language.refusals import Mistakes
from convcalc.language.scopes import Made, Scope
from convcalc.language.statements import Call, Stack, Statement
from convcalc.language.values import Values
from convcalc.layers.base import Placed
from convcalc.words import counted, sizes


class _Difference(NamedTuple):
    """What keeps layers from using the weights of others: how they are, and how those are.

    `which` of several it is; `cure` is what would be right.
    """

    here: str
    there: str
    which: str = ""
    cure: str = "build both in the same way"

    def sentence(self, owner: str) -> str:
        """Both sides; `owner` is what the others are called."""
        if self.which:
            return f"its `{self.which}` {self.here}, and that of {owner} {self.there}"
        return f"it {self.here}, and {owner} {self.there}"


class Sharing:
    """Lets lines use the weights of others, and turns those of the first; reports what differs."""

    def __init__(self, values: Values) -> None:
        self.document = values.document
        self.mistakes: Mistakes = values.mistakes
        self.builder = self.mistakes.builder

    def line(self, st: Statement, made: Made | None, scope: Scope) -> bool:
        """Let what a line made use the weights of what its `weights` names.

        Whether the two are alike, as far as that is known.
        """
        name = st.body.weights
        try:
            owner = scope.made(name)
        except KeyError:
            self._unknown(st, name, scope)
            return True
        found = self._lend(owner, made) if owner and made else None
        if owner is None or found is None:
            return True
        what = f"`{st.type}` cannot use the weights of `{name}`"
        message = f"{what}: {found.sentence(f'`{name}`')}"
        help = f"{found.cure}; without `weights` it has weights of its own"
        line = f"`{name}` is the `{owner.st.type}` at line {owner.st.mark.line}"
        self._report("other-weights", message, st, scope, help, (line,))
        return False

    def turn(self, first: Made, made: Made, number: int, scope: Scope) -> bool:
        """Let what a turn of a `repeat` made use the weights of the first one's; whether it can."""
        found = self._lend(first, made)
        if found is None:
            return True
        st = made.st
        what = f"turn {number + 1} of this `repeat` cannot use the weights of the first"
        self.mistakes.report(
            "other-weights",
            f"{what}: {found.sentence('the first')}",
            st.mark_of("share_weights"),
            scope,
            help=f"{found.cure}; without `share_weights` each has weights of its own",
        )
        return False

    # What differs

    def _lend(self, owner: Made, user: Made) -> _Difference | None:
        """Let nodes use the tensors of others; what keeps them from it, where something does."""
        pairs = list(zip(range(owner.first, owner.end), range(user.first, user.end)))
        self.mistakes.spend(len(pairs), user.st.mark)
        for pair in pairs:
            found = self._difference(owner, user, *pair)
            if found is not None:
                return found
        here, there = (made.end - made.first for made in (user, owner))
        if here != there:
            return _Difference(f"has {counted(here, 'layer')}", f"has {there}")
        for pair in pairs:
            self.builder.lend(*pair)
        return None

    def _difference(self, owner: Made, user: Made, there: int, here: int) -> _Difference | None:
        """What keeps a node from using the tensors of another."""
        paths = self._path(user, here), self._path(owner, there)
        placed, other = self.builder.placed(here), self.builder.placed(there)
        if placed.type != other.type or paths[0] != paths[1]:
            return _Difference(self._has(user, here), self._has(owner, there))
        which = self._own_name(user, here)
        field = _differing(placed, other)
        if field is not None:
            value, wanted = (_shown(each.config[field]) for each in (placed, other))
            cure = f"give both the same {field}"
            return _Difference(f"has {field} {value}", f"has {wanted}", which, cure)
        if placed.tensors != other.tensors:
            return _of_tensors(placed, other, which)
        if placed.frozen and not other.frozen:
            cure = "say `trainable: false` of the first, too"
            return _Difference("is frozen", "is trained", which, cure)
        return self._used_otherwise(owner, user, there, here, which)

    def _used_otherwise(
        self, owner: Made, user: Made, there: int, here: int, which: str
    ) -> _Difference | None:
        """The difference of a node that uses another's tensors already, and not the same."""
        used, meant = self.builder.owner(here), self.builder.owner(there)
        if used == here:
            return None
        if used >= user.first:  # what owns it will use what the other's owner has
            used = self.builder.owner(owner.first + used - user.first)
        if used == meant:
            return None
        name = self.builder.name(self.builder.owner(here))
        has = f"those of `{self.builder.name(meant)}`" if meant != there else "its own"
        return _Difference(f"uses the weights of `{name}`", f"has {has}", which)

    def _has(self, made: Made, node: int) -> str:
        """What a line is or has where another is built otherwise: the node there."""
        type, name = self.builder.placed(node).type, self._own_name(made, node)
        if not name:
            return f"is one `{type}`"
        says_it = name.startswith(type) or name.rpartition(".")[2].startswith(type)
        return f"has `{name}`" if says_it else f"has `{name}` ({type})"

    def _own_name(self, made: Made, node: int) -> str:
        """What a node is called inside what a line made; empty where the line is the node's."""
        return ".".join(self.builder.name(node).split(".")[made.depth :])

    def _path(self, made: Made, node: int) -> tuple[tuple[str, str], ...]:
        """The names of a node and of the groups around it, inside what a line made, and types."""
        parts = self.builder.parts_of_name(node)[made.depth :]
        return tuple([(part.base, part.type) for part in parts])

    # Names that are none

    def _unknown(self, st: Statement, name: str, scope: Scope) -> None:
        """`weights` names what is not in reach."""
        below = self._below(st, name, scope)
        whole, _, part = name.rpartition(".")
        if name in scope.tensors():
            message = f"`weights` names `{name}`, which is an input and has no weights"
            help = "name a layer or block above"
        elif below is st:
            message = f"`weights` of `{name}` names itself"
            loops = [each for each in scope.around if each.type == "repeat"]
            help = "leave it out: it has weights of its own"
            if loops:
                loop = loops[-1]
                help = f"`share_weights: true` in the `repeat` at line {loop.mark.line}"
                help += " lets all turns use those of the first"
        elif below is not None:
            message = f"`weights` names `{name}`, which comes later, at line {below.mark.line}"
            own = st.body.name
            first = f"write `weights: {own}` there" if own else "name it for that one's `weights`"
            help = f"the first one has the weights: leave it out here, and {first}"
        elif whole in scope.lines() and part.isdecimal():
            message = f"`weights` names `{name}`, and weights are those of a layer as a whole"
            help = f"write `weights: {whole}`"
        else:
            self.mistakes.unknown_name(st, "weights", name, scope, scope.lines())
            return
        self._report("unknown-weights", message, st, scope, help)

    def _below(self, st: Statement, name: str, scope: Scope) -> Statement | None:
        """The line of a name that its list, or one around, has at its place or below it."""
        line = st
        for around in (*reversed(scope.around), None):
            for stack in self._lists(around):
                at = next((index for index, each in enumerate(stack) if each is line), None)
                for each in stack[at:] if at is not None else ():
                    if each.body.name == name:
                        return each
            if around is None or isinstance(around.body, Call):
                return None  # a block sees nothing of its caller
            line = around
        return None

    def _lists(self, st: Statement | None) -> Iterator[Stack]:
        """The lists that are in a line, or those of the network itself."""
        spec = self.document.spec
        if st is None:
            yield spec.layers
        elif isinstance(st.body, Call):
            yield spec.blocks[st.type].layers
        elif st.type == "branches":
            yield from st.body.paths
        else:
            yield st.body.layers
            if st.type == "residual":
                yield st.body.shortcut

    def _report(
        self,
        code: str,
        message: str,
        st: Statement,
        scope: Scope,
        help: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        mark = st.mark_of("weights")
        self.mistakes.report(code, message, mark, scope, help=help, notes=notes)


def _differing(placed: Placed, other: Placed) -> str | None:
    """The first field in which two layers of one type differ."""
    if placed.layer == other.layer:
        return None
    return next((key for key, value in placed.config.items() if value != other.config[key]), None)


def _of_tensors(placed: Placed, other: Placed, which: str) -> _Difference:
    """The difference of two layers whose tensors have other shapes."""
    pairs = zip(placed.tensors, other.tensors)
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    if not differing:
        here, there = len(placed.tensors), len(other.tensors)
        return _Difference(f"has {counted(here, 'tensor')}", f"has {there}", which)
    (one, another), *_ = differing
    channels = [each.inputs[0].channels for each in (placed, other)]
    cure = "both must get the same shape"
    if channels[0] != channels[1]:
        got = f"{channels[0]} arrive here, and {channels[1]} there"
        cure = f"both must get as many channels: {got}"
    shapes = [_shown(list(each.shape)) for each in (one, another)]
    return _Difference(f"has a {one.name} of {shapes[0]}", f"has {shapes[1]}", which, cure)


def _shown(value: Any) -> str:
    """A value of a field as messages have it."""
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return sizes(value).replace("x", "×")
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
