"""A clip that a network was trained on is known again, however it is called, stored and cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from image_clips import clip_of, noise, write_clip

from bench.errors import DataError
from bench.models.file import clip_contents
from bench.models.pretrained import refuse_seen


class Record:
    trained_on = ("lab/p1",)

    def __init__(self, clips):
        self.clips = clips


def refused(clip, others, cache) -> bool:
    known = [each for found in clip_contents([clip], cache) for each in found]
    try:
        refuse_seen("model", Record(known), others, cache)
    except DataError as error:
        assert "or frames of it, under another name" in str(error) and "\n" not in str(error)
        return True
    return False


@pytest.mark.parametrize("part", [slice(0, -1), slice(1, None), slice(3, -3), slice(4, None)])
@pytest.mark.parametrize("stored", ["images", "array", "array first"])
def test_wherever_it_is_cut(tmp_path, part, stored):
    video = noise(24, seed=3)
    images = write_clip(tmp_path / "a", video)
    np.save(tmp_path / "a.npy", video)
    array = replace(images, frames=(tmp_path / "a.npy",))
    first = array if stored == "array first" else images
    if stored == "array":
        np.save(tmp_path / "b.npy", video[part])
        cut = clip_of([tmp_path / "b.npy"], subject="q", dataset="hosp")
        cut, first = replace(cut, apex=12 - (part.start or 0)), replace(first, apex=12)
    else:
        cut = write_clip(tmp_path / "b", video[part], subject="q", dataset="hosp")
        if stored == "array first":
            cut, first = replace(cut, apex=12 - (part.start or 0)), replace(first, apex=12)
    assert refused(first, [cut], tmp_path / "cache")


def test_others_are_not_even_with_blank_frames_in_common(tmp_path):
    videos = [noise(8, seed=seed) for seed in (1, 2)]
    for video in videos:
        video[[0, 4, 7]] = 7
    one, other = (write_clip(tmp_path / str(n), each) for n, each in enumerate(videos))
    assert not refused(one, [other], tmp_path / "cache")


def test_those_of_earlier_files_are_still_known(tmp_path):
    """First, middle and last frame together have one hash, as before."""
    clip = write_clip(tmp_path / "a", np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4) + 60)
    (found,) = clip_contents([clip], tmp_path / "cache")
    assert {"b2cf618a1cdea34f", "d3cecafc10de2fae"} <= {*found}
