"""The records of the GPU command as the GPU section of `docs/performance.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UsageError
from bench.system.result_files import read_result
from reports.gpu.record import DONE, RUNNING, Row, shown

HEADING = "## On a GPU"
RESULTS = Path("results/gpu")
PAGE = Path("docs/performance.md")
COMMAND = "`make gpu` (`python -m reports.gpu`)"

NOT_MEASURED = (
    f"No GPU has been measured yet. {COMMAND} fills this section, in at most 8 minutes on a "
    "machine with one."
)

TITLES = {
    "correctness": "Correctness",
    "supernet_step": "The search step",
    "folds": "Many small networks on one card",
    "whole_protocol": "The whole protocol at preset `paper`",
    "capsulenet": "CapsuleNet on hard surrogate clips",
}
"""Part -> heading, in the order of the page."""

RATE = "folds a minute"


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The records in a folder, in the order of the page; none where there is no such folder."""
    files = [folder / f"{name}.json" for name in TITLES]
    records = [read_result(file) for file in files if file.exists()]
    for record in records:
        if not isinstance(record, dict) or not {"part", "status", "rows"} <= record.keys():
            raise BenchError(
                f"{folder} holds a file that is no record of the GPU command; move it elsewhere"
            )
    return records


def gpu_section(records: Sequence[dict[str, Any]]) -> str:
    """The section, Markdown; where there is no record it says that nothing was measured."""
    if not records:
        return f"{HEADING}\n\n{NOT_MEASURED}"
    conditions = list(dict.fromkeys(filter(None, map(_conditions, records))))
    parts = [_part(record) for record in records]
    return "\n\n".join([HEADING, *conditions, f"Measured by {COMMAND}.", *parts])


def with_section(page: str, section: str) -> str:
    """The page with this GPU section in place of its own; UsageError where it has none."""
    before, heading, after = page.partition(f"{HEADING}\n")
    if not heading:
        raise UsageError(f"the page has no section {HEADING!r}: make it with `make benchmarks`")
    ending = after.rfind("\n\nWritten by ")
    return before + section + (after[ending:] if ending >= 0 else "\n")


def measured_on_gpu(records: Sequence[dict[str, Any]]) -> bool:
    """Whether all figures are of a GPU and at full size: only such belong in the documentation."""
    return all(
        (record["machine"] or {}).get("gpu") and not record["tiny"]
        for record in records
        if record["rows"]
    )


def _conditions(record: dict[str, Any]) -> str:
    """Card, driver, versions and commit, and that toy sizes or a CPU prove nothing but the code."""
    machine = record["machine"]
    if not machine:
        return ""
    words = [machine.get("gpu") or f"CPU ({machine['cpu']})"]
    if machine.get("driver"):
        words.append(f"driver {machine['driver']}")
    words.append(f"torch {machine['torch']}")
    words += [f"CUDA {machine['cuda']}"] if machine.get("cuda") else []
    words += [f"cuDNN {machine['cudnn']}"] if machine.get("cudnn") else []
    words.append(f"Python {machine['python']}")
    commit = machine.get("git_commit")
    words.append(f"commit {commit[:8]}" if commit else "commit unknown")
    words += ["with changes"] if machine.get("git_dirty") else []
    said = f"Measured {record['started'][:10]} on {', '.join(words)}."
    return said + (" Toy sizes: figures say that the command works." if record["tiny"] else "")


def _part(record: dict[str, Any]) -> str:
    rows, title = record["rows"], f"### {TITLES[record['part']]}"
    held = rows and any("holds" in row for row in rows)
    blocks = [title, _checks(rows) if held else _table(rows) if rows else ""]
    blocks.append(_best(rows))
    blocks.append(_ending(record))
    return "\n\n".join(filter(None, blocks))


def _ending(record: dict[str, Any]) -> str:
    """Why the part is not complete, where it is not."""
    if record["status"] == DONE:
        return ""
    if record["status"] == RUNNING:
        return "This part was cut off; what it had measured stands above."
    return f"This part did not end well ({record['reason']}); what it had measured stands above."


def _checks(rows: Sequence[Row]) -> str:
    """A line per check: how many variants hold, and a row for each that does not."""
    checks = list(dict.fromkeys(row["check"] for row in rows))
    summary = []
    for check in checks:
        own = [row for row in rows if row["check"] == check]
        holds = sum(bool(row.get("holds", row.get("deterministic"))) for row in own)
        summary.append({"check": check, "variants": len(own), "hold": holds})
    missed = [row for row in rows if not row.get("holds", row.get("deterministic", False))]
    missed_table = f"\n\nThose that do not:\n\n{_table(missed)}" if missed else ""
    return _table(summary) + missed_table


def _best(rows: Sequence[Row]) -> str:
    """The fastest way to train folds, by size of clips."""
    rated = [row for row in rows if RATE in row]
    lines = []
    for clips in dict.fromkeys(row["clips"] for row in rated):
        best = max((row for row in rated if row["clips"] == clips), key=lambda row: row[RATE])
        lines.append(
            f"Most {RATE} at {clips}: {shown(best[RATE])}, {best['way']}, "
            f"{best['folds at once']} at once."
        )
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> str:
    from tabulate import tabulate

    headings = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[shown(row.get(key)) for key in headings] for row in rows]
    return tabulate(cells, headers=headings, tablefmt="github", disable_numparse=True)
