"""Manifests from the command line: written from a set, checked, edited, run."""

from __future__ import annotations

import pytest
from tiny_runs import only_run

VARIANT = "random_rnas_mer"


@pytest.fixture
def manifest(bench, data_root):
    path = data_root / "mine.csv"
    command = ("data", "export-manifest", "--dataset", "smic", "--data-root", data_root)
    outcome = bench(*command, "--out", path)
    assert outcome.code == 0, outcome.err
    assert f"manifest:{path}" in outcome.out
    return path


def run(bench, runs, dataset, *arguments):
    sizes = ("--set", "data.skip_bad_clips=true", "--dataset", dataset, "--data-root", ".")
    return bench.small(runs, VARIANT, *sizes, *arguments)


def test_a_run_on_a_manifest_predicts_what_a_run_on_the_set_does(
    bench, manifest, data_root, tmp_path
):
    outcome = run(bench, tmp_path / "listed", f"manifest:{manifest}")
    assert outcome.code == 0, outcome.err
    listed = only_run(tmp_path / "listed")
    assert bench.small(tmp_path / "set", VARIANT, "--data-root", data_root).code == 0
    assert listed.folds == only_run(tmp_path / "set").folds
    record = listed.json("run.json")
    assert record["dataset"] == "manifest-mine"
    assert record["data"]["class_map"] == "challenge"
    assert listed.path.parts[-4] == "manifest-mine"
    tables = bench("tables", "--table", "2", "--runs", tmp_path / "listed")
    assert "no column here: manifest-mine" in tables.out


def test_a_subset_is_an_edit_away(bench, manifest, tmp_path):
    lines = manifest.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("smic,s06")]
    manifest.write_text("\n".join(kept))
    checked = bench("data", "check", "--dataset", f"manifest:{manifest}")
    assert checked.code == 0
    assert "0 problem(s): all clips usable" in checked.out
    assert run(bench, tmp_path / "runs", f"manifest:{manifest}").code == 0
    assert "s06" not in only_run(tmp_path / "runs").json("run.json")["folds"]


def test_classes_of_ones_own_reach_the_table(bench, manifest, tmp_path):
    mapping = tmp_path / "two.csv"
    mapping.write_text("emotion,class\nnegative,bad\npositive,good\nsurprise,good\n")
    setting = ("--set", f"data.class_map={mapping}")
    outcome = run(bench, tmp_path / "runs", f"manifest:{manifest}", *setting)
    assert outcome.code == 0, outcome.err
    metrics = only_run(tmp_path / "runs").json("metrics.json")
    assert metrics["classes"] == ["bad", "good"]
    listed = bench("tables", "--table", "5", "--runs", tmp_path / "runs")
    assert "class map two.csv" in listed.out


def test_mistakes_are_one_line(bench, manifest, tmp_path):
    surrogate = bench.small(tmp_path, VARIANT, "--dataset", f"manifest:{manifest}")
    assert (surrogate.code, "leave out --surrogate" in surrogate.error) == (2, True)
    absent = run(bench, tmp_path, "manifest:nowhere.csv")
    assert (absent.code, "does not exist" in absent.error) == (2, True)
    manifest.write_text(manifest.read_text().replace(",negative,", ",awe,"))
    unknown = run(bench, tmp_path, f"manifest:{manifest}", "--set", "data.skip_bad_clips=false")
    assert unknown.code == 1
    assert "'awe' is none of" in unknown.error
