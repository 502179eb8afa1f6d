"""A clip that a network was trained on is known again, however it is called, stored and cut."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from image_clips import clip_of, noise, write_clip
from PIL import Image

from bench.data.surrogates.flows import FlowPlan
from bench.data.surrogates.writing import write_flows
from bench.errors import DataError
from bench.models.known import clip_contents, clip_looks
from bench.models.pretrained import refuse_seen

CUT, ALIKE = "or frames of it, under another name", "tested clips look like clips that its network"


def refused(clips, others, cache, why) -> bool:
    known = [each for found in clip_contents(clips, cache) for each in found]
    seen = SimpleNamespace(trained_on=("lab/p1",), clips=known, looks=clip_looks(clips))
    try:
        refuse_seen("model", seen, others, cache)
    except DataError as error:
        assert why in str(error) and "\n" not in str(error)
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
    assert refused([first], [cut], tmp_path / "cache", CUT)


def test_others_are_not_even_with_blank_frames_in_common(tmp_path):
    videos = [noise(8, seed=seed) for seed in (1, 2)]
    for video in videos:
        video[[0, 4, 7]] = 7
    one, other = (write_clip(tmp_path / str(n), each) for n, each in enumerate(videos))
    assert not refused([one], [other], tmp_path / "cache", CUT)


def test_those_of_earlier_files_are_still_known(tmp_path):
    """First, middle and last frame together have one hash, as before."""
    clip = write_clip(tmp_path / "a", np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4) + 60)
    (found,) = clip_contents([clip], tmp_path / "cache")
    assert {"b2cf618a1cdea34f", "d3cecafc10de2fae"} <= {*found}


def stored_again(clip, folder, side=None, **how):
    """A clip of another person with its frames stored again, `side` pixels wide."""
    folder.mkdir(parents=True)
    for path in clip.frames:
        image = Image.open(path)
        image = image.resize((side, side), Image.Resampling.BICUBIC) if side else image
        image.save(folder / f"{path.stem}.jpg", **how)
    frames = [folder / f"{path.stem}.jpg" for path in clip.frames]
    return replace(clip, frames=tuple(frames), subject=f"other {clip.subject}")


FACES = tuple(
    np.asarray(Image.fromarray(tiny[0]).resize((96, 96), Image.Resampling.BICUBIC))[None]
    for tiny in (noise(1, 9, 9, channels=1, seed=seed) for seed in range(12))
)
"""Smooth pictures."""


@pytest.mark.parametrize(
    "how", [{"quality": 75}, {"quality": 40}, {"quality": 75, "side": 48}, {"side": 200}]
)
def test_copies_that_lost_something(tmp_path, how):
    clips = [write_clip(tmp_path / f"{n}", face, subject=f"{n}") for n, face in enumerate(FACES)]
    trained, strange = clips[:6], clips[6:]
    copied = [stored_again(clip, tmp_path / f"of {clip.subject}", **how) for clip in trained]
    where = tmp_path / "cache"
    assert refused(trained, copied, where, f"6 of 6 {ALIKE}")
    assert refused(trained, [*strange, *copied[:2]], where, f"2 of 8 {ALIKE}")
    assert not refused(trained, [*strange, copied[0]], where, ALIKE)
    assert not refused(trained, strange, where, ALIKE)


@pytest.mark.parametrize(
    "turn",
    [
        lambda frames: frames[:, :, ::-1],
        lambda frames: frames[:, ::-1],
        lambda frames: frames[:, ::-1, ::-1],
        lambda frames: 255 - frames,
        lambda frames: 255 - frames[:, :, ::-1],
    ],
)
def test_mirrored_copies_and_negatives(tmp_path, turn):
    clips = [write_clip(tmp_path / f"{n}", face, subject=f"{n}") for n, face in enumerate(FACES)]
    turned = [
        stored_again(write_clip(tmp_path / f"turned {n}", turn(face)), tmp_path / f"jpg {n}")
        for n, face in enumerate(FACES)
    ]
    assert refused(clips[:6], turned[:6], tmp_path / "cache", f"6 of 6 {ALIKE}")
    assert not refused(clips[:6], turned[6:], tmp_path / "cache", ALIKE)


@pytest.mark.parametrize("sign", [True, False])
def test_mirrored_ready_flow(tmp_path, sign):
    file = write_flows(tmp_path / "drawn", FlowPlan(people=4, clips=12, seed=0))
    files = sorted(file.parent.rglob("*.png"))
    clips = [replace(clip_of([path]), ready_flow=True) for path in files]
    mirrored = []
    for number, path in enumerate(files):
        image = np.asarray(Image.open(path))[:, ::-1].copy()
        image[..., 0] = 255 - image[..., 0] if sign else image[..., 0]
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        copy = clip_of([tmp_path / f"{number}.png"], subject="q", dataset="hosp")
        mirrored.append(replace(copy, ready_flow=True))
    assert refused(clips, mirrored, tmp_path / "cache", ALIKE)


@pytest.mark.parametrize("quality", [95, 85])
def test_ready_flow_that_was_compressed(tmp_path, quality):
    drawn = []
    for seed in (0, 1):
        folder = write_flows(tmp_path / f"{seed}", FlowPlan(people=20, clips=60, seed=seed)).parent
        files = sorted(folder.rglob("*.png"))
        named = [clip_of([file], subject=file.parent.name) for file in files]
        drawn.append([replace(clip, ready_flow=True) for clip in named])
    of = tmp_path / "copies"
    copied = [stored_again(c, of / f"{n}", quality=quality) for n, c in enumerate(drawn[0])]
    cache = tmp_path / "cache"
    assert refused(drawn[0], copied, cache, ALIKE)
    assert not refused(drawn[0], drawn[1], cache, ALIKE)


def test_a_look_is_the_same_on_every_machine_and_blank_frames_have_none(tmp_path):
    slope = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.uint8)
    clips = [write_clip(tmp_path / f"{n}", each[None]) for n, each in enumerate((slope, slope * 0))]
    assert clip_looks(clips) == [
        "3ed781fe1e6c082e63e78d172c7b4d0cf1826ee5eaee0b353ac0c673c19518cd",
        "",
    ]
