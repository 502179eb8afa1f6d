"""What makes flow blank or a clip absurd is told; a ready flow image is neither."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.data.clips import Clip, problem_lines
from bench.data.inspect.deep import deep_problems
from bench.data.sets.catalogue import load_clips
from bench.data.sources import blank_inputs


def loaded(folder, frames: str, **cells):
    columns = {"dataset": "mine", "subject": "a", "clip": "c", "label": "negative"}
    columns |= {"frames": frames, **cells}
    text = f"{','.join(columns)}\n{','.join(map(str, columns.values()))}\n"
    (folder / "m.csv").write_text(text)
    return load_clips(f"manifest:{folder / 'm.csv'}", folder)


@pytest.mark.parametrize(
    ("frames", "cells", "kinds"),
    [
        (1, {}, ["single_frame"]),
        (9, {"onset": 4, "offset": 4}, ["single_frame"]),
        (9, {"onset": 4, "apex": 4, "offset": 8}, ["blank"]),
        (2500, {}, ["long"]),
        (1200, {"onset": 10, "offset": 1150}, ["long"]),
        (9, {"apex": 5}, []),
    ],
)
def test_clips_in_one_file(tmp_path, frames, cells, kinds):
    np.save(tmp_path / "c.npy", np.zeros((frames, 2, 2), np.uint8))
    assert [problem.kind for problem in loaded(tmp_path, "c.npy", **cells).problems] == kinds


def test_ready_flow_is_one_frame_by_right(tmp_path):
    Image.new("RGB", (28, 28)).save(tmp_path / "c.png")
    np.save(tmp_path / "c.npy", np.zeros((28, 28, 3)))
    for name in ("c.png", "c.npy"):
        assert loaded(tmp_path, name).problems == ()


def test_frames_that_are_all_the_same_are_found_by_the_deep_check(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8)
    for number in range(1, 4):
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    problems, frames = deep_problems(loaded(tmp_path, "*.png").clips, 1)
    assert [problem.kind for problem in problems] == ["blank"] and frames == 3


def test_inputs_without_motion_are_named():
    clips = [Clip("mine", "a", name, 0, (), None, "negative", 200.0) for name in "abc"]
    stills = np.zeros((3, 3, 4, 4), np.float32)
    stills[1, 0, 2, 2] = 1
    videos = np.tile(np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4, 1), (3, 5, 1, 1, 1))
    videos[1, 3] += 1
    for found in (blank_inputs(clips, stills, "flow"), blank_inputs(clips, videos, "clip", True)):
        (line,) = problem_lines(found)
        assert line.startswith("blank: 2 times: mine a/a, mine a/c: ")
