"""The apexes of the clips are part of a run: what coded them otherwise is another run's data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import only_run

TITLES = "dataset,subject,clip,label,frames,onset,apex,offset"


def write_manifest(folder: Path, apex: int) -> Path:
    """Two people of two clips each; what lies on disk is the same for any apex."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    rows = [TITLES]
    for person in "12":
        for label in ("negative", "positive"):
            np.save(folder / f"{person}{label}.npy", pixels + len(rows))
            rows.append(f"lab,{person},{label},{label},{person}{label}.npy,0,{apex},5")
    path = folder / "clips.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def again(bench, tmp_path):
    """Repeats one command with the apexes coded anew."""

    def run(apex: int, *more, where: str = "clips"):
        (tmp_path / where).mkdir(exist_ok=True)
        manifest = write_manifest(tmp_path / where, apex)
        common = ("--variant", "majority", "--dataset", f"manifest:{manifest}", "--preset", "smoke")
        size = ("--set", "data.subject_count=0", "--runs", tmp_path / "runs")
        return bench("run", *common, *size, *more)

    return run


def test_a_run_is_not_gone_on_with_under_other_apexes(bench, again, tmp_path):
    assert again(2).code == 0
    assert again(2).code == 0
    outcome = again(4)
    assert outcome.code == 1 and "the apex frames of the clips differ" in outcome.err
    run = only_run(tmp_path / "runs")
    assert "data.apexes is not that of the clips" in bench("validate", run.path).out


def test_a_run_that_recorded_none_is_gone_on_with(again, tmp_path):
    assert again(2).code == 0
    run = only_run(tmp_path / "runs")
    record = run.json("run.json")
    del record["data"]["apexes"]
    (run.path / "run.json").write_text(json.dumps({**record, "format": 1}))
    (run.path / "checksums.json").unlink()
    assert again(4).code == 0


def test_seeds_of_other_apexes_say_so(bench, again, tmp_path):
    assert again(2).code == 0 and again(4, "--seed", "1", where="other").code == 0
    pair = sorted((tmp_path / "runs").glob("*/*/*/seed*"))
    assert "apexes differ between the runs" in bench("compare", *pair, "--draws", 100).out
