"""All figures of one run folder, and why those that are missing cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from matplotlib.figure import Figure

from bench.errors import BenchError
from bench.store import RunRecord
from reports.figures import RunFigures
from reports.figures.folder import CannotDraw
from reports.figures.scores import confusion
from reports.figures.style import house_style

DRAWINGS: Mapping[str, Callable[[RunRecord], Figure]] = MappingProxyType({"confusion": confusion})


def draw_run(record: RunRecord, names: tuple[str, ...]) -> RunFigures:
    """Draws what can be drawn; a corrupt file costs its own figures alone."""
    figures, missing, broken = {}, {}, []
    for name in names:
        if name not in DRAWINGS:
            continue
        try:
            with house_style():
                figures[name] = DRAWINGS[name](record)
        except CannotDraw as reason:
            missing[name] = str(reason)
        except BenchError as error:
            missing[name] = str(error)
            broken.append(name)
    return RunFigures(figures, missing, tuple(broken), {})
