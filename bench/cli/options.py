"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from bench.data.sets.catalogue import BUILT_IN

dataset_option = click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    help=f"One of {', '.join(BUILT_IN)}, that of an installed package, or manifest:FILE.csv.",
)

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:N]|mps",
    help="Where networks run; cuda:1 is the second card.",
)

format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)

magnifier_option = click.option(
    "--magnifier-weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Magnify motion by the network of Oh et al. with this state_dict.",
)


def magnified_by(weights: Path | None) -> tuple[str, ...]:
    """The settings that `--magnifier-weights` is short for."""
    return ("data.magnify=learned", f"data.magnifier_weights={weights}") if weights else ()


class ManyNumbers(click.Command):
    """A command whose option `many` may be written once for several numbers: `--seed 0 1 2`."""

    many: str

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, with the option repeated before each of its numbers."""
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
