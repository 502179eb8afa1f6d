"""Options of `bench data` that choose clips and how they are preprocessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import dataset_option, magnified_by, magnifier_option

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.clips import ClipSet
    from bench.data.sources import Progress, Source


@dataclass(frozen=True)
class ClipRequest:
    """The clips that a command line asks for: their source, and all settings of data."""

    source: Source
    config: DataConfig
    preset: str

    @property
    def title(self) -> str:
        """The data set's name for readers, which marks surrogates."""
        return self.source.label + (" (surrogate)" if self.source.surrogate else "")

    def clips(self, progress: Progress | None = None) -> ClipSet:
        """All clips and all problems; surrogates are generated first where they are missing."""
        from bench.data.sources import clips_below, source_root

        return clips_below(
            self.source, source_root(self.source, self.config, progress), self.config
        )


def request_options(command: Callable) -> Callable:
    """Adds the options to a command, which receives them as a ClipRequest named `request`."""

    @wraps(command)
    def resolving(
        dataset: str,
        surrogate: bool,
        data_root: Path | None,
        subjects: str | None,
        class_map: str | None,
        allow_outside: bool,
        magnifier_weights: Path | None,
        preset: str,
        overrides: tuple[str, ...],
        **rest,
    ):
        named = [f"data.subjects={subjects}"] if subjects is not None else []
        named += [f"data.class_map={class_map}"] if class_map is not None else []
        named += ["data.allow_outside=true"] if allow_outside else []
        named += magnified_by(magnifier_weights)
        request = _request(dataset, surrogate, data_root, preset, (*overrides, *named))
        return command(request=request, **rest)

    options = [
        dataset_option,
        click.option("--surrogate", is_flag=True, help="Generated clips, no licence needed."),
        click.option(
            "--data-root",
            type=click.Path(path_type=Path),
            envvar="BENCH_DATA",
            show_envvar=True,
            help="Folder with the data set, or with its folder.",
        ),
        click.option("--subjects", metavar="A,B", help="These subjects only."),
        click.option(
            "--class-map",
            metavar="NAME|FILE",
            help="challenge, native, or a CSV file with columns emotion, class.  "
            "[default: challenge]",
        ),
        click.option(
            "--allow-outside", is_flag=True, help="Let a manifest name frames outside its folder."
        ),
        magnifier_option,
        click.option(
            "--preset",
            default="small",
            show_default=True,
            help="Settings to start from: smoke, small or paper.",
        ),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a setting, e.g. data.crop=detect (see `bench list presets`).",
        ),
    ]
    for option in reversed(options):
        resolving = option(resolving)
    return resolving


def _request(
    dataset: str,
    surrogate: bool,
    data_root: Path | None,
    preset: str,
    overrides: tuple[str, ...],
) -> ClipRequest:
    from bench.config.loading import load_config
    from bench.data.sources import named_subjects, resolve_source
    from bench.system.files import default_cache

    config = load_config(preset, overrides).data
    named_subjects(config)  # raises for invalid subjects before any work
    source = resolve_source(dataset, data_root, surrogate, default_cache())
    return ClipRequest(source, config, preset)
