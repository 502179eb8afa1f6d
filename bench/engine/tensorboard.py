"""`--listener tensorboard`: losses and scores as TensorBoard reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engine.listening import RunListener
from bench.engine.plan import Unit
from bench.errors import BenchError
from bench.runs.folder import RunFolder
from bench.system.installed import install_command

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
"""Below the folder of all runs: `tensorboard --logdir runs/tensorboard`."""


class TensorBoard(RunListener):
    """A curve per unit and value: `fold s05/loss`, `search/weight_loss`, `metrics/uf1`.

    Raises BenchError where the package tensorboard is missing.
    """

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BenchError(
                "--listener tensorboard needs the package tensorboard: "
                + install_command("tensorboard")
            ) from error
        self.writer = SummaryWriter
        self.open: dict[Path, SummaryWriter] = {}

    def epoch(self, unit: Unit, epoch: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        self._write(unit, values, epoch)

    def scored(self, unit: Unit, scores: Mapping[str, float]) -> None:
        """One point per score."""
        self._write(unit, scores, 0)

    def close(self) -> None:
        """Writes what is left."""
        for writer in self.open.values():
            writer.close()
        self.open.clear()

    def _write(self, unit: Unit, values: Mapping[str, float], step: int) -> None:
        place = events_folder(unit.job.folder)
        if place not in self.open:
            self.open[place] = self.writer(place)
        curves = f"{unit.phase} {unit.fold}".strip()
        for name, value in values.items():
            self.open[place].add_scalar(f"{curves}/{name}", value, step)


def events_folder(folder: RunFolder) -> Path:
    """Where the events of a run lie: outside its folder, which holds its results alone."""
    *_, dataset, variant, preset, seed = folder.path.parts
    return folder.path.parents[3] / FOLDER / dataset / variant / preset / seed
