"""The analysis: what every layer of a graph costs, and what they cost together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc import conventions
from convcalc.conventions.base import Convention, Count
from convcalc.diagnostics import fail
from convcalc.graph import Graph, Group, Node, input_data
from convcalc.layers.base import Operations
from convcalc.shape import Shape

FORMAT = "convcalc.analysis/1"

#: The name that stands for every convention: `exact`, and a column for each.
ALL = "all"


class Row(NamedTuple):
    """One layer, or several folded into one. Figures are for the whole batch; shapes are without
    it.

    `layers` counts the layers in the row. `flops` is None where the convention gives no number;
    `uncounted` says that the tool passes over a layer in silence, which makes its part 0.
    """

    name: str
    type: str
    kind: str
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    config: dict[str, Any]
    weights: dict[str, tuple[int, ...]]
    params: int
    buffers: int
    macs: int
    flops: int | None
    operations: dict[str, int]
    activations: int
    groups: tuple[Group, ...] = ()
    layers: int = 1
    uncounted: bool = False
    #: By convention, where all were asked for.
    counts: Mapping[str, Count] = MappingProxyType({})

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""
        several = len(self.output_shapes) != 1
        data: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "inputs": list(self.inputs),
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shape": None if several else list(self.output_shapes[0]),
        }
        if several:
            data["output_shapes"] = [list(shape) for shape in self.output_shapes]
        if self.layers == 1 and self.config is not FOLDED:
            data["config"] = self.config
            data["weights"] = {name: list(shape) for name, shape in self.weights.items()}
        else:
            data["layers"] = self.layers
        data |= {
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "flops": self.flops,
            "operations": self.operations,
            "activations": self.activations,
        }
        if self.uncounted:
            data["uncounted"] = True
        if self.counts:
            data["counts"] = {name: count.flops for name, count in self.counts.items()}
        return data


#: The configuration of a row that stands for several layers.
FOLDED: dict[str, Any] = {}


class Totals(NamedTuple):
    """The sums of all rows. `flops` is None where a row has none."""

    layers: int
    params: int
    buffers: int
    macs: int
    flops: int | None
    activations: int


class Share(NamedTuple):
    """Rows that have something in common, summed up."""

    group: str
    totals: Totals


class Analysis(NamedTuple):
    """What a network costs."""

    name: str
    source: str
    preset: str | None
    variables: dict[str, Any]
    inputs: dict[str, Shape]
    batch: int
    convention: Convention
    rows: tuple[Row, ...]
    totals: Totals
    #: The totals by convention, where all were asked for.
    counts: Mapping[str, int | None] = MappingProxyType({})

    def folded(self, depth: int) -> Analysis:
        """The same, summed up below `depth` groups; rows sum to the same totals."""
        return self._replace(rows=tuple(_folded(self.rows, depth)))

    def shares(self, by: str) -> list[Share]:
        """The rows summed by `type`, `kind` or `block` (the outermost group), largest first."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            key = row.type if by == "type" else row.kind if by == "kind" else _block(row)
            found.setdefault(key, []).append(row)
        shares = [Share(key, _totals(rows)) for key, rows in found.items()]
        return (
            shares
            if by == "block"
            else sorted(shares, key=lambda s: (-s.totals.macs, -s.totals.params))
        )

    def to_dict(self) -> dict[str, Any]:
        """The analysis as JSON has it; see docs/json.md."""
        counts = {"counts": dict(self.counts)} if self.counts else {}
        return {
            "format": FORMAT,
            "name": self.name,
            "source": self.source,
            "preset": self.preset,
            "variables": self.variables,
            "input": input_data(self.inputs),
            "batch": self.batch,
            "convention": {"name": self.convention.name, "unit": self.convention.unit},
            "totals": self.totals._asdict() | counts,
            "layers": [row.to_dict() for row in self.rows],
        }

    def __repr__(self) -> str:
        totals, flops = self.totals, self.totals.flops
        counted = "no total" if flops is None else f"{flops:,}"
        return (
            f"<convcalc.Analysis {self.name}: {totals.layers:,} layers,"
            f" {totals.params:,} parameters, {totals.macs:,} MACs,"
            f" {counted} {self.convention.unit} ({self.convention.name})>"
        )

    def _repr_html_(self) -> str:
        from convcalc.render import html

        return html.render(self)


def analyze(graph: Graph, convention: str = "exact", batch: int = 1) -> Analysis:
    """What a graph costs.

    MACs, operations, FLOPs and activations are for `batch` samples; parameters do not depend on it.
    The convention `all` is `exact`, with the figures of every one beside it in `counts`. Raises
    ConvcalcError for an unknown convention or a batch below 1.
    """
    if batch < 1:
        raise fail("bad-value", f"a batch has one sample or more, not {batch}")
    counting = conventions.find("exact" if convention == ALL else convention)
    every = [conventions.find(name) for name in conventions.names()] if convention == ALL else []
    others = zip(*(each.counts(graph, batch) for each in every)) if every else repeat(())
    seen: dict[Any, Row] = {}
    rows = []
    for node, count, counts in zip(graph.nodes, counting.counts(graph, batch), others):
        # Equal layers on equal shapes cost the same; a long network has few different ones.
        key = (node.layer, node.input_shapes)
        row = seen.get(key)
        if row is None:
            row = seen[key] = _row(node, batch)
        rows.append(
            row._replace(
                name=node.name,
                inputs=tuple(graph.tensor_name(tensor) for tensor in node.inputs),
                groups=node.groups,
                flops=count.flops,
                uncounted=count.silent,
                counts={each.name: each_count for each, each_count in zip(every, counts)},
            )
        )
    return Analysis(
        graph.name,
        graph.source,
        graph.preset,
        graph.variables,
        graph.inputs,
        batch,
        counting,
        tuple(rows),
        _totals(rows),
        {each.name: _sum(row.counts[each.name].flops for row in rows) for each in every},
    )


def _row(node: Node, batch: int) -> Row:
    layer, shapes = node.layer, node.input_shapes
    weights = list(layer.tensors(shapes))
    operations: Operations = layer.counts(shapes, node.outputs).times(batch)
    return Row(
        name=node.name,
        type=node.type,
        kind=layer.kind(shapes),
        inputs=(),
        input_shapes=shapes,
        output_shapes=node.outputs,
        config=layer.config(),
        weights={weight.name: weight.shape for weight in weights},
        params=sum(weight.size for weight in weights if weight.trainable),
        buffers=sum(weight.size for weight in weights if not weight.trainable),
        macs=operations.macs,
        flops=None,
        operations=operations.primitives(),
        activations=sum(shape.size for shape in node.outputs) * batch,
    )


def _totals(rows: Iterable[Row]) -> Totals:
    rows = list(rows)
    return Totals(
        layers=sum(row.layers for row in rows),
        params=sum(row.params for row in rows),
        buffers=sum(row.buffers for row in rows),
        macs=sum(row.macs for row in rows),
        flops=_sum(row.flops for row in rows),
        activations=sum(row.activations for row in rows),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum, None where one is None."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _block(row: Row) -> str:
    return row.groups[0].name if row.groups else row.name


def _folded(rows: Iterable[Row], depth: int) -> Iterable[Row]:
    """Runs of rows that share their first `depth` groups, each as one."""
    run: list[Row] = []
    for row in rows:
        if run and (len(row.groups) < depth or run[0].groups[:depth] != row.groups[:depth]):
            yield _joined(run, depth)
            run = []
        if len(row.groups) < depth:
            yield row
        else:
            run.append(row)
    if run:
        yield _joined(run, depth)


def _joined(rows: list[Row], depth: int) -> Row:
    groups = rows[0].groups[:depth]
    totals = _totals(rows)
    operations: dict[str, int] = {}
    for row in rows:
        for name, count in row.operations.items():
            operations[name] = operations.get(name, 0) + count
    return Row(
        name=".".join(group.name for group in groups),
        type=groups[-1].type,
        kind=groups[-1].type,
        inputs=rows[0].inputs,
        input_shapes=rows[0].input_shapes,
        output_shapes=rows[-1].output_shapes,
        config=FOLDED,
        weights={},
        params=totals.params,
        buffers=totals.buffers,
        macs=totals.macs,
        flops=totals.flops,
        operations=operations,
        activations=totals.activations,
        groups=groups,
        layers=totals.layers,
        uncounted=any(row.uncounted for row in rows),
        counts={name: _joined_count(row.counts[name] for row in rows) for name in rows[0].counts},
    )


def _joined_count(counts: Iterable[Count]) -> Count:
    counts = list(counts)
    return Count(
        _sum(count.flops for count in counts),
        _sum(count.params for count in counts),
        any(count.silent for count in counts),
    )
