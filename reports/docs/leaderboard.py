"""The table of results in README: `python -m reports.docs.leaderboard RUNS CSV`.

It writes the leaderboard that `bench report` shows of these runs to a CSV file, which is committed
under `results/`, and prints README's table of it.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

from bench.errors import UsageError
from bench.protocol.metrics import UAR
from reports.docs.script import script
from reports.docs.tables import table

HEADINGS = ("method [marks]", f"{UAR.heading}, 95 %", "M params")

SAID = ("surrogate", "fresh", "ours", "random control", "strategy ")
"""Marks that the text above the table, or a method's name, says."""


def write_leaderboard(runs: Path, file: Path) -> None:
    """A row a method of the finished runs: name, marks, scores, interval, parameters, cost.

    BenchError where a run cannot be read or was changed: it would be missing without a word.
    UsageError where no run is finished.
    """
    from reports.page.boards import boards
    from reports.reading.finished import whole_runs
    from reports.reading.searches import read_searches

    records = whole_runs(runs)
    anchors: dict[Path, str] = defaultdict(str)  # no run has a page here
    found = boards(records, anchors, read_searches(records).searched, False, lambda *_: None)
    rows = [
        {
            "data": board.title,
            "protocol": board.protocol,
            "method": row.name,
            "marks": "; ".join(mark.text for mark in row.marks),
            "seeds": len(row.seeds),
            **row.scores,
            "low": row.interval.low,
            "high": row.interval.high,
            "million_params": row.params,
            "search": row.search_time,
        }
        for board in found
        for row in board.rows
    ]
    if not rows:
        raise UsageError(f"no finished run in {runs}: give the folder that `bench run` writes to")
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def leaderboard_table(file: Path) -> str:
    """Markdown: a row per method of the CSV file; of several data sets a table each."""
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    boards: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        boards[f"{row['data']}: {row['protocol']}"].append(row)
    tables = {title: table(HEADINGS, map(row_cells, own)) for title, own in boards.items()}
    if len(tables) == 1:
        return tables.popitem()[1]
    return "\n\n".join(f"{title}\n\n{rows}" for title, rows in tables.items())


def row_cells(row: dict[str, str]) -> tuple[str, ...]:
    """What stands in a row of the table: name with marks, score with interval, size."""
    low, high = (f"{float(row[key]):.2f}" for key in ("low", "high"))
    place = re.split(" surrogate|,", row["data"])[0]
    marks = [_short(mark, place) for mark in row["marks"].split("; ") if not mark.startswith(SAID)]
    name = re.sub(r" \((.*)\)$", r", \1", row["method"]) + (
        f" [{'; '.join(marks)}]" if marks else ""
    )
    params = row["million_params"].partition(" ± ")[0]
    return name, f"{float(row[UAR.name]):.2f}, {low}–{high}", params


def _short(mark: str, place: str) -> str:
    """A mark without the name of the data set, which the text above has, and with a short cause."""
    named = re.escape(place)
    mark = re.sub(rf"( of folds)? \({named}\)|: {named}$", "", mark)
    return mark.replace(" %", "%").replace("search_scope=all", "search")


def _main(runs: Path, file: Path) -> None:
    write_leaderboard(runs, file)
    print(leaderboard_table(file))


if __name__ == "__main__":
    script(_main, "RUNS", "CSV")
