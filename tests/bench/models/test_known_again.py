"""A clip that a network was trained on is known again, however it is called, stored and cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from image_clips import clip_of, noise, write_clip
from lossy_copies import LOSSY, recorded
from PIL import Image, ImageOps

from bench.data.clips import Clip
from bench.data.surrogates.flows import flow_samples
from bench.errors import DataError
from bench.models.file import clip_contents, clip_looks
from bench.models.looks import FLOW, seen_before
from bench.models.pretrained import refuse_seen, told_again


class Record:
    trained_on = ("lab/p1",)

    def __init__(self, clips, looks=()):
        self.clips, self.looks = clips, looks


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


@pytest.mark.parametrize("way", LOSSY)
def test_copies_that_lost_something_are_known_by_their_look(tmp_path, way):
    seen, *others = (recorded(tmp_path / str(seed), seed) for seed in range(4))
    copy = recorded(tmp_path / "copy", 0, **LOSSY[way], dataset="hosp", subject="q")
    record = Record((), clip_looks([seen]))
    refuse_seen("model", record, others, tmp_path / "cache")
    assert not [*told_again(record, others)]
    with pytest.raises(DataError, match=r"^model: 1 of 1 clips look nearly the same"):
        refuse_seen("model", record, [copy], tmp_path / "cache")
    refuse_seen("model", record, [copy, *others], tmp_path / "cache")
    (problem,) = told_again(record, [*others, copy])
    assert problem.what.startswith("1 of 4 clips look nearly") and "hosp q" in problem.what
    assert not [*told_again(Record(()), [copy])]  # of earlier files it is not known


def flows(folder, change=lambda picture: picture, suffix=".png", seed=0) -> list[Clip]:
    """Ready flow of 12 clips of 4 people."""
    folder.mkdir()
    files = [folder / f"{number}{suffix}" for number in range(12)]
    for file, sample in zip(files, flow_samples(4, 12, seed), strict=True):
        change(Image.fromarray(sample.image)).save(file, quality=92)
    return [replace(clip_of([file], name=file.stem), ready_flow=True) for file in files]


def mirrored(flow: Image.Image) -> Image.Image:
    """The flow of a mirrored face: u points the other way."""
    u, *others = ImageOps.mirror(flow).split()
    return Image.merge("RGB", (ImageOps.invert(u), *others))


@pytest.mark.parametrize("changed", [{"suffix": ".jpg"}, {"change": mirrored}])
def test_so_are_copies_of_flow(tmp_path, changed):
    record = Record((), clip_looks(flows(tmp_path / "seen")))
    assert all(look.startswith(FLOW) for look in record.looks)
    with pytest.raises(DataError, match=r"^model: .* of 12 clips look nearly the same"):
        refuse_seen("model", record, flows(tmp_path / "copy", **changed), tmp_path / "cache")
    others = flows(tmp_path / "others", seed=1)
    refuse_seen("model", record, others, tmp_path / "cache")


@pytest.mark.parametrize("odd", ["flow:AAAA", "frames:!", "frames:"])
def test_damaged_looks_are_refused(odd):
    with pytest.raises(DataError, match=r"^damaged looks"):
        seen_before([odd], [])
