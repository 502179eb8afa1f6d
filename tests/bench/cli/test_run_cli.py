"""`bench run`, `bench search` and `bench evaluate`: from the request to the files of a run."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from tiny_runs import SUBJECTS, Bench, only_run

from bench.models.file import read_model
from bench.runs.searches import read_search
from rnas.decode import gauge_free, viterbi
from rnas.genotype import Genotype
from rnas.trellis import OPEN

CLASSES = ["negative", "positive", "surprise"]
SCORES = {"uar", "uf1", "acc", "confusion", "classes", "clips", "subjects"}
PROFILE = {
    "params",
    "live_parameters",
    "live_share",
    "live_taps",
    "macs",
    "macs_fvcore",
    "macs_ptflops",
    "gflops",
    "weights_mb",
    "checkpoint_mb",
    "peak_train_mb",
    "peak_infer_mb",
    "input_shape",
}


@pytest.fixture(scope="module")
def run(searched_runs):
    return only_run(searched_runs)


class TestTheFilesOfARun:
    def test_lie_where_the_names_say(self, run, searched_runs):
        record = run.json("run.json")
        folder = f"smic-surrogate/rnas_mer_3/smoke-{record['config_hash']}/seed0"
        assert run.path == searched_runs / folder
        assert set(run.times) == {
            "run.json",
            "search/genotype.json",
            "search/history.csv",
            "search/architecture.json",
            "folds/s05.json",
            "folds/s06.json",
            "folds/s15.json",
            "metrics.json",
            "profile.json",
            "checksums.json",
        }
        assert [p.name for p in run.path.rglob(".*")] == []  # nothing half-written

    def test_run_json_tells_all_that_repeats_the_run(self, run):
        from bench.config.loading import config_from_dict

        record = run.json("run.json")
        assert (record["variant"], record["dataset"], record["seed"]) == ("rnas_mer_3", "smic", 0)
        assert (record["surrogate"], record["preset"]) == (True, "smoke")
        config = config_from_dict(record["config"])
        assert config.hash == record["config_hash"]
        assert (config.data.size, config.search.epochs, config.space.nodes) == (8, 2, 1)
        assert record["folds"] == ["s05", "s06", "s15"]
        assert record["data"]["counts"] == {"negative": 4, "positive": 1, "surprise": 5}
        assert len(record["data"]["fingerprint"]) == 64
        assert record["space"]["name"] == "rnas_mer_3"
        assert (record["space"]["nodes"], record["space"]["channels"]) == (1, 4)
        source = record["provenance"]
        assert {"git_commit", "git_dirty", "packages", "device", "gpu", "argv"} <= set(source)
        assert source["packages"]["torch"]
        assert source["cpu"]

    def test_folds_hold_every_clip_once_with_its_own_label(self, run, licensed):
        from bench.data.sets.catalogue import load_clips

        clips = [
            (clip["dataset"], clip["clip"], CLASSES[clip["true"]], fold["subject"])
            for fold in run.folds.values()
            for clip in fold["clips"]
        ]
        listed = load_clips("smic", licensed, SUBJECTS[:3]).clips
        expected = [(clip.dataset, clip.name, clip.emotion, clip.subject) for clip in listed]
        assert sorted(clips) == sorted(expected)
        for name, fold in run.folds.items():
            assert name == fold["subject"]
            assert len(fold["losses"]) == 2
            for clip in fold["clips"]:
                assert len(clip["logits"]) == 3
                assert clip["pred"] == int(np.argmax(clip["logits"]))
                assert clip["selected"] == {"last": clip["pred"]}

    def test_metrics_are_those_of_the_pooled_predictions(self, run):
        metrics = run.json("metrics.json")
        clips = [clip for fold in run.folds.values() for clip in fold["clips"]]
        true, predicted = ([clip[key] for clip in clips] for key in ("true", "pred"))
        matrix = confusion_matrix(true, predicted, labels=[0, 1, 2])
        assert SCORES | {"slices", "protocol"} <= set(metrics)
        assert metrics["confusion"] == matrix.tolist()
        assert metrics["classes"] == CLASSES
        assert (metrics["clips"], metrics["subjects"]) == (10, 3)
        assert metrics["acc"] == pytest.approx(np.trace(matrix) / 10)
        assert metrics["uar"] == pytest.approx(np.mean(np.diag(matrix) / matrix.sum(1)))
        protocol = metrics["protocol"]
        assert protocol["aggregation"] == "pooled"
        assert protocol["search_scope"] == "all"
        assert protocol["selection"] == "last"
        assert protocol["leaky"] is True
        assert protocol["surrogate"] is True
        assert protocol["shuffled_labels"] is False

    def test_profile_counts_the_decoded_network(self, run):
        from bench.config.loading import config_from_dict
        from bench.methods.registry import variant
        from bench.runs.searches import read_genotype
        from rnas.derived import DerivedNetwork

        profile = run.json("profile.json")
        assert set(profile) >= PROFILE
        assert profile["input_shape"] == [3, 4, 8, 8]
        assert profile["macs"] == profile["macs_fvcore"] == profile["macs_ptflops"]
        config = config_from_dict(run.json("run.json")["config"])
        space = variant("rnas_mer_3").configured_space(config)
        network = DerivedNetwork(space, read_genotype(run.path / "search/genotype.json"), 3)
        assert profile["params"] == sum(p.numel() for p in network.parameters())
        assert profile["weights_mb"] == pytest.approx(profile["params"] * 4e-6)

    def test_history_has_a_row_per_epoch_and_ends_in_the_genotype(self, run):
        with (run.path / "search/history.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == ["0", "1"]
        genotype = run.json("search/genotype.json")
        assert rows[-1]["path"] == "-".join(map(str, genotype["path"]))
        assert rows[-1]["operations"] == " ".join(genotype["operations"])
        for name in ("weight_loss", "architecture_loss", "operation_entropy", "none_mass"):
            assert np.isfinite([float(row[name]) for row in rows]).all()

    def test_architecture_has_the_weights_of_every_epoch_and_ends_in_those_decoded(self, run):
        record, genotype = run.json("search/architecture.json"), run.json("search/genotype.json")
        first, last = record["epochs"]
        for name in ("operation_weights", "edge_weights"):
            assert np.shape(first[name]) == np.shape(genotype[name])
            assert last[name] == genotype[name]
        assert last["beta"] == [arrow["probability"] for arrow in genotype["beta"]]
        assert len(record["operations"]) == len(last["operation_weights"][0])
        assert len(record["edges"]) == len(last["edge_weights"])
        assert np.sum(last["operation_weights"], axis=1) == pytest.approx(1)

    def test_genotype_stands_beside_the_path_of_a_search_that_learnt_nothing(self, run):
        genotype = run.json("search/genotype.json")
        assert genotype["uniform_path"] == [4, 8, 16, 16, 16, 16]
        assert genotype["uniform_path_probability"] == pytest.approx(1 / 8)
        assert genotype["path_is_uniform"] == (genotype["path"] == genotype["uniform_path"])
        assert 0 < genotype["path_probability"] <= 1

    def test_genotype_has_the_path_of_both_decodings(self, run):
        genotype = read_search(run.path / "search/genotype.json")
        beta, start = genotype.beta_of(OPEN), OPEN.path_uniform()
        assert run.json("run.json")["config"]["search"]["start"] == "path_uniform"
        assert genotype.path == viterbi(OPEN, beta)[0]
        assert genotype.gauge_free_path == gauge_free(OPEN, beta, start)


def test_a_run_says_its_scores_and_what_they_must_be_read_with(bench, finished):
    outcome = bench.small(finished, "random_rnas_mer")  # nothing left to do
    metrics = only_run(finished).json("metrics.json")
    assert outcome.code == 0
    assert outcome.out.startswith("random_rnas_mer on smic (surrogate), seed 0: UAR ")
    assert f"UAR {metrics['uar']:.4f}, UF1 {metrics['uf1']:.4f}" in outcome.out
    assert "over 10 clips of 3 subjects (LOSO, pooled; " in outcome.out  # no search, no leak
    assert " % of folds trained)" in outcome.out
    assert metrics["protocol"]["leaky"] is False
    assert "\x1b" not in outcome.out + outcome.err  # plain where there is no terminal


def test_a_search_over_all_subjects_is_called_leaky(bench, searched_runs, runs):
    shutil.copytree(searched_runs, runs)
    outcome = bench.small(runs, "rnas_mer_3")
    assert "leaky: search_scope=all" in outcome.out


def test_search_then_evaluate_is_run_and_finds_the_same_in_another_folder(
    bench, searched_runs, runs
):
    assert bench.small(runs, "rnas_mer_3", command="search").code == 0
    run, whole = only_run(runs), only_run(searched_runs)
    searched = {"genotype.json", "history.csv", "architecture.json"}
    assert set(run.times) == {
        "run.json",
        "checksums.json",
        *(f"search/{name}" for name in searched),
    }
    found = [each.json("search/genotype.json") for each in (run, whole)]
    for record in found:
        assert record["cost"].pop("seconds") > 0
    assert found[0] == found[1]
    assert bench.small(runs, "rnas_mer_3", command="evaluate").code == 0
    assert run.folds == whole.folds
    assert run.json("metrics.json") == whole.json("metrics.json")
    assert run.json("profile.json") == whole.json("profile.json")


def test_evaluate_before_any_search_says_what_to_do_and_makes_nothing(tmp_path, runs):
    bench = Bench(tmp_path / "cache")
    outcome = bench.small(runs, "rnas_mer_3", command="evaluate")
    assert outcome.code == 1
    assert "nothing decoded" in outcome.error
    assert not bench.cache.exists()
    assert "bench search" in outcome.error
    assert not runs.exists()


class TestGenotypeFile:
    @pytest.fixture
    def genotype(self, searched_runs):
        return only_run(searched_runs).path / "search/genotype.json"

    def evaluate(self, bench, runs, file, *more):
        return bench.small(runs, "rnas_mer_3", "--genotype", file, *more, command="evaluate")

    def another(self, genotype, tmp_path):
        changed = json.loads(genotype.read_text())
        changed["path"] = [2, 2, 2, 2, 2, 4 if changed["path"][-1] == 2 else 2]
        file = tmp_path / "other.json"
        file.write_text(json.dumps(changed))
        return file

    def test_takes_the_place_of_the_search(self, bench, searched_runs, runs, genotype):
        assert self.evaluate(bench, runs, genotype).code == 0
        assert only_run(runs).folds == only_run(searched_runs).folds
        assert only_run(runs).json("search/genotype.json")["given"] == str(genotype)
        protocol = only_run(runs).json("metrics.json")["protocol"]
        assert protocol["genotype"] == "given"
        assert protocol["leaks"] == ["genotype given"]

    @pytest.mark.parametrize("variant", ["random_rnas_mer_3", "random_autodeeplab_3d"])
    def test_of_a_random_control_is_refused(self, bench, runs, genotype, variant):
        outcome = bench.small(runs, variant, "--genotype", genotype, command="evaluate")
        assert outcome.code == 2 and not runs.exists()
        assert f"give the file to {variant.removeprefix('random_')}" in outcome.error

    def test_does_not_replace_another_unless_forced(
        self, bench, searched_runs, runs, tmp_path, genotype
    ):
        shutil.copytree(searched_runs, runs)
        before = only_run(runs).folds
        other = self.another(genotype, tmp_path)
        refused = self.evaluate(bench, runs, other)
        assert refused.code == 1
        assert "holds another genotype" in refused.error
        assert only_run(runs).json("search/genotype.json") == json.loads(genotype.read_text())
        assert self.evaluate(bench, runs, other, "--force").code == 0
        run = only_run(runs)
        assert run.json("search/genotype.json")["path"] == json.loads(other.read_text())["path"]
        assert set(run.folds) == set(before)
        assert run.folds != before

    def test_of_another_space_is_refused_before_any_work(self, bench, runs, tmp_path, genotype):
        changed = json.loads(genotype.read_text()) | {"space": "rnas_mer"}
        file = tmp_path / "other.json"
        file.write_text(json.dumps(changed))
        outcome = self.evaluate(bench, runs, file)
        assert outcome.code == 2
        assert "'rnas_mer', expected 'rnas_mer_3'" in outcome.error
        assert not runs.exists()

    def test_that_is_none_or_missing_is_refused(self, bench, runs, tmp_path):
        file = tmp_path / "prose.json"
        for text in ("{}", "Genotype(normal=[('sep_conv_3x3', 0)])"):
            file.write_text(text)
            assert "not a genotype" in self.evaluate(bench, runs, file).error
        outcome = self.evaluate(bench, runs, tmp_path / "nowhere.json")
        assert outcome.code == 2
        assert "nowhere.json" in outcome.error


def test_force_computes_anew(bench, finished):
    before = only_run(finished)
    times, folds = before.times, before.folds
    assert bench.small(finished, "random_rnas_mer", "--force").code == 0
    after = only_run(finished)
    assert after.folds == folds
    assert all(after.times[name] > times[name] for name in times)


def test_evaluate_force_keeps_the_search(bench, finished):
    run = only_run(finished)
    times, folds = run.times, run.folds
    assert bench.small(finished, "random_rnas_mer", "--force", command="evaluate").code == 0
    renewed = {name for name, time in run.times.items() if time != times[name]}
    made = {"metrics.json", "profile.json", "checksums.json"}
    assert renewed == {*(f"folds/{name}.json" for name in folds), *made}
    assert run.folds == folds


def test_a_finished_run_is_left_alone(bench, finished):
    before = only_run(finished).times
    assert bench.small(finished, "random_rnas_mer").code == 0
    assert only_run(finished).times == before


def test_seeds_after_one_option_are_runs_of_their_own(bench, runs):
    outcome = bench.small(runs, "random_rnas_mer", "--seed", 0, 1, 2, command="search")
    assert outcome.code == 0
    genotypes = [
        json.loads((path / "search/genotype.json").read_text())
        for path in sorted(runs.glob("*/*/*/seed*"))
    ]
    assert [path.name for path in sorted(runs.glob("*/*/*/*"))] == ["seed0", "seed1", "seed2"]
    assert len({json.dumps(genotype) for genotype in genotypes}) == 3


def test_variants_by_glob_and_option_each_have_their_folder(bench, runs):
    outcome = bench.small(
        runs, "random_rnas_mer_4*", "--variant", "random_rnas_mer_2", command="search"
    )
    assert outcome.code == 0
    names = {path.name for path in runs.glob("smic-surrogate/*")}
    assert names == {"random_rnas_mer_2", "random_rnas_mer_4", "random_rnas_mer_4b"}


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path, runs):
    bench = Bench(tmp_path / "cache")
    outcome = bench.small(runs, "rnas_mer_3", "--dry-run", "--seed", 0, 1)
    assert outcome.code == 0
    assert not runs.exists() and not bench.cache.exists()
    lines = outcome.out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("rnas_mer_3 on smic (surrogate), seed 1: 6 units (search, fold, ")
    assert ", 0 done already, 3 folds, reach " in lines[1]


def test_shuffled_labels_are_marked_and_permuted(bench, random_runs, runs):
    outcome = bench.small(runs, "random_rnas_mer", "--set", "shuffle_labels=true")
    assert outcome.code == 0
    assert "labels shuffled" in outcome.out
    run = only_run(runs)
    assert run.json("metrics.json")["protocol"]["shuffled_labels"] is True
    labels, own = (
        {clip["clip"]: clip["true"] for fold in each.folds.values() for clip in fold["clips"]}
        for each in (run, only_run(random_runs))
    )
    assert labels != own
    assert labels.keys() == own.keys()
    assert Counter(labels.values()) == Counter(own.values())


def test_each_fold_trains_the_architecture_of_its_own_search(bench, runs):
    settings = ("--set", "search_scope=fold", "--set", "save.weights=last")
    assert bench.small(runs, "random_rnas_mer", *settings).code == 0
    run = only_run(runs)
    found = {file.parent.name: file for file in run.path.glob("search/*/genotype.json")}
    genotypes = {fold: Genotype.from_json(file.read_text()) for fold, file in found.items()}
    assert len(set(genotypes.values())) == 3
    trained = {file.stem: read_model(file)[0].decoded for file in run.path.glob("**/*.safetensors")}
    assert trained == genotypes


def test_licensed_clips_run_without_surrogates(bench, runs, licensed):
    source = ["--data-root", licensed, "--set", "subject_count=0"]
    outcome = bench.small(runs, "random_rnas_mer", *source)
    assert outcome.code == 0
    listed = "; the challenge list has 164 clips of 16 subjects"
    assert f"smic: 12 clips of 4 subjects found{listed}" in outcome.err
    assert "missing: smic s20: no clip of this subject" in outcome.err
    run = only_run(runs)
    assert run.path.relative_to(runs).parts[0] == "smic"
    assert run.json("run.json")["data"]["root"] == str(licensed)
    assert run.json("metrics.json")["protocol"]["surrogate"] is False
    assert "(surrogate)" not in outcome.out


def test_the_data_root_may_come_from_the_environment(bench, runs, licensed):
    command = bench.small_command(runs, "random_rnas_mer", "--dry-run")
    command.remove("--surrogate")
    outcome = bench(*command, BENCH_DATA=licensed)
    assert outcome.code == 0
    assert "random_rnas_mer on smic, seed 0: 6 units" in outcome.out


def test_a_generated_tree_stays_a_surrogate_as_a_data_root(bench, runs, data_root):
    (data_root / "SURROGATE.txt").write_text("dataset: smic\ndifficulty: hard\nseed: 0\n")
    outcome = bench.small(runs, "random_rnas_mer", "--data-root", data_root, "--dry-run")
    assert outcome.code == 0
    assert "random_rnas_mer on smic (surrogate), seed 0" in outcome.out


def test_only_the_subjects_asked_for(bench, runs):
    outcome = bench.small(
        runs, "random_rnas_mer", "--set", "subject_count=0", "--subjects", "s19,s6"
    )
    assert outcome.code == 0
    assert set(only_run(runs).folds) == {"s06", "s19"}


def test_composite_has_a_slice_per_data_set(composite_runs):
    metrics = only_run(composite_runs).json("metrics.json")
    slices = metrics["slices"]
    assert list(slices) == ["smic", "casme2", "samm"]
    assert [part["clips"] for part in slices.values()] == [6, 5, 1]
    assert [part["subjects"] for part in slices.values()] == [2, 2, 1]
    total = sum(np.array(part["confusion"]) for part in slices.values())
    assert metrics["confusion"] == total.tolist()
    assert slices["samm"]["absent"] == ["positive", "surprise"]
    assert all(set(part) >= SCORES for part in slices.values())
