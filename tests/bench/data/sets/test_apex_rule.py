"""Where an apex is not usable, one thing takes its place, behind every door, and is named."""

from __future__ import annotations

import pytest
from PIL import Image

from bench.data.sets.apex import place_apex
from bench.data.sets.catalogue import load_clips

MARKS = ("", "—", "n/a", "#N/A", "-1.0", "?", "NULL", "000", "//", "-1,0")


@pytest.mark.parametrize("mark", [*MARKS, "late", "7.5"])
def test_an_apex_that_is_not_annotated_is_spotted(mark):
    apex, told = place_apex(mark, 5, 9, range(5, 10))
    assert apex is None and told.endswith("the frame that differs most from the onset is taken")


@pytest.mark.parametrize(
    ("cell", "numbers", "place", "said"),
    [
        ("7", (5, 6, 7, 9), 2, ""),
        ("7.0", None, 2, ""),
        ("7,0", (5, 6, 7), 2, ""),
        ("8", (5, 6, 7, 9), 2, "the nearest, 7,"),
        ("6", (5, 8, 9), 1, "the nearest, 8,"),  # never the onset: its flow would be blank
        ("12", (5, 6, 7, 9), 2, "the middle is used"),
        ("12", None, 2, "the middle is used"),
        ("5", (5, 6), 0, ""),
    ],
)
def test_an_annotated_apex_has_one_place(cell, numbers, place, said):
    assert place_apex(cell, 5, 9, numbers)[0] == place
    assert (said in place_apex(cell, 5, 9, numbers)[1]) and bool(said) == bool(
        place_apex(cell, 5, 9, numbers)[1]
    )


@pytest.mark.parametrize(("cell", "place"), [("—", None), ("99", 2), ("7", 1), ("8", 2)])
def test_both_doors_take_the_same(tmp_path, trees, cell, place):
    frames = tmp_path / "Cropped" / "sub01" / "EP01_1"
    trees.frames(frames, (5, 7, 8, 9))
    trees.casme2(tmp_path, [("1", "EP01_1", 5, cell, 9, "disgust")])
    text = "dataset,subject,clip,label,frames,onset,apex,offset\n"
    row = f"casme2,1,EP01_1,disgust,Cropped/sub01/EP01_1,5,{cell},9\n"
    (tmp_path / "m.csv").write_text(text + row, encoding="utf-8")
    doors = ("casme2", f"manifest:{tmp_path / 'm.csv'}")
    found = [load_clips(door, tmp_path) for door in doors]
    assert [clips.clips[0].apex for clips in found] == [place, place]
    told = [{p.what for p in clips.problems if p.kind == "apex"} for clips in found]
    assert told[0] == told[1] and bool(told[0]) == (cell in ("—", "99"))


def test_a_table_without_apexes_replaces_nothing(tmp_path):
    for number in (1, 2):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    text = "dataset,subject,clip,label,frames,apex\nmine,a,a1,negative,*.png,\n"
    (tmp_path / "m.csv").write_text(text)
    assert load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path).problems == ()
