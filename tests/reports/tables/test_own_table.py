"""A table of one's own is one file: it is found, filled and rendered like the others."""

from __future__ import annotations

import json
import subprocess
import sys

TABLE_6 = """
from dataclasses import replace

from reports.published import PublishedRow, PublishedTable
from reports.tables.beside_published import folders, rows_beside_published
from reports.tables.paper_table import PaperTable, measured_on
from reports.tables.table import Column, mean_cell

PUBLISHED = PublishedTable(
    number=6,
    title="Operations of the networks",
    caption="FLOPs.",
    columns=("gflops",),
    rows=(PublishedRow("RNAS-MER", "rnas_mer", {"gflops": "1.50"}),),
)
COLUMNS = (Column("gflops", "GFLOPs", better=min),)


def cost_row(group, blank):
    cell = mean_cell([each["macs"] * 2e-9 for each in group.profiles], "{:.2f}".format)
    return replace(
        blank,
        source="measured",
        measured={"gflops": cell},
        marks=group.conditions,
        runs=folders(group.profiled),
    )


def rows(groups, variants):
    def of_method(own, blank):
        return [cost_row(group, blank) for group in own]

    return rows_beside_published(PUBLISHED, COLUMNS, groups, variants, of_method)


TABLE = PaperTable(
    published=PUBLISHED,
    columns=COLUMNS,
    usable=lambda group: bool(group.profiled),
    shows=lambda name, variants: True,
    rows=rows,
    caption=lambda groups: f". {measured_on(groups)}",
    notes=lambda groups: (),
)
"""


def tables(folder, *arguments):
    program = (
        "import reports.tables.paper as paper\n"
        f"paper.__path__.append({str(folder)!r})\n"
        "from bench.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-c", program, "tables", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_table_is_one_file(tmp_path, write_run):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "table6.py").write_text(TABLE_6)
    write_run(profile={"params": 1000, "checkpoint_mb": 1.0, "macs": 10**9})
    shown = ("--runs", tmp_path / "runs", "--format", "json")
    table = json.loads(tables(tmp_path / "own", "--table", "6", *shown))
    (row,) = table["rows"]
    assert (row["published"], row["measured"]) == ({"gflops": 1.5}, {"gflops": 2.0})
    assert "preset small" in table["caption"]
    every = json.loads(tables(tmp_path / "own", *shown))
    assert [each["table"] for each in every] == [2, 3, 4, 5, 6]
