"""Surrogate clips: the releases' counts and layouts, motion as the only sign of the label."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.data import faces, load_clips, surrogate
from bench.data.challenge import CLASS_MAPS, LEFT_OUT, expected_counts
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.surrogate import Row, Settings, plan_clip, release_rows, write_surrogate
from bench.errors import DataError, UsageError

SETS = tuple(surrogate.RELEASES)
ROWS = {name: release_rows(name) for name in SETS}

any_row = st.sampled_from([row for rows in ROWS.values() for row in rows])
any_seed = st.integers(0, 2**32)
any_difficulty = st.floats(0, 1)


def other_emotions(row: Row) -> list[Row]:
    return [replace(row, emotion=word) for word in surrogate.RELEASES[row.dataset].units]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# ---------------------------------------------------------------- what there is to make


@pytest.mark.parametrize("dataset", SETS)
def test_rows_have_the_challenge_counts_per_subject_and_class(dataset):
    found = {subject: Counter() for subject in expected_counts()[dataset]}
    for row in ROWS[dataset]:
        label = CLASS_MAPS[dataset].get(row.emotion)
        if label and (row.subject, row.name) not in LEFT_OUT[dataset]:
            found[row.subject][label] += 1
    expected = expected_counts()[dataset]
    assert found == {subject: Counter(counts) for subject, counts in expected.items()}


@pytest.mark.parametrize(("dataset", "rows"), [("smic", 164), ("casme2", 255), ("samm", 159)])
def test_rows_have_the_release_counts_per_emotion(dataset, rows):
    quota = surrogate.RELEASES[dataset].quota
    assert len(ROWS[dataset]) == rows
    assert not quota or Counter(row.emotion for row in ROWS[dataset]) == quota
    assert len({(row.subject, row.name) for row in ROWS[dataset]}) == rows


def test_casme2_has_the_odd_names_and_subjects_of_the_release():
    rows = {(row.subject, row.name): row.emotion for row in ROWS["casme2"]}
    assert {subject for subject, _ in rows} == {f"sub{number:02d}" for number in range(1, 27)}
    assert {"EP01_2", "EP09f", "EP06_02_01"} <= {name for _, name in rows}
    assert all(CLASS_MAPS["casme2"][rows[row]] == "negative" for row in LEFT_OUT["casme2"])
    unlisted = {rows[row] for row in rows if row[0] in ("sub10", "sub18")}
    assert unlisted
    assert not unlisted & set(CLASS_MAPS["casme2"])


def test_positive_negative_and_surprise_use_their_own_units():
    signs = {"negative": {4, 9, 15}, "positive": {6, 12}, "surprise": {1, 2, 5, 26}}
    used: dict[str, set] = {name: set() for name in signs}
    for dataset, release in surrogate.RELEASES.items():
        for word, sets in release.units.items():
            if word in CLASS_MAPS[dataset]:
                used[CLASS_MAPS[dataset][word]].update(sets)
    assert used["positive"] == {(6, 12)}
    for name, sets in used.items():
        assert set().union(*sets) == signs[name]


@given(any_row, any_seed)
@settings(deadline=None)
def test_only_the_units_of_a_plan_depend_on_the_emotion(row, seed):
    plans = [replace(plan_clip(other, seed), row=row, units=()) for other in other_emotions(row)]
    assert len(set(plans)) == 1


@given(any_row, any_seed)
@settings(deadline=None)
def test_a_clip_has_its_apex_in_the_middle_third(row, seed):
    plan = plan_clip(row, seed)
    least, most = surrogate.RELEASES[row.dataset].lengths
    assert least <= plan.length <= most
    assert (plan.length - 1) / 3 - 0.5 <= plan.apex <= 2 * (plan.length - 1) / 3 + 0.5
    names = plan.file_names()
    assert len(set(names)) == len(names) == plan.frames


def test_lengths_of_the_classes_are_drawn_alike():
    plans = surrogate.plan_clips("composite", 0)
    for dataset in SETS:
        least, most = surrogate.RELEASES[dataset].lengths
        deviation = (most - least + 1) / 12**0.5
        for name in CHALLENGE_CLASSES:
            words = [word for word, label in CLASS_MAPS[dataset].items() if label == name]
            lengths = [
                plan.length
                for plan in plans
                if plan.row.dataset == dataset and plan.row.emotion in words
            ]
            slack = 4 * deviation / len(lengths) ** 0.5
            assert abs(np.mean(lengths) - (least + most) / 2) < slack


# ---------------------------------------------------------------- how faces move


@pytest.mark.parametrize("unit", faces.ACTION_UNITS)
@given(seed=any_seed)
@settings(max_examples=5, deadline=None)
def test_a_unit_moves_at_most_by_one_and_symmetrically_without_asymmetry(unit, seed):
    face = faces.draw_face(np.random.default_rng(seed))
    assert np.hypot(*faces.unit_field(face, unit, 32)).max() == pytest.approx(1)
    field = faces.unit_field(replace(face, asymmetry=0.0), unit, 32)
    np.testing.assert_allclose(field[0], -field[0, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(field[1], field[1, :, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "landmark", "outwards", "down"),
    [
        (1, "inner_brow", 0, -1),
        (2, "outer_brow", 0, -1),
        (4, "inner_brow", -1, 1),
        (5, "upper_lid", 0, -1),
        (6, "cheek", 0, -1),
        (9, "nose_side", 0, -1),
        (12, "lip_corner", 1, -1),
        (14, "lip_corner", -1, 0),
        (15, "lip_corner", 0, 1),
        (26, "chin", 0, 1),
    ],
)
@given(seed=any_seed)
@settings(max_examples=5, deadline=None)
def test_a_unit_pulls_its_landmark_the_way_facs_says(unit, landmark, outwards, down, seed):
    face = faces.draw_face(np.random.default_rng(seed))
    field = faces.unit_field(face, unit, 64)
    x, y = faces.landmarks(face)[landmark]
    column, line = int((x + 1) * 32), int((y + 1) * 32)
    for expected, part in ((outwards, field[0]), (down, field[1])):
        assert not expected or part[line, column] * expected > 0.2


@given(any_row, any_seed, any_difficulty, st.floats(0.85, 1.15))
@settings(deadline=None)
def test_a_profile_rises_from_the_onset_to_the_apex_and_falls(row, seed, difficulty, gain):
    plan = plan_clip(row, seed)
    motion = surrogate.draw_motion(plan, Settings(difficulty, seed, 32), gain)
    apex = plan.before + plan.apex
    assert motion.activation.shape == (plan.frames,)
    assert not motion.activation[: plan.before + 1].any()
    assert not motion.activation[plan.before + plan.length :].any()
    assert motion.activation[apex] == 1
    assert (np.diff(motion.activation[: apex + 1]) >= 0).all()
    assert (np.diff(motion.activation[apex:]) <= 0).all()
    assert 0.3 <= motion.peak <= 2


@given(any_row, any_seed, any_difficulty)
@settings(max_examples=20, deadline=None)
def test_the_strongest_point_of_a_clip_moves_by_its_peak_at_any_size(row, seed, difficulty):
    plan = plan_clip(row, seed)
    for size in (32, 64):
        chosen = Settings(difficulty, seed, size)
        face = faces.draw_face(np.random.default_rng(seed))
        length = np.hypot(*surrogate.expression_field(plan, chosen, face))
        assert length.max() == pytest.approx(1)
        assert length.mean() < 0.3  # an expression is local, head motion is not


@given(st.lists(any_difficulty, min_size=2, max_size=2).map(sorted))
@settings(deadline=None)
def test_difficulty_weakens_motion_and_strengthens_nuisance(levels):
    easier, harder = (surrogate.conditions(level) for level in levels)
    assert easier.peak >= harder.peak
    for nuisance in ("drift", "turn", "zoom", "blink", "flicker", "noise"):
        assert 0 <= getattr(easier, nuisance) <= getattr(harder, nuisance)


# ---------------------------------------------------------------- pictures


@given(any_row, st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=8, deadline=None)
def test_frames_up_to_the_onset_are_the_same_whatever_the_emotion(row, seed, difficulty):
    chosen = Settings(difficulty, seed, 32)
    first = plan_clip(row, seed)
    clips = [
        np.stack(list(surrogate.render_clip(plan_clip(other, seed), chosen)))
        for other in other_emotions(row)
    ]
    onset, apex = first.before, first.before + first.apex
    assert all((clip[: onset + 1] == clips[0][: onset + 1]).all() for clip in clips)
    assert any((clip[apex] != clips[0][apex]).any() for clip in clips)


@given(any_row, st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_without_nuisance_only_the_expression_moves(row, seed):
    plan, chosen = plan_clip(row, seed), Settings(0.0, seed, 48)
    clip = np.stack(list(surrogate.render_clip(plan, chosen))).astype(int)
    change = np.abs(clip[plan.before + plan.apex] - clip[plan.before])
    change = change.reshape(48, 48, -1).max(axis=2)
    face = surrogate._actor(row.dataset, row.subject, seed, 48).face
    moved = np.hypot(*surrogate.expression_field(plan, chosen, face))
    assert change[moved < 0.001].max(initial=0) <= 1
    assert change[moved > 0.3].max() >= 4


@pytest.mark.parametrize("dataset", SETS)
def test_frames_have_the_channels_of_the_release(dataset):
    plan = plan_clip(ROWS[dataset][0], 0)
    frame = next(surrogate.render_clip(plan, Settings(0.5, 0, 40)))
    assert frame.shape == ((40, 40) if dataset == "samm" else (40, 40, 3))
    assert frame.dtype == np.uint8
    assert frame.std() > 20


def test_lids_close_from_above():
    face = faces.draw_face(np.random.default_rng(0))
    y = np.linspace(face.eye_y - face.eye_height, face.eye_y + face.eye_height, 9)
    cover = [faces.lid_mask(face, y, closure) for closure in (0.0, 0.5, 1.0)]
    assert cover[0].mean() < 0.1 < cover[1].mean() < 0.9 < cover[2].mean()
    assert (np.diff(cover[1]) <= 0).all()


# ---------------------------------------------------------------- files


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
    plans = [plan for plan in surrogate.plan_clips("composite", 0) if plan.row.subject in subjects]
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


def test_casme2_numbers_sort_otherwise_as_text_than_as_numbers():
    plans = surrogate.plan_clips("casme2", 0)
    assert any(plan.file_names() != sorted(plan.file_names()) for plan in plans)
    assert any(plan.before and plan.after for plan in plans)
    assert not all(plan.before for plan in plans)


def test_casme2_sheet_is_that_of_the_release(tmp_path):
    write_surrogate("casme2", tmp_path / "c", size=16, subjects=["sub04"], workers=1)
    book = load_workbook(tmp_path / "c" / "CASME2" / "CASME2-coding-20140508.xlsx")
    header, *rows = book.active.iter_rows(values_only=True)
    assert header == (
        *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
        *("Action Units", "Estimated Emotion"),
    )
    plans = surrogate.plan_clips("casme2", 0, ["sub04"])
    assert [row[1] for row in rows] == [plan.row.name for plan in plans]
    for row, plan in zip(rows, plans, strict=True):
        assert row[0] == 4
        assert row[3:6] == (plan.onset, plan.noted_apex or "/", plan.offset)
        assert str(row[7]) == "+".join(map(str, plan.units))
    assert [row[4] for row in rows if row[1] == "EP12_01f"] == ["/"]


def test_samm_sheet_is_that_of_the_release(tmp_path):
    write_surrogate("samm", tmp_path / "s", size=16, subjects=["006"], workers=1)
    book = load_workbook(tmp_path / "s" / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx")
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[13] == (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame"),
        *("Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion"),
        *("Objective Classes", "Notes"),
    )
    for row in rows[14:]:
        first = tmp_path / "s" / "SAMM" / "006" / row[1] / f"006_{row[3]:05d}.jpg"
        assert row[0] == "006"
        assert first.is_file()
        assert row[6] == row[5] - row[3] + 1 == len(list(first.parent.iterdir()))


def test_a_few_samm_rows_have_the_apex_outside():
    plans = surrogate.plan_clips("samm", 0)
    outside = [plan for plan in plans if not plan.onset <= plan.noted_apex <= plan.offset]
    assert 1 <= len(outside) <= len(plans) // 10


def test_workers_and_subset_change_no_byte_and_the_seed_does(tmp_path):
    for name, choice in {
        "one": {"subjects": ["s05", "s19"], "workers": 1},
        "two": {"subjects": ["s05", "s19"], "workers": 2},
        "subset": {"subjects": ["s19"], "workers": 1},
        "seed": {"subjects": ["s19"], "workers": 1, "seed": 1},
    }.items():
        write_surrogate("smic", tmp_path / name, size=16, difficulty="hard", **choice)
    one, two, subset, seed = (
        contents(tmp_path / name) for name in ("one", "two", "subset", "seed")
    )
    assert one == two
    frames = {path: data for path, data in one.items() if "/s19/" in path}
    assert frames == {path: data for path, data in subset.items() if path.endswith(".jpg")}
    assert not set(frames.values()) & set(seed.values())


def test_spreadsheets_bear_no_time_of_writing(tmp_path):
    path = tmp_path / "sheet.xlsx"
    surrogate._write_sheet(path, [("a", 1), (None, "2024")])
    with zipfile.ZipFile(path) as parts:
        assert {part.date_time for part in parts.infolist()} == {(2020, 1, 1, 0, 0, 0)}
        stamps = parts.read("docProps/core.xml").decode()
    assert stamps.count("2020-01-01T00:00:00Z") == 2
    assert [cell.value for cell in load_workbook(path).active[2]] == [None, "2024"]


def test_the_folder_says_what_it_holds(tmp_path):
    write_surrogate("smic", tmp_path / "c", size=16, subjects=["s05"], seed=7, workers=1)
    note = (tmp_path / "c" / surrogate.NOTE_NAME).read_text()
    for line in ("generated surrogate clips", "dataset: smic", "seed: 7", "subjects: s05"):
        assert line in note


def test_an_interrupted_write_leaves_no_folder(tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_surrogate("smic", tmp_path / "c", size=16, workers=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


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
    assert len(names) == 1
    assert names.pop().endswith(".partial")
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


def test_of_two_writers_of_the_same_clips_the_first_wins(tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
        (folder / surrogate.NOTE_NAME).write_text("same", encoding="utf-8")
    surrogate._put_in_place(mine, theirs, "same")
    assert theirs.is_dir()
    with pytest.raises(OSError, match=r".+"):
        surrogate._put_in_place(mine, theirs, "other")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"dataset": "smik"}, "Did you mean 'smic'"),
        ({"subjects": ["s99"]}, "unknown subject 's99'"),
        ({"subjects": []}, "at least one subject"),
        ({"difficulty": "esay"}, "easy, hard or a number"),
        ({"difficulty": 1.5}, r"in 0\.\.1"),
        ({"difficulty": -0.1}, r"in 0\.\.1"),
        ({"difficulty": float("nan")}, r"in 0\.\.1"),
        ({"seed": -1}, "seed is -1"),
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


def test_rendering_needs_no_torch():
    command = "import sys, bench.data.surrogate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


# ---------------------------------------------------------------- fit for a benchmark


class Pairs:
    """Onset frames and apex-minus-onset differences of the whole SMIC surrogate at 16×16."""

    def __init__(self, difficulty: str):
        chosen = Settings(surrogate.DIFFICULTIES[difficulty], 0, 48)
        plans = surrogate.plan_clips("smic", 0)
        pairs = np.stack([self._pair(plan, chosen) for plan in plans])
        self.onsets, self.motions = pairs[:, 0], pairs[:, 1] - pairs[:, 0]
        self.labels = np.array([CHALLENGE_CLASSES.index(plan.row.emotion) for plan in plans])
        self.subjects = np.array([plan.row.subject for plan in plans])

    @staticmethod
    def _pair(plan: surrogate.Plan, chosen: Settings) -> np.ndarray:
        clip = list(surrogate.render_clip(plan, chosen))
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
