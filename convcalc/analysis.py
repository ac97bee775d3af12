"""The analysis: what every layer of a graph costs, and what they cost together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import conventions, passes
from convcalc.arithmetic import value_of
from convcalc.conventions.base import Convention, Count
from convcalc.costs import Figures, in_order, measured, summed
from convcalc.diagnostics import fail, require_whole
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph, Group, Node
from convcalc.named import Named, UnknownName, unknown_name, whole_name
from convcalc.passes import Pass, Settings
from convcalc.shape import Shape
from convcalc.visible import visible
from convcalc.words import counted, did_you_mean, grouped, lacking, shortened

if TYPE_CHECKING:
    from typing_extensions import Self

FORMAT = "convcalc.analysis/1"

#: The name that stands for every convention: `exact`, and a column for each.
ALL = "all"

_NO_COUNTS: Mapping[str, Count] = FrozenDict()
#: What stands for a count where FLOPs are not asked for.
_NOT_ASKED = Count(None)
#: The figures that sums of others hang on.
_FOR_SUMS = ("layers", "unknown")


class Row(NamedTuple):
    """One layer, or several folded into one. Figures are for the whole batch; shapes are without
    it.

    `inputs` are the names of the tensors that enter it. `uncounted` says that the convention's tool
    passes over a layer in silence, which makes its part 0. `depth` is the number of groups that the
    row is folded at; None for a row of one layer. A figure is an attribute: `row.params`; `flops`
    is None where the convention gives no number.
    """

    #: The layers that it sums up.
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    figures: Figures
    uncounted: bool = False
    #: By convention, where all were asked for.
    counts: Mapping[str, Count] = _NO_COUNTS
    depth: int | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups around it, outermost first; of a folded row, itself the last."""
        return self.nodes[0].groups[: self.depth]

    @property
    def name(self) -> str:
        """Unique: the path of the groups and the layer."""
        if self.depth is None:
            return self.nodes[0].name
        return ".".join(group.name for group in self.groups)

    @property
    def type(self) -> str:
        """The layer type; of a folded row, the type of its group."""
        return self.nodes[0].type if self.depth is None else self.groups[-1].type

    @property
    def kind(self) -> str:
        """What it is to a reader of resource tables: `pointwise conv`, `dense`, `activation`."""
        return self.nodes[0].placed.kind if self.depth is None else self.groups[-1].type

    @property
    def block(self) -> str:
        """The outermost group that it is in, or itself."""
        return self.groups[0].name if self.groups else self.name

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the tensors that enter it."""
        return self.nodes[0].placed.inputs

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the tensors that leave it."""
        return self.nodes[-1].placed.outputs

    @property
    def config(self) -> dict[str, Any]:
        """The fields of a layer by canonical name; empty for a folded row."""
        if self.depth is not None:
            return {}
        return {name: _listed(value) for name, value in self.nodes[0].placed.config.items()}

    @property
    def weights(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the tensors that a layer owns; empty for a folded row."""
        owned = self.nodes[0].placed.weights if self.depth is None else ()
        return {weight.name: weight.shape for weight in owned}

    @property
    def weights_of(self) -> str | None:
        """The layer whose weights it uses, which count there; of a folded row, the block that all
        of it has the weights of. None where they are its own.
        """
        owners = [node.weights_of for node in self.nodes]
        first = owners[0]
        if self.depth is None or first is None:
            return first
        whole = first.removesuffix(self.nodes[0].name[len(self.name) :])
        # Turns that share theirs have those of the block's first turn.
        inside = all(owner and owner.startswith(f"{whole}.") for owner in owners)
        return whole if inside and whole != first else None

    @property
    def is_borrowing(self) -> bool:
        """Whether all of the weights that it uses, and there are some, are another's."""
        return _are_borrowing(self.nodes)

    def __getattr__(self, key: str) -> Any:
        return getattr(self.figures, key)

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""
        data: dict[str, Any] = {"name": self.name, "type": self.type, "inputs": list(self.inputs)}
        data |= self._described()
        if self.depth is not None:
            data["layers"] = self.layers
        data |= self.figures.without("layers")
        if self.uncounted:
            data["uncounted"] = True
        if self.counts:
            data["counts"] = {name: count.flops for name, count in self.counts.items()}
        return data

    def _described(self) -> dict[str, Any]:
        """The shapes, and of a layer its fields and weights."""
        outputs = [list(shape) for shape in self.output_shapes]
        data: dict[str, Any] = {
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shape": outputs[0] if len(outputs) == 1 else None,
        }
        if len(outputs) != 1:
            data["output_shapes"] = outputs
        if self.depth is None:
            data["config"] = self.config
            data["weights"] = {name: list(shape) for name, shape in self.weights.items()}
        if (owner := self.weights_of) is not None:
            data["weights_of"] = owner
        return data

    def __repr__(self) -> str:
        shapes = ", ".join(map(str, self.output_shapes))
        params, macs = (grouped(value_of(figure)) for figure in (self.params, self.macs))
        name = visible(shortened(self.name))
        macs += f" MACs{lacking(self.unknown)}"
        return f"Row('{name}', {self.type}, {shapes}, {params} params, {macs})"


def _listed(value: Any) -> Any:
    """A value whose tuples, and those in them, are lists, the asker's own."""
    return [_listed(each) for each in value] if type(value) is tuple else value


class Rows(Named[Row]):
    """The rows of an analysis, in the order in which layers run.

    They are a tuple, and each is found by its name as well, or by the end of that where no other
    ends so: `rows["stem.conv"]`. An unknown name raises an error that is both a ConvcalcError, with
    the nearest names, and a KeyError.
    """

    def _whole_name(self, asked: str) -> str:
        lists = "`rows.names` lists the names of its rows"
        try:
            return whole_name(asked, self._places, "the analysis", "layer", lists)
        except UnknownName:
            depth = self._blocks().get(asked)
            if depth is None:
                raise
        help = f"it is a block: `analysis.folded({depth}).rows` has the sum of its layers"
        raise unknown_name(asked, "the analysis", "layer", help)

    def _blocks(self) -> dict[str, int]:
        """The names of the blocks around the rows, and how many levels deep each is."""
        paths = ([group.name for group in row.groups] for row in self)
        return {".".join(path[:n]): n for path in paths for n in range(1, len(path) + 1)}

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'row')}: {_few(self.names)}>"


def _few(names: Sequence[str]) -> str:
    """The first of many names, and the last."""
    shown = [visible(shortened(name)) for name in names]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:4], "…", shown[-1]])


def _are_borrowing(nodes: Iterable[Node]) -> bool:
    """Whether all of the weights that layers use, and there are some, are counted elsewhere."""
    using = [node.placed for node in nodes if node.placed.borrowing or node.placed.weights]
    return bool(using) and not any(placed.weights for placed in using)


class Share(NamedTuple):
    """Rows that have something in common, summed up.

    `uncounted` and `is_borrowing` are what they are of a row: whether the convention's tool passes
    over a layer in silence, and whether all of the weights are counted elsewhere.
    """

    group: str
    totals: Figures
    uncounted: bool = False
    is_borrowing: bool = False

    @property
    def figures(self) -> Figures:
        """Its totals, by the name that those of a row have."""
        return self.totals


class Analysis(NamedTuple):
    """What a network costs. `totals` are the sums of all rows."""

    graph: Graph
    #: Samples at a time.
    batch: int
    #: How operations are counted: its `name`, its `unit`, a `summary`.
    convention: Convention
    #: A row a layer, or a block where it is folded.
    rows: Rows
    totals: Figures
    #: The totals by convention, where all were asked for.
    counts: Mapping[str, int | None] = FrozenDict()
    #: Whether batch norms and activations vanish where it is about what runs.
    fuse: bool = False

    @property
    def name(self) -> str:
        """The network's name."""
        return self.graph.name

    @property
    def source(self) -> str:
        """Where the network's numbers can be checked."""
        return self.graph.source

    @property
    def preset(self) -> str | None:
        """The preset that was chosen."""
        return self.graph.preset

    @property
    def variables(self) -> Mapping[str, Any]:
        """Every variable with its value."""
        return self.graph.variables

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """The shapes of the inputs by name."""
        return self.graph.inputs

    def folded(self, depth: int) -> Self:
        """The same, summed up below `depth` groups; rows sum to the same totals.

        Raises ConvcalcError for a depth below 1.
        """
        depth = require_whole("a depth", depth, "level")
        return self._replace(rows=Rows(_folded(self.rows, depth)))

    def shares(self, by: str) -> list[Share]:
        """The rows summed by `type`, `kind` or `block` (the outermost group), largest first.

        Raises ConvcalcError for anything else to sum by.
        """
        if by not in SHARED:
            help = f"{did_you_mean(str(by), SHARED)} rows are summed by `type`, `kind` or `block`"
            raise fail("bad-value", f"rows have no `{by}` in common", help.strip())
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(getattr(row, by), []).append(row)
        shares = [_share(key, rows) for key, rows in found.items()]
        if by == "block":
            return shares
        return sorted(shares, key=lambda share: (-(share.totals.macs or 0), -share.totals.params))

    def to_dict(self) -> dict[str, Any]:
        """The analysis as JSON has it; see docs/json.md."""
        return {**self.head(), "layers": [row.to_dict() for row in self.rows]}

    def head(self) -> dict[str, Any]:
        """What JSON says of the network and of its totals."""
        counts = {"counts": dict(self.counts)} if self.counts else {}
        outputs = self.graph.output_shapes().items()
        return {
            "format": FORMAT,
            **self.graph.to_dict(),
            "outputs": [{"name": name, "shape": list(shape)} for name, shape in outputs],
            "batch": self.batch,
            "fuse": self.fuse,
            "convention": {"name": self.convention.name, "unit": self.convention.unit},
            "totals": self.totals.columns() | counts,
        }

    def __repr__(self) -> str:
        totals, flops = self.totals, self.totals.flops
        number = "no total" if flops is None else f"{flops:,}"
        unknown = f", {totals.unknown:,} of unknown cost" if totals.unknown else ""
        return (
            f"<convcalc.Analysis {visible(self.name)}: {counted(totals.layers, 'layer')}{unknown},"
            f" {totals.params:,} parameters, {grouped(totals.macs)} MACs,"
            f" {number} {self.convention.unit} ({self.convention.name})>"
        )


#: What rows are summed by.
SHARED = ("type", "kind", "block")


def analyze(
    graph: Graph,
    convention: str = "exact",
    batch: int = 1,
    dtype: str = "float32",
    fuse: bool | None = None,
    extra: Collection[str] = (),
    run: Sequence[Pass] | None = None,
    look: Callable[[], None] = lambda: None,
    only: Collection[str] | None = None,
) -> Analysis:
    """What a graph costs.

    MACs, operations, FLOPs and activations are for `batch` samples; parameters do not depend on it.
    The convention `all` is `exact`, with the figures of every one beside it in `counts`. `dtype` is
    the type of a number in weights and activations; `fuse` says whether batch norms and activations
    vanish where passes look at what runs, None: as is usual for the type; `extra` are figures of
    dear passes that are asked for; `run` are the passes, those that these say unless said; `look`
    is called before every layer, and ends it by raising what it likes; `only` are the figures that
    rows and totals have, all of them unless said.
    Raises ConvcalcError for an unknown convention or type of number.
    """
    counting = conventions.find("exact" if convention == ALL else convention)
    names = conventions.names() if convention == ALL else ()
    every = [conventions.find(name).counts(graph, batch) for name in names]
    others = zip(*every) if every else repeat(())
    chosen = passes.saying(extra) if run is None else run
    said = [figure.key for each in chosen for figure in each.figures]
    keys = in_order(["flops", *said])
    if only is not None:
        kept = {*only, *said, *_FOR_SUMS}
        keys = [key for key in keys if key in kept]
    settings = Settings(batch, dtype, fuse)
    found = _joined(graph, [each.run(graph, settings) for each in chosen])
    seen: dict[Any, Figures] = {}
    alike: dict[Any, Figures] = {}
    rows = []
    own = counting.counts(graph, batch) if "flops" in keys else repeat(_NOT_ASKED)
    asked = zip(graph.nodes, graph.input_names(), own, others, found)
    for node, inputs, count, counts, more in asked:
        look()
        # Equal layers on equal shapes cost the same; a long network has few different ones. What
        # passes say may hang on where they stand, and nothing else.
        kind = (id(node.placed), count.flops)
        key = (kind, more)
        figures = seen.get(key)
        if figures is None:
            one = alike.get(kind)
            if one is None:
                rest = dict(zip(said, more), flops=count.flops)
                figures = alike[kind] = (measured(node.placed, keys) * batch).joined(rest, keys)
            else:
                figures = Figures({**one, **dict(zip(said, more))})
            seen[key] = figures
        rows.append(
            Row(
                (node,),
                inputs,
                figures,
                count.silent,
                FrozenDict(zip(names, counts)) if names else _NO_COUNTS,
            )
        )
    totals = FrozenDict((name, _all_counts(rows, name).flops) for name in names)
    whole = Figures.sum([row.figures for row in rows], keys)
    return Analysis(graph, batch, counting, Rows(rows), whole, totals, settings.is_fused)


def _joined(graph: Graph, runs: Sequence[Iterable[tuple[Any, ...]]]) -> Iterable[tuple[Any, ...]]:
    """What the passes say of each node, as one tuple."""
    if not runs:
        return repeat((), len(graph.nodes))
    first, *others = runs
    for run in others:
        first = map(add, first, run)
    return first


def _totals(rows: Sequence[Row]) -> Figures:
    return Figures.sum([row.figures for row in rows], rows[0].figures)


def _share(group: str, rows: Sequence[Row]) -> Share:
    """Rows that have something in common, summed up."""
    nodes = [node for row in rows for node in row.nodes]
    silent = any(row.uncounted for row in rows)
    return Share(group, _totals(rows), silent, _are_borrowing(nodes))


def _folded(rows: Iterable[Row], depth: int) -> Iterable[Row]:
    """Runs of rows that share their first `depth` groups, each as one."""
    run: list[Row] = []
    for row in rows:
        groups = row.groups
        if run and (len(groups) < depth or run[0].groups[:depth] != groups[:depth]):
            yield as_one(run, depth)
            run = []
        if len(groups) < depth:
            yield row
        else:
            run.append(row)
    if run:
        yield as_one(run, depth)


def as_one(rows: Sequence[Row], depth: int) -> Row:
    """Rows that share their first `depth` groups, as one."""
    return Row(
        tuple(node for row in rows for node in row.nodes),
        rows[0].inputs,
        _totals(rows),
        any(row.uncounted for row in rows),
        FrozenDict((name, _all_counts(rows, name)) for name in rows[0].counts),
        depth,
    )


def _all_counts(rows: Sequence[Row], name: str) -> Count:
    """What a convention counts of rows, of those whose operations are known."""
    known = [row for row in rows if not row.figures.are_unknown] or rows
    counts = [row.counts[name] for row in known]
    return Count(
        summed(count.flops for count in counts),
        any(count.silent for count in counts),
    )
