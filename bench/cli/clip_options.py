"""Options of `bench data` that choose clips and how they are preprocessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import (
    allow_outside_option,
    data_root_option,
    dataset_option,
    magnified_by,
    magnifier_option,
    settings_options,
    subjects_option,
    surrogate_option,
    together,
)

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.clips import ClipSet, Problem
    from bench.data.sources import Progress, Source


@dataclass(frozen=True)
class ClipRequest:
    """The clips that a command line asks for: their source, and all settings of data."""

    source: Source
    config: DataConfig

    @property
    def title(self) -> str:
        """The data set's name for readers, which marks surrogates."""
        return self.source.label + (" (surrogate)" if self.source.surrogate else "")

    def clips(self, progress: Progress | None = None) -> ClipSet:
        """All clips and all problems; surrogates are generated first where they are missing.

        DataError where those of the cache have changed since they were first read, and where
        generated clips are named as others.
        """
        from bench.data.sources import clips_below, require_as_made, source_root
        from bench.data.surrogates.checking import refuse_disguised

        root = source_root(self.source, self.config, progress)
        found = clips_below(self.source, root, self.config)
        require_as_made(found, self.source, self.config)
        if not self.source.surrogate:
            refuse_disguised(self.source.root, found.clips)
        return found


def tell_changed(problems: Iterable[Problem]) -> None:
    """Says on stderr which generated clips are not as they were written."""
    from bench.data.clips import problem_lines
    from bench.data.surrogates.checking import CHANGED

    for line in problem_lines(each for each in problems if each.kind == CHANGED):
        click.echo(line, err=True)


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
        config_file: Path | None,
        overrides: tuple[str, ...],
        **rest,
    ):
        from bench.config.loading import load_settings
        from bench.data.sources import named_subjects, resolve_source, settings_on
        from bench.system.files import default_cache

        named = [f"data.subjects={subjects}"] if subjects is not None else []
        named += [f"data.class_map={class_map}"] if class_map is not None else []
        named += ["data.allow_outside=true"] if allow_outside else []
        named += magnified_by(magnifier_weights)
        loaded = partial(load_settings, preset, (*overrides, *named), config_file)
        named_subjects(loaded().config.data)  # raises for invalid subjects before any work
        source = resolve_source(dataset, data_root, surrogate, default_cache())
        config = settings_on(source, loaded).config.data
        return command(request=ClipRequest(source, config), **rest)

    options = together(
        dataset_option,
        surrogate_option,
        data_root_option,
        subjects_option,
        click.option(
            "--class-map",
            metavar="NAME|FILE",
            help="challenge, native, or a CSV file with columns emotion, class.  "
            "[default: challenge]",
        ),
        allow_outside_option,
        magnifier_option,
        settings_options(),
    )
    return options(resolving)
