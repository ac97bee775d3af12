"""The zoo as Python has it: what is known of each of its networks without reading a spec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from convcalc import zoo
from convcalc.frozen import FrozenDict
from convcalc.named import Named, whole_name
from convcalc.shape import Shape
from convcalc.words import counted, grouped


class ZooNetwork(NamedTuple):
    """A network of the zoo: `convcalc.load(it.name)` reads it."""

    name: str
    #: The spec that it is, or that it is a preset of.
    family: str
    #: What people call it: `ResNet-50`.
    title: str
    #: Without the batch; of several inputs, each by its name.
    input: Shape | Mapping[str, Shape]
    params: int
    #: For one input, biases left out.
    macs: int
    #: Where its numbers can be checked.
    source: str

    def to_dict(self) -> dict[str, Any]:
        """As `convcalc list --json` has it."""
        return {
            "family": self.family,
            "name": self.name,
            "network": self.title,
            "source": self.source,
            "input": _listed(self.input),
            "params": self.params,
            "macs": self.macs,
        }

    def __repr__(self) -> str:
        several = isinstance(self.input, Mapping) and counted(len(self.input), "input")
        return (
            f"ZooNetwork('{self.name}', {several or f'input {self.input}'},"
            f" {grouped(self.params)} params, {grouped(self.macs)} MACs)"
        )


def _listed(input: Shape | Mapping[str, Shape]) -> Any:
    """An input as JSON has it."""
    if isinstance(input, Mapping):
        return {name: list(shape) for name, shape in input.items()}
    return list(input)


def _shaped(input: Any) -> Shape | Mapping[str, Shape]:
    """An input as the index has it, as Python does."""
    if isinstance(input, dict):
        return FrozenDict((name, Shape(*sizes)) for name, sizes in input.items())
    return Shape(*input)


class ZooNetworks(Named[ZooNetwork]):
    """Networks of the zoo, family by family; a notebook shows a table.

    They are a tuple, and each is found by its name as well: `networks()["resnet50"]`. An unknown
    name raises an error that is both a ConvcalcError, with the nearest names, and a KeyError.
    """

    def _whole_name(self, asked: str) -> str:
        lists = "`convcalc.networks().names` lists its names"
        return whole_name(asked, self._places, "the zoo", "network", lists)

    def to_dataframe(self, library: str | None = None) -> Any:
        """A row a network, with the columns of `convcalc list --csv`, as a data frame.

        `library` is as in `Analysis.to_dataframe`. Raises ConvcalcError where it is not installed.
        """
        from convcalc.render.dataframe import dataframe
        from convcalc.render.networks import report

        return dataframe(report([each.to_dict() for each in self]).records(), library)

    def _repr_html_(self) -> str:
        from convcalc.render.notebook import of_networks

        return of_networks([each.to_dict() for each in self])

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'network')} of the zoo>"


@cache
def networks() -> ZooNetworks:
    """The networks that come with convcalc, with their parameters and MACs.

    >>> [each.name for each in convcalc.networks() if each.family == "vgg" and each.macs < 8e9]
    ['vgg11', 'vgg11_bn']
    >>> convcalc.networks()["vgg11"].params, convcalc.load("vgg11").totals.params
    (132863336, 132863336)
    """
    return ZooNetworks(
        ZooNetwork(
            each["name"],
            each["family"],
            each["network"],
            _shaped(each["input"]),
            each["params"],
            each["macs"],
            each["source"],
        )
        for each in zoo.index()
    )
