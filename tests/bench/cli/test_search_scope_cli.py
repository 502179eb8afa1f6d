"""`search_scope=fold`: a search inside every fold, and what the searches have in common."""

from __future__ import annotations

import pytest
from tiny_runs import only_run

from bench.errors import BenchError
from bench.runs.checksums import require_unchanged
from bench.runs.folder import RunFolder

SETTINGS = ("--set", "search_scope=fold", "--set", "search.epochs=1", "--set", "train.epochs=1")


@pytest.fixture(scope="module")
def seen():
    """The subjects that each search was given, in the order of the searches."""
    return []


@pytest.fixture(scope="module")
def runs(bench, seen, short, tmp_path_factory):
    from bench.engine.searching import material as searching

    def watched(indices, labels, subjects, seed):
        seen.append({subjects[index] for index in indices})
        return halve(indices, labels, subjects, seed)

    folder, halve = tmp_path_factory.mktemp("nested"), searching.halve
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "halve", watched)
        outcome = bench.small(folder, short, *SETTINGS)
    assert outcome.code == 0, outcome.err
    assert "leaky" not in outcome.out
    return folder


@pytest.fixture(scope="module")
def run(runs):
    return only_run(runs)


def test_every_fold_has_a_search_that_never_saw_its_subject(run, seen):
    everybody = {f"smic/{fold}" for fold in run.folds}
    assert len(everybody) == len(seen) == 3
    for fold, subjects in zip(sorted(run.folds), seen, strict=True):
        genotype = run.json(f"search/{fold}/genotype.json")
        assert set(genotype["searched_on"]) == subjects == everybody - {f"smic/{fold}"}


def test_summary_counts_what_the_searches_chose(run):
    summary = run.json("search/summary.json")
    genotypes = [run.json(f"search/{fold}/genotype.json") for fold in run.folds]
    assert summary["searches"] == len(genotypes) == 3
    for each in summary["paths"]:
        assert each["searches"] == sum(g["path"] == each["path"] for g in genotypes)
    chosen = [name for genotype in genotypes for name in genotype["operations"]]
    assert summary["operations"] == {name: chosen.count(name) for name in set(chosen)}
    assert set(summary["agreement"]) == set(summary["by_chance"])
    protocol = run.json("metrics.json")["protocol"]
    assert (protocol["search_scope"], protocol["leaky"]) == ("fold", False)


def test_health_says_what_decoding_cost(run):
    for fold in run.folds:
        genotype = run.json(f"search/{fold}/genotype.json")
        health = genotype["health"]
        assert health["skip_share"] == pytest.approx(
            genotype["operations"].count("skip") / len(genotype["operations"])
        )
        accuracies = health["supernet_acc"], health["discretised_acc"]
        assert all(0 <= value <= 1 for value in accuracies)
        assert health["discretisation_gap"] == pytest.approx(accuracies[0] - accuracies[1])
        assert health["validation_clips"] >= 2
        assert health["operation_entropy"] > 0
        assert 0 < health["loss_b"] < 10


def test_profile_is_that_of_the_network_of_median_size(bench, tmp_path):
    """As `bench profile RUN` shows it, and not of whichever fold comes first."""
    from statistics import median_low

    from bench.config.loading import config_from_dict
    from bench.methods.registry import variant
    from bench.runs.searches import read_genotype
    from rnas.sizes import count_parameters

    few = ("--set", "search_scope=fold", "--set", "data.subject_count=4")
    assert bench.small(tmp_path, "random_rnas_mer", *few, "--seed", 1).code == 0
    run = only_run(tmp_path)
    first, *_ = run.json("run.json")["folds"]
    space = variant("rnas_mer").configured_space(config_from_dict(run.json("run.json")["config"]))
    sizes = {
        fold: count_parameters(space, read_genotype(run.path / f"search/{fold}/genotype.json"))
        for fold in run.folds
    }
    profile = run.json("profile.json")
    assert profile["params"] == median_low(sizes.values()) == sizes[profile["fold"]]
    assert profile["params"] != sizes[first]  # or this test would not tell the two apart


def test_a_summary_that_a_killed_search_left_out_is_made_up_for(bench, short, runs, run):
    summary = run.json("search/summary.json")
    (run.path / "search/summary.json").unlink()
    with pytest.raises(BenchError, match="repeat the command that made the run: it is made anew"):
        require_unchanged(RunFolder(run.path))
    (run.path / "metrics.json").unlink()
    assert bench.small(runs, short, *SETTINGS).code == 0
    assert run.json("search/summary.json") == summary


def test_the_run_is_sound(bench, run):
    outcome = bench("validate", run.path)
    assert outcome.code == 0, outcome.out + outcome.err


def test_the_report_shows_both(bench, runs, tmp_path):
    outcome = bench("report", "--runs", runs, "--out", tmp_path / "report.html")
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "report.html").read_text()
    assert "pairs of folds with the same path" in page
    assert "discretisation gap" in page
