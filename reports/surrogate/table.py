"""`results/surrogate.csv`: every measurement with its conditions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from bench.config.settings import SURROGATE_VERSION
from bench.errors import DataError
from bench.system.files import csv_text, write_text
from reports.surrogate.measures import Level, Result

TABLE = Path("results/surrogate.csv")


@dataclass(frozen=True)
class Row:
    """A result and its provenance; `versions` are those of the libraries that compute it."""

    dataset: str
    difficulty: float
    seed: int
    generator: int
    measure: str
    of: str
    value: float
    spread: float
    repeats: int
    git_commit: str
    git_dirty: str
    versions: str
    measured_at: str

    @property
    def level(self) -> Level:
        """The set of clips that was measured."""
        return Level(self.dataset, self.difficulty, self.seed)


COLUMNS = tuple(field.name for field in fields(Row))
KINDS = {"difficulty": float, "seed": int, "generator": int, "value": float, "spread": float}
KINDS["repeats"] = int


def read(path: Path = TABLE) -> list[Row]:
    """Rows of the present generator; none where there is no file, DataError for another file."""
    try:
        lines = list(csv.DictReader(io.StringIO(path.read_text())))
    except FileNotFoundError:
        return []
    try:
        rows = [
            Row(**{name: KINDS.get(name, str)(line[name]) for name in COLUMNS}) for line in lines
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no table of surrogate measurements ({error!r}); move it elsewhere and "
            "measure again"
        ) from None
    return [row for row in rows if row.generator == SURROGATE_VERSION]


def write(rows: Iterable[Row], path: Path = TABLE) -> None:
    """The rows in order of level, whole or not at all."""
    ordered = sorted(rows, key=lambda row: (row.dataset, row.seed, row.difficulty))
    write_text(path, csv_text(COLUMNS, map(astuple, ordered)))


def rows_of(
    level: Level, results: Sequence[Result], origin: Mapping[str, Any] | None = None
) -> list[Row]:
    """The results of a level with its conditions; origin: the provenance, of now if not given."""
    from bench.system.provenance import now, provenance

    origin = origin or provenance("cpu")
    used = ("numpy", "scipy", "scikit-learn", "scikit-image")
    versions = "; ".join(f"{name} {_version(name)}" for name in used)
    conditions = (str(origin["git_commit"]), str(origin["git_dirty"]), versions, now())
    return [
        Row(
            level.dataset,
            level.difficulty,
            level.seed,
            SURROGATE_VERSION,
            result.measure,
            result.of,
            round(float(result.value), 4),
            round(float(result.spread), 4),
            result.repeats,
            *conditions,
        )
        for result in results
    ]


def _version(name: str) -> str:
    from bench.system.provenance import installed_version

    return installed_version(name) or "absent"
