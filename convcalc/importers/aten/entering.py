"""What enters a module: tensors by the names that its forward has for them."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.words import did_you_mean, listed, quoted, sizes

Inputs = Mapping[str, tuple[int, ...]]

#: Channels that an image has, at the most, where they can be told from its sizes.
_FEW = 4
#: An input as people ask for it.
_EXAMPLE = "3x224x224"


class Entering(NamedTuple):
    """The inputs of a module, in order."""

    #: The sizes of each by name, without the batch.
    sizes: Inputs
    #: Those that are integers: places in a table.
    whole: frozenset[str] = frozenset()
    #: Those that go by their place, as the forward has no name that it may be called by.
    placed: frozenset[str] = frozenset()

    def arguments(self, device: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tensors with a batch of 1, those by place and those by name."""
        import torch

        made = {
            name: torch.zeros((1, *size), dtype=torch.long, device=device)
            if name in self.whole
            else torch.empty((1, *size), device=device)
            for name, size in self.sizes.items()
        }
        named = {name: tensor for name, tensor in made.items() if name not in self.placed}
        return tuple(made[name] for name in made if name in self.placed), named


class _Taken(NamedTuple):
    """What a forward takes."""

    names: tuple[str, ...]
    #: Those without a default.
    required: tuple[str, ...]
    #: Those that have a place alone.
    placed: frozenset[str]
    #: Whether it takes more than it has names for.
    takes_more: bool
    #: Whether it takes more by name.
    takes_any_name: bool


def _taken(module: Any) -> _Taken:
    """What the forward of a module takes."""
    try:
        found = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return _Taken((), (), frozenset(), True, False)
    more = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [each for each in found if each.kind not in more]
    return _Taken(
        tuple(each.name for each in named),
        tuple(each.name for each in named if each.default is each.empty),
        frozenset(each.name for each in named if each.kind is each.POSITIONAL_ONLY),
        len(named) < len(found),
        any(each.kind is each.VAR_KEYWORD for each in found),
    )


def entering(target: str, module: Any, inputs: Inputs) -> Entering:
    """What enters a module whose inputs have these sizes, the only one of which may be called "".

    Raises ConvcalcError for inputs that its forward does not have, and for those that it lacks.
    """
    taken = _taken(module)
    found = dict(inputs)
    several = len(taken.required) > 1
    if not found and not several:
        found = _usual(module)
    if not found:
        raise _none_given(target, taken)
    if "" in found:
        if len(found) > 1:
            raise fail("usage", "an input without a name stands beside others", "name them all")
        if several:
            count = len(taken.required)
            message = f"{target} takes {count} inputs, {listed(taken.required)}, and one is given"
            raise fail("missing-input", message, f"say the sizes of each: {_ways(taken.required)}")
        found = {(taken.required or taken.names or ("x",))[0]: found[""]}
    beside = [name for name in found if name not in taken.names]
    if beside and not taken.takes_more:
        help = f"{did_you_mean(beside[0], taken.names)} it has {listed(taken.names)}".strip()
        raise fail("unknown-input-name", f"{target} has no input {quoted(beside[0])}", help)
    missing = [name for name in taken.required if name not in found]
    if missing:
        be = "is" if len(missing) == 1 else "are"
        message = f"{target} takes {listed(taken.required)}, and {listed(missing)} {be} missing"
        raise fail("missing-input", message, f"give {_ways(missing)}")
    # What has a name is given in the forward's order.
    ordered = {name: found[name] for name in (*taken.names, *beside) if name in found}
    by_place = () if taken.takes_any_name and taken.names else beside
    return Entering(ordered, placed=taken.placed.union(by_place))


def _usual(module: Any) -> dict[str, tuple[int, ...]]:
    """The size that a module of timm says itself, by the name ""."""
    known: Any = getattr(module, "pretrained_cfg", None)
    size = known.get("input_size") if hasattr(known, "get") else None
    return {} if size is None else {"": tuple(size)}


def _none_given(target: str, taken: _Taken) -> ConvcalcError:
    """The error where nothing says the size of an input."""
    if len(taken.required) > 1:
        message = f"{target} takes {listed(taken.required)}, and does not say their sizes"
        return fail("missing-input", message, f"give {_ways(taken.required)}")
    message = f"{target} does not say the size of its input"
    return fail("missing-input", message, f"give it as `--input {_EXAMPLE}`")


def _ways(names: tuple[str, ...] | list[str]) -> str:
    """How inputs are given."""
    first, *others = names
    each = [f"--input {first}={_EXAMPLE}", *(f"--input {name}=…" for name in others)]
    return f"`{' '.join(each)}`"


# --- Where a module refuses them ------------------------------------------------------------------


def in_integers(module: Any, given: Entering) -> Entering | None:
    """The same inputs as integers, all or one, that a module takes on the meta device."""
    names = tuple(given.sizes)
    ways = [frozenset(names), *(frozenset([name]) for name in names if len(names) > 1)]
    return next((each for way in ways if _runs(module, each := given._replace(whole=way))), None)


def misread(module: Any, given: Entering) -> ConvcalcError | None:
    """The error for sizes in another order or with a batch, where a module takes what they mean."""
    for looks, read in _READINGS:
        meant = {name: read(size) or size for name, size in given.sizes.items()}
        changed = [name for name, size in meant.items() if size != given.sizes[name]]
        if not changed or not _runs(module, given._replace(sizes=meant)):
            continue
        lead = f"{changed[0]}=" if len(meant) > 1 else ""
        message = f"{sizes(given.sizes[changed[0]])} {looks}"
        return fail("bad-value", message, f"write `--input {lead}{sizes(meant[changed[0]])}`")
    return None


def _runs(module: Any, given: Entering) -> bool:
    """Whether a module on the meta device takes inputs."""
    import torch

    placed, named = given.arguments("meta")
    try:
        with torch.device("meta"), torch.no_grad():
            module(*placed, **named)
    except Exception:
        return False
    return True


def _without_batch(size: tuple[int, ...]) -> tuple[int, ...] | None:
    """Sizes without the first; three may be a map's, where that is not 1."""
    return size[1:] if len(size) > 3 or (len(size) > 1 and size[0] == 1) else None


def _channels_first(size: tuple[int, ...]) -> tuple[int, ...] | None:
    """An image's sizes whose channels were last."""
    return (size[2], *size[:2]) if len(size) == 3 and size[2] <= _FEW else None


def _with_channels(size: tuple[int, ...]) -> tuple[int, ...] | None:
    """An image's sizes of which the channels were left out."""
    return {1: (3, *size * 2), 2: (3, *size)}.get(len(size))


#: What sizes may have been meant as, and how they look then.
_READINGS = (
    ("carries a batch, which is left out", _without_batch),
    ("has its channels last, and they come first", _channels_first),
    ("lacks the channels, which come first", _with_channels),
)
