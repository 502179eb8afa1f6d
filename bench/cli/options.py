"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli import completing
from bench.config.settings import NUISANCES
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import BUILT_IN


class OutFile(click.Path):
    """A file that the command writes; every other path is one that it reads.

    A file is written beside its place and then moved there: a symbolic link is followed first, so
    that it stays, and what would be replaced without being a file (a device, a pipe) is refused.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        """The path; click.BadParameter for a device or a pipe, and a link that leads nowhere."""
        path = Path(str(super().convert(value, parameter, context)))
        try:
            place = path.resolve() if path.is_symlink() else path
            special = place.exists() and not (place.is_file() or place.is_dir())
        except (OSError, RuntimeError) as error:  # a circle of links, a name too long
            self.fail(f"{value} cannot be written ({error})", parameter, context)
        if special:
            self.fail(
                f"{value} is no file but a device or a pipe, which would be replaced: name a file",
                parameter,
                context,
            )
        return place


class Finite(click.FloatRange):
    """A number in a range; click takes `nan` for one in any."""

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        """The number; click.BadParameter for anything else."""
        number = super().convert(value, parameter, context)
        if number != number:
            self.fail(f"{value!r} is not a number", parameter, context)
        return number


class Several(click.IntRange):
    """A whole number of an option that is given once for several, as in `--seed 0 1 2`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; click's BadParameter shows how several are written."""
        if param and re.fullmatch(r"\d+[,;][\d,; ]*", str(value)):
            spaced = " ".join(re.findall(r"\d+", value))
            self.fail(f"{value!r}: write spaces between several numbers, {spaced}", param, ctx)
        return super().convert(value, param, ctx)


class Numbers(click.ParamType):
    """Numbers separated by commas, each within the range of its setting; count: None for any."""

    name = "numbers"

    def __init__(
        self, kind: type[int] | type[float], low: float, high: float, count: int | None = None
    ) -> None:
        self.kind, self.low, self.high, self.count = kind, low, high, count

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The numbers; click's BadParameter for anything else."""
        try:
            found = tuple(self.kind(part) for part in value.split(","))
        except ValueError:
            found = ()
        inside = all(self.low <= number <= self.high for number in found)
        if not found or not inside or len(found) != (self.count or len(found)):
            several = f"{self.count} numbers" if self.count else "numbers"
            self.fail(
                f"{value!r}: expected {several} from {self.low:g} to {self.high:g} with commas",
                param,
                ctx,
            )
        return found


dataset_option = click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    shell_complete=completing.datasets,
    help=f"One of {', '.join(BUILT_IN)}, one of an installed package, or manifest:FILE.csv.",
)

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:N]|mps",
    help="Where networks run; cuda:1 is the second GPU.",
)


def form_option(*forms: str) -> Callable[[Callable], Callable]:
    """The option for the form of the output; the first is the usual one."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="How the result is written.",
    )


format_option = form_option("table", "json")

out_option = click.option("--out", type=OutFile(), help="Write to this file instead.")

runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    shell_complete=completing.folders,
    help="Folder of all run folders.",
)

surrogate_option = click.option(
    "--surrogate", is_flag=True, help="Use generated clips, which need no licence."
)

data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="BENCH_DATA",
    show_envvar=True,
    shell_complete=completing.folders,
    help="Folder of the licensed data sets.",
)

without_option = click.option(
    "--without",
    multiple=True,
    type=click.Choice(NUISANCES),
    help="Leave this out of generated flow images; repeat for several.",
)

shares_option = click.option(
    "--shares",
    type=Numbers(int, 1, 99, len(CHALLENGE_CLASSES)),
    default=",".join("1" for _ in CHALLENGE_CLASSES),
    show_default=True,
    help=f"How many generated clips of {', '.join(CHALLENGE_CLASSES)} against each other.",
)

subjects_option = click.option("--subjects", metavar="A,B", help="Only these subjects.")

allow_outside_option = click.option(
    "--allow-outside", is_flag=True, help="Let a manifest name frames outside its folder."
)

magnifier_option = click.option(
    "--magnifier-weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Magnify motion by the network of Oh et al. with this state_dict.",
)


def settings_options(preset: str | None = "small") -> Callable[[Callable], Callable]:
    """The options that say which settings are meant; `preset` is the one to start from."""
    return together(
        click.option(
            "--preset",
            default=preset,
            show_default=preset is not None,
            metavar="NAME|FILE.toml",
            shell_complete=completing.presets,
            help="Settings to start from: smoke, small, paper, or a file of your own."
            + ("" if preset else "  [default: small]"),
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE.toml",
            help="Settings that replace those of the preset (`bench config show` prints them).",
        ),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            shell_complete=completing.settings,
            help="Change a setting, e.g. search.epochs=10; repeat for several.",
        ),
    )


def together(*options: Callable[[Callable], Callable]) -> Callable[[Callable], Callable]:
    """The options as one decorator; help shows them in this order."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


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
