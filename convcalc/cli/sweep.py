"""`convcalc sweep`."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output, progress, searching, streams
from convcalc.cli.command import STANDARD_INPUT, Command, notes
from convcalc.diagnostics import Diagnostic, fail
from convcalc.extras import require
from convcalc.words import counted, listed

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer
    from convcalc.search.shards import Sharded
    from convcalc.search.sweep import Refused, Sweeping


@click.command("sweep", cls=Command, short_help="What a network costs at many settings.")
@options.spec_argument
@searching.var_option
@click.option(
    "--points",
    "file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="The settings of a CSV, JSON lines or Parquet file, a column a variable, in place of"
    " --var; - is standard input.",
)
@click.option(
    "--metrics",
    type=options.Text(),
    metavar="A,B,…",
    shell_complete=candidates.columns(searching.metrics),
    help="The figures of each setting. [default: params,macs,flops,activations]",
)
@searching.where_option
@searching.max_option
@click.option(
    "--pareto",
    type=options.Text(),
    metavar="GOALS",
    help="The settings alone than which none is better in all goals: min:macs,max:resolution.",
)
@click.option("--distinct", is_flag=True, help="The first setting alone of each network.")
@options.sort_option("settings", searching.metrics)
@click.option(
    "--top",
    type=options.Whole(1),
    metavar="N",
    help="The first N settings alone; those of the largest MACs without --sort.",
)
@click.option(
    "--group",
    type=options.Text(),
    metavar="VARIABLE",
    help="A row for each value of a variable: how many settings, and the least and the most of"
    " each figure.",
)
@click.option(
    "--invalid",
    "invalid",
    type=click.Path(),
    metavar="FILE",
    help="List the settings that are no network, with their reasons: FILE.csv or FILE.jsonl.",
)
@click.option(
    "--plot",
    type=click.Path(),
    metavar="FILE",
    help="Draw the settings by their first two goals or figures: FILE.svg, .html or .png.",
)
@click.option(
    "--scheduler",
    type=options.Text(),
    metavar="ADDRESS|local",
    help="Try them on the workers of a Dask cluster, in shards: tcp://HOST:8786, or the scheduler's"
    " FILE.json; local starts processes of this machine.",
)
@click.option(
    "--jobs",
    type=options.Whole(1),
    metavar="N",
    help="The processes of --scheduler local, one a core unless said; without it the threads of"
    " this process, 1 unless said.",
)
@click.option(
    "--resume",
    type=click.Path(),
    metavar="DIR",
    help="Keep in DIR what is done, and go on from what is there: after an end in the middle, the"
    " same command again.",
)
@options.network_options
@options.batch_option
@options.convention_option()
@options.dtype_option
@options.fuse_option
@options.si_option
@output.data_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    spec: str,
    texts: tuple[str, ...],
    file: str | None,
    budgets: tuple[str, ...],
    invalid: str | None,
    plot: str | None,
    scheduler: str | None,
    jobs: int | None,
    resume: str | None,
    fuse: bool | None,
    si: bool,
    dtype: str | None,
    **asked: Any,
) -> int:
    """Print what a network costs at every setting of its variables, or at those that are kept.

    A setting is one value of each --var: of a list `128,160,192`, of a range `first:last:step` with
    both ends; of a variable that is a list, one entry `w[0]=8:64:8`, or all of `w[0..8]=8:320:8`.
    All combinations are tried. Those that are no network are counted, and never end a sweep.

    --where is a condition on figures and variables; k, M, G are powers of ten, KiB, MiB, GiB of
    two. It and --max come first, then --distinct, --pareto, --sort, --top. The exit status is 1
    where nothing is kept.

    CSV and JSON lines are written as they come, however many; a table has the first rows. For
    spaces that nobody can walk, there are `convcalc count` and `convcalc pareto`.

    With --scheduler the answer is that of one process, whichever workers are lost. -o DIR/ writes
    Parquet, a file a shard, and goes on with what is there, as --resume does.

    \b
    Examples:
      convcalc sweep mobilenet_v2 --var alpha=0.25:1.4:0.05 --var resolution=128,160,192,224
      convcalc sweep mobilenet_v2 --var alpha=0.5:1:0.05 --where 'macs <= 300M and params <= 3M'
      convcalc sweep mobilenet_v2 --var alpha=0.5:1:0.05 --pareto min:macs,max:params --top 5
      convcalc sweep mobilenet_v2 --var alpha=0.5:1:0.1 -o rows.csv --plot rows.svg
      convcalc sweep mobilenet_v1 --var alpha=0.25:1:0.25 --metrics params,live_bytes --dtype int8
      convcalc sweep mynet.yaml --points settings.csv --group width --csv
      convcalc sweep lenet --var num_classes=2:1000 --top 5 --resume kept
    """
    from convcalc.cli import Status
    from convcalc.render.heading import heading
    from convcalc.render.sweep import report

    _require_one_source(texts, file)
    network = load(spec)
    most = searching.budgets_of(budgets)
    family = network.family()
    points = _points(texts, file, family.defaults)
    threads = 1 if scheduler else jobs or 1
    sweeping = network.sweeping(
        points, max=most, fuse=fuse, dtype=dtype or "float32", jobs=threads, **asked
    )
    searching.require_heard(fuse, sweeping.query.figures())
    for each, others in ((invalid, (printer.target, plot)), (plot, (printer.target,))):
        if each is not None:
            output.require_other(each, *others)
    drawing = _Drawing(sweeping, plot) if plot else None
    title = heading(network, sweeping.settings.batch)
    sharded: Sharded | None = None
    with ExitStack() as stack:
        if scheduler or resume or printer.folder:
            spread = _spread(sweeping, printer.folder, resume, invalid, plot)
            workers = jobs if scheduler else None
            sweeping = sharded = stack.enter_context(spread(scheduler, workers))
        listing = _Listing(sweeping, invalid) if invalid else None
        step = stack.enter_context(progress.counting(points.size, f"sweeping {network.name}"))
        sweeping.on_step = step
        if sharded is not None and printer.folder:
            sharded.wait()
        else:
            printer.print(report(sweeping, title, si))
    if listing is not None:
        listing.write()
    if drawing is not None:
        drawing.write(title)
    _say_what_was_left_out(sweeping, printer, invalid)
    return Status.DONE if sweeping.kept else Status.CHECK_FAILED


def _require_one_source(texts: tuple[str, ...], file: str | None) -> None:
    """Refuse a sweep without settings, and one of two kinds. Raises ConvcalcError."""
    if texts and file is not None:
        help = "leave one of them out"
        raise fail("usage", "`--var` and `--points` exclude each other", help)
    if not texts and file is None:
        help = "--var alpha=0.5,0.75,1 gives a variable values; --points FILE has settings"
        raise fail("usage", "`convcalc sweep` needs values for a variable", help)


def _points(texts: tuple[str, ...], file: str | None, defaults: Mapping[str, Any]) -> Any:
    """The settings that are asked for. Raises ConvcalcError."""
    from convcalc.search import points

    if file is None:
        from convcalc.search.space import parse_space

        return parse_space(texts, defaults)
    if file == "-":
        if STANDARD_INPUT in notes().read:
            raise fail("usage", "standard input can be read once", "give - once")
        notes().read.append(STANDARD_INPUT)
        lines = streams.input_lines()
        first = next(lines, "")
        kind = "jsonl" if first.lstrip()[:1] == "{" else "csv"
        return points.text_points(chain([first], lines), "<stdin>", kind, defaults)
    if not points.is_parquet(file):
        kind = points.kind_of(file)
        lines = streams.file_lines(file)
        notes().read.append(file)
        return points.text_points(lines, file, kind, defaults)
    notes().read.append(file)
    return points.parquet_points(file, file, defaults)


def _spread(
    sweeping: Sweeping,
    folder: str | None,
    resume: str | None,
    invalid: str | None,
    plot: str | None,
) -> Callable[[str | None, int | None], AbstractContextManager[Sharded]]:
    """What makes the same of it in shards. Raises ConvcalcError for what shards do not say."""
    from convcalc.render.sweep import parquet
    from convcalc.search.cluster import spreading

    if plot is not None:
        message = "`--plot` draws what one process sees"
        help = "-o rows.csv first, and then --points rows.csv --plot FILE"
        raise fail("usage", message, help)
    if folder is None:
        return partial(spreading, sweeping, lists_refused=invalid is not None, resume=resume)
    query = sweeping.query
    for option, value in {
        "--distinct": query.distinct,
        "--pareto": query.goals,
        "--group": query.group,
        "--sort": query.order,
    }.items():
        if value:
            message = f"a folder has all rows, in the files of the shards, and `{option}` chooses"
            raise fail("usage", message, "name a file after -o: rows.parquet")
    if resume is not None:
        message = f"{folder} is itself what is gone on from"
        raise fail("usage", message, "leave `--resume` out, or name a file after -o")
    if invalid is not None:
        message = "`--invalid` is for an answer of one file"
        raise fail("usage", message, "name a file after -o: rows.parquet")
    return partial(spreading, sweeping, folder=folder, write=parquet, suffix=".parquet")


class _Listing:
    """The settings that are no network, which wait in a file until they are written."""

    def __init__(self, sweeping: Sweeping, target: str) -> None:
        from convcalc.render import formats

        self.target = target
        self.format = formats.of_file(target)
        if self.format.view == "tables":
            message = f"{target} would be a {self.format.name}, and is to be CSV or JSON lines"
            raise fail("usage", message, "name it with `.csv` or `.jsonl` at the end")
        self.names = sweeping.points.names
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the sweep
        click.get_current_context().call_on_close(self._file.close)
        sweeping.on_refused = self._add

    def _add(self, refused: Refused) -> None:
        pickle.dump((dict(refused.point), refused.reason), self._file)

    def _rows(self) -> Iterator[Refused]:
        from convcalc.search.sweep import Refused

        self._file.seek(0)
        while True:
            try:
                yield Refused(*pickle.load(self._file))
            except EOFError:
                return

    def write(self) -> None:
        """Write the file."""
        from convcalc.render.sweep import refused

        output.write(self.format.render(refused(self.names, self._rows)), self.target)


class _Drawing:
    """The settings that are drawn, or a sample of them, and the front."""

    def __init__(self, sweeping: Sweeping, target: str) -> None:
        from convcalc.search.reservoir import Reservoir

        self.target = target
        self.suffix = os.path.splitext(target)[1].lower()
        if self.suffix not in _PICTURES:
            message = f"{target} is no picture by its name"
            raise fail("usage", message, f"it ends in {listed(_PICTURES, joiner='or')}")
        if self.suffix == ".png":
            require("cairosvg", "png", "a picture as PNG")
        query = sweeping.query
        if query.group is not None:
            message = "`--plot` draws settings, and `--group` has rows of many"
            raise fail("usage", message, "leave one of them out")
        self.goals = query.goals
        names = [goal.name for goal in query.goals] or list(query.metrics)
        if len(names) < 2:
            numbers = [each for each in sweeping.variables if sweeping.is_number(each)]
            names = [*numbers, *names][-2:]
        if len(names) < 2:
            raise fail("usage", "`--plot` draws one figure by another", "--metrics macs,params")
        self.x, self.y = names[:2]
        header = (*sweeping.variables, *sweeping.metrics)
        self._places = [header.index(name) for name in (self.x, self.y)] if self.goals else []
        self._front: list[tuple[float, float]] = []
        self._sample: Reservoir[tuple[float, float]] = Reservoir(_MOST_DRAWN)
        sweeping.on_within = self._add
        sweeping.on_front = self._on_front

    def _add(self, column: Callable[[str], list[Any]]) -> None:
        pairs = zip(column(self.x), column(self.y))
        self._sample.add([pair for pair in pairs if None not in pair])

    def _on_front(self, row: tuple[Any, ...]) -> None:
        """See a setting of the front."""
        if self._places:
            x, y = self._places
            self._front.append((row[x], row[y]))

    def write(self, title: str) -> None:
        """Draw it."""
        from convcalc.render import scatter

        held, count = self._sample.held, self._sample.count
        note = f"{count:,} settings"
        if len(held) < count:
            note = f"{len(held):,} of {note}, drawn at random"
        if self.goals:
            goals = ", ".join(map(str, self.goals))
            note += f"; in red the front of {goals}: {len(self._front):,}"
        is_line = len(self.goals) == 2
        drawn = scatter.Scatter(title, self.x, self.y, held, self._front, is_line, note)
        if self.suffix == ".png":
            output.write(scatter.png(drawn), self.target)
        else:
            pieces = scatter.svg(drawn) if self.suffix == ".svg" else scatter.page(drawn)
            output.write(pieces, self.target)


#: What a picture's name ends in, and settings that it has at the most.
_PICTURES = (".svg", ".html", ".htm", ".png")
_MOST_DRAWN = 4000


def _say_what_was_left_out(sweeping: Sweeping, printer: Printer, invalid: str | None) -> None:
    """Note that nothing was kept, and settings that are no network, where no answer says so."""
    tried, bad = counted(sweeping.tried, "setting"), sweeping.invalid
    if sweeping.kept and (not bad or invalid or printer.format.view == "tables"):
        return
    why = sweeping.first_refused.reason if sweeping.first_refused else ""
    said = () if not why else (f"the first of these: {why}",)
    if sweeping.kept:
        if printer.format.name != "json":
            message = f"{bad:,} of {tried} {'is' if bad == 1 else 'are'} no network"
            help = "--invalid FILE lists them with their reasons"
            notes().warnings.append(_warning("invalid-settings", message, said, help))
        return
    if not sweeping.tried:
        notes().warnings.append(_warning("nothing-fits", "there are no settings", (), ""))
        return
    message = f"none of {tried} is a network" if bad == sweeping.tried else f"none of {tried} fits"
    if 0 < bad < sweeping.tried:
        message += f"; {bad:,} {'is' if bad == 1 else 'are'} no network"
    least = [f"{metric} is {least:,} at the least" for metric, least in sweeping.least.items()]
    help = "" if bad == sweeping.tried else ", ".join(least)
    notes().warnings.append(_warning("nothing-fits", message, said, help))


def _warning(code: str, message: str, said: tuple[str, ...], help: str) -> Diagnostic:
    return Diagnostic(code, message, notes=said, help=help, severity="warning")
