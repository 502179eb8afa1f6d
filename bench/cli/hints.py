"""What was probably meant, in messages about commands and options that there are not."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bench.errors import UsageError, did_you_mean, unknown_name

MOST_OWNERS = 4
"""Commands that are named as those that have an option."""


class Commands(click.Group):
    """A group of commands that suggests the nearest one for a misspelt name."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name; UsageError where there is none."""
        found = super().get_command(ctx, name)
        if found is None:
            raise unknown_name("command", name, self.list_commands(ctx))
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; UsageError for an option given twice, of which the last would count."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            _refuse_twice(click.Context(command, ctx, name), rest)
        return name, command, rest


def _refuse_twice(context: click.Context, args: list[str]) -> None:
    try:
        *_, order = context.command.make_parser(context).parse_args(list(args))
    except click.UsageError:
        return  # told when the command itself parses them
    seen: set[click.Parameter] = set()
    for option in order:
        if option in seen and isinstance(option, click.Option) and not option.is_flag:
            listed = f", with commas: {option.metavar}" if "," in (option.metavar or "") else ""
            raise UsageError(f"{option.opts[0]} is given twice: give it once{listed}")
        if not option.multiple:
            seen.add(option)


def told(error: click.ClickException) -> str:
    """The message of an error of click's, with a hint and the help to look at."""
    context = getattr(error, "ctx", None)
    if context is None:
        return f"{error.format_message()} (see --help)"
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        message = f"No such option {error.option_name!r}.{_meant(error.option_name, context)}"
    return f"{message} (see {context.command_path} --help)"


def _meant(option: str, context: click.Context) -> str:
    """Which commands have the option, else the nearest option of this one, after a space."""
    owners = [
        path
        for path, command in _commands(context.find_root().command, context.find_root(), "bench")
        if option in _flags(command)
    ]
    if not owners:
        return did_you_mean(option, _flags(context.command))
    if context.parent is None:
        return f" It follows a command: {owners[0]} {option}."
    more = " and others" if len(owners) > MOST_OWNERS else ""
    return f" It is an option of {', '.join(owners[:MOST_OWNERS])}{more}."


def _commands(
    command: click.Command, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command]]:
    """The commands below one, with the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None:
            yield from _commands(below, context, f"{path} {name}")


def _flags(command: click.Command) -> list[str]:
    return [flag for each in command.params for flag in (*each.opts, *each.secondary_opts)]
