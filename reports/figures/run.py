"""All figures of one run folder, and why those that are missing cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
    """Draws what can be drawn; a corrupt file loses only the figures made from it."""
    figures: dict[str, Figure] = {}
    dots: dict[str, str] = {}
    missing: dict[str, str] = {}
    broken: list[str] = []
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
    return RunFigures(figures, dots, missing, tuple(broken))


@dataclass(frozen=True)
class RunFigures:
    """The figures of one run.

    figures: name -> figure; dots: name -> Graphviz text (`network_path` and `cell`); missing:
    name -> one line why it cannot be drawn; broken: those of the missing whose files are corrupt.
    """

    figures: Mapping[str, Figure]
    dots: Mapping[str, str]
    missing: Mapping[str, str]
    broken: tuple[str, ...]
