"""`convcalc validate`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, progress
from convcalc.cli.command import Command, notes
from convcalc.diagnostics import ConvcalcError, Diagnostic
from convcalc.language.limits import Limits

if TYPE_CHECKING:
    from convcalc.shape import Shape


@click.command("validate", cls=Command, short_help="Check specs, every preset included.")
@options.specs_argument
@options.limit_option
@partial(options.error_format_option, spelling="--format")
def command(specs: tuple[str, ...], limits: tuple[str, ...]) -> None:
    """Check specs: the language, and the shapes of every layer, with each preset.

    Nothing is printed when all is well. Otherwise the mistakes in every file are, on standard
    error, and the exit status is 2. SPEC is a file, - for standard input, or the name of a spec in
    the zoo.

    \b
    Examples:
      convcalc validate mynet.yaml
      convcalc validate nets/*.yaml --error-format concise
      convcalc validate nets/*.yaml --format github
    """
    bounds = options.limits_of(limits)
    errors = [
        error for spec in progress.each(specs, "checking") if (error := _mistakes(spec, bounds))
    ]
    if errors:
        found = [diagnostic for error in errors for diagnostic in error.diagnostics]
        raise ConvcalcError(found, more=sum(error.more for error in errors))


def _mistakes(spec: str, limits: Limits) -> ConvcalcError | None:
    """What is wrong with a spec, by itself and with each of its presets."""
    from convcalc.language.check import check
    from convcalc.language.expand import expand
    from convcalc.language.limits import LATE, Budget
    from convcalc.language.reader import read, source_of

    found: list[Diagnostic] = []
    more = 0
    try:
        given = options.read_spec(spec, limits)
        source = source_of(given.data, given.name, limits)
        budget = Budget(limits)
        document = check(read(source, budget), source, budget)
    except ConvcalcError as error:
        return error
    inputs: Mapping[str, Shape] = {}
    for preset in (None, *document.spec.presets):
        try:
            graph = expand(document, source, budget, preset=preset)
            inputs = inputs or graph.inputs
        except ConvcalcError as error:
            known = {(each.code, each.mark) for each in found}
            note = () if preset is None else (f"with the preset `{preset}`",)
            found += [
                each._replace(notes=(*note, *each.notes))
                for each in error.diagnostics
                if (each.code, each.mark) not in known
            ]
            more += error.more
            if any(each.code == LATE for each in error.diagnostics):
                break
    if not found and not given.is_of_zoo:
        from convcalc.language.doubts import doubts  # what comes with convcalc needs none

        notes().warn(doubts(document, source, inputs))
    return ConvcalcError.of(found, more) if found else None
