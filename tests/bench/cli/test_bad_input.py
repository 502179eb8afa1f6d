"""What goes wrong is said in one line: what, where, what to do. Finished work is kept."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
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
            (["--device", "tpu"], "'--device': 'tpu' is not one of 'auto', 'cpu', 'cuda'"),
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

    monkeypatch.setattr("bench.config.preset_summary", broken)
    outcome = bench("list", "presets")
    assert outcome.code == 1
    assert outcome.error == "error: RuntimeError: first line second line (--debug shows where)"


def test_an_expected_error_of_several_lines_is_joined(bench, monkeypatch):
    from bench.errors import BenchError

    def broken(name):
        raise BenchError("first line\n  second line")

    monkeypatch.setattr("bench.config.preset_summary", broken)
    assert bench("list", "presets").error == "error: first line second line"


class TestLicensedClips:
    """Exit code 1 where what is on disk cannot be used."""

    def run(self, bench, runs, root, *more):
        return bench.small(runs, RANDOM, "--data-root", root, "--set", "subject_count=0", *more)

    def test_no_such_root(self, bench, runs, tmp_path):
        outcome = self.run(bench, runs, tmp_path / "nowhere")
        assert outcome.code == 1
        assert "nowhere does not exist" in outcome.error
        assert not runs.exists()

    def test_wrong_layout(self, bench, runs, tmp_path):
        (tmp_path / "data/holiday").mkdir(parents=True)
        outcome = self.run(bench, runs, tmp_path / "data")
        assert outcome.code == 1
        assert "SMIC-HS not found in" in outcome.error
        assert "SMIC_all_cropped/HS/<subject>/micro/" in outcome.error

    def test_spreadsheet_without_its_columns(self, bench, runs, tmp_path, trees):
        root = tmp_path / "data"
        trees.frames(root / "CASME2/Cropped/sub01/EP02_01f", range(3))
        trees.casme2(root / "CASME2", [], header=("Subject", "Filename"))
        outcome = self.run(bench, runs, root, "--dataset", "casme2")
        assert outcome.code == 1
        assert "CASME2-coding-20140508.xlsx" in outcome.error
        assert "Estimated Emotion" in outcome.error

    def test_truncated_frame(self, bench, runs, data_root):
        frame = sorted(data_root.rglob("*.jpg"))[3]
        frame.write_bytes(frame.read_bytes()[:200])
        outcome = self.run(bench, runs, data_root)
        assert outcome.code == 1
        assert str(frame) in outcome.error
        assert "Unpack the data set again" in outcome.error
        assert not runs.exists()

    def test_missing_frame_is_reported_and_no_reason_to_stop(self, bench, runs, data_root):
        frames = sorted(next(data_root.rglob("s05_ne_01")).iterdir())
        frames[4].unlink()
        outcome = self.run(bench, runs, data_root, "--dry-run")
        assert outcome.code == 0
        assert "s05_ne_01: 1 of the " in outcome.err

    def test_clip_without_frames_stops_unless_told(self, bench, runs, data_root):
        folder = next(data_root.rglob("s06_ne_01"))
        shutil.rmtree(folder)
        folder.mkdir()
        outcome = self.run(bench, runs, data_root)
        assert outcome.code == 1
        assert "smic has 1 unusable clips: " in outcome.error
        assert "s06_ne_01" in outcome.error
        assert "data.skip_bad_clips=true" in outcome.error
        skipping = self.run(bench, runs, data_root, "--set", "skip_bad_clips=true")
        assert skipping.code == 0
        assert only_run(runs).json("run.json")["data"]["clips"] == 11

    def test_clip_of_one_frame_is_named_and_used(self, bench, runs, data_root):
        for frame in sorted(next(data_root.rglob("s05_ne_01")).iterdir())[1:]:
            frame.unlink()
        outcome = self.run(bench, runs, data_root, "--set", "data.frames=2", "--set", "jitter=0")
        assert outcome.code == 0
        assert "single_frame: " in outcome.err
        assert "s05_ne_01: one frame only" in outcome.err
        assert only_run(runs).json("metrics.json")["clips"] == 12

    def test_apex_outside_is_named_and_used(self, bench, runs, tmp_path, trees):
        root = self.casme2(tmp_path, trees, apex=99)
        outcome = self.run(bench, runs, root, "--dataset", "casme2", "--dry-run")
        assert outcome.code == 0
        assert "apex 99 lies outside onset 1..offset 4: the middle is used" in outcome.err

    def test_label_outside_the_map(self, bench, runs, tmp_path, trees):
        root = self.casme2(tmp_path, trees, emotion="boredom")
        outcome = self.run(bench, runs, root, "--dataset", "casme2")
        assert outcome.code == 1
        assert "row 2 (sub01 EP01_1): label 'boredom' is none of" in outcome.error
        check = bench("data", "check", "--dataset", "casme2", "--data-root", root)
        assert check.code == 1
        assert "label 'boredom' is none of" in check.out

    def test_subject_without_a_clip(self, bench, runs, data_root):
        shutil.rmtree(next(data_root.rglob("HS/s19")))
        outcome = self.run(bench, runs, data_root, "--dry-run")
        assert outcome.code == 0
        assert "missing: smic s19: no clip of this subject, 1 positive, 1 surprise" in outcome.err

    def test_subject_asked_for_without_a_clip(self, bench, runs, data_root):
        shutil.rmtree(next(data_root.rglob("HS/s19")))
        outcome = self.run(bench, runs, data_root, "--subjects", "s05,s06,s19")
        assert outcome.code == 1
        assert "no usable clip of smic s19" in outcome.error
        assert not runs.exists()

    def test_one_subject_leaves_nobody_to_train_on(self, bench, runs, data_root):
        outcome = self.run(bench, runs, data_root, "--subjects", "s05")
        assert outcome.code == 1
        assert "leaving out subject s05" in outcome.error

    def casme2(self, tmp_path, trees, apex=2, emotion="disgust") -> Path:
        """Three clips of two subjects, with real frames; the first as told."""
        home = tmp_path / "data/CASME2"
        rows = [
            ("sub01", "EP01_1", 1, apex, 4, emotion),
            ("sub02", "EP01_1", 1, 2, 4, "happiness"),
            ("sub03", "EP01_2", 1, 2, 4, "surprise"),
        ]
        trees.casme2(home, rows)
        for subject, name, *_ in rows:
            folder = home / "Cropped" / subject / name
            folder.mkdir(parents=True)
            for number in range(1, 5):
                pixels = np.full((12, 12), 40 * number, np.uint8)
                Image.fromarray(pixels).save(folder / f"reg_img{number}.jpg")
        return home.parent


class TestRunFolder:
    @pytest.mark.parametrize("name", ["run.json", "search/genotype.json", "folds/s05.json"])
    def test_corrupt_json_is_named(self, bench, finished, name):
        run = only_run(finished)
        (run.path / name).write_bytes((run.path / name).read_bytes()[:40])
        (run.path / "metrics.json").unlink()
        if name.startswith("search"):
            shutil.rmtree(run.path / "folds")
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert str(run.path / name) in outcome.error
        assert "delete it and repeat the command" in outcome.error
        (run.path / name).unlink()
        assert bench.small(finished, RANDOM).code == 0  # the advice is good

    @pytest.mark.parametrize("name", ["metrics.json", "profile.json"])
    def test_corrupt_result_is_named(self, bench, finished, name):
        (only_run(finished).path / name).write_text("{")
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert name in outcome.error

    def test_of_another_configuration_is_refused(self, bench, finished):
        run = only_run(finished)
        text = (run.path / "run.json").read_text()
        (run.path / "run.json").write_text(text.replace('"lr": 0.05', '"lr": 0.5'))
        before = run.times
        outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert "holds a run of another configuration (config differ)" in outcome.error
        assert "--force" in outcome.error
        assert run.times == before
        evaluation = bench.small(finished, RANDOM, "--force", command="evaluate")
        assert "another configuration (config differ)" in evaluation.error
        assert run.times == before  # the search in it belongs to that configuration
        assert bench.small(finished, RANDOM, "--force").code == 0

    def test_of_other_landmarks_in_the_same_file_is_refused(self, bench, runs, tmp_path):
        boxes = tmp_path / "boxes.csv"
        asked = (RANDOM, "--set", f"data.landmarks={boxes}")
        outcome = bench.small(runs, *asked)
        assert outcome.code == 2 and f"data.landmarks={boxes}: the file cannot be" in outcome.error
        boxes.write_text("subject,clip,left,top,right,bottom\n")
        assert bench.small(runs, *asked).code == 0
        boxes.write_text("subject,clip,left,top,right,bottom\ns05,s05_ne_01,1,1,9,9\n")
        outcome = bench.small(runs, *asked)
        assert outcome.code == 1
        assert "another configuration (data.landmarks differ)" in outcome.error

    def test_of_changed_clips_is_refused(self, bench, runs, data_root):
        source = ["--data-root", data_root]
        assert bench.small(runs, RANDOM, *source).code == 0
        before = only_run(runs).times
        frame = sorted(next(data_root.rglob("s05_ne_01")).iterdir())[2]
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(frame)
        outcome = bench.small(runs, RANDOM, *source)
        assert outcome.code == 1
        assert "(data.fingerprint differ)" in outcome.error
        assert only_run(runs).times == before

    def test_in_use_by_another_process_is_refused(self, bench, finished):
        from bench.store import RunFolder

        path = only_run(finished).path
        with RunFolder(path).lock():
            outcome = bench.small(finished, RANDOM)
        assert outcome.code == 1
        assert f"another process is working on {path}" in outcome.error
        assert bench.small(finished, RANDOM).code == 0

    def test_force_removes_nothing_while_one_of_the_runs_is_in_use(self, bench, runs):
        from bench.store import RunFolder

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
        assert [path.name for path in run.path.rglob(".*")] == [".lock"]
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
        assert [path.name for path in run.path.rglob(".*")] == [".lock"]
        assert bench.small(runs, RANDOM).code == 0
        assert set(run.folds) == {"s05", "s06", "s15"}


class Disk:
    """A file system of its own in memory, 256 kB, for root only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def fill_up_to(self, kilobytes: int) -> None:
        """Leaves room for so much."""
        status = os.statvfs(self.path)
        used = status.f_bavail * status.f_frsize - kilobytes * 1024
        (self.path / "ballast").write_bytes(bytes(used))

    def free(self) -> None:
        (self.path / "ballast").unlink()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system needs root")
    yield Disk(path)
    subprocess.run(["umount", str(path)], check=True)


class TestFailedWork:
    EXPLODE = ("--set", "train.lr=1e9", "--set", "train.weight_decay=1e9")
    EXPLODE_SEARCH = (
        *("--set", "search.weight_lr=1e9", "--set", "search.weight_decay=1e9"),
        *("--set", "search.batch=2"),  # several steps an epoch
    )

    def test_loss_that_is_no_number_in_a_fold(self, bench, runs):
        outcome = bench.small(runs, RANDOM, *self.EXPLODE)
        assert outcome.code == 1
        assert "3 of 6 units failed, first random_rnas_mer: fold s05: the training" in outcome.error
        assert "lower the learning rate (train.lr)" in outcome.error
        run = only_run(runs)
        assert run.folds == {}
        failures = run.json("failures.json")
        assert [entry["fold"] for entry in failures] == ["s05", "s06", "s15"]
        assert all(entry["phase"] == "fold" and "train.lr" in entry["reason"] for entry in failures)
        assert "metrics.json" not in run.times
        assert "profile.json" in run.times  # the search is sound

    def test_weights_that_explode_in_the_last_step(self, bench, runs):
        one_step = ["--set", "train.epochs=1", "--set", "train.batch=100"]
        outcome = bench.small(runs, RANDOM, *self.EXPLODE, *one_step)
        assert outcome.code == 1
        assert "3 of 6 units failed" in outcome.error
        assert "not finite: lower the learning rate (train.lr)" in outcome.error
        assert only_run(runs).folds == {}

    def test_loss_that_is_no_number_in_one_fold_keeps_the_others(self, bench, runs, monkeypatch):
        import bench.evaluation as evaluation

        train = evaluation.train

        def spoilt(network, clips, indices, settings, seed, fold, *rest):
            if fold == "s06":
                next(network.parameters()).data.fill_(float("nan"))
            return train(network, clips, indices, settings, seed, fold, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(evaluation, "train", spoilt)
            outcome = bench.small(runs, RANDOM)
        assert outcome.code == 1
        assert "1 of 6 units failed, first random_rnas_mer: fold s06: " in outcome.error
        assert "2/3 folds" in outcome.out
        run = only_run(runs)
        kept = {name: time for name, time in run.times.items() if name != "failures.json"}
        assert {name for name in kept if name.startswith("folds")} == {
            "folds/s05.json",
            "folds/s15.json",
        }
        assert [entry["fold"] for entry in run.json("failures.json")] == ["s06"]
        assert bench.small(runs, RANDOM).code == 0
        assert "failures.json" not in run.times
        assert {name: run.times[name] for name in kept} == kept

    def test_loss_that_is_no_number_in_the_search(self, bench, runs):
        outcome = bench.small(runs, "rnas_mer_3", *self.EXPLODE_SEARCH)
        assert outcome.code == 1
        assert "1 of 6 units failed, first rnas_mer_3: search: the " in outcome.error
        assert "(search.weight_lr)" in outcome.error
        run = only_run(runs)
        assert not {"search/genotype.json", "metrics.json", "profile.json"} & set(run.times)
        assert run.folds == {}
        assert run.json("failures.json")[0]["phase"] == "search"

    def test_one_variant_that_fails_does_not_stop_the_next(self, bench, runs):
        outcome = bench.small(runs, "rnas_mer_3", "--variant", RANDOM, *self.EXPLODE_SEARCH)
        assert outcome.code == 1
        assert "1 of 12 units failed" in outcome.error
        assert "random_rnas_mer on smic (surrogate), seed 0: UAR " in outcome.out

    def test_ctrl_c_keeps_finished_folds(self, bench, runs, random_runs, monkeypatch):
        import bench.evaluation as evaluation

        predict = evaluation.predict

        def interrupted(network, clips, indices):
            if list((only_run(runs).path / "folds").glob("*.json")):
                signal.raise_signal(signal.SIGINT)
            return predict(network, clips, indices)

        # A shell that starts the tests in the background has them ignore the signal.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        with monkeypatch.context() as patch:
            patch.setattr(evaluation, "predict", interrupted)
            outcome = bench.small(runs, RANDOM)
        signal.signal(signal.SIGINT, inherited)
        assert outcome.code == 130
        assert outcome.error.startswith("error: interrupted; what was finished is kept")
        run = only_run(runs)
        assert set(run.folds) == {"s05"}
        before = run.times["folds/s05.json"]
        assert bench.small(runs, RANDOM).code == 0
        assert run.times["folds/s05.json"] == before
        assert run.folds == only_run(random_runs).folds


def test_subjects_of_these_tests_exist():
    """Guards the fixtures: a subject that no set has would empty them silently."""
    from bench.data.challenge import expected_counts

    assert set(SUBJECTS) <= set(expected_counts()["smic"])
