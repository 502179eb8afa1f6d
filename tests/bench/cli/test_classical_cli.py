"""Classical baselines from the command line: run, resumed, validated, shown, never measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import Run

from bench.cli.networks import variants_with_networks
from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate
from bench.methods import registry
from bench.methods.classical import Estimated

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


def test_where_networks_see_flow_grey_levels_stay_grey_levels(bench, runs, tmp_path):
    outcome = bench.small(
        tmp_path, "linear_difference", *SETTINGS, "--set", "data.representation=flow"
    )
    assert outcome.code == 0, outcome.err
    found, before = run_of(tmp_path, "linear_difference"), run_of(runs, "linear_difference")
    for fold, record in found.folds.items():
        assert record["clips"] == before.folds[fold]["clips"]


def test_new_people_are_answered_under_their_own_names(bench, clip_cache, tmp_path):
    name = f"smic-{resolve_difficulty('easy'):g}-seed1-version{SURROGATE_VERSION}"
    people = ("s06", "s15")
    new = clip_cache / "surrogate" / name
    write_surrogate("smic", new, seed=1, size=32, subjects=people, workers=1)
    changes = ("data.fresh_seed=1", "data.subject_count=0")
    settings = [word for change in changes for word in ("--set", change)]
    outcome = bench.small(tmp_path, "majority", "--subjects", ",".join(people), *settings)
    assert outcome.code == 0, outcome.err
    run = run_of(tmp_path, "majority")
    (record,) = run.folds.values()
    assert record["subject"] == "fresh"
    assert {clip["subject"] for clip in record["clips"]} == {f"{each}-1" for each in people}
    assert bench("validate", run.path).code == 0


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
