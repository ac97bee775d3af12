"""`convcalc list`."""

from __future__ import annotations

import click

from convcalc.cli import options


@click.command("list", short_help="The networks that come with convcalc.")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=options.complete_spec)
@options.si_option
@options.output_options("table", "json", "csv")
def command(names: tuple[str, ...], si: bool, format: str, target: str | None) -> None:
    """Name the specs and presets that come with convcalc, with their parameters and MACs.

    With NAMEs, those families alone.

    \b
    Examples:
      convcalc list
      convcalc list resnet mobilenet_v2 --si
      convcalc list --json | jq '.[] | select(.macs < 1000000000) | .name'
    """
    from convcalc import api, zoo
    from convcalc.diagnostics import fail
    from convcalc.graph import input_data
    from convcalc.render import csv, json, plain, table
    from convcalc.words import did_you_mean, grouped, short

    for name in names:
        if name not in zoo.families():
            raise fail(
                "no-such-spec",
                f"the zoo has no family `{name}`",
                did_you_mean(name, zoo.families()),
            )
    members = []
    for family in names or zoo.families():
        unset = api.load(family)
        presets = {
            preset: api.load(family, preset)
            for preset, home in zoo.presets().items()
            if home == family
        }
        # A family whose plain form is one of its presets is shown by its presets alone.
        if all(graph.variables != unset.variables for graph in presets.values()):
            presets = {family: unset, **presets}
        members += [(family, name, graph.analyze("macs")) for name, graph in presets.items()]
    if format in ("json", "csv"):
        objects = [
            {
                "family": family,
                "name": member,
                "network": analysis.name,
                "source": analysis.source,
                "input": input_data(analysis.inputs),
                "params": analysis.totals.params,
                "macs": analysis.totals.macs,
            }
            for family, member, analysis in members
        ]
        text = json.render([objects]) if format == "json" else csv.render_objects(objects)
        options.write(text, target)
        return
    number = short if si else grouped
    rows = tuple(
        (
            family if index == 0 or members[index - 1][0] != family else "",
            member,
            ", ".join(map(str, analysis.inputs.values())),
            number(analysis.totals.params),
            number(analysis.totals.macs),
        )
        for index, (family, member, analysis) in enumerate(members)
    )
    legend = (
        "`convcalc analyze NAME` takes each of these names."
        " MACs are for one input, biases left out."
    )
    header = ("Family", "Name", "Input", "Params", "MACs")
    numeric = (False, False, False, True, True)
    found = table.Table("", header, numeric, rows, (), legend)
    if target is None and options.is_terminal():
        from convcalc.render import terminal

        terminal.print_table(found, options.wants_color())
    else:
        options.write(plain.render(found), target)
