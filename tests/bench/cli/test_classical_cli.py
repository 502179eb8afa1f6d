"""Classical baselines from the command line: run, resumed, validated, shown, never measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import Run

from bench.cli.networks import variants_with_networks
from bench.methods import registry
from bench.methods.variants import Estimated

NAMES = registry.select_variants(["classical"])
CHANGES = ("protocol.rules=last,oracle", "selection=oracle", "data.flow_side=32")
SETTINGS = [word for change in CHANGES for word in ("--set", change)]


@pytest.fixture(scope="module")
def runs(bench, tmp_path_factory):
    """Runs of every baseline, by two selection rules, scored by the one that leaks in networks."""
    folder = tmp_path_factory.mktemp("classical")
    outcome = bench.small(folder, "classical", *SETTINGS)
    assert outcome.code == 0, outcome.err
    return folder


def run_of(runs, name):
    (path,) = (runs / "smic-surrogate" / name).glob("*/seed0")
    return Run(path)


def test_all_of_them_are_in_the_groups_classical_and_all():
    found = [entry for entry in registry.variants().values() if isinstance(entry, Estimated)]
    assert {entry.name for entry in found} == set(NAMES)
    assert set(NAMES) <= set(registry.select_variants(["all"]))


@pytest.mark.parametrize("name", NAMES)
def test_every_fold_is_answered_by_those_who_have_not_seen_it(runs, name):
    run = run_of(runs, name)
    for fold, record in run.folds.items():
        assert f"smic/{fold}" not in record["trained_on"]
        assert record["losses"] == [] and record["epochs"] == {}
        for clip in record["clips"]:
            assert clip["pred"] == clip["logits"].index(max(clip["logits"]))
            assert set(clip["selected"].values()) == {clip["pred"]}
    assert run.json("run.json")["kind"] == "estimator"
    assert not (run.path / "profile.json").exists()


def test_they_have_no_epoch_that_the_test_subject_could_choose(runs):
    assert all(run_of(runs, name).json("metrics.json")["protocol"]["leaks"] == [] for name in NAMES)


def test_they_are_sound_and_repeating_the_command_changes_nothing(bench, runs):
    before = {name: run_of(runs, name).times for name in NAMES}
    assert bench.small(runs, "classical", *SETTINGS).code == 0
    assert {name: run_of(runs, name).times for name in NAMES} == before
    outcome = bench("validate", *(run_of(runs, name).path for name in NAMES))
    assert outcome.code == 0, outcome.out


def test_they_stand_in_table_2_and_not_among_the_sizes(bench, runs):
    def measured(number):
        outcome = bench("tables", "--table", number, "--runs", runs, "--format", "json")
        rows = json.loads(outcome.out)["rows"]
        return {row["method"] for row in rows if any(row["measured"].values())}

    assert set(NAMES) <= measured(2)
    assert not set(NAMES) & (measured(4) | measured(5))


def test_a_report_shows_them(bench, runs, tmp_path):
    one = Path("smic-surrogate") / NAMES[0]
    shutil.copytree(runs / one, tmp_path / one)
    outcome = bench("report", "--runs", tmp_path, "--out", tmp_path / "report.html")
    assert outcome.code == 0, outcome.err
    assert f"{NAMES[0]} on SMIC" in (tmp_path / "report.html").read_text()


def test_commands_that_measure_or_search_leave_them_out(bench, tmp_path, capsys):
    outcome = bench.small(tmp_path, "majority", command="search")
    assert "nothing to search: majority is a classical baseline" in outcome.error
    outcome = bench("time", "--variant", "classical")
    assert "no network is trained" in outcome.error
    assert variants_with_networks(("majority", "ststnet")) == ["ststnet"]
    assert "skipped: majority is a classical baseline" in capsys.readouterr().err
