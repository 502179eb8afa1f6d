"""What goes wrong is said in one line: what, where, what to do. Finished work is kept."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import SUBJECTS, only_run

RANDOM = "random_rnas_mer"


class TestMisuse:
    """Exit code 2, before any work: no folder appears."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--variant", "rnas_mre"], "unknown variant 'rnas_mre'. Did you mean 'rnas_mer'?"),
            (["--variant", "rnas_x*"], "no variant matches 'rnas_x*'. Known: "),
            (["--dataset", "smik"], "unknown data set 'smik'. Did you mean 'smic'?"),
            (["--preset", "smal"], "unknown preset 'smal'. Did you mean 'small'?"),
            (["--set", "search.epoch=1"], "Did you mean 'search.epochs'?"),
            (["--set", "data.class_map="], "data.class_map is empty: expected challenge, native"),
            (["--set", "epochs=1"], "ambiguous: say search.epochs or train.epochs"),
            (["--set", "search.epochs=many"], "search.epochs=many: expected a whole number"),
            (["--set", "search.epochs=1.5"], "expected a whole number"),
            (["--set", "search.epochs=0"], "expected a number from 1 to 1e+06"),
            (["--set", "train.lr=fast"], "train.lr=fast: expected a number"),
            (["--set", "train.lr=nan"], "train.lr=nan: expected a number from 0"),
            (["--set", "train.lr=inf"], "train.lr=inf: expected a number from 0"),
            (["--set", "space.kernels=mine"], "expected one of own, per_op, shared"),
            (["--set", "flip=maybe"], "data.flip=maybe: expected true or false"),
            (["--set", "search.epochs"], "expected key=value"),
            (["--set", "space.channels=6"], "channels=6 is no multiple of partial=4"),
            (["--set", "data.difficulty=extreme"], "difficulty"),
            (["--subjects", "s99"], "unknown smic subject 's99'"),
            (["--device", "tpu"], "--device tpu: expected auto, cpu, mps, cuda, or one"),
            (["--seed", "-1"], "'--seed'"),
            (["--seed", "first"], "'--seed'"),
            (["--colour"], "No such option"),
            (["surplus"], "unexpected extra argument"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_of_run(self, bench, runs, arguments, said):
        outcome = bench.small(runs, "rnas_mer", *arguments)
        assert said in outcome.error
        assert outcome.code == 2
        assert outcome.out == ""
        assert not runs.exists()

    @pytest.mark.parametrize("missing", ["--variant", "--dataset"])
    def test_of_run_without_what_it_needs(self, bench, runs, missing):
        command = bench.small_command(runs, "rnas_mer")
        position = command.index(missing)
        outcome = bench(*command[:position], *command[position + 2 :])
        assert outcome.code == 2
        assert f"Missing option '{missing}'" in outcome.error

    def test_of_a_command(self, bench):
        outcome = bench("rnu")
        assert outcome.code == 2
        assert "unknown command 'rnu'. Did you mean 'run'?" in outcome.error

    def test_a_gpu_where_there_is_none(self, bench, runs, monkeypatch):
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        outcome = bench.small(runs, RANDOM, "--device", "cuda")
        assert outcome.code == 2
        assert "sees no CUDA GPU here; use --device cpu" in outcome.error
        assert not runs.exists()

    def test_without_data_says_how_to_get_them_and_that_surrogates_exist(self, bench, runs):
        command = bench.small_command(runs, "rnas_mer_3")
        command.remove("--surrogate")
        outcome = bench(*command)
        assert outcome.code == 2
        for words in ("--data-root", "BENCH_DATA", "University of Oulu", "--surrogate"):
            assert words in outcome.error
        assert not runs.exists()


def test_debug_adds_the_traceback_anywhere_in_the_command(bench):
    for words in (["--debug", "list", "presets", "smok"], ["list", "presets", "smok", "--debug"]):
        outcome = bench(*words)
        assert outcome.code == 2
        assert outcome.err.startswith("error: unknown preset 'smok'")
        assert "Traceback (most recent call last)" in outcome.err
        assert "UsageError" in outcome.err
    assert "Traceback" not in bench("list", "presets", "smok").err


def test_an_unexpected_error_is_one_line_too(bench, monkeypatch):
    def broken(name):
        raise RuntimeError("first line\n\n  second line")

    monkeypatch.setattr("bench.config.loading.preset_summary", broken)
    outcome = bench("list", "presets")
    assert outcome.code == 1
    assert outcome.error == "error: RuntimeError: first line second line (--debug shows where)"


def test_an_expected_error_of_several_lines_is_joined(bench, monkeypatch):
    from bench.errors import BenchError

    def broken(name):
        raise BenchError("first line\n  second line")

    monkeypatch.setattr("bench.config.loading.preset_summary", broken)
    assert bench("list", "presets").error == "error: first line second line"


class TestRunFolder:
    @pytest.mark.parametrize("name", ["search/genotype.json", "folds/s05.json"])
    def test_corrupt_json_is_named(self, bench, finished, name):
        run = only_run(finished)
        (run.path / name).write_bytes((run.path / name).read_bytes()[:40])
        (run.path / "metrics.json").unlink()
        if name.startswith("search"):
            shutil.rmtree(run.path / "folds")
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert str(run.path / name) in outcome.error
        assert "move it elsewhere and repeat" in outcome.error
        (run.path / name).unlink()
        assert bench.small(finished, RANDOM).code == 0  # the advice is good

    def test_corrupt_record_of_a_run_is_named(self, bench, finished):
        (only_run(finished).path / "run.json").write_text("{")
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert "run.json cannot be read: restore it" in outcome.error and "--force" in outcome.error
        assert bench.small(finished, RANDOM, "--force").code == 0

    @pytest.mark.parametrize("name", ["metrics.json", "profile.json"])
    def test_corrupt_result_is_named(self, bench, finished, name):
        (only_run(finished).path / name).write_text("{")
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert name in outcome.error

    def test_of_another_configuration_is_refused(self, bench, finished):
        run = only_run(finished)
        text = (run.path / "run.json").read_text()
        (run.path / "run.json").write_text(text.replace('"lr": 0.01', '"lr": 0.5'))
        before = run.times
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert "holds a run of another configuration (the settings differ)" in outcome.error
        assert "--force" in outcome.error
        assert run.times == before
        evaluation = bench.small(finished, RANDOM, "--force", command="evaluate")
        assert "another configuration (the settings differ)" in evaluation.error
        assert run.times == before  # the search in it belongs to that configuration
        assert bench.small(finished, RANDOM, "--force").code == 0

    def test_of_other_landmarks_in_the_same_file_is_refused(self, bench, runs, tmp_path):
        boxes = tmp_path / "boxes.csv"
        asked = (RANDOM, "--set", f"data.landmarks={boxes}")
        outcome = bench.small(runs, *asked)
        assert outcome.code == 2
        assert f"data.landmarks={boxes}: there is no such file" in outcome.error
        boxes.write_text("subject,clip,left,top,right,bottom\n")
        assert bench.small(runs, *asked).code == 0
        boxes.write_text("subject,clip,left,top,right,bottom\ns05,s05_ne_01,1,1,9,9\n")
        outcome = bench.small(runs, *asked)
        assert outcome.code == 1
        assert "begun when what data.landmarks names held something else: put" in outcome.error

    def test_of_changed_clips_is_refused(self, bench, runs, data_root):
        source = ["--data-root", data_root]
        assert bench.small(runs, RANDOM, *source).code == 0
        before = only_run(runs).times
        frame = sorted(next(data_root.rglob("s05_ne_01")).iterdir())[2]
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(frame)
        outcome = bench.small(runs, RANDOM, *source)
        assert outcome.code == 1
        assert "(the clips or their labels differ)" in outcome.error
        assert only_run(runs).times == before

    def test_in_use_by_another_process_is_refused(self, bench, finished):
        from bench.runs.folder import RunFolder

        path = only_run(finished).path
        with RunFolder(path).lock():
            outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert f"another process is working on {path}" in outcome.error
        assert bench.small(finished, RANDOM).code == 0

    def test_force_removes_nothing_while_one_of_the_runs_is_in_use(self, bench, runs):
        from bench.runs.folder import RunFolder

        two = ["--variant", "random_rnas_mer_3"]
        assert bench.small(runs, RANDOM, *two, command="search").code == 0
        first, second = sorted(runs.glob("*/*/*/seed0"))
        with RunFolder(second).lock():
            outcome = bench.small(runs, RANDOM, *two, "--force")
        assert f"another process is working on {second}" in outcome.error
        assert (first / "search/genotype.json").exists()

    def test_below_a_file(self, bench, runs):
        runs.write_text("a file")
        outcome = bench.small(runs, RANDOM)
        assert outcome.code == 1
        assert "cannot write the run folder" in outcome.error
        assert "--runs" in outcome.error
        assert runs.read_text() == "a file"

    def test_on_a_read_only_disk(self, bench, disk):
        disk.remount("ro")
        outcome = bench.small(disk.path / "runs", RANDOM)
        assert outcome.code == 1
        assert "Read-only file system" in outcome.error
        assert "--runs" in outcome.error

    @pytest.mark.parametrize("variant", ["rnas_mer_3", RANDOM])
    def test_on_a_full_disk(self, bench, disk, variant):
        """The checkpoint of a search does not fit, nor all folds of a run without one."""
        room = 12 if variant == RANDOM else 64
        disk.fill_up_to(room)
        outcome = bench.small(disk.path / "runs", variant)
        assert outcome.code == 1
        assert "the disk is full; free some space and repeat the command" in outcome.error
        run = only_run(disk.path / "runs")
        assert {path.name for path in run.path.rglob(".*")} <= {".seals"}
        assert not (run.path / "metrics.json").exists()
        disk.free()
        if variant == RANDOM:
            assert bench.small(disk.path / "runs", variant).code == 0

    def test_disk_filling_up_in_a_fold_keeps_the_others(self, bench, runs, monkeypatch):
        replace = Path.replace

        def full(path, target):
            if target.name == "s06.json":
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            outcome = bench.small(runs, RANDOM)
        assert outcome.code == 1
        assert "the disk is full" in outcome.error
        run = only_run(runs)
        assert set(run.folds) == {"s05", "s15"}
        assert [path.name for path in run.path.rglob(".*")] == []
        assert bench.small(runs, RANDOM).code == 0
        assert set(run.folds) == {"s05", "s06", "s15"}


def test_subjects_of_these_tests_exist():
    """Guards the fixtures: a subject that no set has would empty them silently."""
    from bench.data.sets.challenge import expected_counts

    assert set(SUBJECTS) <= set(expected_counts()["smic"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [["list", "variants"], ["list", "presets", "--format", "json"]])
def test_output_that_finds_no_room_is_called_so(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write the output: no space left")
