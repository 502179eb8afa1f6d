"""The run folders that are committed are whole, and the tables of README and docs are theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.docs.archive import pack, unpack
from reports.docs.leaderboard import leaderboard_table, write_leaderboard
from reports.reading.finished import sound_runs

ROOT = Path(__file__).resolve().parents[3]

ARCHIVES = sorted((ROOT / "results/runs").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.name.partition(".")[0])
def test_the_leaderboard_is_that_of_the_runs(archive, tmp_path):
    runs = unpack(archive, tmp_path / "runs")
    assert sound_runs(runs)[1] == []
    made = tmp_path / "made.csv"
    write_leaderboard(runs, made)
    kept = ROOT / "results" / f"leaderboard-{archive.name.partition('.')[0]}.csv"
    assert made.read_text() == kept.read_text()
    pages = [ROOT / "README.md", ROOT / "docs/results.md"]
    assert any(leaderboard_table(kept) in page.read_text() for page in pages)


def test_results_are_packed_and_states_are_not(tmp_path):
    runs = tmp_path / "own"
    kept, left = ("run.json", "search/history.csv"), (".lease", "search/checkpoint.pt", "a.json~")
    for name in (*kept, *left):
        (runs / "seed0" / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / "seed0" / name).write_text(name)
    pack(runs, tmp_path / "runs.tar.xz")
    found = unpack(tmp_path / "runs.tar.xz", tmp_path / "elsewhere")
    assert found.name == "own"
    there = {file.relative_to(found / "seed0").as_posix() for file in found.rglob("*.*")}
    assert there == set(kept)
