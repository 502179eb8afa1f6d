"""Frames of a folder, by their numbers, and how a path is shown."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.disk.numbering import first_gap, numbered, numbered_frames
from bench.data.disk.tree import Tree
from bench.errors import DataError, printable


@given(st.sets(st.integers(0, 10**7), min_size=1, max_size=12), st.sampled_from(["img", "a1_", ""]))
@settings(max_examples=30)
def test_frames_come_in_the_order_of_their_numbers(numbers, prefix):
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            (Path(folder) / f"{prefix}{number}.jpg").touch()
        frames, problems = numbered_frames(Tree.at(folder), Path(folder))
    assert list(frames) == sorted(numbers)
    assert [path.name for path in frames.values()] == [f"{prefix}{n}.jpg" for n in sorted(numbers)]
    assert not problems


NAMES = ("a1.png", "b1.png", "a2.gif", "b02.webp", "c002.jpg", "cover.png", "x.tif")


@given(st.lists(st.sampled_from(NAMES), unique=True))
@settings(max_examples=30)
def test_every_image_is_a_frame_or_told_not_to_be(names):
    with tempfile.TemporaryDirectory() as folder:
        frames, problems = numbered(Tree.at(folder), [Path(folder) / name for name in names])
    more = [re.search(r"\(so it is with (\d+) more\)$", each.what) for each in problems]
    told = sum(1 + int(found[1] if found else 0) for found in more)
    assert len(frames) + told == len(names) and len(problems) <= 2
    assert all(each.what.startswith("not used: ") for each in problems)


@given(st.sets(st.integers(-3, 30)), st.integers(0, 25), st.integers(0, 25))
def test_first_gap_is_the_difference_of_sets(numbers, first, length):
    absent = set(range(first, first + length + 1)) - numbers
    assert first_gap(numbers, first, first + length) == (len(absent), min(absent, default=None))


def test_a_mistyped_offset_costs_no_time():
    assert first_gap([1, 2], 1, 10**9) == (10**9 - 2, 3)


def test_files_that_are_no_frames_are_ignored_and_odd_images_named(tmp_path, trees):
    trees.frames(tmp_path, [9, 10, 11])
    for junk in (".DS_Store", "Thumbs.db", "._reg_img9.jpg", "notes.txt", ".hidden3.jpg"):
        (tmp_path / junk).touch()
    (tmp_path / "cover.jpg").touch()
    (tmp_path / "reg_img009.jpg").touch()
    frames, problems = numbered_frames(Tree.at(tmp_path), tmp_path)
    assert list(frames) == [9, 10, 11]
    assert [(p.kind, p.where) for p in problems] == [("odd", "cover.jpg"), ("odd", "reg_img9.jpg")]


@pytest.mark.parametrize(
    ("names", "used", "told"),
    [
        (["4.png", "4 - Copy.png", "5.png"], ["4.png", "5.png"], ["4 - Copy.png"]),
        (["c_10-00-59.png", "c_10-01-00.png"], None, ["c_10-00-59.png"]),
        (["0001_a8f3.png", "0002_91c2.png", "0003_d7.png"], None, ["0001_a8f3.png"]),
        (["f1_t40.png", "f2_t80.png", "f10_t400.png"], ["f1_t40.png", "f2_t80.png"], []),
    ],
)
def test_copies_and_names_of_several_numbers_are_told(tmp_path, names, used, told):
    frames, problems = numbered(Tree.at(tmp_path), [tmp_path / name for name in sorted(names)])
    assert [problem.where for problem in problems] == told
    assert used is None or [path.name for path in frames.values()][:2] == used


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), None])
def test_a_root_that_cannot_be_looked_at_is_named(tmp_path, monkeypatch, error):
    root = tmp_path / ("locked" if error else "x" * 300)
    if error:
        monkeypatch.setattr(Path, "is_dir", lambda path: (_ for _ in ()).throw(error))
    with pytest.raises(DataError, match=r"data root .* cannot be looked at .*--data-root"):
        Tree.at(root)


def test_printable_keeps_messages_in_one_line():
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert printable(os.fsdecode(b"a\xff")).isascii()
