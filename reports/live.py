"""The hand-designed methods as README shows them: `python -m reports.live` prints the table.

From `results/peers-smic-surrogate.csv` (`python -m reports.results`) and `results/peers-time.json`
(`bench time --format json`).
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.fixed import FixedNetwork

RESULTS = Path("results")
HEADINGS = (
    "method",
    "input",
    "parameters",
    "MMACs",
    "inference, ms",
    "training, ms a clip",
    "epochs",
    "UAR (95 %)",
    "UF1",
    "p",
)


def live_table(results: Path) -> str:
    """A row per method, Markdown; "–": not measured.

    Of several runs on hard clips by the method's own recipe counts that of magnified clips, else
    the one with the most epochs; p is that of chance; times are at batch 1, and per clip of the
    recipe's batch.
    """
    from tabulate import tabulate

    from baselines.peers import PEERS

    with (results / "peers-smic-surrogate.csv").open() as sheet:
        runs = sorted(csv.DictReader(sheet), key=_weight)
    shown = {"difficulty": "hard", "recipe": "own"}.items()
    scored = {run["variant"]: run for run in runs if shown <= run.items()}
    timed = json.loads((results / "peers-time.json").read_text())["rows"]
    times = {(row["variant"], row["what"]): row["median_ms"] / row["batch"] for row in timed}
    rows = [_row(entry, scored.get(entry.name, {}), times) for entry in PEERS]
    return tabulate(rows, HEADINGS, tablefmt="github", disable_numparse=True)


def _weight(run: Mapping[str, str]) -> tuple[bool, int]:
    return run["magnify"] != "none", int(run["epochs"])


def _row(
    entry: FixedNetwork, run: Mapping[str, str], times: Mapping[tuple[str, str], float]
) -> list[str]:
    named = [*entry.marks, *(["magnified"] if run.get("magnify", "none") != "none" else [])]
    marks = f" ({', '.join(named)})" if named else ""
    return [
        f"`{entry.name}`{marks}",
        entry.input_text,
        f"{entry.params:,}",
        _digits(float(run["macs"]) / 1e6) if run.get("macs") else "–",
        _digits(times.get((entry.name, "inference"))),
        _digits(times.get((entry.name, "training step"))),
        _epochs(entry, run),
        _score(run, "uar") + _interval(run),
        _score(run, "uf1"),
        _p(run),
    ]


def _score(run: Mapping[str, str], name: str) -> str:
    return f"{float(run[name]):.3f}" if run else "–"


def _interval(run: Mapping[str, str]) -> str:
    ends = (run.get("uar_low"), run.get("uar_high"))
    return " ({:.2f} to {:.2f})".format(*map(float, ends)) if all(ends) else ""


def _p(run: Mapping[str, str]) -> str:
    """To a hundredth, below that to a digit."""
    if not run.get("p_chance"):
        return "–"
    p = float(run["p_chance"])
    return f"{p:.2f}" if p >= 0.01 else f"{p:.1g}"


def _epochs(entry: FixedNetwork, run: Mapping[str, str]) -> str:
    """`100 of 201`: those of the run, and those of the method's own recipe where it has more."""
    if not run:
        return "–"
    trained = f"{int(run['epochs']):,}"
    whole = entry.recipe is None or entry.recipe.epochs == int(run["epochs"])
    return trained if whole else f"{trained} of {entry.recipe.epochs:,}"


def _digits(value: Any) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    print(live_table(RESULTS))
