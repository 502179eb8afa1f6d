"""Surrogate clips as files: official layouts, whole folders only, and fit for a benchmark."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import load_clips
from bench.data.sets.challenge import expected_counts
from bench.data.steps.landmarks import landmark_points
from bench.data.surrogates import writing as surrogate
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Plan, Settings, plan_clips
from bench.data.surrogates.points import onset_points
from bench.data.surrogates.writing import DIFFICULTIES, write_surrogate
from bench.errors import DataError, UsageError


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_composite_files_load_as_the_real_ones_would(tmp_path):
    subjects = ["s05", "sub04", "sub05", "sub10", "018", "011"]
    folder = tmp_path / "clips"
    seen: list[tuple[int, int]] = []
    counts = write_surrogate(
        "composite",
        folder,
        size=16,
        subjects=subjects,
        workers=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    plans = [plan for plan in plan_clips("composite", 0) if plan.row.subject in subjects]
    assert counts == {
        "clips": len(plans),
        "subjects": 6,
        "frames": len(list(folder.rglob("*.jpg"))),
    }
    assert seen == [(done, len(plans)) for done in range(1, len(plans) + 1)]
    listed = [name for name in subjects if name != "sub10"]
    clips = load_clips("composite", folder, listed)
    assert {problem.kind for problem in clips.problems} <= {"apex"}
    by_key = {(plan.row.dataset, plan.row.subject, plan.row.name): plan for plan in plans}
    expected = {s: n for by in expected_counts().values() for s, n in by.items() if s in listed}
    for subject, by_class in expected.items():
        assert clips.class_counts(subject=subject) == by_class
    for clip in clips.clips:
        plan = by_key[clip.dataset, clip.subject, clip.name]
        names = plan.file_names()[plan.before : plan.before + plan.length]
        assert [path.name for path in clip.frames] == names
        with Image.open(clip.frames[0]) as picture:
            assert picture.size == (16, 16)
            assert picture.mode == ("L" if clip.dataset == "samm" else "RGB")
        points = landmark_points(clip, str(folder / "landmarks.csv"))
        expected_points = onset_points(plan, Settings(DIFFICULTIES["easy"], 0, 16))
        np.testing.assert_allclose(points, expected_points, atol=0.006)


def test_workers_and_subset_change_no_byte_and_seed_and_version_do(tmp_path):
    for name, choice in {
        "one": {"subjects": ["s05", "s19"], "workers": 1},
        "two": {"subjects": ["s05", "s19"], "workers": 2},
        "subset": {"subjects": ["s19"], "workers": 1},
        "seed": {"subjects": ["s19"], "workers": 1, "seed": 1},
        "older": {"subjects": ["s19"], "workers": 1, "version": 1},
    }.items():
        write_surrogate("smic", tmp_path / name, size=16, difficulty="hard", **choice)
    one, two, subset, seed, older = (
        contents(tmp_path / name) for name in ("one", "two", "subset", "seed", "older")
    )
    assert one == two
    frames = {path: data for path, data in one.items() if "/s19/" in path}
    assert frames == {path: data for path, data in subset.items() if path.endswith(".jpg")}
    assert not set(frames.values()) & {*seed.values(), *older.values()}


def test_the_folder_says_what_it_holds(tmp_path):
    write_surrogate("smic", tmp_path / "c", size=16, subjects=["s05"], seed=7, version=1, workers=1)
    note = (tmp_path / "c" / surrogate.NOTE_NAME).read_text()
    for line in ("generated surrogate clips", "dataset: smic", "seed: 7", "subjects: s05"):
        assert line in note
    assert "generator version: 1" in note


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_write_leaves_no_folder_and_is_gone_on_with(tmp_path, workers):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    how = {"size": 16, "subjects": ["s05", "s19"], "workers": workers}
    with pytest.raises(KeyboardInterrupt):
        write_surrogate("smic", tmp_path / "c", **how, progress=stop)
    assert not (tmp_path / "c").exists()
    first, other = sorted({path.parent for path in tmp_path.rglob("*.jpg")})[:2]
    left = first.rename(first.with_name(f".{first.name}.partial"))  # what a process was killed at
    (left / "extra.jpg").write_text("half a frame")
    kept, before = other.relative_to(tmp_path / ".c.partial"), other.stat().st_ino
    write_surrogate("smic", tmp_path / "c", **how)
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert (tmp_path / "c" / kept).stat().st_ino == before
    whole = write_surrogate("smic", tmp_path / "whole", **how)
    assert whole["clips"] == 4
    assert contents(tmp_path / "c") == contents(tmp_path / "whole")


def test_what_was_begun_with_other_settings_is_not_gone_on_with(tmp_path):
    left = tmp_path / ".c.partial"
    left.mkdir()
    (left / surrogate.NOTE_NAME).write_text("others")
    (left / "others.jpg").write_text("a frame")
    write_surrogate("smic", tmp_path / "c", size=16, subjects=["s05"], workers=1)
    assert not (tmp_path / "c/others.jpg").exists()


def test_an_unfinished_write_lies_under_another_name(tmp_path):
    names: set[str] = set()
    write_surrogate(
        "smic",
        tmp_path / "c",
        size=16,
        subjects=["s05"],
        workers=1,
        progress=lambda done, total: names.update(path.name for path in tmp_path.iterdir()),
    )
    assert names == {".c.partial", ".c.lock"}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_earlier_surrogates_are_replaced_and_anything_else_is_kept(tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    write_surrogate("smic", folder, size=16, subjects=["s05"], workers=1)
    write_surrogate("smic", folder, size=16, subjects=["s19"], workers=1)
    assert not list(folder.rglob("s05"))
    (folder / surrogate.NOTE_NAME).unlink()
    with pytest.raises(UsageError, match="no surrogate clips"):
        write_surrogate("smic", folder, size=16, subjects=["s05"], workers=1)
    assert list(folder.rglob("s19"))


def test_of_two_writers_of_the_same_clips_the_second_waits_for_the_first(tmp_path):
    how = {"size": 16, "subjects": ["s05"], "workers": 1}
    second = Thread(target=write_surrogate, args=("smic", tmp_path / "c"), kwargs=how)
    write_surrogate(
        "smic",
        tmp_path / "c",
        **how,
        progress=lambda done, total: None if second.ident else second.start(),
    )
    first = (tmp_path / "c").stat().st_ino
    second.join(timeout=60)
    assert not second.is_alive()
    assert (tmp_path / "c").stat().st_ino == first


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"dataset": "smik"}, "Did you mean 'smic'"),
        ({"subjects": ["s99"]}, "unknown subject 's99'"),
        ({"subjects": []}, "at least one subject"),
        ({"difficulty": "esay"}, "easy, middle, hard or a number"),
        ({"difficulty": 1.5}, r"in 0\.\.1"),
        ({"difficulty": -0.1}, r"in 0\.\.1"),
        ({"difficulty": float("nan")}, r"in 0\.\.1"),
        ({"seed": -1}, "seed is -1"),
        ({"version": 0}, "version is 0; expected 1 to 4"),
        ({"version": 5}, "version is 5"),
        ({"size": 8}, "size is 8"),
        ({"size": 64.0}, r"size is 64\.0"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_arguments_that_cannot_be_meant(tmp_path, choice, message):
    choice = {"dataset": "smic", "folder": tmp_path / "c", "workers": 1, **choice}
    with pytest.raises(UsageError, match=message) as error:
        write_surrogate(**choice)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_difficulty_may_be_a_number_in_words():
    assert surrogate.resolve_difficulty("0.25") == 0.25
    assert surrogate.resolve_difficulty("hard") == surrogate.DIFFICULTIES["hard"]


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        write_surrogate("smic", tmp_path / "file", size=16, subjects=["s05"], workers=1)
    with pytest.raises(DataError, match="Name a folder") as error:
        write_surrogate("smic", tmp_path / "file" / "c", size=16, subjects=["s05"], workers=1)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- fit for a benchmark


class Pairs:
    """Onset frames and apex-minus-onset differences of the whole SMIC surrogate at 16×16."""

    def __init__(self, difficulty: str):
        chosen = Settings(surrogate.DIFFICULTIES[difficulty], 0, 48)
        plans = plan_clips("smic", 0)
        pairs = np.stack([self._pair(plan, chosen) for plan in plans])
        self.onsets, self.motions = pairs[:, 0], pairs[:, 1] - pairs[:, 0]
        self.labels = np.array([CHALLENGE_CLASSES.index(plan.row.emotion) for plan in plans])
        self.subjects = np.array([plan.row.subject for plan in plans])

    @staticmethod
    def _pair(plan: Plan, chosen: Settings) -> np.ndarray:
        clip = list(islice(render_clip(plan, chosen), plan.apex + 1))  # no margin in SMIC
        return np.stack(
            [
                clip[index].mean(axis=2).reshape(16, 3, 16, 3).mean(axis=(1, 3)).ravel()
                for index in (0, plan.apex)
            ]
        )

    def uar(self, features: np.ndarray, labels: np.ndarray) -> float:
        """Of a linear classifier under leave-one-subject-out."""
        linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3, priors=[1 / 3] * 3)
        model = make_pipeline(StandardScaler(), linear)
        predicted = cross_val_predict(
            model, features, labels, groups=self.subjects, cv=LeaveOneGroupOut()
        )
        return recall_score(labels, predicted, average="macro")

    def shuffled_uars(self, features: np.ndarray, times: int) -> np.ndarray:
        stream = np.random.default_rng(0)
        return np.array([self.uar(features, stream.permutation(self.labels)) for _ in range(times)])


@pytest.fixture(scope="module")
def easy():
    return Pairs("easy")


@pytest.fixture(scope="module")
def hard():
    return Pairs("hard")


def test_motion_tells_the_class_easily_or_hardly(easy, hard):
    easy_uar = easy.uar(easy.motions, easy.labels)
    hard_uar = hard.uar(hard.motions, hard.labels)
    assert easy_uar > 0.8
    assert 0.45 < hard_uar < easy_uar - 0.15


def test_shuffled_labels_are_at_chance(easy):
    assert easy.shuffled_uars(easy.motions, 8).mean() == pytest.approx(1 / 3, abs=0.05)


def test_the_onset_frame_alone_is_at_chance(easy):
    shuffled = easy.shuffled_uars(easy.onsets, 8)
    assert abs(easy.uar(easy.onsets, easy.labels) - shuffled.mean()) < 4 * shuffled.std()
