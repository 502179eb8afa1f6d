"""Rows of landmarks that may be another clip's, or another order of points, are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.data.clips import Clip
from bench.data.steps.landmarks import has_landmarks, misplaced, refuse_shared_rows
from bench.data.stills.patches import BROWS_AND_MOUTH, TEMPLATE
from bench.errors import DataError

BOX = "left,top,right,bottom"


def clip(dataset: str, subject: str = "p01", name: str = "a") -> Clip:
    return Clip(dataset, subject, name, 0, (), None, "", 200.0)


def written(tmp_path, text: str) -> str:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("sets", [("lab", "home"), ("casme", "casme2")])
def test_a_row_without_a_data_set_is_of_one_set(tmp_path, sets):
    clips = [clip(name, "sub01") for name in sets]
    file = written(tmp_path, f"subject,clip,{BOX}\nsub01,a,1,1,20,20\n")
    refuse_shared_rows(clips[:1], file)
    refuse_shared_rows([*clips[:1], clip(sets[1], "sub01", "b")], file)
    with pytest.raises(DataError, match=f"may be of {sets[0]} or of {sets[1]}: add a column"):
        refuse_shared_rows(clips, file)


def test_rows_with_data_sets_tell_them_apart(tmp_path):
    rows = "lab,p01,a,1,1,20,20\nhome,p01,a,2,2,20,20\n"
    file = written(tmp_path, f"dataset,subject,clip,{BOX}\n{rows}")
    refuse_shared_rows([clip("lab"), clip("home")], file)


def points(count: int) -> list[tuple[float, float]]:
    """The template's points, those between them in the middle of the face."""
    whole = {place: TEMPLATE[number] for number, place in enumerate(BROWS_AND_MOUTH)}
    return list(TEMPLATE) if count == 30 else [whole.get(n, (0.5, 0.5)) for n in range(68)]


def rows_of(faces: list[list[tuple[float, float]]]) -> str:
    titles = ",".join(f"x{n},y{n}" for n in range(1, len(faces[0]) + 1))
    rows = [
        f"p01,{name}," + ",".join(f"{100 * x},{100 * y}" for x, y in face)
        for name, face in zip("abcde", faces, strict=False)
    ]
    return "\n".join([f"subject,clip,{titles}", *rows])


@pytest.mark.parametrize("count", [30, 68])
def test_brows_below_the_mouth_are_refused(tmp_path, count):
    face = points(count)
    below = [(x, 1 - y) for x, y in face]
    other = face[::-1]
    for number, wrong in enumerate((below, other)):
        (tmp_path / str(number)).mkdir()
        file = written(tmp_path / str(number), rows_of([wrong] * 3))
        with pytest.raises(DataError, match="the brows are not above the mouth"):
            has_landmarks(clip("lab"), file)
    file = written(tmp_path, rows_of([face, face, below]))  # one face of three
    assert has_landmarks(clip("lab"), file)


FIVE = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]


@pytest.mark.parametrize("face", [FIVE, points(30), points(68)])
def test_points_with_x_and_y_exchanged_are_refused(tmp_path, face):
    assert has_landmarks(clip("lab"), written(tmp_path, rows_of([face] * 3)))
    (tmp_path / "wrong").mkdir()
    file = written(tmp_path / "wrong", rows_of([[(y, x) for x, y in face]] * 3))
    with pytest.raises(DataError, match="exchange x and y"):
        has_landmarks(clip("lab"), file)


@pytest.mark.parametrize("face", ["dlib", "coco"])
def test_five_points_in_another_order_are_believed(tmp_path, face):
    corners = [(0.2, 0.4), (0.4, 0.4), (0.8, 0.4), (0.6, 0.4), (0.5, 0.7)]
    nose_first = [FIVE[2], FIVE[1], FIVE[0], (0.9, 0.5), (0.1, 0.5)]
    for number, shown in enumerate(({"dlib": corners, "coco": nose_first}[face], [*FIVE[::-1]])):
        (tmp_path / str(number)).mkdir()
        assert has_landmarks(clip("lab"), written(tmp_path / str(number), rows_of([shown] * 3)))


def told(tmp_path, *boxes: str):
    """Places and texts of what is odd about boxes of so many people, in frames of 100×80."""
    clips = [clip("lab", f"p{n}") for n in range(len(boxes))]
    rows = [f"p{n},a,{box}" for n, box in enumerate(boxes)]
    file = written(tmp_path, "\n".join([f"subject,clip,{BOX}", *rows]))
    return [(p.where, p.what) for p in misplaced(clips, [(80, 100)] * len(clips), file)]


USUAL = ("20,10,80,70", "25,12,75,66", "30,5,85,75", "18,15,70,68")


@pytest.mark.parametrize(
    "rows", [("sub01,a,0,0,9,9", "1,a,1,1,8,8"), ("s1,a,0,0,9,9", "Sub01,a,0,0,9,9")]
)
def test_two_rows_of_one_clip_are_refused_however_they_are_written(tmp_path, rows):
    known = replace(clip("casme2", "sub01"), name="a")
    file = written(tmp_path, "\n".join([f"subject,clip,{BOX}", *rows]))
    with pytest.raises(DataError, match="are both of clip casme2 sub01/a; leave one"):
        has_landmarks(known, file)
    assert not has_landmarks(clip("lab", "x"), file)
    assert has_landmarks(replace(clip("lab", rows[0].split(",")[0]), name="a"), file)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("10,5,40,35", "is much smaller than those of others"),
        ("0,0,40,40", "lies far from those of others"),
        ("60,40,100,80", "lies far from"),
    ],
)
def test_a_box_of_other_frames_is_told(tmp_path, box, said):
    (tmp_path / "usual").mkdir()
    assert not told(tmp_path / "usual", *USUAL)
    ((where, what),) = told(tmp_path, *USUAL, box)
    assert where == "lab p4/a"
    assert said in what


def test_right_and_bottom_taken_for_width_and_height_are_told(tmp_path):
    lower = [f"{x},{y},100,80" for x, y in ((20, 10), (22, 12), (18, 9))]
    ((where, what),) = told(tmp_path, *lower)
    assert where == "lab"
    assert "are their width and height right and bottom?" in what


def test_other_numbers_of_points_are_of_any_order(tmp_path):
    assert has_landmarks(clip("lab"), written(tmp_path, rows_of([points(30)[::-1][:29]])))
