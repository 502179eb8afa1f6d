"""Run folders that an earlier version named by a hash over all settings: they are gone on with."""

from __future__ import annotations

import json
import shutil

import pytest
from tiny_runs import Run, only_run

from bench.config.settings import recorded_hash
from bench.runs.checksums import seal_rest
from bench.runs.folder import RunFolder

VARIANT = "rnas_mer_3"


@pytest.fixture
def old(searched_runs, runs) -> Run:
    """A finished run as that version left it."""
    shutil.copytree(searched_runs, runs)
    new = only_run(runs).path
    run = Run(new.parents[1] / f"smoke-{recorded_hash(config(new))}" / new.name)
    new.parent.rename(run.path.parent)
    for name in ("run.json", "search/genotype.json", *(f"folds/{f}.json" for f in run.folds)):
        edit(run, name)
    (run.path / "checksums.json").unlink()
    seal_rest(RunFolder(run.path))
    return run


def config(folder):
    return json.loads((folder / "run.json").read_text())["config"]


def edit(run, name):
    content = run.json(name)
    (content if name == "run.json" else content["run"])["config_hash"] = digest(run)
    (run.path / name).write_text(json.dumps(content))


def digest(run):
    return run.path.parent.name.removeprefix("smoke-")


def folders(runs):
    return sorted(path.parent for path in runs.glob("*/*/*/seed*/run.json"))


def test_its_name_is_no_longer_that_of_its_settings(old, searched_runs):
    assert old.path.parent.name != only_run(searched_runs).path.parent.name


def test_is_not_computed_again(bench, runs, old):
    before = old.times
    assert bench.small(runs, VARIANT).code == 0
    assert folders(runs) == [old.path]
    assert old.times == before


def test_is_found_however_its_settings_are_spelled(bench, runs, old):
    before = old.times
    assert bench.small(runs, VARIANT, "--set", "difficulty=0.15", "--set", "rules=last").code == 0
    assert (folders(runs), old.times) == ([old.path], before)


def test_goes_on_in_its_place(bench, runs, old):
    lost = old.path / "folds/s05.json"
    whole = json.loads(lost.read_text())
    lost.unlink()
    assert bench.small(runs, VARIANT).code == 0
    assert folders(runs) == [old.path]
    assert json.loads(lost.read_text()) == whole
    assert bench("validate", runs).code == 0


def test_validates_clean_unless_it_was_edited(bench, runs, old):
    assert bench("validate", runs).out.splitlines() == ["1 of 1 runs complete and clean"]
    record = old.json("run.json")
    record["config"]["train"]["lr"] = 0.5
    (old.path / "run.json").write_text(json.dumps(record))
    outcome = bench("validate", runs)
    assert outcome.code == 1
    assert "configuration: run.json: its settings hash to" in outcome.out


def test_stands_in_tables_with_a_new_seed_beside_it(bench, runs, old):
    assert bench.small(runs, VARIANT, "--seed", 1).code == 0
    assert folders(runs) == [old.path, old.path.parent / "seed1"]
    assert bench("validate", runs).code == 0
    outcome = bench("tables", "--runs", runs, "--table", 4, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert "also there" not in outcome.out + outcome.err  # both seeds are of one configuration
    rows = bench("list", "runs", "--runs", runs, "--format", "json").out
    assert {row["config"] for row in json.loads(rows)} == {digest(old)}


def test_starts_over_in_its_place(bench, runs, old):
    assert bench.small(runs, VARIANT, "--force").code == 0
    assert folders(runs) == [old.path]
    assert bench("validate", runs).code == 0


def test_is_left_alone_by_a_run_of_other_settings(bench, runs, old):
    before = old.times
    assert bench.small(runs, VARIANT, "--set", "train.lr=0.02").code == 0
    assert len(folders(runs)) == 2
    assert old.times == before


def test_of_which_the_record_is_lost_is_left_alone(bench, runs, old):
    (old.path / "run.json").write_text("{")
    assert bench.small(runs, VARIANT, command="search").code == 0
    assert len(folders(runs)) == 2
