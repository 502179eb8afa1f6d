"""Clips that cannot be used are named in one line before anything is run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import only_run

RANDOM = "random_rnas_mer"


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

    @pytest.mark.parametrize("frames", [1, 2])
    def test_the_onset_minus_itself_moves_nothing(self, bench, runs, data_root, frames):
        seen = ("--set", f"data.frames={frames}", "--set", "data.representation=onset_difference")
        outcome = self.run(bench, runs, data_root, *seen)
        assert outcome.code == 0
        assert ("nothing moves in what networks see" in outcome.err) == (frames == 1)

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
