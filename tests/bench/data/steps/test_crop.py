"""Crop: the face on the onset frame, one box for all frames, boxes of the user's."""

from __future__ import annotations

import numpy as np
import pytest
from image_clips import noise, write_clip
from PIL import Image

from bench.config.loading import load_config
from bench.data.cache import load_arrays
from bench.data.sets.catalogue import load_clips
from bench.data.steps.box import Box
from bench.data.steps.crop import centre_box, crop
from bench.data.steps.keys import settings_key
from bench.data.steps.pipeline import Video, preprocess_clip
from bench.data.steps.settings import Preprocessing, preprocessing
from bench.data.surrogates.writing import write_surrogate
from bench.errors import DataError, UsageError

TOP, LEFT, SIDE = 60, 110, 160
CANVAS = (300, 400)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A clip of a whole scene, as a camera sees it: a generated face on a grey canvas."""
    folder = tmp_path_factory.mktemp("raw")
    write_surrogate("samm", folder, size=SIDE, subjects=["037"], workers=1)
    (clip,) = load_clips("samm", folder, ["037"]).clips
    scene = np.full((4, *CANVAS, 3), 110, np.uint8)
    for frame, path in zip(scene, clip.frames[:4], strict=True):
        frame[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = np.asarray(Image.open(path).convert("RGB"))
    return write_clip(folder / "scene", scene, dataset="samm", subject="037", name="scene"), scene


def overlap(cut: np.ndarray, scene: np.ndarray) -> tuple[int, int]:
    """Where a cut of the scene lies: top and left."""
    height, width = cut.shape[1:3]
    for top in range(CANVAS[0] - height + 1):
        for left in range(CANVAS[1] - width + 1):
            if np.array_equal(scene[:, top : top + height, left : left + width], cut):
                return top, left
    raise AssertionError("no box of the scene, the same in all frames")


def test_the_face_is_found_and_cut_alike_from_all_frames(raw):
    clip, scene = raw
    cut = crop(clip, scene, Preprocessing(crop="detect"))
    top, left = overlap(cut, scene)
    height, width = cut.shape[1:3]
    middle = (top + height / 2, left + width / 2)
    assert middle == pytest.approx((TOP + SIDE / 2, LEFT + SIDE / 2), abs=SIDE / 6)
    assert SIDE / 2 < height < 1.3 * SIDE
    wider = crop(clip, scene, Preprocessing(crop="detect", crop_margin=0.1))
    assert wider.shape[1] == pytest.approx(1.2 * height, abs=2)


def test_a_clip_without_a_face_is_named_or_falls_to_the_centre_if_asked(tmp_path):
    video = noise(3, 60, 80)
    clip = write_clip(tmp_path, video)
    with pytest.raises(DataError, match=r"no face found .* s01/s01_ne_01.*crop_fallback=centre"):
        crop(clip, video, Preprocessing(crop="detect"))
    cut = crop(clip, video, Preprocessing(crop="detect", crop_fallback="centre"))
    assert np.array_equal(cut, centre_box(60, 80).cut(video))
    assert cut.shape == (3, 48, 48, 3)


class TestLandmarks:
    def settings(self, tmp_path, text, **more):
        path = tmp_path / "boxes.csv"
        path.write_text(text)
        return Preprocessing(4, 8, crop="landmarks", landmarks=str(path), **more)

    @pytest.mark.parametrize(
        ("who", "titles", "box"),
        [
            ("s01", "left;top;right;bottom", "5;10;25.4;30"),
            ("1", "x;y;w;h", "5;10;20,4;20"),
            ("Sub01", "X;Y;Width;Height", "5;10;20.0;20"),
        ],
    )
    def test_a_box(self, tmp_path, who, titles, box):
        video = noise(3, 40, 50)
        clip = write_clip(tmp_path / "clip", video)
        text = f"subject;clip;{titles}\n{who};s01_ne_01;{box}\n"
        cut = crop(clip, video, self.settings(tmp_path, text))
        assert np.array_equal(cut, video[:, 10:30, 5:25])

    def test_the_box_of_points_with_a_margin_that_ends_at_the_frame(self, tmp_path):
        video = noise(3, 40, 50)
        clip = write_clip(tmp_path / "clip", video)
        text = "dataset,subject,clip,x1,y1,x2,y2,x3,y3\nsmic,s01,s01_ne_01,2,10,12,42,9,20\n"
        text = text.replace(",x1", ",x,y,w,h,x1").replace(",2,", ",1,1,1,1,2,")  # points first
        cut = crop(clip, video, self.settings(tmp_path, text, crop_margin=0.5))
        assert np.array_equal(cut, video[:, 0:40, 0:17])

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a,b\n1,2\n", "expected columns subject, clip"),
            ("subject,clip,left,top,right,bottom\ns02,x,1,1,9,9\n", "no row for clip"),
            ("subject,clip,left,top,right,bottom\ns01,s01_ne_01,9,1,2,2\n", "no box"),
            ("subject,clip,left,top,right,bottom\ns01,s01_ne_01,a,1,2,2\n", "no box"),
            ("subject,clip\ns01,s01_ne_01\n", "no box"),
            (
                "subject,clip,left,top,right,bottom\ns01,s01_ne_01,.2,.1,.9,1\n",
                "multiply coordinates",
            ),
            ("subject,clip,x1,y1,x2,y2\ns01,s01_ne_01,.21,.3,1.02,.9\n", "multiply coordinates"),
            ("subject,clip,x1,y1,x2,y2,x3,y3\ns01,s01_ne_01,1,1,9,9,nan,5\n", "no box"),
            ("subject,clip,x1,y1,x2,y2,x03,y3\ns01,s01_ne_01,1,1,9,9,9,5\n", "no box"),
            ("left,top,right,bottom,subject,clip\n1,1\n", "row 2 has 2 cells"),
            (
                "subject,clip,left,top,right,bottom\n" + 2 * "s01,s01_ne_01,1,1,9,9\n",
                "a second row",
            ),
            ("subject,clip,left,left,top,right,bottom\n", "the column 'left' twice"),
            ("subject,clip,left,top,right,bottom\ns01,s01_ne_01,90,90,99,99\n", "outside its"),
            (
                "subject,clip,left,top,right,bottom\ns01,s01_ne_01,40,9,60,30\n",
                "ends at 60, 30, outside its frames of 50×40",
            ),
            (
                "subject,clip,x1,y1,x2,y2,x3,y3\ns01,s01_ne_01,1,1,9,9,,\n",
                "2 of 6 coordinates are blank, the first x3",
            ),
            ("subject,clip,x1,y1,x2,y2,x3,y3\ns01,s01_ne_01,1,1,,,9,9\n", "the first x2"),
            ("subject,clip,x,y,w,h\ns01,s01_ne_01,1,1,0,9\n", "or x, y, width, height above 0"),
        ],
    )
    def test_mistakes_are_named(self, tmp_path, text, said):
        video = noise(3, 40, 50)
        clip = write_clip(tmp_path / "clip", video)
        with pytest.raises(DataError, match=said) as error:
            preprocess_clip(clip, self.settings(tmp_path, text))
        assert "\n" not in str(error.value)

    def test_an_absent_file_is_a_mistake_of_the_user(self, tmp_path):
        clip = write_clip(tmp_path / "clip", noise())
        settings = Preprocessing(4, 8, crop="landmarks", landmarks=str(tmp_path / "none.csv"))
        with pytest.raises(UsageError, match="no such file"):
            preprocess_clip(clip, settings)
        with pytest.raises(UsageError, match=r"data\.landmarks=FILE"):
            Preprocessing(crop="landmarks")

    def test_another_box_is_another_entry_of_the_cache(self, tmp_path):
        from bench.data.steps import landmarks

        clip = write_clip(tmp_path / "clip", noise(3, 40, 50))
        made = []
        for left in (5, 15):
            text = f"subject,clip,left,top,right,bottom\ns01,s01_ne_01,{left},10,30,30\n"
            settings = self.settings(tmp_path, text)
            landmarks._landmarks.cache_clear()
            made.append(load_arrays([clip], Video(settings), tmp_path / "cache"))
            assert np.array_equal(made[-1][0], preprocess_clip(clip, settings))
        assert not np.array_equal(*made)


def test_a_box_ends_at_the_frame():
    assert Box(2, 3, 12, 23).widened(0.5, 14, 30) == Box(0, 0, 14, 30)


def test_settings_of_a_step_that_is_off_do_not_make_entries_anew():
    assert settings_key(Preprocessing(magnify_alpha=3)) == settings_key(Preprocessing())
    on = {"magnify": "eulerian"}
    assert settings_key(Preprocessing(**on, magnify_alpha=3)) != settings_key(Preprocessing(**on))
    assert settings_key(Preprocessing(crop="detect")) != settings_key(Preprocessing())


def test_the_settings_of_a_run_reach_the_clips(tmp_path):
    config = load_config("smoke", ["magnify=eulerian", "magnify_alpha=4", "crop=detect"])
    settings = preprocessing(config.data)
    assert (settings.magnify, settings.magnify_alpha, settings.crop) == ("eulerian", 4.0, "detect")
    clip = write_clip(tmp_path, noise(6, 40, 40))
    plain = Preprocessing(4, 32)
    magnified = Preprocessing(4, 32, magnify="eulerian")
    assert not np.array_equal(preprocess_clip(clip, plain), preprocess_clip(clip, magnified))
    with pytest.raises(UsageError, match="is not below"):
        Preprocessing(magnify_low=0.3)
