"""What all commands do alike: they print their help, and take note of what they read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import click

from convcalc.cli import streams
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail

#: What stands for standard input among the files that are read.
STANDARD_INPUT = 0


class Notes(NamedTuple):
    """What is noted while a command runs: the files that it reads, by name, which its answer must
    not replace; what is to be said beside the answer; and what the answer says itself, for programs
    that read mistakes alone.
    """

    read: list[str | int]
    warnings: list[Diagnostic]
    findings: list[Diagnostic]

    def warn(self, found: Iterable[Diagnostic]) -> None:
        """Add warnings, one of a kind for a place."""
        for each in found:
            known = [(one.code, one.source, one.mark) for one in self.warnings]
            if (each.code, each.source, each.mark) not in known:
                self.warnings.append(each)


def notes() -> Notes:
    """Those of the command that runs."""
    found: Notes = click.get_current_context().meta.setdefault("convcalc.notes", Notes([], [], []))
    return found


class Command(click.Command):
    """A command whose help goes where answers go, and whose options are given once."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        made = click.Option(
            [*self.get_help_option_names(ctx), "is_help_asked"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_help,
            help="Show this message and exit.",
        )
        # click tells options apart by identity, and asks for this one more than once.
        option: click.Option = self.__dict__.setdefault("own_help_option", made)
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            self._refuse_two_values(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_two_values(self, ctx: click.Context, args: list[str]) -> None:
        """Refuse an option with two values, of which click takes the last. Raises ConvcalcError."""
        *_, given = self.make_parser(ctx).parse_args(list(args))
        if any(param.is_eager for param in given):
            return  # it is help that is asked for
        before: dict[str | None, click.Option] = {}
        for option in given:
            if not isinstance(option, click.Option) or option.multiple:
                continue
            first = before.get(option.name)
            if first is not None and not (first is option and _only_switches_on(option)):
                raise _twice(first, option)
            before[option.name] = option


class Group(Command, click.Group):
    """A group of such commands, which shows its help where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            streams.say(ctx.get_help())
            ctx.exit(2)
        return super().parse_args(ctx, args)


def _print_help(ctx: click.Context, param: click.Parameter, is_asked: Any) -> None:
    if is_asked and not ctx.resilient_parsing:
        streams.answer([ctx.get_help(), "\n"])
        ctx.exit()


def _only_switches_on(option: click.Option) -> bool:
    """Whether an option says the same when it is given again."""
    return option.is_flag and not option.secondary_opts


def _twice(first: click.Option, second: click.Option) -> ConvcalcError:
    name, other = ("/".join([*each.opts[:1], *each.secondary_opts[:1]]) for each in (first, second))
    if first is second:
        return fail("usage", f"`{name}` is given twice", "leave one of them out")
    return fail("usage", f"`{name}` and `{other}` exclude each other", "leave one of them out")
