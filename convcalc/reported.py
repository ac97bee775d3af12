"""Which number did they report? A published figure, and what it may be, the likeliest first.

Everything that a figure may be has a weight: how often what people publish is that, beside 1 for
the multiply–accumulates of the very network. A figure that is printed with few digits is met by
chance: one that has nothing to do with a network, but is no further from its MACs than a factor of
two, lies within a reading's interval with a probability of the interval's width over ln 4. What
weighs less than that says nothing, and is not said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from fractions import Fraction
from itertools import combinations, islice
from typing import NamedTuple

from convcalc import zoo
from convcalc.conventions.base import Convention
from convcalc.costs import known_macs
from convcalc.costs import params as params_of
from convcalc.diagnostics import fail
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph
from convcalc.reconcile import Bridge, Item, Reconciliation
from convcalc.words import shortened

#: The logarithm of the factors between which an unrelated figure is supposed to lie: ½ to 2.
_RANGE = math.log(4)

# A figure as it is written


class Reported(NamedTuple):
    """A figure that somebody reports: as written, its value, and how much its last digit is worth.

    `step` is 0 where every digit counts. Zeros at the end may be digits or not: `coarse` is the
    step without them. `what` is what it says that it counts: `macs`, `flops`, `params`, or nothing;
    `word` is the word that says so.
    """

    text: str
    value: Fraction
    step: Fraction
    coarse: Fraction
    what: str = ""
    word: str = ""

    @property
    def low(self) -> Fraction:
        """The lowest number that is written so, rounded."""
        return self.value - self.step / 2

    @property
    def high(self) -> Fraction:
        """What numbers that are written so are below, cut; the number itself where it is exact."""
        return self.value + self.step

    def holds(self, number: Fraction | int, step: Fraction | None = None) -> bool:
        """Whether a number is written so, rounded or cut, to a last digit that is worth `step`."""
        step = self.step if step is None else step
        half = self.value - step / 2 <= number <= self.value + step / 2
        return half or self.value <= number < self.value + step

    def distance(self, reading: Reading) -> Fraction:
        """How many times larger the larger one is of it and a total."""
        low, high = sorted((self.value, reading.value))
        return high / low if low else high + 1

    def chance(self, step: Fraction | None = None) -> float:
        """How probable it is that a figure of so many digits meets a given number by chance."""
        width = (self.step if step is None else step) * Fraction(3, 2) or 1
        return float(width / self.value) / _RANGE if self.value else 1.0


_POWERS: Mapping[str, int] = {
    "": 0,
    **dict.fromkeys(("k", "thousand"), 3),
    "万": 4,
    **dict.fromkeys(("m", "mn", "mio", "million", "millions"), 6),
    "亿": 8,
    **dict.fromkeys(("g", "b", "bn", "billion", "billions"), 9),
    **dict.fromkeys(("t", "tn", "trillion", "trillions"), 12),
    "p": 15,
}
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("macs", "mac", "madds", "madd", "mult-adds", "mult-add", "mul-adds"), "macs"),
    **dict.fromkeys(("multiply-adds", "multi-adds", "multadds", "mult adds", "muladds"), "macs"),
    **dict.fromkeys(("multiply-accumulates", "multiply accumulates", "ma"), "macs"),
    **dict.fromkeys(("flops", "flop", "ops", "operations", "fops"), "flops"),
    **dict.fromkeys(("params", "param", "parameters", "weights"), "params"),
    **dict.fromkeys(("参数", "参数量"), "params"),
}
_EXPONENT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FIGURE = re.compile(
    r"(?:~|≈|about|ca\.?)?\s*"
    r"(?P<digits>\d{1,3}(?:[, ]\d{3})+|\d+)(?P<rest>\.\d+)?"
    r"(?:\s*[x×*·]\s*10(?:\^|\*\*)?(?P<ten>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}|(?<=[\^*])\d{1,2})|e\+?(?P<power>\d{1,2}))?"
    rf"\s*(?P<unit>{'|'.join(sorted(filter(None, _POWERS), key=len, reverse=True))})?"
    rf"\s*-?(?P<word>{'|'.join(map(re.escape, sorted(_WORDS, key=len, reverse=True)))})?",
    re.IGNORECASE,
)
#: How much of a text is looked at, and the fewest digits that its zeros may leave.
_LONGEST, _FEWEST = 60, 2
#: Zeros at the end of a plain number that make it a rounded one.
_ZEROS = 3
_HELP = "write it as it is reported: 314.2M, 0.6G, 4.1e9, 568,740,352 or 3.5M params"


def parse_reported(text: str) -> Reported:
    """A figure as people print it: `314.2M`, `65.86 Bn`, `3.8 × 10^9`, `0.3 GMACs`, `568,740,352`.

    Raises ConvcalcError for anything else.
    """
    written = " ".join(text.split())
    found = _FIGURE.fullmatch(written) if len(written) <= _LONGEST else None
    if found is None:
        raise fail("bad-figure", f"{shortened(text, _LONGEST)!r} is no figure", _HELP)
    whole, rest = re.sub(r"\D", "", found["digits"]), found["rest"] or ""
    unit = (found["unit"] or "").lower()
    exponent = (found["ten"] or found["power"] or "0").translate(_EXPONENT)
    power = _POWERS[unit] + int(exponent)
    if rest and not power:
        help = f"write its unit: {written}G or {written}M"
        raise fail("bad-figure", f"{written!r} is no whole number", help)
    decimals = max(len(rest) - 1, 0)
    digits = (whole + rest[1:]).lstrip("0")
    zeros = len(digits) - len(digits.rstrip("0"))
    last = Fraction(10) ** (power - decimals)
    coarse = last * 10 ** max(min(zeros, len(digits) - _FEWEST), 0)
    if not (rest or power):
        # A plain number is exact, unless it ends as only a rounded one does.
        last = Fraction(10 ** min(zeros, len(digits) - 3)) if zeros >= _ZEROS else Fraction(0)
        last, coarse = (last, coarse) if last > 1 else (Fraction(0), Fraction(0))
    word = (found["word"] or "").lower()
    value = Fraction(whole + rest) * 10**power
    return Reported(text.strip(), value, last, coarse, _WORDS.get(word, ""), word)


# What it may be


class Reading(NamedTuple):
    """What a figure may be: a total of a network under a convention, times a factor.

    `what` it counts is `macs`, `flops` or `params`. `leaving_out` are the parts of the network that
    are not in it, `less` the items of the bridge. `weight` is how likely it is beside the plain
    MACs of the network that was asked for.
    """

    convention: Convention
    factor: Fraction
    what: str
    value: Fraction
    subject: Subject
    weight: float
    #: How probable it is that another figure meets it.
    chance: float = 0.0
    leaving_out: tuple[str, ...] = ()
    less: tuple[Item, ...] = ()


class Subject(NamedTuple):
    """A network that a figure may be of, and its input. `name` is that in the zoo, or a file's.

    Of a part of a network, `cut_by` says which; see `Graph.cut_by`.
    """

    name: str
    preset: str | None
    input: Mapping[str, Sequence[int]]
    cut_by: Mapping[str, Sequence[str]] = FrozenDict()


class Sketch(NamedTuple):
    """What is known of a network that is not asked for: how it is related, and its totals.

    `macs` are None where they are known of no layer, `params` where nobody counted them. `weight`
    is how likely a figure is of it, beside 1 for the one that is asked for.
    """

    subject: Subject
    macs: int | None
    params: int | None
    weight: float


class Answer(NamedTuple):
    """What a reported figure may be.

    `matches` are readings that give it, the likeliest first; `near`, where there are none, those
    that give it once items of a bridge are left out, where chance would not; `tried` is how many
    such there are. `nearest` is the nearest total, None where there is none of what the figure says
    that it counts; `found` has them all. `subject` is the network that was asked for.
    """

    found: Reconciliation
    reported: Reported
    subject: Subject
    matches: tuple[Reading, ...]
    near: tuple[Reading, ...]
    nearest: Reading | None
    tried: int = 0

    def __repr__(self) -> str:
        names = [each.convention.name for each in self.matches]
        return f"Answer({self.reported.text!r}, {', '.join(names) or 'no reading'})"

    @property
    def is_certain(self) -> bool:
        """Whether the likeliest reading is much likelier than chance."""
        best = self.matches[0] if self.matches else None
        return best is not None and best.weight >= _CERTAIN * best.chance


_ONE, _TWO, _HALF = Fraction(1), Fraction(2), Fraction(1, 2)
#: How much likelier than chance a reading is that is told as a fact.
_CERTAIN = 10.0
#: How likely a total is that is worth to be named as the nearest.
_USUAL = 0.05
#: How likely a total is doubled or halved, beside as it is: MACs to FLOPs is frequent.
_DOUBLED, _HALVED = 0.35, 0.15
#: How likely a figure is the parameters; and the same where a tool counts them otherwise.
_PARAMS, _OTHER_PARAMS = 0.3, 0.03
#: The conventions that count every parameter once.
_PLAIN = ("exact", "macs")
#: How likely a figure is of an older version of a tool, beside its newest.
_OLDER = 0.3
#: How much likelier what the network's own community counts by is.
_AT_HOME = 3.0
#: How likely a figure is coarser than it looks.
_COARSE = 0.1
#: How likely it leaves something out: the classifier; or any one or two items of a bridge. And how
#: likely the classifier is in it all the same, where it usually is not.
_WITHOUT_HEAD, _WITHOUT_ITEMS, _WITH_HEAD = 0.03, 0.005, 0.5
#: How much likelier what a word beside it says is than anything else, and a tool whose word it is.
_SAID, _SPELLED = 10.0, 8.0
#: The items of a bridge that may have been left out: the largest, where there are many.
_MOST_LEFT_OUT = 40


def answer(
    found: Reconciliation,
    reported: Reported,
    subject: Subject,
    related: Callable[[], Iterable[Sketch]] = tuple,
) -> Answer:
    """What a reported figure may be, of a network that is `subject`.

    `related` makes other networks, and the same at other inputs; it is asked where the network
    itself does not give the figure.
    """
    own = list(_own(found, subject))
    matches = [*_fitting(own, reported), *_fitting(_headless(found, subject), reported)]
    if not any(each.weight > _WITHOUT_HEAD for each in matches):
        matches += _fitting(_related(found, related()), reported)
    near, tried = [], 0
    if not matches:
        lacking = list(_lacking(found, subject))
        tried = len(lacking)
        weighed = (each._replace(weight=_WITHOUT_ITEMS / tried) for each in lacking)
        near = list(_fitting(weighed, reported))
    usual = [each for each in own if each.weight >= _USUAL]
    said = [each for each in usual if (each.what == "params") == (reported.what == "params")]
    nearest = min(said if reported.what else usual, key=reported.distance, default=None)
    matches.sort(key=lambda each: -each.weight)
    return Answer(found, reported, subject, tuple(matches), tuple(near), nearest, tried)


def _fitting(readings: Iterable[Reading], reported: Reported) -> Iterator[Reading]:
    """Those that are the figure, and likelier to be than chance is."""
    for each in readings:
        weight = each.weight
        if reported.what and (reported.what == "params") != (each.what == "params"):
            continue  # it says itself that it is none
        if reported.what:
            weight *= _SAID if each.what == reported.what else 1 / _SAID
            # Whoever says FLOPs often means MACs; nobody who says MACs or parameters means others.
            if (reported.what, each.what) == ("flops", "macs"):
                weight = each.weight * _SAID / 2
        if reported.word in each.convention.spellings:
            weight *= _SPELLED
        if reported.holds(each.value):
            step = reported.step
        elif reported.holds(each.value, reported.coarse):
            step, weight = reported.coarse, weight * _COARSE
        else:
            continue
        chance = reported.chance(step)
        if weight >= chance:
            yield each._replace(weight=weight, chance=chance)


def _own(found: Reconciliation, subject: Subject) -> Iterator[Reading]:
    """What the network itself gives."""
    params: dict[int, Reading] = {}
    for bridge in found.bridges:
        convention = bridge.convention
        weight = convention.share * (_AT_HOME if _is_home(convention, found) else 1)
        weight *= _OLDER if "@" in convention.name else 1
        weight *= _WITH_HEAD if convention.is_headless else 1
        if bridge.total is not None and found.macs is not None:
            yield from _counted(bridge, found.macs, bridge.total, weight, subject)
        if bridge.params is not None:
            share = _PARAMS if convention.name in _PLAIN else _OTHER_PARAMS * weight
            value = bridge.params
            each = Reading(convention, _ONE, "params", Fraction(value), subject, share)
            params[value] = max(params.get(value, each), each, key=lambda known: known.weight)
    yield from params.values()


def _is_home(convention: Convention, found: Reconciliation) -> bool:
    """Whether it is what the community that a network comes from counts by."""
    source = found.graph.source.lower()
    return any(word in source for word in convention.communities)


def _counted(
    bridge: Bridge, macs: int, total: int, weight: float, subject: Subject
) -> Iterator[Reading]:
    """A total as it is, and as the other of MACs and FLOPs."""
    are_macs = 2 * total < 3 * macs  # whatever the tool calls them
    other, share = (_TWO, _DOUBLED) if are_macs else (_HALF, _HALVED)
    what = ("macs", "flops") if are_macs else ("flops", "macs")
    for kind, factor, each in zip(what, (_ONE, other), (weight, weight * share)):
        yield Reading(bridge.convention, factor, kind, total * factor, subject, each)


def _headless(found: Reconciliation, subject: Subject) -> Iterator[Reading]:
    """What the network gives without its classifier: the linear layers after the last others.

    Those who publish it so mostly build of modules what others call as functions.
    """
    graph = found.graph
    placed = [node.placed for node in graph.nodes]
    first = max((index for index, each in enumerate(placed) if each.windows), default=-1) + 1
    head = {i for i, each in enumerate(placed) if i >= first and each.type == "linear"}
    if not head:
        return
    modules = graph._replace(nodes=tuple(n._replace(functional=False) for n in graph.nodes))
    for bridge in found.bridges:
        convention = bridge.convention
        # A head of several layers is a part of the network that they count.
        if not (convention.is_headless and len(head) == 1) and convention.name != "macs":
            continue
        weight = convention.share if convention.is_headless else _WITHOUT_HEAD
        counted = (_kept(convention, each, head) for each in (modules, graph))
        for value in dict.fromkeys(count for count in counted if count is not None):
            without = ("the classifier",)
            total = Fraction(value)
            yield Reading(convention, _ONE, "macs", total, subject, weight, leaving_out=without)


def _kept(convention: Convention, graph: Graph, head: Set[int]) -> int | None:
    """What a convention counts of all layers but some; None where it has no number for one."""
    counts = [count.flops for i, count in enumerate(convention.counts(graph)) if i not in head]
    return None if None in counts else sum(count or 0 for count in counts)


def _related(found: Reconciliation, sketches: Iterable[Sketch]) -> Iterator[Reading]:
    """What other networks give, and the same at other inputs."""
    (plain,) = (each.convention for each in found.bridges if each.convention.name == "macs")
    for subject, macs, params, weight in sketches:
        if macs is not None:
            yield Reading(plain, _ONE, "macs", Fraction(macs), subject, weight)
            yield Reading(plain, _TWO, "flops", Fraction(2 * macs), subject, weight * _DOUBLED)
        if params is not None:
            share = weight * _PARAMS
            yield Reading(plain, _ONE, "params", Fraction(params), subject, share)


def _lacking(found: Reconciliation, subject: Subject) -> Iterator[Reading]:
    """What the network gives once an item of a bridge, or two, are left out."""
    for bridge in found.bridges:
        if bridge.total is None or found.macs is None:
            continue
        for count in (1, 2):
            for less in combinations(bridge.items[:_MOST_LEFT_OUT], count):
                total = bridge.total - sum(item.amount for item in less)
                for each in _counted(bridge, found.macs, total, 1.0, subject):
                    yield each._replace(less=less)


# Networks beside it

#: How likely a figure is of a network of nearly the same name and cost, of another of its family,
#: and of the network at another input; shared among those that there are.
_VARIANT, _RELATIVE, _RESIZED = 0.1, 0.01, 0.08
#: The sides of images that networks are used with.
_SIDES = (128, 160, 192, 224, 256, 288, 299, 320, 384, 448, 512)


def relatives(subject: Subject, macs: int) -> Iterator[Sketch]:
    """The networks of the zoo that one of its own may have been taken for: variants, its family."""
    known = zoo.index()
    own = next((each for each in known if each["name"] == subject.name), None)
    if own is None:
        return
    others = [each for each in known if each is not own]
    variants = [
        each
        for each in others
        if _contains(each["name"], subject.name) or _contains(subject.name, each["name"])
        if macs <= 2 * each["macs"] <= 4 * macs
    ]
    family = [each for each in others if each["family"] == own["family"] and each not in variants]
    for group, weight in ((variants, _VARIANT), (family, _RELATIVE)):
        several = len({each["macs"] for each in group} - {macs})
        for each in group:
            preset = each["name"] if each["name"] != each["family"] else None
            other = Subject(each["name"], preset, {"input": each["input"]})
            yield Sketch(other, each["macs"], each["params"], weight / max(several, 1))


def _contains(name: str, part: str) -> bool:
    """Whether a name is another's with words around it: `resnet50_v1`, `keras_resnet50`."""
    return name != part and f"_{part}_" in f"_{name}_"


#: Presets of a spec of one's own that are looked at.
_MOST_PRESETS = 20


def presets(subject: Subject, networks: Iterable[Graph]) -> Iterator[Sketch]:
    """The networks that a spec of one's own is with its other presets."""
    found = list(islice(networks, _MOST_PRESETS))
    for graph in found:
        other = subject._replace(preset=graph.preset)
        yield _sketch(other, graph, _VARIANT / len(found))


def whole(subject: Subject, network: Graph | None) -> Iterator[Sketch]:
    """The whole of a network that is asked for in part: others have published that."""
    if network is not None:
        yield _sketch(subject._replace(cut_by=FrozenDict()), network, _VARIANT)


def _sketch(subject: Subject, graph: Graph, weight: float) -> Sketch:
    """What is known of a graph, whose inputs are the subject's."""
    inputs = {name: list(shape) for name, shape in graph.inputs.items()}
    params = sum(params_of(node.placed) for node in graph.nodes)
    macs = known_macs(node.placed for node in graph.nodes)
    return Sketch(subject._replace(input=inputs), macs, params, weight)


def resized(
    subject: Subject, macs: int, reported: Reported, at: Callable[[int], Graph | None]
) -> Iterator[Sketch]:
    """The network with images of other sides, as far as those may give a figure.

    `at` is the network with images of a side; None where it does not take them.
    """
    ((name, shape),) = subject.input.items()
    if len(shape) != 3 or shape[1] != shape[2]:
        return
    sides = [side for side in _SIDES if side != shape[1]]
    for side in sides:
        # MACs are nearly in proportion to the area: those that are far away need not be counted.
        near = macs * Fraction(side * side, shape[1] * shape[1])
        if not any(
            2 * near < 3 * total < 4.5 * near for total in (reported.value, reported.value / 2)
        ):
            continue
        found = at(side)
        if found is not None:
            other = subject._replace(input={name: [shape[0], side, side]})
            total = known_macs(node.placed for node in found.nodes)
            yield Sketch(other, total, None, _RESIZED / len(sides))
