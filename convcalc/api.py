"""The Python door: from the name of a spec to its network, and from there to what it costs.

Whatever comes in is checked as the command line checks it, and raises ConvcalcError.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import analysis, importers, zoo
from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, fail, require_whole
from convcalc.frozen import FrozenDict
from convcalc.graph import DROP, UNTIL, Cut, Graph
from convcalc.language.limits import DEFAULT, SHORT_WHILE, Budget, Limits, exceeded
from convcalc.steps import Settings
from convcalc.visible import composed
from convcalc.words import describe

if TYPE_CHECKING:
    from convcalc.baseline import Baseline
    from convcalc.budgets import Checked
    from convcalc.devices import Device
    from convcalc.explained import Explanation
    from convcalc.exporters.base import Model
    from convcalc.inputs import Input
    from convcalc.language.document import Document
    from convcalc.language.forms import Spec
    from convcalc.memory.peaks import Memory
    from convcalc.receptive_field import ReceptiveFields, Way
    from convcalc.reconcile import Reconciliation
    from convcalc.reported import Answer, Sketch, Subject
    from convcalc.roofline import Roofline
    from convcalc.search.family import Family
    from convcalc.search.points import Points
    from convcalc.search.space import Space
    from convcalc.search.sweep import Sweeping
    from convcalc.sizes import Sizes
    from convcalc.swept import Sweep
    from convcalc.verification import Verification

    #: Settings of variables: values by variable, one after the other, or what has them.
    SpaceLike = Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]] | Space | Points


class Analysis(analysis.Analysis):
    """What a network costs: a row a layer, and their totals; a notebook shows blocks that fold.

    >>> analysis = convcalc.load("mobilenet_v1").analyze()
    >>> analysis.totals.params, analysis.rows["conv"].macs
    (4231976, 10838016)
    >>> [row.name for row in analysis.folded(1).rows if row.macs > 53_000_000]
    ['depthwise_separable_3', 'depthwise_separable_5']
    """

    def to_dataframe(self, library: str | None = None) -> Any:
        """A row a layer, with the columns of CSV, as a data frame.

        `library` is `pandas` or `polars`; unless it is given, the one that is imported already,
        else the one that is installed. Integers stay exact: those beyond 64 bits are Python's own.
        Raises ConvcalcError where the library is not installed.
        """
        from convcalc.render.analysis import layers
        from convcalc.render.dataframe import dataframe

        return dataframe(layers([self]).records(), library)

    def _repr_html_(self) -> str:
        from convcalc.render.notebook import of_analysis

        return of_analysis(self)


class Network(Graph):
    """A network that came from a spec: its layers, to be analyzed, or made at other variables.

    A notebook shows its blocks and layers with their shapes.

    >>> network = convcalc.load("mobilenet_v1", alpha=0.5)
    >>> network
    Network('MobileNetV1', 84 layers, input 3×224×224)
    >>> network.variables["alpha"], network.nodes[0].outputs
    (0.5, ((16, 112, 112),))
    """

    #: What made it; None where it is a copy that was changed by hand.
    _asked: _Asked | None = None
    #: The variables that were set to another value than their spec's.
    _settings: Mapping[str, Any] = FrozenDict()
    #: Seconds of processor time that it took so far.
    _spent: float = 0.0

    def analyze(
        self,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
        figures: Collection[str] = (),
    ) -> Analysis:
        """Parameters, operations and shapes of every layer, and their totals.

        `convention` names how `flops` are counted; `batch` is the number of samples that MACs,
        FLOPs and activations are for; `dtype` is the type of a number in weights and activations.
        `fuse` says whether, where it is about memory, batch norms and elementwise activations
        vanish into the convolution or linear layer before them: those of `int8` do, unless said.
        `figures` are keys of those that take longer, `arena_bytes` and `train_bytes`, and are there
        only where they are asked for. Raises ConvcalcError for an unknown convention or type, a
        batch below 1, or where that takes longer than the network's limits allow.
        """
        settings = _settings(batch, dtype, fuse)
        _require("a convention", convention, str)
        found = Analysis(
            *analysis.analyze(self, convention, *settings, extra=figures, look=self._look())
        )
        self._bound(found)
        return found

    def memory(
        self,
        definition: str = "live",
        *,
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
        order: str = "file",
        keep_input: bool = False,
        optimizer: str | None = None,
    ) -> Memory:
        """The peak memory of its tensors while it runs, under every definition; weights apart.

        `definition` is the one whose steps are given: `sum`, `max_io`, `live`, `in_place`,
        `arena` or `train`. `fuse` says whether batch norms and elementwise activations vanish into
        the convolution or linear layer before them: those of `int8` do, unless said. The order of
        the steps is that of the spec's `file`, or the `best`, whose `live` peak is the lowest.
        With `keep_input` the network's input is not overwritten `in_place`; `optimizer` is the one
        of `train`: `sgd`, `momentum` or `adam`, which is meant where none is named. Raises
        ConvcalcError for an unknown definition, type, order or optimizer, for what is asked of
        training that is not of it, and where a network's limits allow no more.

        >>> convcalc.load("mobilenet_v2").memory(dtype="int8").peak / 1024  # KiB
        1470.0
        """
        from convcalc import sizes
        from convcalc.memory.definitions import DEFINITIONS
        from convcalc.memory.peaks import memory_of

        settings = _settings(batch, dtype, fuse)
        _require("a definition", definition, str)
        _require("an order", order, str)
        _require("an optimizer", optimizer, (str, NoneType))
        if not isinstance(keep_input, bool):
            message = f"`keep_input` must be True or False, not {describe(keep_input)}"
            raise fail("bad-value", message)
        if definition not in DEFINITIONS and definition in sizes.all_names():
            message = f"`{definition}` is of sizes, and has no peak"
            raise fail("bad-value", message, f"`network.sizes({definition!r})` has them")
        limits = self._limits.scaled()
        return memory_of(
            self,
            settings,
            definition,
            order=order,
            keep_input=keep_input,
            optimizer=optimizer,
            alive=limits.alive,
            tries=limits.tries,
            look=self._look(),
        )

    def sizes(
        self, definition: str = "torchsummary", *, batch: int = 1, dtype: str = "float32"
    ) -> Sizes:
        """Its sizes as a tool prints them: `torchsummary`, `torchinfo` or `keras`.

        Raises ConvcalcError for an unknown definition or type, and for a batch below 1.

        >>> convcalc.load("resnet18").sizes().printed["forward_backward"]  # MB
        '62.79'
        """
        from convcalc import sizes
        from convcalc.memory.definitions import DEFINITIONS

        batch = require_whole("a batch", batch, "sample")
        _require("a definition", definition, str)
        _require("a type of number", dtype, str)
        if definition in DEFINITIONS:
            message = f"`{definition}` is of peaks, and has no sizes of a tool"
            raise fail("bad-value", message, f"`network.memory({definition!r})` has them")
        return sizes.find(definition).of(self, batch, dtype)

    def explain(self, name: str, convention: str = "exact", batch: int = 1) -> Explanation:
        """Why a layer costs what it costs: the formula of each figure, with the numbers in it.

        `name` is what `analyze` calls it, or the end of that where no other ends so; that of a
        group explains its layers and their sum. Raises ConvcalcError for a name that none or
        several have, as `analyze` does, and for a group of more than 1000 layers.
        """
        from convcalc.explain import explain_in
        from convcalc.explained import Explanation

        _require("the name of a layer", name, str)
        _require("a convention", convention, str)
        return Explanation(*explain_in(self, name, convention, batch, self._look()))

    def roofline(
        self,
        *devices: str | Device,
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
    ) -> Roofline:
        """The least time that it takes on devices, and each of its layers; and what sets it.

        A device is a name, a YAML file, or what `convcalc.devices` has of one. `fuse` says whether
        batch norms and elementwise activations vanish into the convolution or linear layer that
        feeds them; None: as is usual for the type of number, which is so for int8. Raises
        ConvcalcError for what is unknown, and for a type that a device has no figure for.
        """
        from convcalc import devices as known
        from convcalc.roofline import roofline

        settings = _settings(batch, dtype, fuse)
        if not devices:
            raise fail("bad-value", "a roofline is for a device", "name one: 'rtx-4090'")
        return roofline(self, known.found(devices), settings, self._look())

    @property
    def budgets(self) -> Mapping[str, int]:
        """The most that its totals may come to, by metric, as its spec's `budgets` say."""
        document = self._document()
        return FrozenDict({} if document is None else document.spec.budgets)

    def check(
        self,
        budgets: Mapping[str, int | str] = FrozenDict(),
        against: str | os.PathLike[str] | Baseline | None = None,
        *,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
    ) -> Checked:
        """Whether its totals are within its spec's budgets, and within others.

        `budgets` are amounts by metric, numbers or as people write them, each in place of the
        spec's of that metric. `against` is a file that `analyze --json`, `check --json` or `list
        --json` wrote, than which it is to take no more. The rest is as `analyze` has it. Raises
        ConvcalcError for an unknown metric, for what is no amount, for a file that does not have
        it, and where there is nothing to hold it against.

        >>> checked = convcalc.load("mobilenet_v2").check({"macs": "300M", "params": "4M"})
        >>> [(each.budget.metric, each.passed) for each in checked.verdicts]
        [('macs', False), ('params', True)]
        """
        from convcalc import baseline
        from convcalc.budgets import budgets_of, checked

        if not isinstance(budgets, Mapping):
            message = f"budgets are amounts by metric, not {describe(budgets)}"
            raise fail("bad-value", message, 'write them as {"macs": "300M"}')
        if not isinstance(against, (str, os.PathLike, baseline.Baseline, NoneType)):
            raise fail("bad-value", f"`against` is the name of a file, not {describe(against)}")
        asked, document, source = budgets_of(budgets), self._document(), self._origin
        own = () if document is None else document.budgets(source)
        settled = {each.metric: each for each in (*own, *asked)}
        if not settled and against is None:
            message = f"{source.name} has no `budgets`, and none is given"
            help = "write `budgets: {macs: 300M, params: 4M}` in the spec, or --max macs=300M"
            raise fail("usage", message, help, source)
        found = self.analyze(convention, batch, dtype, fuse, settled)
        held = tuple(settled.values())
        if against is not None:
            if not isinstance(against, baseline.Baseline):
                against = baseline.load(os.fspath(against), self._limits)
            held += against.budgets(source.name, found, dtype)
        return checked(source, self._mark(), found, dtype, held)

    def _document(self) -> Document | None:
        """Its spec, checked; None where there is none."""
        if self._asked is None:
            return None
        document: Document = self._asked.checked(Budget(self._limits)).document
        return document

    def _mark(self) -> Mark | None:
        """Where its name stands in the file that it is asked for by; None where it is none."""
        source, document = self._origin, self._document()
        if document is None or zoo.name_of(source.text) or importers.importer_of(source.name):
            return None
        return document.mark_of("name")

    def reconcile(self) -> Reconciliation:
        """Every convention's total, and the bridge from its MACs to each.

        Raises ConvcalcError where that takes longer than the network's limits allow.
        """
        from convcalc.reconcile import reconcile

        return reconcile(self, self._look())

    def reported(self, figure: str) -> Answer:
        """What a figure may be that somebody reports of it, the likeliest first.

        `figure` is as it is printed: `314.2M`, `3.8 × 10^9`, `0.3 GMACs`, `3.5M params`. Raises
        ConvcalcError for what is no figure, or where that takes longer than the network's limits
        allow.
        """
        from convcalc.reported import answer, parse_reported, presets, relatives, resized, whole

        _require("a reported figure", figure, str)
        asked, budget = parse_reported(figure), Budget(self._limits, self._spent)
        found, subject = self.reconcile(), self._subject()

        def related() -> Iterator[Sketch]:
            if self.cuts:
                yield from whole(subject, self._whole(budget))
            elif found.macs is not None:
                yield from relatives(subject, found.macs)
            yield from presets(subject, self._at_presets(budget))
            if len(self.inputs) == 1 and found.macs is not None:
                yield from resized(subject, found.macs, asked, partial(self._at_side, budget))

        return answer(found, asked, subject, related)

    def _subject(self) -> Subject:
        """What it is called where figures are looked up."""
        from convcalc.reported import Subject

        source = self._origin
        name = zoo.name_of(source.text)
        inputs = {key: list(shape) for key, shape in self.inputs.items()}
        own = self.preset or name if name else source.name
        return Subject(own, self.preset, inputs, self.cut_by())

    def _whole(self, budget: Budget) -> Network | None:
        """The network that it is a part of."""
        return None if self._asked is None else self._asked._replace(cuts=()).tried(budget)

    def _at_presets(self, budget: Budget) -> Iterator[Network]:
        """The same spec at its other presets, and without one; those of the zoo are known."""
        if self._asked is None or zoo.name_of(self._asked.source.text) is not None:
            return
        asked = self._asked.checked(budget)
        for preset in (None, *asked.document.spec.presets):
            if preset != self.preset and (found := asked._replace(preset=preset).tried(budget)):
                yield found

    def _at_side(self, budget: Budget, side: int) -> Network | None:
        """The same with images of another side; None where it does not take them."""
        asked = self._asked
        return None if asked is None else asked._replace(inputs=_inputs(side)).tried(budget)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The variables that were set to another value than their spec's, by name."""
        return self._settings

    @property
    def doubts(self) -> tuple[Diagnostic, ...]:
        """What is to be said beside what it costs: its spec is right, and looks misread; what was
        left out of it changes the weights of what follows; a foreign file says less than it seems.

        The command line prints these as warnings.
        """
        from convcalc.language.doubts import doubts, reshaped

        if self._asked is None:
            return ()
        budget = Budget(self._limits)
        asked = self._asked.checked(budget)
        # It is the spec's line that is in doubt, whatever sizes are asked for beside it.
        own = asked._replace(inputs={}, cuts=()).tried(budget) if asked.inputs else self
        found = [*asked.doubts]
        found += () if own is None else doubts(asked.document, asked.source, own.inputs)
        whole = self._whole(budget) if DROP in self.cut_by() else None
        if whole is not None:
            found += reshaped(whole, self, asked.source)
        return tuple(found)

    @property
    def has_other_input(self) -> bool:
        """Whether its input was given beside its spec's."""
        return self._asked is not None and bool(self._asked.inputs)

    def _repr_html_(self) -> str | None:
        from convcalc.render.notebook import of_network

        try:
            return of_network(self, self.analyze())
        except ConvcalcError:  # it takes longer than its limits allow, which is not asked here
            return None

    def _look(self) -> Callable[[], None]:
        """What is called before every layer, and ends an answer that takes too long."""
        return _clock(Budget(self._limits, self._spent), self._origin)

    def _bound(self, found: Analysis) -> None:
        """Refuse figures that nobody can print. Raises ConvcalcError."""
        totals = [*found.totals.values(), *found.counts.values()]
        digits = sum(total.bit_length() // 3 for total in totals if isinstance(total, int))
        most = self._limits.scaled().characters
        if digits * len(found.rows) > most:
            message = (
                f"the figures of {len(found.rows):,} layers may have more than {most:,} digits"
            )
            raise ConvcalcError([exceeded("characters", message, self._origin, None)])

    @property
    def _limits(self) -> Limits:
        return self._asked.limits if self._asked else DEFAULT

    @property
    def _origin(self) -> Source:
        return self._asked.source if self._asked else Source(self.name, "")

    @property
    def totals(self) -> Any:
        """The totals of its analysis."""
        return self.analyze().totals

    def at(
        self,
        variables: Mapping[str, Any] | None = None,
        /,
        *,
        preset: str | None = None,
        input: Input | None = None,
        **named: Any,
    ) -> Network:
        """The same network at other variables, without reading its spec again.

        What is not given is as it was. A variable whose name is taken (`input`) is set by the
        mapping `variables`. Raises ConvcalcError.
        """
        asked = self._asked
        if asked is None:
            message = "a network that was changed by hand cannot be made at other variables"
            raise fail("bad-value", message, "change the one that was loaded")
        return asked._replace(
            preset=asked.preset if preset is None else preset,
            inputs=asked.inputs if input is None else _inputs(input),
            settings={**asked.settings, **(variables or {}), **named},
        ).network()

    def export(self, to: str) -> str | bytes:
        """The network for another program, the content of a file.

        `to` is `pytorch` or `keras`, which get code, or `onnx`, which is bytes. Raises
        ConvcalcError for another name, and for what that program has no way to say.
        """
        from convcalc import exporters

        _require("the name of an exporter", to, str)
        exporter = exporters.find(to)
        if self.cuts and exporter.of_document:
            message = f"a part of a network is no {exporter.title} code, which follows the spec"
            raise fail(
                "cannot-export", message, "`--to pytorch` and `--to onnx` write what is left of it"
            )
        return exporter.content(self._model())

    def family(self) -> Family:
        """The same at any variables, as searches ask for it. Raises ConvcalcError."""
        if self._asked is None:
            raise fail("bad-value", "a network that was changed by hand has no variables to set")
        return self._asked.family(self.variables)

    def sweep(
        self,
        space: SpaceLike,
        *,
        metrics: str | Sequence[str] | None = None,
        where: str | None = None,
        max: Mapping[str, int | str] | None = None,
        pareto: str | Sequence[str] | None = None,
        top: int | None = None,
        sort: str | None = None,
        group: str | None = None,
        distinct: bool = False,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
        scheduler: str | None = None,
        jobs: int | None = None,
        resume: str | None = None,
    ) -> Sweep:
        """What it costs at every setting of its variables: a row each, or those that are kept.

        `space` is a mapping of variables to the values that each may have, or a list of settings.
        `metrics` are the figures that rows have: `params`, `macs`, `flops` and
        `activations` unless said. Kept are the settings that `where`, a condition, and `max`, the
        most of figures, hold for: `where="macs <= 300M"`, `max={"params": "4M"}`; with `distinct`
        one for each network; with `pareto`, two goals or more, those on the front:
        `"min:macs,max:resolution"`. They are sorted by `sort`, the largest first (`-macs`: the
        least), and `top` says how many there are; with `group` there is a row for each value of a
        variable. Settings that are no network are counted.

        `scheduler` is the address of a Dask cluster whose workers try them, or `local` for `jobs`
        processes of this machine; without it `jobs` are threads of this process. `resume`
        is a folder that keeps what is done, which the same call goes on from. Raises
        ConvcalcError.

        >>> network = convcalc.load("mobilenet_v2")
        >>> found = network.sweep({"alpha": [0.5, 0.75, 1.0]}, where="macs <= 300M")
        >>> [(row["alpha"], row["macs"]) for row in found.rows]
        [(0.5, 97131840), (0.75, 209069792)]
        """
        from convcalc.swept import Sweep

        found = self.sweeping(
            space,
            metrics=metrics,
            where=where,
            max=max,
            pareto=pareto,
            top=top,
            sort=sort,
            group=group,
            distinct=distinct,
            convention=convention,
            batch=batch,
            dtype=dtype,
            fuse=fuse,
            jobs=1 if scheduler is not None or jobs is None else require_whole("jobs", jobs, "job"),
        )
        if scheduler is None and resume is None:
            return Sweep(*found.finished())
        from convcalc.search.cluster import spreading

        workers = None if scheduler is None else jobs
        with spreading(found, scheduler, workers, resume=resume) as sharded:
            return Sweep(*sharded.finished())

    def sweeping(
        self,
        space: SpaceLike,
        *,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
        **asked: Any,
    ) -> Sweeping:
        """The same, yet to run: `rows()` of it gives one after the other, and holds none of them.

        Raises ConvcalcError.
        """
        from convcalc.search.sweep import sweeping

        settings = search_settings(convention, batch, dtype, fuse)
        limits = self._limits
        return sweeping(
            self.family(),
            space,
            settings=settings,
            convention=convention,
            most=limits.settings,
            most_rows=limits.rows,
            **asked,
        )

    def _model(self) -> Model:
        """What exporters take. Raises ConvcalcError where there is no spec."""
        from convcalc.exporters.base import Model

        if self._asked is None:
            raise fail("bad-value", "a network that was changed by hand has no spec to export")
        return Model(self._asked.checked(Budget(self._limits)).document, self)

    def receptive_field(self, since: str | None = None) -> ReceptiveFields:
        """What a cell of every layer sees of the input, or of the layer `since`, on each axis.

        They are found by the names of the layers; those are left out that see nothing of it.
        `since` is a name as `explain` takes it, or that of one of several inputs. Raises
        ConvcalcError for a name that none or several have.

        >>> field = convcalc.load("resnet50").receptive_field()["conv5_x"]
        >>> field.size, field.stride, field.padding
        ((427, 427), (32, 32), (213, 213))
        """
        from convcalc.receptive_field import receptive_fields

        if since is not None:
            _require("the name of a layer", since, str)
        return receptive_fields(self, since, self._look())

    def receptive_field_of(self, name: str, since: str | None = None) -> Way:
        """How the receptive field of a layer comes about: its `field`, and the `jumps` there.

        Each jump is a layer at which what is seen changes, with its `field`. Of a block it is that
        of its last layer. Raises ConvcalcError for a name that none or several have, and for a
        layer that sees nothing.

        >>> way = convcalc.load("resnet18").receptive_field_of("conv2_x")
        >>> [jump.field.size for jump in way.jumps][:3]
        [(7, 7), (11, 11), (19, 19)]
        """
        from convcalc.receptive_field import way_to

        for each in (name,) if since is None else (name, since):
            _require("the name of a layer", each, str)
        return way_to(self, name, since, self._look())

    def verify(self) -> Verification:
        """What PyTorch says of every layer's shape, weights and MACs, and where that differs.

        Its code, as `export("pytorch")` has it, is built and run, without numbers in its weights.
        Raises ConvcalcError where PyTorch is not installed.
        """
        from convcalc.verification import verify

        return verify(self._model())

    def until(self, *names: str) -> Network:
        """The part of it that leads to a layer or a block, or to several: a backbone.

        What these make leaves the network, and what does not lead there is left out. Names are as
        `explain` takes them. Raises ConvcalcError for a name that none or several have.

        >>> convcalc.load("resnet50").until("conv5_x").totals.params  # without its classifier
        23508032
        """
        return part_of(self, Cut(UNTIL, names))

    def drop(self, *names: str) -> Network:
        """The same without a layer or a block, or several.

        What read its output reads its input instead; at the end, what it read leaves the network.
        Names are as `explain` takes them. Raises ConvcalcError for a name that none or several
        have, and where what is left does not fit together.

        >>> convcalc.load("mobilenet_v2").drop("dropout", "linear").output_shapes()
        {'flatten': (1280,)}
        """
        return part_of(self, Cut(DROP, names))


def part_of(network: Network, cut: Cut, lacked: dict[str, ConvcalcError] | None = None) -> Network:
    """A network that is cut. Raises ConvcalcError.

    Where `lacked` is given, a name that nothing has is left out of the cut, and what is said of it
    goes there.
    """
    from convcalc import parts

    for name in cut.names:
        _require("the name of a layer", name, str)
    if not cut.names:
        raise fail("bad-value", f"`{cut.way}` takes the name of a layer or a block, or several")
    budget = Budget(network._limits, network._spent)
    found = parts.part_of(network, cut, _clock(budget, network._origin), lacked)
    part = Network(*found)
    if network._asked is not None:
        made = found.cuts[len(network.cuts) :]
        part._asked = network._asked._replace(cuts=(*network._asked.cuts, *made))
    part._settings, part._spent = network._settings, budget.spent
    return part


#: Small steps that a layer counts for: every sixteenth looks at the clock.
_LAYER = SHORT_WHILE // 16


def _clock(budget: Budget, source: Source) -> Callable[[], None]:
    """What is called before every layer, and raises ConvcalcError where the time is over."""

    def look() -> None:
        if budget.is_over(_LAYER):
            raise ConvcalcError([budget.late(source)])

    return look


class _Asked(NamedTuple):
    """A spec, and what is asked of it."""

    source: Source
    limits: Limits
    preset: str | None
    #: Other sizes of its inputs, as `convcalc.inputs` has them.
    inputs: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, Any]
    cuts: tuple[Cut, ...] = ()
    #: What is to be said beside it, since it was read of a foreign file.
    doubts: tuple[Diagnostic, ...] = ()
    #: The spec, checked; None where it is yet to be.
    document: Any = None

    def network(self, spent: float = 0.0) -> Network:
        """The network; `spent` is the processor time that it took so far. Raises ConvcalcError."""
        _require("a preset", self.preset, (str, NoneType))
        for name in self.settings:
            _require("a variable", name, str)
        budget = Budget(self.limits, spent)
        document = self.checked(budget).document
        graph = self._graph(document, budget)
        network = Network(*graph)
        network._asked = self._replace(document=document)
        network._settings = self._changes(document.spec, network.variables)
        network._spent = budget.spent
        return network

    def _graph(self, document: Document, budget: Budget, curt: bool = False) -> Graph:
        """The graph of its document. Raises ConvcalcError; see `expand`."""
        from convcalc.language.expand import expand

        graph = expand(
            document,
            self.source,
            budget,
            preset=self.preset,
            variables=self.settings,
            inputs=self.inputs,
            curt=curt,
        )
        if self.cuts:
            from convcalc import parts  # most networks are asked for whole

            look = _clock(budget, self.source)
            for cut in self.cuts:
                graph = parts.part_of(graph, cut, look)
        return graph

    def family(self, defaults: Mapping[str, Any]) -> Family:
        """The same at any variables; `defaults` are those that it has. Raises ConvcalcError."""
        from convcalc.search.family import Family

        document = self.checked(Budget(self.limits)).document
        asked = self._replace(document=document)
        own = self.source.text, self.preset, self.inputs, self.settings, self.cuts
        return Family(document.spec.name, defaults, _Making(asked), repr(own))

    def checked(self, budget: Budget) -> _Asked:
        """The same with its document. Raises ConvcalcError."""
        if self.document is not None:
            return self
        from convcalc.language.check import check
        from convcalc.language.reader import read

        return self._replace(document=check(read(self.source, budget), self.source, budget))

    def tried(self, budget: Budget) -> Network | None:
        """The network; None where it is refused, or the time is over."""
        if budget.spent <= budget.limits.seconds:
            with suppress(ConvcalcError):
                return self.network(budget.spent)
        return None

    def _changes(self, spec: Spec, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is set of `values`, the variables', where the spec does not say the same."""
        preset = {} if self.preset is None else spec.presets[composed(self.preset)]
        own = {**spec.variables, **preset}
        names = map(composed, self.settings)
        changed = {name: values[name] for name in names if values[name] != own[name]}
        return FrozenDict(changed)

    def __reduce__(self) -> Any:
        # A checked spec has functions in it; the text that it came from is as good.
        return _Asked, (*self[:-1], None)


class _Making(NamedTuple):
    """Makes the networks of a spec that is checked."""

    asked: _Asked

    def __call__(self, variables: Mapping[str, Any], curt: bool = False) -> Graph:
        """The network at some variables; see `Make`. Raises ConvcalcError."""
        asked = self.asked
        # Layers that are kept are those of numbers; a trace has its own.
        own = asked.document._replace(made={}) if curt else asked.document
        settings = {**asked.settings, **variables}
        return asked._replace(settings=settings)._graph(own, Budget(asked.limits), curt)

    def __reduce__(self) -> Any:
        return _making, (self.asked,)


def _making(asked: _Asked) -> _Making:
    """The same of a spec that is yet to be checked. Raises ConvcalcError."""
    return _Making(asked.checked(Budget(asked.limits)))


class Opened(NamedTuple):
    """A spec that was read and checked, for networks at any variables."""

    request: _Asked
    #: Seconds of processor time that it took.
    spent: float

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables."""
        return tuple(self.request.document.spec.variables)

    @property
    def presets(self) -> tuple[str, ...]:
        """The names of its presets."""
        return tuple(self.request.document.spec.presets)

    def at(
        self,
        variables: Mapping[str, Any],
        preset: str | None = None,
        input: Input | None = None,
    ) -> Network:
        """The network at these variables; without a preset, at that which it was opened with.

        Raises ConvcalcError.
        """
        return self.request._replace(
            preset=self.request.preset if preset is None else preset,
            inputs=_inputs(input),
            settings=variables,
        ).network(self.spent)


def load(
    path_or_name: str | os.PathLike[str],
    /,
    preset: str | None = None,
    *,
    input: Input | None = None,
    limits: Limits = DEFAULT,
    variables: Mapping[str, Any] | None = None,
    **named: Any,
) -> Network:
    """The network of a spec file, of a spec or preset in the zoo, or of an ONNX file.

    `preset` and `variables` set the spec's variables, which can also be named (`alpha=0.5`).
    `input` has other sizes for its input, whose channels hold: `192`, `(160, 224)`,
    `(3, 160, 224)`, or the same as text; of several, or for other channels, a mapping:
    `{"left": 105}`, `{"channels": 1}`.

    >>> convcalc.load("mobilenet_v1", alpha=0.5).analyze().totals.params
    1331592

    Raises ConvcalcError, whose `diagnostics` say what is wrong and where.
    """
    if isinstance(path_or_name, os.PathLike):
        path_or_name = os.fspath(path_or_name)
    _require("a spec", path_or_name, str)
    _require("limits", limits, Limits)
    _require("a preset", preset, (str, NoneType))
    found = importers.locate(path_or_name, limits, _inputs(input))
    return network_of(
        found,
        preset,
        input=input,
        limits=limits,
        variables={**(variables or {}), **named},
    )


def network_of(
    found: zoo.Found,
    preset: str | None = None,
    *,
    input: Input | None = None,
    limits: Limits = DEFAULT,
    variables: Mapping[str, Any] | None = None,
) -> Network:
    """The network of a spec that was found. See `load`."""
    from convcalc.language.reader import source_of

    source = source_of(found.data, found.name, limits)
    chosen = found.preset_or(preset)
    settings = {} if variables is None else variables
    return _Asked(source, limits, chosen, _inputs(input), settings, doubts=found.doubts).network()


def loads(
    text: str | bytes,
    /,
    name: str = "<text>",
    preset: str | None = None,
    *,
    input: Input | None = None,
    limits: Limits = DEFAULT,
    variables: Mapping[str, Any] | None = None,
    **named: Any,
) -> Network:
    """The network of a spec's text; `name` is what messages call it. See `load`."""
    from convcalc.language.reader import source_of

    _require("limits", limits, Limits)
    _require("the text of a spec", text, (str, bytes))
    source = source_of(text, name, limits)
    settings = {**(variables or {}), **named}
    return _Asked(source, limits, preset, _inputs(input), settings).network()


def spec_of(
    target: str | os.PathLike[str],
    /,
    *,
    input: Input | None = None,
    arguments: Mapping[str, Any] | None = None,
    flat: bool = False,
    shared_once: bool = False,
    unfold_batch_norm: bool = False,
    limits: Limits = DEFAULT,
) -> str:
    """The text of a spec for a network that is an ONNX file, or code as `module:name`.

    Code is run, in a process of its own: `name` is a PyTorch module, or makes one of `arguments`.
    `input` is as in `load`; `flat` writes a plain list of layers, without blocks and loops. Of an
    ONNX file, `shared_once` counts weights once that are used again, and `unfold_batch_norm`
    guesses at the batch norms that its convolutions have swallowed.

    `loads(spec_of("torchvision.models:resnet50", input=(3, 224, 224)))` is the network of
    torchvision's ResNet-50. Raises ConvcalcError.
    """
    from convcalc.importers.base import Request

    if isinstance(target, os.PathLike):
        target = os.fspath(target)
    _require("a model", target, str)
    _require("limits", limits, Limits)
    given = {"arg": arguments, "shared-once": shared_once, "unfold-batch-norm": unfold_batch_norm}
    options = {name: value for name, value in given.items() if value}
    look = importers.clock(target, limits)
    request = Request(target, _inputs(input), options, look, limits.code)
    return importers.imported(request, is_flat=flat).text


def _inputs(input: Input | None) -> Mapping[str, tuple[int, ...]]:
    """What is asked of the inputs, by name. Raises ConvcalcError for what are no sizes."""
    if input is None:
        return {}
    from convcalc.inputs import inputs_of

    return inputs_of(input)


def opened(
    text: str | bytes,
    /,
    name: str = "<text>",
    preset: str | None = None,
    *,
    limits: Limits = DEFAULT,
) -> Opened:
    """A spec's text, read and checked once, for several networks. See `loads`.

    Raises ConvcalcError.
    """
    from convcalc.language.check import check
    from convcalc.language.reader import read, source_of

    source = source_of(text, name, limits)
    budget = Budget(limits)
    document = check(read(source, budget), source, budget)
    return Opened(_Asked(source, limits, preset, {}, {}, document=document), budget.spent)


def search_settings(convention: str, batch: int, dtype: str, fuse: bool | None) -> Settings:
    """How the networks of a search run, and that there is such a convention, and such a type.

    A search has settings that are no network, which what holds for all of them is not to seem.
    Raises ConvcalcError.
    """
    from convcalc import conventions
    from convcalc.dtypes import size_of

    settings = _settings(batch, dtype, fuse)
    _require("a convention", convention, str)
    if convention == analysis.ALL:
        message = "settings are counted by one convention, and `all` are many"
        raise fail("usage", message, "`convcalc conventions` lists them")
    conventions.find(convention)
    size_of(dtype)
    return settings


def _settings(batch: int, dtype: str, fuse: bool | None) -> Settings:
    """How a network runs, as it was asked for. Raises ConvcalcError."""
    batch = require_whole("a batch", batch, "sample")
    _require("a type of number", dtype, str)
    if fuse is not None and not isinstance(fuse, bool):
        raise fail("bad-value", f"`fuse` must be True, False or None, not {describe(fuse)}")
    return Settings(batch, dtype, fuse)


def _require(what: str, value: Any, kind: type | tuple[type, ...]) -> None:
    """Refuse what is of another type. Raises ConvcalcError."""
    if not isinstance(value, kind):
        wanted = "`convcalc.Limits`" if kind is Limits else "a text"
        raise fail("bad-value", f"{what} must be {wanted}, not {describe(value)}")
