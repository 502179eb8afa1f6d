"""The tables of hand-designed methods in docs/results.md: `python -m reports.docs.peers`.

They come from `results/peers-smic-surrogate.csv` (`python -m reports.docs.results`) and
`results/peers-time.json` (`bench time --format json`).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from bench.protocol.metrics import UAR, UF1
from bench.runs.marks import NO_LANDMARKS, SUPPLIED
from bench.system.result_files import read_result
from reports.audit.text import wrapped
from reports.docs.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.fixed import FixedNetwork

RESULTS = Path("results")
SCORE_HEADINGS = ("method", "epochs", f"{UAR.heading} (95 %)", UF1.heading, "p")
SIZE_HEADINGS = ("method", "parameters", "MMACs", "inference, ms", "training, ms a clip")
OTHER_HEADINGS = ("method", "clips", "epochs", f"{UAR.heading} (95 %)", "p")
SIGNIFICANT = 0.05
LANDMARKS = SUPPLIED[NO_LANDMARKS]


def score_table(results: Path) -> str:
    """Markdown: a row per method, then how many differ from chance; "–" is not measured.

    Of several runs on hard clips by the method's own recipe, one with landmarks is preferred, then
    one on magnified clips, then the one with the most epochs, then the latest. p is the permutation
    test against chance.
    """
    from baselines.peers import PEERS

    scored = _scored(_runs(results))
    rows = [_score_row(entry, scored.get(entry.name, {})) for entry in PEERS]
    return f"{table(SCORE_HEADINGS, rows)}\n\n{wrapped(_above_chance(scored))}"


def size_table(results: Path) -> str:
    """Markdown: parameters, MACs and times of each method, as `score_table` chooses its runs.

    Times are at batch 1 (inference) and per clip of the recipe's batch (training).
    """
    from baselines.peers import PEERS

    scored = _scored(_runs(results))
    timed = read_result(results / "peers-time.json")["rows"]
    times = {(row["variant"], row["what"]): row["median_ms"] / row["batch"] for row in timed}
    return table(
        SIZE_HEADINGS, [_size_row(entry, scored.get(entry.name, {}), times) for entry in PEERS]
    )


def other_runs(results: Path) -> str:
    """Markdown: the runs that `score_table` does not show."""
    runs = _runs(results)
    shown = list(_scored(runs).values())
    rows = [
        [
            f"`{run['variant']}`",
            ", ".join([run["difficulty"], *conditions(run)]),
            f"{int(run['epochs']):,}",
            _score(run, UAR.name) + _interval(run),
            _p(run),
        ]
        for run in sorted(runs, key=lambda run: (run["variant"], run["difficulty"]))
        if run not in shown
    ]
    return table(OTHER_HEADINGS, rows)


def _runs(results: Path) -> list[dict[str, str]]:
    with (results / "peers-smic-surrogate.csv").open() as sheet:
        return list(csv.DictReader(sheet))


def _scored(runs: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Variant -> its preferred run."""
    own = {"difficulty": "hard", "recipe": "own"}.items()
    return {run["variant"]: run for run in sorted(runs, key=_preference) if own <= run.items()}


def _above_chance(scored: Mapping[str, Mapping[str, str]]) -> str:
    """How many methods have p < .05, before and after Holm's correction."""
    from bench.scoring.statistics import holm

    p_values = {name: float(run["p_chance"]) for name, run in scored.items()}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    raw, kept = (
        {name for name, p in each.items() if p < SIGNIFICANT} for each in (p_values, corrected)
    )
    lost = ", ".join(f"`{name}`" for name in sorted(raw - kept))
    return (
        f"p < {SIGNIFICANT:g}: {len(raw)} of {len(scored)} methods, {len(kept)} after Holm's "
        f"correction for multiple tests{f' (not {lost})' if lost else ''}."
    )


def conditions(run: Mapping[str, str]) -> list[str]:
    """Settings beyond the plain clips: landmarks, magnification."""
    return [*([LANDMARKS] if _landmarks(run) else []), *(["magnified"] if _magnified(run) else [])]


def _landmarks(run: Mapping[str, str]) -> bool:
    return LANDMARKS in _marks(run)


def _marks(run: Mapping[str, str]) -> list[str]:
    return [mark for mark in run.get("marks", "").split("; ") if mark]


def _magnified(run: Mapping[str, str]) -> bool:
    return run.get("magnify", "none") != "none"


def _preference(run: Mapping[str, str]) -> tuple[bool, bool, int, str]:
    return _landmarks(run), _magnified(run), int(run["epochs"]), run.get("started", "")


def _score_row(entry: FixedNetwork, run: Mapping[str, str]) -> list[str]:
    named = dict.fromkeys([*(_marks(run) or entry.marks), *conditions(run)])
    marks = f" ({', '.join(named)})" if named else ""
    return [
        f"`{entry.name}`{marks}",
        _epochs(entry, run),
        _score(run, UAR.name) + _interval(run),
        _score(run, UF1.name),
        _p(run),
    ]


def _size_row(
    entry: FixedNetwork, run: Mapping[str, str], times: Mapping[tuple[str, str], float]
) -> list[str]:
    return [
        f"`{entry.name}`",
        f"{entry.params:,}",
        _digits(float(run["macs"]) / 1e6) if run.get("macs") else "–",
        _digits(times.get((entry.name, "inference"))),
        _digits(times.get((entry.name, "training step"))),
    ]


def _score(run: Mapping[str, str], name: str) -> str:
    return f"{float(run[name]):.3f}" if run else "–"


def _interval(run: Mapping[str, str]) -> str:
    low, high = run.get("uar_low"), run.get("uar_high")
    return f" ({float(low):.2f} to {float(high):.2f})" if low and high else ""


def _p(run: Mapping[str, str]) -> str:
    """Two decimals, or one significant digit below 0.01."""
    if not run.get("p_chance"):
        return "–"
    p = float(run["p_chance"])
    return f"{p:.2f}" if p >= 0.01 else f"{p:.1g}"


def _epochs(entry: FixedNetwork, run: Mapping[str, str]) -> str:
    """`100 of 201`: epochs of the run, and of the method's own recipe where they differ."""
    if not run:
        return "–"
    trained = int(run["epochs"])
    if entry.recipe is None or entry.recipe.epochs == trained:
        return f"{trained:,}"
    return f"{trained:,} of {entry.recipe.epochs:,}"


def _digits(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    print(score_table(RESULTS), other_runs(RESULTS), size_table(RESULTS), sep="\n\n")
