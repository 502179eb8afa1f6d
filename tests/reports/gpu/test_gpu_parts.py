"""Every part at toy size on the CPU, and the page that comes of it. No figure is looked at."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest
import toy_parts
from click.testing import CliRunner

from bench.system.result_files import sealed
from reports.gpu.__main__ import main
from reports.gpu.page import (
    HEADING,
    NOT_MEASURED,
    TITLES,
    gpu_section,
    measured_on_gpu,
    read_records,
    with_section,
)
from reports.gpu.parts import PARTS
from reports.gpu.record import DONE, Settings
from reports.gpu.running import do_part

LIMIT_S = 300
ROWS = {
    "correctness": {"check", "variant", "holds"},
    "supernet_step": {"clips", "evaluation", "precision", "mode", "ms", "TFLOP/s"},
    "folds": {"clips", "way", "folds at once", "folds a minute"},
    "whole_protocol": {"what", "precision", "s"},
    "capsulenet": {"what", "UAR", "UF1", "ACC"},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    return Settings("cpu", True, folder / "out", folder / "work")


@pytest.fixture(scope="module")
def records(settings):
    """All parts, in this process: each in its own is what the tests of the command are for."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr("reports.gpu.supernet_step.SECONDS", 0.0)
        patch.setattr("reports.gpu.measuring.LEAST_REPEATS", 1)
        patch.setattr("reports.gpu.folds.ANSWER_S", LIMIT_S)  # a busy machine starts them slowly
        for part in PARTS:
            do_part(part, settings, LIMIT_S, time.monotonic())
    torch.set_num_threads(threads)
    return {record["part"]: record for record in read_records(settings.out)}


@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_every_part_runs_to_its_end(records, part):
    record = records[part]
    assert (record["status"], record["reason"]) == (DONE, None)
    assert record["machine"]["device"] == "cpu" and record["machine"]["torch"]
    assert {key for row in record["rows"] for key in row} >= ROWS[part]
    reasons = [row for row in record["rows"] if "reason" in row]
    expected = {"compiled", "DiNTS of MONAI"}  # too slow at any size; not installed
    assert all({row.get("mode"), row.get("evaluation")} & expected for row in reasons), reasons


def test_all_checks_hold_on_the_cpu(records):
    rows = records["correctness"]["rows"]
    assert {row["check"] for row in rows} == {
        "fast = reference",
        "one search step",
        "one training step",
        "predictions of CPU and device",
        "resumed search = undisturbed",
        "deterministic mode",
    }
    assert all(row.get("holds", row.get("deterministic")) for row in rows)


def test_folds_are_trained_in_every_way(records):
    ways = {(row["way"], row["folds at once"]) for row in records["folds"]["rows"]}
    names = ("one after the other", "stacked", "graphs", "streams", "processes")
    assert ways == {(name, 2) for name in names}


def test_capsulenet_goes_on_where_it_was_ended(records, settings):
    folds = [row["what"] for row in records["capsulenet"]["rows"]]
    assert folds == ["fold s05", "fold s19", "2 folds, 1 epochs each"]
    (part,) = (part for part in PARTS if part.name == "capsulenet")
    again = replace(settings, out=settings.out / "again")
    do_part(part, again, LIMIT_S, time.monotonic())
    (row,) = json.loads((again.out / "capsulenet.json").read_text())["rows"]
    assert row == records["capsulenet"]["rows"][-1]


def test_the_section_shows_every_part_and_says_that_it_is_no_gpu(records):
    section = gpu_section(list(records.values()))
    assert section.startswith(HEADING)
    assert all(f"### {title}" in section for title in TITLES.values())
    assert "on CPU" in section
    assert "Toy sizes" in section
    assert "Most folds a minute at 4×8×8" in section
    assert not measured_on_gpu(list(records.values()))


def test_an_unfinished_part_says_so(records):
    cut = {**records["folds"], "status": "running"}
    failed = {**records["folds"], "status": "failed", "reason": "out of memory"}
    assert "was cut off" in gpu_section([cut])
    assert "did not end well (out of memory)" in gpu_section([failed])
    missed = {**records["correctness"], "rows": [{"check": "c", "variant": "v", "holds": False}]}
    assert "Those that do not" in gpu_section([missed])


def test_without_records_nothing_was_measured(tmp_path):
    assert gpu_section(read_records(tmp_path / "none")) == f"{HEADING}\n\n{NOT_MEASURED}"


def test_the_section_takes_the_place_of_the_old_one():
    page = f"# Performance\n\nwords\n\n{HEADING}\n\nstale words\n\nWritten by `x`.\n"
    expected = f"# Performance\n\nwords\n\n{HEADING}\n\nnew\n\nWritten by `x`.\n"
    assert with_section(page, f"{HEADING}\n\nnew") == expected


def test_the_page_of_the_documentation_holds_what_results_say():
    page = Path("docs/performance.md").read_text()
    assert gpu_section(read_records(Path("results/gpu"))) in page


def shown(folder, page):
    done = CliRunner().invoke(main, ["--show", str(folder), "--page", str(page)])
    assert done.exit_code == 0, done.output
    return done


def test_show_writes_figures_of_a_gpu_alone(records, settings, tmp_path):
    page, old = (
        tmp_path / "page.md",
        f"# Performance\n\n{HEADING}\n\nstale words\n\nWritten by `x`.\n",
    )
    page.write_text(old)
    done = shown(settings.out, page)
    assert "### The search step" in done.stdout
    assert page.read_text() == old

    record = records["folds"]  # made up: as a GPU would leave it
    machine = {**record["machine"], "gpu": "Some GPU", "driver": "1.2", "cudnn": 9, "cuda": "13.0"}
    folder = tmp_path / "records"
    folder.mkdir()
    real = {**record, "machine": machine, "tiny": False}
    (folder / "folds.json").write_text(json.dumps(sealed(real)))
    shown(folder, page)
    assert "on Some GPU, driver 1.2" in page.read_text()
    assert "stale words" not in page.read_text()


def test_the_command_runs_one_part_by_name(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("reports.gpu.parts.PARTS", tuple(toy_parts.PARTS.values()))
    places = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    done = CliRunner().invoke(main, ["--device", "cpu", "--tiny", "--part", "measures", *places])
    assert done.exit_code == 0, done.output
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["measures.json"]
    assert "s left" in capfd.readouterr().err


def test_every_part_can_go_to_a_process_of_its_own():
    assert pickle.loads(pickle.dumps(PARTS)) == PARTS


def test_unknown_parts_are_named(tmp_path):
    done = CliRunner().invoke(main, ["--device", "cpu", "--part", "speed"])
    assert done.exit_code == 2
    assert "expected one of correctness" in done.stderr
