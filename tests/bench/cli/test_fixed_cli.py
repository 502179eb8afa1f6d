"""A fixed network of a user's own: every command treats it as any other variant."""

from __future__ import annotations

import json
import shutil

import pytest
from tiny_runs import Run, only_run

from bench.runs.checksums import write_run_file
from bench.runs.folder import RunFolder

SOURCE = """
from torch import nn
from baselines.fixed import FixedNetwork, Recipe, StillInput

class Flat(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(3, 3), nn.Dropout(0.5),
            nn.Flatten(), nn.Linear(16, classes),
        )

class Viewed(nn.Module):
    # What many write: it works in torch's plain memory format alone.

    def forward(self, maps):
        return maps.view(len(maps), -1)

class Long(nn.Sequential):
    # Its kernels want three frames at least.

    def __init__(self, classes):
        super().__init__(
            nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, classes)
        )

class Their(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.Dropout(0.5),
            Viewed(), nn.AdaptiveAvgPool1d(32), nn.Linear(32, classes),
        )

OWN = FixedNetwork(
    name="their_net", summary="Of somebody else", network="their_methods:Their", input="clip",
    recipe=Recipe("adam", 1e-2, epochs=3, batch=64, shuffle=False),
    groups=("theirs",), marks=("reconstruction",), deviations=("smaller than theirs",),
    released_ways=("oracle", "fold_mean"),
)
OTHERS = FixedNetwork(
    name="their_others", summary="Trained on other sets", network="their_methods:Their",
    input="clip", recipe=Recipe("adam", 1e-2, epochs=2, batch=4), released_ways=("other_sets",),
)
PLAIN = FixedNetwork(
    name="their_plain", summary="Without a recipe", network="their_methods:Their", input="clip",
    recipe=None, groups=("theirs",),
)
STILL = FixedNetwork(
    name="their_still", summary="Of flow", network="their_methods:Flat",
    input=StillInput("flow", 8, scale="minmax", divisor=255),
    recipe=Recipe("sgd", 1e-2, epochs=3, batch=4, momentum=0.9, lr_step=2, lr_gamma=0.5),
)
APEX = FixedNetwork(
    name="their_apex", summary="Of frames", network="their_methods:Flat",
    input=StillInput("apex", 8, neighbours=1),
    recipe=Recipe("adam", 1e-2, epochs=3, batch=4, balance=2),
)
LONG = FixedNetwork(
    name="their_long", summary="Of three frames or more", network="their_methods:Long",
    input="clip", recipe=None,
)
BROKEN = FixedNetwork(
    name="their_broken", summary="Cannot be built", network="torch.nn:Linear", input="clip",
    recipe=None,
)
"""
ENTRIES = {
    "their_net": "their_methods:OWN",
    "their_others": "their_methods:OTHERS",
    "their_plain": "their_methods:PLAIN",
    "their_still": "their_methods:STILL",
    "their_apex": "their_methods:APEX",
    "their_long": "their_methods:LONG",
    "their_broken": "their_methods:BROKEN",
}
PARAMETERS = 3 * 4 * 27 + 4 + 8 + 32 * 3 + 3


@pytest.fixture(autouse=True)
def installed(install):
    install(SOURCE, ENTRIES)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the first test that wants a run leaves it for the others."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def run(bench, kept, runs) -> Run:
    """A run of `their_net` to spoil."""
    if not kept.exists():
        outcome = bench.small(kept, "their_net")
        assert outcome.code == 0, outcome.err
    return only_run(shutil.copytree(kept, runs))


def test_a_run_has_folds_scores_and_a_profile_and_no_search(bench, run):
    assert set(run.times) == {
        "run.json",
        "folds/s05.json",
        "folds/s06.json",
        "folds/s15.json",
        "metrics.json",
        "profile.json",
        "checksums.json",
    }
    assert bench("validate", run.path).code == 0
    assert all(len(fold["losses"]) == 3 for fold in run.folds.values())
    protocol = run.json("metrics.json")["protocol"]
    assert (protocol["leaky"], protocol["genotype"]) == (False, "fixed")


def test_run_json_has_the_network_with_its_recipe_and_what_deviates(run):
    record = run.json("run.json")
    assert (record["kind"], record["space"]) == ("fixed", None)
    network = record["network"]
    assert network["network"] == "their_methods:Their"
    assert network["recipe"]["optimiser"] == "adam"
    assert network["deviations"] == ["smaller than theirs"]
    assert network["params"] == PARAMETERS


def test_profile_counts_the_network_and_what_adam_keeps(run):
    profile = run.json("profile.json")
    assert profile["params"] == PARAMETERS
    assert profile["macs"] == profile["macs_fvcore"] == profile["macs_ptflops"] > 0
    assert profile["input_shape"] == [3, 4, 8, 8]
    assert profile["checkpoint_mb"] == pytest.approx(3 * PARAMETERS * 4e-6)


def test_peak_memory_is_measured_in_the_memory_format_of_its_training(bench, runs):
    """`.view` fails in another."""
    outcome = bench(*bench.small_command(runs, "their_net"), BENCH_PEAKS="on")
    assert outcome.code == 0, outcome.err
    profile = only_run(runs).json("profile.json")
    assert "peak_reason" not in profile
    assert profile["peak_train_mb"] is not None
    assert profile["peak_batch"] == 64  # of its own recipe


def test_predicts_the_same_whatever_ran_before(bench, run, tmp_path):
    """Dropout draws from torch's global generator."""
    import torch

    torch.rand(3)
    outcome = bench.small(tmp_path / "again", "their_net", "--seed", 0)
    assert outcome.code == 0, outcome.err
    assert only_run(tmp_path / "again").folds == run.folds


def test_resumes(bench, run, runs):
    before = run.times
    (run.path / "folds/s06.json").unlink()
    (run.path / "metrics.json").unlink()
    assert bench.small(runs, "their_net").code == 0
    after = run.times
    assert {name for name in after if after[name] != before[name]} == {
        "folds/s06.json",
        "metrics.json",
        "checksums.json",
    }


def test_settings_change_its_recipe_or_replace_it(bench, runs):
    words = ("--set", "recipe_epochs=2", "--set", "recipe_lr=0.5")
    assert bench.small(runs / "a", "their_net", *words).code == 0
    changed = only_run(runs / "a").json("run.json")["network"]["recipe"]
    assert (changed["epochs"], changed["lr"]) == (2, 0.5)
    assert bench.small(runs / "b", "their_net", "--set", "train.recipe=harness").code == 0
    harness = only_run(runs / "b")
    assert harness.json("run.json")["network"]["recipe"]["momentum"] == 0.9
    assert all(len(fold["losses"]) == 2 for fold in harness.folds.values())  # train.epochs
    assert bench.small(runs / "c", "their_plain").code == 0
    plain = only_run(runs / "c")
    assert [f["losses"] for f in plain.folds.values()] == [
        f["losses"] for f in harness.folds.values()
    ]


def test_selection_rules_work_as_for_any_other(bench, runs):
    settings = ("--set", "selection=oracle", "--set", "rules=inner_val")
    outcome = bench.small(runs, "their_net", *settings)
    assert outcome.code == 0, outcome.err
    assert "leaky: selection=oracle" in outcome.out
    metrics = only_run(runs).json("metrics.json")
    assert set(metrics["selections"]) == {"last", "inner_val", "oracle"}


def test_dry_run_names_its_phases(bench, runs):
    outcome = bench.small(runs, "their_net", "--dry-run")
    assert "5 units (fold, metrics, profile)" in outcome.out


def test_search_says_that_there_is_nothing_to_search(bench, runs):
    outcome = bench.small(runs, "their_net", command="search")
    assert outcome.code == 2
    assert "nothing to search: their_net is a fixed network" in outcome.error
    assert not runs.exists()


def test_search_of_several_leaves_it_out_and_says_so(bench, runs):
    outcome = bench.small(runs, "their_net", "--variant", "random_rnas_mer", command="search")
    assert outcome.code == 0, outcome.err
    assert "their_net is a fixed network, nothing to search" in outcome.err
    assert only_run(runs).json("run.json")["variant"] == "random_rnas_mer"


def test_evaluate_needs_no_search(bench, runs):
    assert bench.small(runs, "their_net", command="evaluate").code == 0
    assert only_run(runs).json("metrics.json")["clips"] == 10


def test_that_cannot_be_built_is_told_of_before_any_work(bench, runs):
    outcome = bench.small(runs, "their_broken")
    assert outcome.code == 1
    assert "their_broken: torch.nn:Linear cannot be built for 3 classes" in outcome.error
    assert not runs.exists()


def test_another_recipe_in_the_same_place_is_refused(bench, run, runs):
    record = run.json("run.json")
    record["network"]["recipe"]["lr"] = 0.5
    write_run_file(RunFolder(run.path), record)
    outcome = bench.small(runs, "their_net")
    assert outcome.code == 1
    assert "network differ" in outcome.error


def test_is_listed_in_its_groups(bench):
    rows = json.loads(bench("list", "variants", "--format", "json").out)
    (row,) = [row for row in rows if row["name"] == "their_net"]
    assert (row["kind"], row["group"]) == ("fixed", "theirs")
    assert not [row for row in rows if row["name"] == "random_their_net"]


def test_has_a_row_in_tables_2_and_5_and_a_page_in_the_report(bench, run, runs, tmp_path):
    for number in ("2", "5"):
        table = json.loads(
            bench("tables", "--table", number, "--runs", runs, "--format", "json").out
        )
        (row,) = [row for row in table["rows"] if row["method"] == "their_net"]
        assert any(value is not None for value in row["measured"].values())
        assert "reconstruction" in row["marks"]
    outcome = bench("report", "--runs", runs, "--out", tmp_path / "report.html")
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "report.html").read_text()
    assert "a fixed network: nothing is searched" in page
    assert "their_methods:Their" in page
    assert "smaller than theirs" in page


def test_figures_say_why_there_is_no_cell(bench, run, runs, tmp_path):
    outcome = bench("figures", "--runs", runs, "--figure", "cell", "--out", tmp_path / "figures")
    assert "a fixed network: nothing is searched" in outcome.out + outcome.err


@pytest.mark.parametrize("source", ["run", "variant"])
def test_is_profiled_and_timed(bench, run, source):
    variant = ["--variant", "their_net", "--set", "data.frames=4", "--set", "data.size=8"]
    place = {"run": [run.path], "variant": variant}[source]
    found = json.loads(bench("profile", *place, "--no-peaks", "--format", "json").out)
    assert (found["params"], found["what"]) == (PARAMETERS, "fixed network")
    timed = bench("time", *place, "--repeats", 3, "--batch", 1, "--shared", "--format", "json")
    assert timed.code == 0, timed.err
    steps = [(row["what"], row["batch"]) for row in json.loads(timed.out)["rows"]]
    assert steps == [("inference", 1), ("training step", 64)]


def test_has_no_supernet(bench):
    outcome = bench("profile", "--variant", "their_net", "--supernet")
    assert outcome.code == 2
    assert "their_net is a fixed network and has no supernet" in outcome.error


def test_takes_no_genotype(bench, searched_runs, runs):
    file = only_run(searched_runs).path / "search/genotype.json"
    outcome = bench.small(runs, "their_net", "--genotype", file, command="evaluate")
    assert outcome.code == 2
    assert "their_net is a fixed network and has no search space" in outcome.error


def of_flows(bench, flows, runs, *more):
    outcome = bench(
        *("run", "--variant", "their_still", "--dataset", f"manifest:{flows}", "--runs", runs),
        *more,
    )
    assert outcome.code == 0, outcome.err
    return only_run(runs)


def test_of_stills_runs_on_ready_flow_images(bench, flows, runs):
    run = of_flows(bench, flows, runs)
    assert run.json("profile.json")["input_shape"] == [3, 8, 8]
    assert run.json("metrics.json")["clips"] == 12
    assert run.json("run.json")["network"]["input"]["kind"] == "flow"


def test_of_clips_runs_on_ready_flow_images_if_one_frame_is_enough(bench, flows, runs):
    outcome = bench(
        *("run", "--variant", "their_long", "--variant", "their_plain", "--runs", runs),
        *("--dataset", f"manifest:{flows}", "--set", "train.epochs=1"),
    )
    assert outcome.code == 1
    said = "5 of 12 units failed, first their_long: fold s0: the network cannot take clips"
    assert said in outcome.error
    assert "Kernel size can't be greater than actual input size" in outcome.error
    (finished,) = runs.glob("*/*/*/*/metrics.json")
    assert "their_plain" in finished.parts


def test_of_stills_runs_on_clips_whose_flow_is_kept(bench, runs):
    outcome = bench.small(runs, "their_still")
    assert outcome.code == 0, outcome.err
    assert only_run(runs).json("metrics.json")["clips"] == 10


def test_of_stills_goes_on_from_a_record_that_says_less(bench, flows, runs):
    run = of_flows(bench, flows, runs)
    record = run.json("run.json")
    for part, key in (
        ("input", "amplifications"),
        ("input", "neighbours"),
        ("recipe", "balance"),
    ):
        del record["network"][part][key]  # as before it could be told
    write_run_file(RunFolder(run.path), record)
    of_flows(bench, flows, runs)
    record["network"]["input"]["divisor"] = 1.0
    write_run_file(RunFolder(run.path), record)
    outcome = bench(
        *("run", "--variant", "their_still", "--dataset", f"manifest:{flows}", "--runs", runs)
    )
    assert "network differ" in outcome.error


def test_of_several_frames_and_balanced_classes_runs_and_repeats(bench, runs):
    for place in ("a", "b"):
        assert bench.small(runs / place, "their_apex").code == 0
    first, again = (only_run(runs / place) for place in ("a", "b"))
    assert first.json("profile.json")["input_shape"] == [3, 8, 8]
    assert first.folds == again.folds


def test_processes_work_on_one_thread_each_and_change_no_result(bench, flows, runs):
    alone = of_flows(bench, flows, runs / "alone", "--executor", "serial")
    folds = ("--fold", ",".join(alone.folds))  # without the profile, which is slow to count
    found = of_flows(bench, flows, runs / "two", "--executor", "process", "--jobs", 2, *folds)
    assert found.folds == alone.folds
    made = found.json("run.json")["provenance"]
    assert (made["processes"], made["threads"]) == (2, 1)


def test_as_released_takes_the_rule_of_the_released_code(bench, runs):
    outcome = bench.small(runs, "their_net", "--set", "as_released=true")
    assert outcome.code == 0, outcome.err
    run = only_run(runs)
    metrics = run.json("metrics.json")
    assert metrics["protocol"]["leaks"] == ["selection=oracle"]
    assert metrics["protocol"]["as_released"] == ["oracle", "fold_mean"]
    mean = metrics["aggregations"]["fold_mean"]["uf1"]
    assert "as released: oracle, fold_mean" in outcome.out
    assert f"UF1 {mean:.4f}" in outcome.out
    assert bench("validate", run.path).code == 0
    table = json.loads(bench("tables", "--table", "2", "--runs", runs, "--format", "json").out)
    (row,) = [row for row in table["rows"] if row["method"] == "their_net"]
    assert {"as released", "leaky: selection=oracle"} <= set(row["marks"])


def test_as_released_changes_nothing_of_methods_that_score_as_we_do(bench, runs):
    assert bench.small(runs / "a", "their_plain").code == 0
    assert bench.small(runs / "b", "their_plain", "--set", "as_released=true").code == 0
    plain, released = only_run(runs / "a"), only_run(runs / "b")
    for fold, record in released.folds.items():
        assert record["clips"] == plain.folds[fold]["clips"]
    assert released.json("metrics.json")["protocol"]["as_released"] == []


def test_as_released_trains_on_other_sets_and_chooses_on_the_rest_of_its_own(bench, runs):
    outcome = bench.small(
        runs,
        "their_others",
        "--dataset",
        "composite",
        "--set",
        "data.subject_count=4",
        "--set",
        "as_released=true",
    )
    assert outcome.code in (0, 1), outcome.err
    run = only_run(runs)
    for record in run.folds.values():
        own = {clip["dataset"] for clip in record["clips"]}
        assert not own & {person.split("/")[0] for person in record["trained_on"]}
        assert {person.split("/")[0] for person in record["inner_subjects"]} == own
        assert set(record["epochs"]) == {"last", "inner_val"}
    assert len(run.folds) == 2  # of the two subjects of one set; the others are alone in theirs
    assert "is the only subject of" in outcome.error


def test_as_released_on_other_sets_needs_others(bench, runs):
    outcome = bench.small(runs, "their_others", "--set", "as_released=true")
    assert outcome.code == 1
    assert "trains on the other data sets alone, and smic is one" in outcome.error
