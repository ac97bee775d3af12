"""Weights that are used more than once: whose, and what is said where these do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from convcalc.language.refusals import Mistakes
from convcalc.language.scopes import Made, Scope
from convcalc.language.statements import Call, Stack, Statement
from convcalc.language.values import Values
from convcalc.layers.base import Layer, Placed
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
        #: Layers that were found alike, by their identities.
        self._alike: dict[tuple[int, int], tuple[Placed, Placed]] = {}

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
        levels: dict[Any, Any] = {}
        for there, here in pairs:
            if not self._is_alike(owner, user, there, here, levels):
                return self._difference(owner, user, there, here)
        here, there = (made.end - made.first for made in (user, owner))
        if here != there:
            return _Difference(f"has {counted(here, 'layer')}", f"has {there}")
        for pair in pairs:
            self.builder.lend(*pair)
        return None

    def _is_alike(
        self, owner: Made, user: Made, there: int, here: int, levels: dict[Any, Any]
    ) -> bool:
        """Whether a node can use the tensors of another; `levels` are those compared before."""
        builder = self.builder
        placed, other = builder.placed(here), builder.placed(there)
        pair = (id(placed), id(other))
        if placed is not other and pair not in self._alike:
            if placed.type != other.type or placed.tensors != other.tensors:
                return False
            if placed.layer == other.layer:
                self._alike[pair] = (placed, other)
            else:
                written, others = self._written(there, here)
                if written != others:
                    return False
        return (
            (other.frozen or not placed.frozen)
            and builder.are_placed_alike(here, user.depth, there, owner.depth, levels)
            and self._used(owner, user, here) in (here, builder.owner(there))
        )

    def _written(self, there: int, here: int) -> tuple[Layer, Layer]:
        """Two layers, here and there, whose fields are compared.

        Parts of composite layers have theirs of these, and of what enters.
        """
        mine, others = map(self.builder.composite, (here, there))
        if mine is not None and others is not None:
            return mine, others
        return self.builder.placed(here).layer, self.builder.placed(there).layer

    def _used(self, owner: Made, user: Made, node: int) -> int:
        """Whose tensors a node will have when what owns these has lent its own; itself: its own."""
        used = self.builder.owner(node)
        inside = user.first <= used != node
        return self.builder.owner(owner.first + used - user.first) if inside else used

    def _difference(self, owner: Made, user: Made, there: int, here: int) -> _Difference:
        """What keeps a node from using the tensors of another."""
        builder, which = self.builder, self._own_name(user, here)
        placed, other = builder.placed(here), builder.placed(there)
        alike = builder.are_placed_alike(here, user.depth, there, owner.depth, {})
        if placed.type != other.type or not alike:
            return _Difference(*self._others((user, here), (owner, there)))
        written = self._written(there, here)
        field = _differing(*written)
        if field is not None:
            value, wanted = (_shown(each.config()[field]) for each in written)
            if written[0] is not placed.layer:
                which = which.rpartition(".")[0]
            cure = f"give both the same {field}"
            return _Difference(f"has {field} {value}", f"has {wanted}", which, cure)
        if placed.tensors != other.tensors:
            return _of_tensors(placed, other, which)
        if placed.frozen and not other.frozen:
            cure = "say `trainable: false` of the first, too"
            return _Difference("is frozen", "is trained", which, cure)
        meant = builder.owner(there)
        has = f"those of `{builder.name(meant)}`" if meant != there else "its own"
        used = f"uses the weights of `{builder.name(builder.owner(here))}`"
        return _Difference(used, f"has {has}", which)

    def _others(self, *sides: tuple[Made, int]) -> Iterator[str]:
        """What two lines are, or have at the same place: a node each."""
        names = [self._own_name(*side) for side in sides]
        for (made, node), name in zip(sides, names):
            type = self.builder.placed(node).type
            if not name:
                yield f"is one `{type}`"
            elif not all(names):
                yield f"has {counted(made.end - made.first, 'layer')}"
            else:
                says_it = name.rpartition(".")[2].startswith(type)
                yield f"has `{name}`" if says_it else f"has `{name}` ({type})"

    def _own_name(self, made: Made, node: int) -> str:
        """What a node is called inside what a line made; empty where the line is the node's."""
        return ".".join(self.builder.name(node).split(".")[made.depth :])

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
        elif below in scope.around:
            message = f"`weights` names `{name}`, which this `{st.type}` is a part of"
            help = "leave it out, or name a layer or block above"
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


def _differing(layer: Layer, other: Layer) -> str | None:
    """The first field in which two layers of one type differ."""
    if layer == other:
        return None
    config, others = layer.config(), other.config()
    return next((key for key, value in config.items() if value != others[key]), None)


def _of_tensors(placed: Placed, other: Placed, which: str) -> _Difference:
    """The difference of two layers whose tensors have other shapes."""
    pairs = zip(placed.tensors, other.tensors)
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    if not differing:
        count = counted(len(placed.tensors), "tensor")
        return _Difference(f"has {count}", f"has {len(other.tensors)}", which)
    (one, another), *_ = differing
    here, there = ([shape.channels for shape in each.inputs[:1]] for each in (placed, other))
    cure = "both must get the same shape"
    if here != there:
        got = f"{here[0]} arrive here, and {there[0]} there"
        flat = all(len(shape) == 1 for each in (placed, other) for shape in each.inputs[:1])
        cure = f"both must get as many {'features' if flat else 'channels'}: {got}"
    shapes = [_shown(list(each.shape)) for each in (one, another)]
    return _Difference(f"has a {one.name} of {shapes[0]}", f"has {shapes[1]}", which, cure)


def _shown(value: Any) -> str:
    """A value of a field as messages have it."""
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return sizes(value).replace("x", "×")
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
