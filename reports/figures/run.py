"""All figures of one run folder, and why those that are missing cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from bench.errors import BenchError
from bench.runs.record import RunRecord
from bench.runs.searches import CannotDraw
from reports.drawing.style import house_style
from reports.figures.architecture import architecture
from reports.figures.cell import cell
from reports.figures.dot import cell_dot, network_dot
from reports.figures.network import network_path
from reports.figures.scores import confusion, subjects
from reports.figures.search_curves import search_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.runs.record import RunRecord


DRAWINGS: Mapping[str, Callable[[RunRecord], Figure]] = MappingProxyType(
    {
        "network_path": network_path,
        "cell": cell,
        "search_curves": search_curves,
        "architecture": architecture,
        "confusion": confusion,
        "subjects": subjects,
    }
)

GRAPHS: Mapping[str, Callable[[RunRecord], str]] = MappingProxyType(
    {"network_path": network_dot, "cell": cell_dot}
)


def draw_run(record: RunRecord, names: tuple[str, ...]) -> RunFigures:
    """Draws what can be drawn; a corrupt file costs its own figures alone."""
    figures, dots, missing, broken = {}, {}, {}, []
    for name in names:
        try:
            with house_style():
                figures[name] = DRAWINGS[name](record)
            if name in GRAPHS:
                dots[name] = GRAPHS[name](record)
        except CannotDraw as reason:
            missing[name] = str(reason)
        except BenchError as error:
            missing[name] = str(error)
            broken.append(name)
    return RunFigures(figures, missing, tuple(broken), dots)


@dataclass(frozen=True)
class RunFigures:
    """The figures of one run.

    figures: name -> figure; missing: name -> one line why it cannot be drawn; broken: the names
    among the missing ones whose files are corrupt; dots: name -> Graphviz text (`network_path`
    and `cell`).
    """

    figures: Mapping[str, Figure]
    missing: Mapping[str, str]
    broken: tuple[str, ...] = ()
    dots: Mapping[str, str] | None = None
