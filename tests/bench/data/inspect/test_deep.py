"""A deep check finds what no listing shows, and finds nothing in whole clips."""

from __future__ import annotations

from dataclasses import replace
from zlib import compress, crc32

import numpy as np
import pytest
from image_clips import clip_of, noise, write_clip
from PIL import Image, ImageOps

from bench.config.settings import DataConfig
from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.inspect.deep import deep_problems
from bench.data.inspect.pictures import moments, preprocessing_stages
from bench.data.sets.doubts.looks import clips_alike, look_of, near_copies
from bench.data.steps.settings import Preprocessing
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Plan, Settings, plan_clips
from bench.errors import DataError


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip", noise(6, 20, 16))


def kinds(*clips, workers=1):
    problems, _ = deep_problems(clips, workers)
    return [problem.kind for problem in problems]


@pytest.mark.parametrize("workers", [1, 2])
def test_whole_clips_have_no_problem(tmp_path, workers):
    clips = [write_clip(tmp_path / str(n), noise(3, seed=n), name=str(n)) for n in range(3)]
    seen = []
    assert deep_problems(clips, workers, lambda *step: seen.append(step)) == ([], 9)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def truncate(clip):
    content = clip.frames[2].read_bytes()
    clip.frames[2].write_bytes(content[: len(content) // 2])


def spoil(clip):
    content = bytearray(clip.frames[2].read_bytes())
    content[content.find(b"IDAT") + 99] ^= 1
    clip.frames[2].write_bytes(content)


def empty(clip):
    clip.frames[2].write_bytes(b"")


def remove(clip):
    clip.frames[2].unlink()


def enlarge(clip):
    Image.fromarray(noise(1, 21, 16)[0]).save(clip.frames[2])


def blank(clip):
    Image.new("RGB", (16, 20), (7, 7, 7)).save(clip.frames[2])


def repeat(clip):
    clip.frames[2].write_bytes(clip.frames[1].read_bytes())


def hide(clip):
    image = Image.open(clip.frames[2])
    image.putalpha(0)
    image.save(clip.frames[2])


def take_colour(clip):
    Image.open(clip.frames[2]).convert("L").save(clip.frames[2])


def grey_in_colour(clip):
    Image.open(clip.frames[2]).convert("L").convert("RGB").save(clip.frames[2])


@pytest.mark.parametrize(
    ("damage", "kind", "said"),
    [
        (truncate, "unreadable", "1 file(s) cannot be decoded, the first: "),
        (spoil, "unreadable", "1 file(s) cannot be decoded, the first: "),
        (empty, "unreadable", "img2.png"),
        (remove, "unreadable", "is missing"),
        (enlarge, "size", "another size than the first (16×20), the first of them img2.png (16×21"),
        (blank, "constant", "1 frame(s) of one level all over, the first img2.png"),
        (hide, "transparent", "1 frame(s) with transparent pixels, the first img2.png"),
        (take_colour, "mixed", "1 of 6 frames are grey, the first img2.png"),
        (grey_in_colour, "mixed", "1 of 6 frames are grey, the first img2.png"),
        (repeat, "repeated", "img2.png (number 2) that of img1.png (number 1)"),
    ],
)
def test_every_damage_is_named(clip, damage, kind, said):
    damage(clip)
    (problem,), _ = deep_problems([clip], 1)
    assert problem.kind == kind
    assert problem.where == "smic s01/s01_ne_01"
    assert said in problem.what
    assert "\n" not in problem.what


@pytest.mark.parametrize("suffix", [".bmp", ".tif", ".ppm", ".npy"])
def test_a_part_of_a_frame_that_was_not_copied_is_told_and_a_border_is_not(tmp_path, suffix):
    video = noise(6, 24, 20)
    video[:, 18:] = 0  # a black border
    if suffix == ".npy":
        video[3, 12:] = 0
        np.save(tmp_path / "a.npy", video)
        clip = clip_of([tmp_path / "a.npy"])
    else:
        clip = write_clip(tmp_path / "whole", video, suffix=suffix)
        assert not kinds(clip)
        file = clip.frames[3]
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
    (problem,), _ = deep_problems([clip], 1)
    assert problem.kind == "part"
    assert problem.what.startswith("a part of 1 frame(s) is blank, and not of the others, the fir")
    assert "(number 3)" in problem.what


def scene(seed, frames=8, size=48):
    """Frames (n, 48, 48) of one smooth picture that moves a little."""
    picture = Image.fromarray(noise(1, 6, 6, 1, seed)[0]).resize((size, size + frames))
    pixels = np.asarray(picture, np.uint8)
    return np.stack([pixels[n : n + size] for n in range(frames)])


def test_two_scenes_in_one_clip_are_told(tmp_path):
    one, other = scene(1), scene(2)
    by_turns, turned = one.copy(), one.copy()
    by_turns[1::2] = other[1::2]
    turned[5:7] = turned[5:7, ::-1]
    joined = np.concatenate([one[:4], other[4:]])
    for name, video, count in (("a", joined, 4), ("b", by_turns, 4), ("c", turned, 2)):
        (problem,), _ = deep_problems([write_clip(tmp_path / name, video)], 1)
        assert problem.kind == "cut" and problem.what.startswith(f"{count} of 8 frames look unlike")


def test_a_flash_a_turn_of_the_head_and_steps_of_light_are_no_cut(tmp_path):
    flash, light, still = scene(1), scene(2) // 2, scene(3)
    flash[4] = np.minimum(flash[4].astype(int) * 3, 255)
    light[3:] += 60
    turn = np.stack([np.roll(still[0], n, axis=1) for n in range(8)])
    for name, video in (("a", flash), ("b", light), ("c", turn)):
        assert "cut" not in kinds(write_clip(tmp_path / name, video))


def test_a_clip_that_cannot_be_cropped_is_named(tmp_path, clip):
    (tmp_path / "box.csv").write_text(
        "subject,clip,left,top,right,bottom\ns01,s01_ne_01,90,90,99,99\n"
    )
    settings = Preprocessing(crop="landmarks", landmarks=str(tmp_path / "box.csv"))
    (problem,), _ = deep_problems([clip], 1, settings=settings)
    assert (problem.kind, problem.fatal) == ("crop", True) and "outside its frames" in problem.what


def test_a_copy_of_a_clip_is_found(tmp_path):
    one = write_clip(tmp_path / "a", noise(3), name="a")
    other = write_clip(tmp_path / "b", noise(3), name="b", suffix=".bmp")
    (problem,), _ = deep_problems([one, other], 1)
    assert (problem.kind, problem.where) == ("twin", "smic s01/b")
    assert problem.what == "its frames are copies of those of smic s01/a"


def test_some_frames_of_another_subject_are_found_however_they_are_stored(tmp_path):
    frames = noise(6)
    one = write_clip(tmp_path / "a", frames[:4], name="a")
    part = np.concatenate([frames[2:], np.zeros_like(frames[:1])])
    other = replace(write_clip(tmp_path / "b", part, name="b", suffix=".bmp"), subject="s02")
    twins = [each for each in deep_problems([one, other], 1)[0] if each.kind == "twin"]
    assert [each.where for each in twins] == ["smic s02/b"]
    assert twins[0].what.startswith("2 of its frames are copies of frames of smic s01/a, of anothe")


@pytest.mark.parametrize("stored", ["images", "array"])
def test_frames_of_0_to_1_are_refused_and_black_ones_are_not(tmp_path, stored):
    video = noise(4)
    clip = write_clip(tmp_path / "a", video // 128)
    if stored == "array":
        np.save(tmp_path / "a.npy", video // 128)
        clip = replace(clip, frames=(tmp_path / "a.npy",))
    with pytest.raises(DataError, match=r"brighter than 1 of 255; frames of 0 to 1 have to be mul"):
        decode(clip, read_frames(clip))
    deep = [each for each in deep_problems([clip], 1)[0] if each.fatal]
    assert len(deep) == 1 and "brighter than 1 of 255" in deep[0].what
    black = write_clip(tmp_path / "b", video * 0)
    assert not decode(black, read_frames(black)).any()


@pytest.mark.parametrize("apex", [3, 4, 9])
def test_an_apex_behind_the_last_frame_is_told_and_not_shown(tmp_path, apex):
    np.save(tmp_path / "a.npy", noise(4, 16, 16))
    clip = clip_of([tmp_path / "a.npy"])
    clip = replace(clip, apex=apex)
    deep = [each for each in deep_problems([clip], 1)[0] if each.kind == "apex"]
    assert [each.fatal for each in deep] == [True] * (apex > 3)
    for shown in (moments, preprocessing_stages):
        if apex > 3:
            with pytest.raises(DataError, match=f"apex {apex} .* lies behind its last frame 3"):
                shown(clip, DataConfig())
        else:
            assert shown(clip, DataConfig())


def png_of(levels: np.ndarray) -> bytes:
    """A PNG in colour of 16 bits: (H, W, 3)."""

    def part(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return len(content).to_bytes(4, "big") + checked + crc32(checked).to_bytes(4, "big")

    height, width, _ = levels.shape
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in levels)
    parts = part(b"IHDR", head) + part(b"IDAT", compress(lines)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def ppm_of(levels: np.ndarray) -> bytes:
    """The same as a PPM, with a remark in its head."""
    height, width, _ = levels.shape
    return b"P6 # made\n%d %d\n65535\n" % (width, height) + levels.astype(">u2").tobytes()


@pytest.mark.parametrize(("make", "ending"), [(png_of, "png"), (ppm_of, "ppm")])
def test_colours_of_16_bits_are_refused_and_those_of_8_are_not(tmp_path, make, ending):
    paths = [tmp_path / f"img{number}.{ending}" for number in (1, 2)]
    for path, pixels in zip(paths, noise(2, 8, 9), strict=True):
        path.write_bytes(make(pixels.astype(np.uint16) * 64))
    clip = clip_of(paths)
    with pytest.raises(DataError, match="pixels of 16 bits a colour; expected 8"):
        decode(clip, read_frames(clip))
    for path, pixels in zip(paths, noise(2, 8, 9), strict=True):
        Image.fromarray(pixels).save(path)
    assert np.array_equal(decode(clip, read_frames(clip)), noise(2, 8, 9))


def test_files_that_hold_a_clip_are_looked_through(tmp_path, clip):
    video = noise(5, 8, 8)
    video[3] = video[1]
    video[4] = 9
    path = tmp_path / "clip.npy"
    np.save(path, video)
    assert kinds(replace(clip, frames=(path,))) == ["constant", "repeated"]
    assert kinds(replace(clip, frames=(path,), span=(0, 3))) == []
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"\0"):
        path.write_bytes(content)
        assert kinds(replace(clip, frames=(path,))) == ["unreadable"]


def face(seed):
    """A smooth picture (64, 48, 3) of someone, and where and how much it moves."""
    generator = np.random.default_rng(seed)
    rough = generator.uniform(40, 210, (2, 8, 6))
    rough[1] = (rough[1] - 125) / 10
    still, moving = (
        np.asarray(
            Image.fromarray(each.astype(np.float32)).resize((48, 64), Image.Resampling.BICUBIC)
        )
        for each in rough
    )
    return still[..., None].repeat(3, -1), moving[..., None]


def recorded(folder, seed, change=lambda picture: picture, suffix=".png", **fields):
    """A clip in which a face moves to its apex and back."""
    still, moving = face(seed)
    video = np.stack([still + share * moving for share in (0, 0.5, 1, 0.3)])
    made = write_clip(folder, video.clip(0, 255).astype(np.uint8), name=folder.name)
    for path in made.frames:
        changed = change(Image.open(path).convert("RGB"))
        path.unlink()
        changed.save(path.with_suffix(suffix), quality=75)
    frames = tuple(path.with_suffix(suffix) for path in made.frames)
    return replace(made, frames=frames, apex=2, **fields)


LOSSY = {
    "jpeg": {"suffix": ".jpg"},
    "smaller": {"change": lambda picture: picture.resize((30, 40))},
    "brighter": {"change": lambda picture: picture.point(lambda level: 20 + 0.9 * level)},
    "mirrored": {"change": ImageOps.mirror},
}


@pytest.mark.parametrize("way", LOSSY)
@pytest.mark.parametrize("other", [{"subject": "s99"}, {"dataset": "casme2"}])
def test_a_lossy_copy_of_another_persons_clip_is_told(tmp_path, way, other):
    first, unlike = (recorded(tmp_path / str(seed), seed) for seed in (1, 2))
    copy = recorded(tmp_path / "copy", 1, **LOSSY[way], **other)
    problems, _ = deep_problems([first, unlike, copy], 1)
    assert [problem.kind for problem in problems] == ["twin"]
    assert "look nearly the same" in problems[0].what and "trains on what" in problems[0].what


def test_clips_of_one_person_may_look_alike(tmp_path):
    clips = [recorded(tmp_path / way, 1, **LOSSY[way]) for way in LOSSY if way != "mirrored"]
    assert deep_problems(clips, 1)[0] == []


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_unless_one_is_the_mirror_image_of_another(tmp_path, suffix):
    first, unlike = (recorded(tmp_path / str(seed), seed) for seed in (1, 2))
    turned = recorded(tmp_path / "x", 1, ImageOps.mirror, suffix)
    ((problem,), _) = deep_problems([first, unlike, turned], 1)
    assert problem.kind == "twin" and "the mirror image of smic s01/1:" in problem.what


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("subject", ["s01", "s02"])
def test_nor_may_flow_images_be_mirrored(tmp_path, signed, subject):
    clips = []
    for seed, name in ((1, "a"), (2, "b"), (1, "am")):
        rough = np.random.default_rng(seed).uniform(0, 255, (7, 7, 3)).astype(np.uint8)
        rough[..., 2] //= 4
        flow = np.asarray(Image.fromarray(rough).resize((28, 28)))
        if name == "am":
            flow = flow[:, ::-1].copy()
            flow[..., 0] = 255 - flow[..., 0] if signed else flow[..., 0]
        Image.fromarray(flow).save(tmp_path / f"{name}.png")
        who = subject if name == "am" else "s01"
        frames = (tmp_path / f"{name}.png",)
        clips.append(Clip("lab", who, name, 0, frames, None, "", 200.0, ready_flow=True))
    told = [problem for problem in deep_problems(clips, 1)[0] if problem.kind == "twin"]
    told_by_runs = list(clips_alike(clips, tmp_path / "cache"))
    assert [problem.where for problem in told] == [f"lab {subject}/am"] and told == told_by_runs


@pytest.mark.parametrize("change", ["noise", "brighter"])
def test_nor_may_they_be_changed_copies_of_the_same_persons(tmp_path, change):
    clips = []
    for seed, name in ((1, "a"), (2, "b"), (1, "again")):
        rough = np.random.default_rng(seed).uniform(40, 200, (7, 7, 3)).astype(np.uint8)
        flow = np.asarray(Image.fromarray(rough).resize((28, 28)))
        path = tmp_path / f"{name}.png"
        if name == "again" and change == "noise":
            flow = flow + np.random.default_rng(3).normal(0, 2, flow.shape)
        elif name == "again" and change == "brighter":
            flow = flow * 1.1
        Image.fromarray(np.clip(flow, 0, 255).astype(np.uint8)).save(path)
        clips.append(Clip("lab", "s01", name, 0, (path,), None, "", 200.0, ready_flow=True))
    told = [problem for problem in deep_problems(clips, 1)[0] if problem.kind == "twin"]
    assert told == list(clips_alike(clips, tmp_path / "cache"))
    (problem,) = told
    assert problem.where == "lab s01/again" and "as that of lab s01/a (bright" in problem.what


@pytest.mark.parametrize("border", [0, 32])
def test_a_black_border_makes_nobody_alike(border):
    people: dict[str, list[Plan]] = {}
    for plan in plan_clips("smic", 0, None):
        people.setdefault(plan.row.subject, []).append(plan)
    settings = Settings(0.15, 0, 64, raw=False, version=2)
    around = ((border, border), (border, border), (0, 0))
    clips, looks = [], []
    for plan in (plan for plans in [*people.values()][:6] for plan in plans[:6]):
        frames = [np.atleast_3d(frame) for frame in render_clip(plan, settings)]
        looks.append(look_of(*(np.pad(frames[n], around) for n in (0, plan.before + plan.apex))))
        clips.append(clip_of([], subject=plan.row.subject, name=plan.clip_name))
    assert not [*near_copies(clips, looks)]
    again = [replace(clip, subject=f"other {clip.subject}") for clip in clips]
    assert len([*near_copies([*clips, *again], looks * 2)]) == len(clips)
