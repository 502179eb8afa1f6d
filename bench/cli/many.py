"""An option that takes several numbers after its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click


class ManyNumbers(click.Command):
    """A command whose option `many` may be written once for several numbers: `--seed 0 1 2`."""

    many: str

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_spread(args, self.many)))


def _spread(args: Sequence[str], option: str) -> Iterator[str]:
    """The same arguments with the option before each of its numbers."""
    inside = False
    for position, argument in enumerate(args):
        is_number = argument.lstrip("-").isdigit()
        if inside and is_number and args[position - 1] != option:
            yield option
        inside = argument == option or (inside and is_number)
        yield argument
