"""Tables 2, 4, 5 and Figures 1, 3 of the committed runs: `python -m reports.docs.measured`.

`python -m reports.docs` writes the page, without the pictures.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reports.docs.archive import unpack

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

ARCHIVES = (
    Path("results/runs/nas-smic-surrogate.tar.xz"),
    Path("results/runs/nas-sets-surrogate.tar.xz"),
)
"""The runs of the searched variants on generated clips."""

TABLES = (2, 4, 5)
PICTURES = Path("docs/pictures")

EXAMPLE = ("rnas_mer", 0)
"""Variant and seed whose path and cell stand for Figure 3."""


@contextmanager
def measured_runs() -> Iterator[list[RunRecord]]:
    """The runs of ARCHIVES, sound, unpacked for as long as they are used."""
    from reports.reading.finished import sound_runs

    with TemporaryDirectory() as place:
        runs = Path(place) / "runs"
        for number, archive in enumerate(ARCHIVES):
            shutil.copytree(unpack(archive, Path(place) / str(number)), runs, dirs_exist_ok=True)
        found, unreadable = sound_runs(runs)
        assert not unreadable, unreadable
        yield found


def tables_page() -> str:
    """The text of docs/tables.md."""
    from bench.methods.registry import variants
    from reports.tables.build import build_table
    from reports.tables.render import markdown

    with measured_runs() as records:
        tables = "\n\n".join(
            f"## Table {number}\n\n{markdown([build_table(number, records, variants())])}"
            for number in TABLES
        )
    return f"""# Tables and figures, measured

This page shows Tables 2, 4 and 5 and Figures 1 and 3 of the paper, published beside measured, of
the runs that are committed.

All measured cells are of generated clips (**surrogate**), eight people a set, preset `small`. They
rank no methods, and say nothing about the published scores beside them. [Results](results.md) says
what was found, [evidence](evidence.md) what was planned. A cell with "–" was not measured.

```sh
mkdir -p measured
for A in nas-smic nas-sets; do
  tar xf results/runs/$A-surrogate.tar.xz --strip-components=1 -C measured
done
bench tables --table 2 --table 4 --table 5 --runs measured
bench figures --figure figure1 network_path cell --runs measured
```

{tables}

## Figure 1

![UAR against parameters and FLOPs, a row of panels per set](pictures/figure1_measured.png)

## Figure 3

RNAS-MER on generated SMIC clips, seed 0: the path through the levels of resolution, and the cell.

![The network path of RNAS-MER](pictures/figure3_path.png)

![The cell of RNAS-MER](pictures/figure3_cell.png)

Written by `python -m reports.docs` from `results/runs/`, its pictures by
`python -m reports.docs.measured`.
"""


def write_pictures(folder: Path) -> None:
    """Draws Figures 1 and 3."""
    from bench.methods.registry import variants
    from reports.figures import run_figures, save, tradeoff

    with measured_runs() as records:
        save(tradeoff(records, variants(), None), folder / "figure1_measured", ["png"])
        one = next(r for r in records if r.dataset == "smic" and (r.variant, r.seed) == EXAMPLE)
        drawn = run_figures(one, ["network_path", "cell"]).figures
        save(drawn["network_path"], folder / "figure3_path", ["png"])
        save(drawn["cell"], folder / "figure3_cell", ["png"])


if __name__ == "__main__":
    write_pictures(PICTURES)
