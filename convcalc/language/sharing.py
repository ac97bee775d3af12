"""Weights that are used more than once: whose, and what is said where these do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.language.refusals import Mistakes
from convcalc.language.scopes import Made, Scope
from convcalc.language.statements import Call, Stack, Statement
from convcalc.language.values import Values
from convcalc.layers.base import Placed, Weight
from convcalc.words import counted, sizes


class _Difference(NamedTuple):
    """What keeps layers from using the weights of others: how they are, and how those are.

    `which` of several it is; `cure` is what would be right.
    """

    here: str
    there: str
    which: str = ""
    cure: str = ""

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

    def line(self, st: Statement, made: Made | None, scope: Scope) -> None:
        """Let what a line made use the weights of what its `weights` names."""
        name = st.body.weights
        try:
            owner = scope.made(name)
        except KeyError:
            self._unknown(st, name, scope)
            return
        if owner is None and scope.is_input(name):
            message = f"`weights` names `{name}`, which is an input and has no weights"
            self._report("unknown-weights", message, st, scope, "name a layer or block above")
        elif owner is not None and made is not None:
            found = self._lend(owner, made)
            if found is not None:
                what = f"`{st.type}` cannot use the weights of `{name}`"
                message = f"{what}: {found.sentence(f'`{name}`')}"
                help = found.cure or "build both in the same way"
                help += "; without `weights` it has weights of its own"
                line = f"`{name}` is the `{owner.st.type}` at line {owner.st.mark.line}"
                self._report("other-weights", message, st, scope, help, (line,))

    def turn(self, first: Made, made: Made, number: int, scope: Scope) -> bool:
        """Let what a turn of a `repeat` made use the weights of the first one's; whether it can."""
        found = self._lend(first, made)
        if found is None:
            return True
        st = made.st
        what = f"turn {number + 1} of this `repeat` cannot use the weights of the first"
        help = found.cure or "let all turns be built in the same way"
        self.mistakes.report(
            "other-weights",
            f"{what}: {found.sentence('the first')}",
            st.mark_of("share_weights"),
            scope,
            help=f"{help}; without `share_weights` each has weights of its own",
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
        lengths = [made.end - made.first for made in (user, owner)]
        if lengths[0] != lengths[1]:
            here, there = (f"has {counted(length, 'layer')}" for length in lengths)
            return _Difference(here, there)
        for pair in pairs:
            self.builder.lend(*pair)
        return None

    def _difference(self, owner: Made, user: Made, there: int, here: int) -> _Difference | None:
        """What keeps a node from using the tensors of another."""
        paths = self._path(user, here), self._path(owner, there)
        placed, other = self.builder.placed(here), self.builder.placed(there)
        which = ".".join(name for name, _ in paths[0])
        if placed.type != other.type or paths[0] != paths[1]:
            if not any(paths):
                return _Difference(f"is `{placed.type}`", f"is `{other.type}`")
            return _Difference(*[f"has {_labelled(p, of)}" for p, of in zip(paths, (placed, other))])
        field = _differing(placed, other)
        if field is not None:
            here_, there_ = (f"has {field} {_shown(each.config[field])}" for each in (placed, other))
            cure = f"give both the same {field}"
            return _Difference(here_, there_, which, cure)
        if placed.tensors != other.tensors:
            return _of_tensors(placed, other, which)
        if placed.frozen and placed.tensors and not self.builder.placed(there).frozen:
            cure = "say `trainable: false` where they are first"
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

    def _path(self, made: Made, node: int) -> tuple[tuple[str, str], ...]:
        """The names of a node and of the groups around it, inside what a line made, and types."""
        parts = self.builder.parts_of_name(node)[made.depth :]
        return tuple([(part.base, part.type) for part in parts])

    # Names that are none

    def _unknown(self, st: Statement, name: str, scope: Scope) -> None:
        """`weights` names what is not in reach."""
        below = self._below(st, name, scope)
        whole = name.rpartition(".")[0]
        if below is st:
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
        elif whole in scope.owners():
            message = f"`weights` names `{name}`, and weights are those of a layer as a whole"
            help = f"write `weights: {whole}`"
        else:
            self.mistakes.unknown_name(st, "weights", name, scope, scope.owners())
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


def _labelled(path: Sequence[tuple[str, str]], placed: Placed) -> str:
    """A layer inside a block: its name there, and its type where that does not say it."""
    own = ".".join(name for name, _ in path) or placed.type
    return f"`{own}`" if own.endswith(placed.type) else f"`{own}` ({placed.type})"


def _differing(placed: Placed, other: Placed) -> str | None:
    """The first field in which two layers of one type differ."""
    if placed.layer == other.layer:
        return None
    return next((key for key, value in placed.config.items() if value != other.config[key]), None)


def _of_tensors(placed: Placed, other: Placed, which: str) -> _Difference:
    """The difference of two layers whose tensors have other shapes."""
    pairs = zip(placed.tensors, other.tensors)
    here, there = next((pair for pair in pairs if pair[0] != pair[1]))
    channels = [each.inputs[0].channels for each in (placed, other)]
    cure = ""
    if channels[0] != channels[1]:
        cure = f"both must get as many channels, and here are {channels[0]}, there {channels[1]}"
    return _Difference(_tensor(here), _tensor(there), which, cure)


def _tensor(weight: Weight) -> str:
    return f"has {weight.name} {_shown(list(weight.shape))}"


def _shown(value: Any) -> str:
    """A value of a field as messages have it."""
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return sizes(value).replace("x", "×")
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
