"""`bench data show`: contact sheets, a clip as GIF, a clip step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.config.loading import load_config
from bench.data.inspect.pictures import (
    CAPTION,
    chosen_clips,
    clip_gif,
    drawn,
    flow_colours,
    flow_wheel,
    preprocessing_stages,
    steps_sheet,
)
from bench.data.sets.catalogue import load_clips


@pytest.fixture
def show(bench, tmp_path):
    def call(*arguments, name="out.png"):
        command = ("data", "show", "--dataset", "smic", "--surrogate", "--subjects", "s05,s06,s15")
        sizes = ("--preset", "smoke", "--set", "data.flow_side=32")
        sizes = (*sizes, "--set", "data.subject_count=0", "--set", "data.skip_bad_clips=true")
        return bench(*command, *sizes, "--out", tmp_path / name, *arguments), tmp_path / name

    return call


@pytest.mark.parametrize("by", ["class", "subject"])
def test_a_sheet_has_a_line_for_every_clip(show, by):
    one, out = show("--by", by, "--each", 1)
    assert one.code == 0, one.err
    height = Image.open(out).height
    two, out = show("--by", by, "--each", 2)
    assert two.code == 0
    assert Image.open(out).format == "PNG"
    assert Image.open(out).height > 1.5 * height
    assert "written" in two.out


def test_a_gif_has_every_frame(show, bench):
    outcome, out = show("--clip", "s05/s05_sur_01", "--gif", name="clip.gif")
    assert outcome.code == 0, outcome.err
    with Image.open(out) as image:
        assert (image.format, image.size) == ("GIF", (448, 224 + CAPTION))
        assert image.n_frames > 5


@pytest.mark.parametrize("title", ["smic (surrogate) s05/clip, surprise", "a name too long " * 9])
def test_every_frame_of_a_gif_has_its_words_above_it(licensed, title):
    clip = load_clips("smic", licensed, ["s05"]).clips[0]
    frames = clip_gif(clip, load_config("smoke").data, title)
    above = [np.asarray(frame.convert("L"))[:CAPTION] for frame in frames]
    half, middle = CAPTION // 2, above[0].shape[1] // 2
    for line in (above[0][:half], above[0][half:, :middle], above[0][half:, middle:]):
        assert line.min() < 100  # ink
        assert (line[:, -3:] == 255).all()  # and no word is cut
    np.testing.assert_array_equal(above[0][:half], above[1][:half])
    assert (above[0] != above[1]).any()  # the number of the frame


def test_a_clip_step_by_step(show):
    outcome, out = show("--clip", "s05_sur_01", "--steps", "--set", "data.magnify=eulerian")
    assert outcome.code == 0, outcome.err
    assert Image.open(out).width > 400


def test_the_users_landmarks_stand_on_the_first_frame(licensed, tmp_path):
    clip = load_clips("smic", licensed, ["s05"]).clips[0]
    config = load_config("smoke").data
    assert not steps_sheet(clip, config, "bare").axes[0].lines
    path = tmp_path / "points.csv"
    path.write_text(f"subject,clip,x1,y1,x2,y2\ns05,{clip.name},3,4,9,8.5\n")
    figure = steps_sheet(clip, replace(config, landmarks=str(path)), "with points")
    (points,) = figure.axes[0].lines
    np.testing.assert_array_equal(points.get_xydata(), [[3, 4], [9, 8.5]])


def test_more_clips_than_a_sheet_holds_are_refused_before_any_is_drawn(show, monkeypatch):
    from bench.cli import data_show

    monkeypatch.setattr(data_show, "MOST_LINES", 2)
    outcome, out = show("--each", 2)
    assert outcome.code == 2
    assert "clips are more than the 2" in outcome.error and "--each N" in outcome.error
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_told_first(show, tmp_path):
    (tmp_path / "file").touch()
    outcome, _ = show(name="file/sheet.png")
    assert outcome.code == 2
    assert "--out" in outcome.error and "cannot be written" in outcome.error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gif"], "one clip is shown by --clip S/NAME with --gif or with --steps"),
        (["--clip", "s05/s05_sur_01"], "with --gif or with --steps"),
        (["--clip", "nosuch", "--gif"], "Known: "),
        (["--clip", "s05/s05_sur_99", "--gif"], "Did you mean 's05/s05_sur_01'"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(show, arguments, said):
    outcome, out = show(*arguments)
    assert outcome.code == 2
    assert said in outcome.error
    assert not out.exists()


def test_the_stages_end_with_what_is_kept(licensed):
    from bench.config.loading import load_config
    from bench.data.steps.pipeline import preprocess_clip
    from bench.data.steps.settings import preprocessing

    clip = load_clips("smic", licensed, ["s05"]).clips[0]
    settings = ["crop=detect", "crop_fallback=centre", "magnify=eulerian", "data.size=16"]
    config = load_config("smoke", settings).data
    stages = preprocessing_stages(clip, config)
    assert [name.split("=")[0].split()[0] for name, *_ in stages] == [
        "frames", "crop", "magnify", "TIM", "resize",
    ]  # fmt: skip
    kept = np.rint(stages[-1][1]).clip(0, 255)
    np.testing.assert_array_equal(kept, preprocess_clip(clip, preprocessing(config)))
    assert all(0 <= apex < len(video) for _, video, apex in stages)
    assert len(clip_gif(clip, config, "a title")) == len(clip.frames)


def test_every_subject_is_shown_before_one_is_shown_twice(licensed):
    clip_set = load_clips("smic", licensed)
    for _, clips in chosen_clips(clip_set, "class", 3):
        people = [clip.subject for clip in clips]
        everyone = {c.subject for c in clip_set.clips if c.label == clips[0].label}
        assert len(set(people)) == min(len(everyone), len(clips))


def test_few_pixels_of_flow_among_much_skin_keep_their_hue():
    from matplotlib.figure import Figure

    generator = np.random.default_rng(0)
    figure = Figure(figsize=(4, 4))
    skin = np.clip(generator.normal((0.75, 0.55, 0.45), 0.08, (400, 400, 3)), 0, 1)
    figure.figimage(skin)
    ramp = np.linspace(0, 1, 40)
    flow = flow_colours(*np.broadcast_arrays(ramp[:, None], np.tile(ramp - 0.5, (40, 1))))
    figure.figimage(flow, 300, 300)
    shown = np.asarray(drawn(figure).convert("RGB"), float)[60:100, 300:340]
    wanted = 255 * flow[:, :]
    blurred = [part.reshape(10, 4, 10, 4, 3).mean(axis=(1, 3)) for part in (shown, wanted)]
    assert min(np.abs(blurred[0] - way).max() for way in (blurred[1], blurred[1][::-1])) < 40


def test_the_wheel_has_the_colour_of_each_direction_at_its_rim():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    flow_wheel(axes)
    shown = axes.images[0].get_array()
    middle, last = len(shown) // 2, len(shown) - 1
    places = {(1, 0): (middle, last), (0, 1): (last, middle), (-1, 0): (middle, 0)}
    for (u, v), place in places.items():  # v is downwards, as in a picture
        (colour,) = flow_colours(np.array([float(u)]), np.array([float(v)]))
        np.testing.assert_allclose(shown[place], colour, atol=1e-6)
    np.testing.assert_allclose(shown[[0, middle], [0, middle]], 1)  # outside, and no motion


def test_stillness_is_white_and_opposite_motions_have_opposite_hues():
    u = np.array([[0.0, 1.0, -1.0]])
    still, right, left = flow_colours(u, np.zeros((1, 3)))[0]
    np.testing.assert_allclose(still, 1)
    np.testing.assert_allclose(right + left, 1, atol=1e-6)
