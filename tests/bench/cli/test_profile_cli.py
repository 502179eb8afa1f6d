"""`bench profile`: networks of runs, genotype files and variants, and the supernet."""

from __future__ import annotations

import json
import shutil
from statistics import median_high

import pytest
from tiny_runs import SIZES, merged, only_run

CONTRACT = {
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
PEAKS = ("peak_train_mb", "peak_infer_mb")
SMALL = [word for size in SIZES if "subject" not in size for word in ("--set", size)]


@pytest.fixture
def profile(bench):
    """`bench profile --format json`, as the value that it prints."""

    def call(*arguments, **variables):
        outcome = bench("profile", *arguments, "--format", "json", **variables)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    return call


class TestOfARun:
    def test_is_what_the_run_itself_wrote(self, profile, random_runs):
        run = only_run(random_runs)
        found = profile(run.path)
        kept = run.json("profile.json")
        assert set(kept) >= CONTRACT
        assert {key: found[key] for key in kept} == kept
        assert (found["variant"], found["what"]) == ("random_rnas_mer", "derived network")
        assert found["origin"] == str(run.path)

    # That it measures peak memory is seen of an operation of one's own: test_extending.
    def test_without_peaks_says_nothing_of_them(self, profile, random_runs):
        found = profile(only_run(random_runs).path, "--no-peaks")
        assert [found[key] for key in PEAKS] == [None, None]
        assert "peak_measured_by" not in found

    def test_of_the_runs_below_a_folder(self, profile, random_runs, searched_runs, runs):
        for source in (random_runs, searched_runs):
            shutil.copytree(source, runs, dirs_exist_ok=True)
        found = profile("--runs", runs, "--no-peaks")
        assert [each["variant"] for each in found] == ["random_rnas_mer", "rnas_mer_3"]

    def test_searched_in_every_fold_has_a_network_each(self, bench, profile, short, runs):
        outcome = bench.small(
            runs, f"random_{short}", "--set", "search_scope=fold", command="search"
        )
        assert outcome.code == 0
        found = profile(only_run(runs).path, "--no-peaks")
        assert found["networks"] == 3
        low, high = found["range"]["params"]
        assert low <= found["params"] <= high

    def test_supernet(self, bench, profile, short, runs):
        assert bench.small(runs, short, "--set", "search.epochs=1", command="search").code == 0
        found = profile(only_run(runs).path, "--supernet", "--no-peaks")
        assert found["what"] == "supernet"
        assert found["macs"] == found["macs_fvcore"] == found["macs_ptflops"]


class TestOfAVariant:
    def test_is_the_median_and_range_of_random_genotypes(self, profile, short):
        from bench.config.loading import load_config
        from bench.methods.registry import variant
        from rnas.sizes import sample_sizes

        found = profile("--variant", short, *SMALL, "--draws", 5, "--seed", 3, "--no-peaks")
        space = variant(short).configured_space(load_config("small", SMALL[1::2]))
        sizes = sorted(sample_sizes(space, 2000, seed=3))
        assert found["params"] == median_high(sizes)
        assert found["range"]["params"] == [sizes[200], sizes[1800]]  # the middle fifths' ends
        assert found["input_shape"] == [3, 4, 8, 8]
        assert found["networks"] == 5
        assert found["origin"].startswith("5 of 2000 random genotypes, evenly spaced by size")

    def test_follows_classes_and_settings(self, profile, short):
        one = ("--variant", short, *SMALL, "--draws", 1, "--no-peaks")
        three, five = profile(*one), profile(*one, "--classes", 5)
        options = ("--variant", short, *SMALL, "--draws", 1)
        wide = profile("--no-peaks", *merged(options, ("--set", "space.channels=8")))
        assert (five["params"] - three["params"]) % 2 == 0 < five["params"] - three["params"]
        assert wide["params"] > 2 * three["params"]

    def test_a_genotype_file_is_its_network(self, profile, searched_runs):
        run = only_run(searched_runs)
        file = run.path / "search/genotype.json"
        found = profile("--variant", "rnas_mer_3", "--genotype", file, *SMALL, "--no-peaks")
        assert found["params"] == run.json("profile.json")["params"]
        assert found["origin"] == str(file)

    def test_several_are_a_list_and_reconstructions_say_so(self, profile, short):
        both = ("--variant", short, "--variant", "automer*")
        found = {
            each["variant"]: each for each in profile(*both, *SMALL, "--draws", 1, "--no-peaks")
        }
        assert set(found) == {short, "automer_3d"}
        assert any("reconstruction" in mark for mark in found["automer_3d"]["marks"])

    def test_breakdown_sums_to_the_whole(self, profile, short):
        found = profile("--variant", short, *SMALL, "--draws", 1, "--depth", 1, "--no-peaks")
        whole, *parts = found["modules"]
        assert (whole["params"], whole["macs"]) == (found["params"], found["macs"])
        assert [part["path"] for part in parts] == ["stem", "cells", "head"]
        for key in ("params", "macs"):
            assert sum(part[key] for part in parts) == whole[key]


class TestTheTable:
    def test_says_what_json_in_a_file_says(self, bench, tmp_path):
        words = ("profile", "--variant", "automer_3d", *SMALL, "--draws", 1, "--depth", 1)
        outcome, out = bench(*words), tmp_path / "profile.json"
        assert outcome.code == 0
        assert bench(*words, "--format", "json", "--out", out).out == ""
        found = json.loads(out.read_text())
        assert f"{found['params'] / 1e6:.4g}" in outcome.out
        assert "reconstruction" in outcome.out
        assert "torch, fvcore and ptflops agree" in outcome.out
        assert "Clip 3×4×8×8" in outcome.out
        assert "is incomplete: BENCH_PEAKS=off" in outcome.out
        for module in found["modules"][1:]:
            (line,) = [x for x in outcome.out.splitlines() if x.split()[:1] == [module["path"]]]
            assert f"{module['params']:,}" in line
            assert f"{module['macs']:,}" in line

    def test_that_cannot_be_written_is_one_line(self, bench, short, tmp_path):
        (tmp_path / "file").touch()
        out = tmp_path / "file/profile.txt"
        words = ("profile", "--variant", short, *SMALL, "--draws", 1, "--no-peaks")
        outcome = bench(*words, "--out", out)
        assert outcome.code == 2
        assert f"--out {out} cannot be written" in outcome.error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to measure: name run folders"),
        (["--variant", "rnas_mre"], "Did you mean 'rnas_mer'?"),
        (["--variant", "rnas_mer", "--preset", "smal"], "Did you mean 'small'?"),
        (["--variant", "rnas_mer", "--set", "data.sice=3"], "Did you mean 'data.size'?"),
        (["runs/x", "--variant", "rnas_mer"], "either run folders"),
        (["runs/x", "--preset", "small"], "settings and classes of its own"),
        (["--runs", "nowhere"], "--runs nowhere is no folder"),
        (["--variant", "random_rnas_mer", "--supernet"], "has no supernet"),
        (["--variant", "ablation", "--genotype", __file__], "--genotype belongs to one variant"),
        (["--variant", "rnas_mer", "--genotype", __file__, "--supernet"], "leave out --genotype"),
        (["--variant", "rnas_mer", "--device", "tpu"], "expected auto, cpu, mps, cuda"),
        (["--variant", "rnas_mer", "--draws", "0"], "'--draws'"),
    ],
)
def test_misuse_is_one_line(bench, arguments, said):
    outcome = bench("profile", *arguments)
    assert said in outcome.error
    assert outcome.code == 2
    assert outcome.out == ""


class TestRunsThatCannotBeProfiled:
    def test_no_run_folder(self, bench, tmp_path):
        outcome = bench("profile", tmp_path)
        assert (outcome.code, outcome.out) == (1, "")
        assert f"{tmp_path} is no run folder" in outcome.error

    def test_no_run_below_the_folder(self, bench, tmp_path):
        outcome = bench("profile", "--runs", tmp_path)
        assert outcome.code == 1
        assert f"no run below {tmp_path}; make one with `bench run`" in outcome.error

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda run: (run / "run.json").write_text("{"), "cannot be read"),
            (lambda run: (run / "run.json").write_text("{}"), "no run of this harness"),
            (lambda run: (run / "search/genotype.json").unlink(), "was removed after"),
            (lambda run: (run / "search/genotype.json").write_text("{}"), "was changed after"),
        ],
    )
    def test_are_named_and_the_others_shown(self, bench, finished, searched_runs, spoil, said):
        bad, good = only_run(finished).path, only_run(searched_runs).path
        spoil(bad)
        outcome = bench("profile", bad, good, "--no-peaks", "--format", "json")
        assert outcome.code == 1
        assert json.loads(outcome.out)["origin"] == str(good)
        (line,) = [x for x in outcome.err.splitlines() if x.startswith("skipped: ")]
        assert said in line


def test_of_files_that_hold_no_genotype_is_one_line(bench, searched_runs, tmp_path):
    file = only_run(searched_runs).path / "search/genotype.json"
    outcome = bench("profile", "--variant", "rnas_mer", "--genotype", file, *SMALL)
    assert outcome.code == 2
    said = f"--genotype {file}: genotype of space 'rnas_mer_3', expected 'rnas_mer'"
    assert said in outcome.error
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({**json.loads(file.read_text()), "operations": ["skip"]}))
    outcome = bench("profile", "--variant", "rnas_mer_3", "--genotype", changed, *SMALL)
    assert f"--genotype {changed}: 2 edges but 1 operations" in outcome.error


def test_ctrl_c_is_one_line(bench, short, monkeypatch):
    from bench.measuring import profiling

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(profiling, "measure_peaks", interrupted)
    outcome = bench("profile", "--variant", short, *SMALL, "--draws", 1)
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.error.startswith("error: interrupted")
