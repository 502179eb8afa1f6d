"""Every step of preprocessing on a generated tree of each set, cropped and as a camera sees it."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.fixed import StillInput
from bench.config.loading import load_config
from bench.data.cache import load_arrays
from bench.data.disk.images import decode, read_frames
from bench.data.sets.catalogue import load_clips
from bench.data.sources import prepare, resolve_source
from bench.data.steps.crop import face_box
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.data.stills.inputs import load_inputs
from bench.data.surrogates.pictures import subject_scene
from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.writing import write_surrogate

SUBJECT = {
    "smic": "s09",
    "casme2": "sub08",
    "samm": "023",
    "casme3": "spNO.7",
    "4dme": "07",
    "mmew": "S07",
}
FACE = 96


def tree_of(dataset, folder, **choice):
    write_surrogate(dataset, folder, subjects=[SUBJECT[dataset]], workers=1, **choice)
    return load_clips(dataset, folder, [SUBJECT[dataset]], class_map="native")


@pytest.fixture(scope="module", params=RELEASES)
def raw(request, tmp_path_factory):
    """An uncropped clip of the set, and where its scene puts the face: top, left."""
    found = tree_of(request.param, tmp_path_factory.mktemp("raw") / "c", size=FACE, raw=True)
    assert not any(problem.fatal for problem in found.problems)
    scene = subject_scene(request.param, SUBJECT[request.param], 0, FACE)
    return found.clips[0], (scene.top, scene.left)


def test_the_face_of_an_uncropped_frame_is_found(raw):
    clip, (top, left) = raw
    frame = decode(clip, read_frames(clip))[0]
    assert frame.shape[0] > 1.5 * FACE and frame.shape[1] > 2 * FACE
    box = face_box(clip, frame, 0.0, "stop")
    side = box.bottom - box.top
    assert FACE / 2 < side < 1.3 * FACE
    assert (box.top + side / 2, box.left + side / 2) == pytest.approx(
        (top + FACE / 2, left + FACE / 2), abs=FACE / 8
    )


def test_every_step_runs_on_uncropped_frames(raw, tmp_path):
    clip, _ = raw
    kept = {}
    for magnify in ("none", "eulerian"):
        steps = Preprocessing(8, 32, crop="detect", magnify=magnify)
        kept[magnify] = load_arrays([clip], Video(steps), tmp_path)[0].astype(float)
        assert kept[magnify].shape == (8, 32, 32, 3)
        assert kept[magnify].std() > 10
    motion = {name: np.abs(video - video[0]).mean() for name, video in kept.items()}
    assert motion["eulerian"] > 1.2 * motion["none"]
    assert np.array_equal(kept["eulerian"][0], kept["none"][0])  # the onset is where it starts


@pytest.mark.parametrize("dataset", RELEASES)
def test_every_step_runs_on_cropped_frames_and_flow_follows(dataset, tmp_path):
    found = tree_of(dataset, tmp_path / "c", size=48)
    clips = found.clips[:1]
    steps = Preprocessing(8, 32, magnify="eulerian")
    video = load_arrays(clips, Video(steps), tmp_path / "cache")
    assert video.shape == (1, 8, 32, 32, 3) and video.std() > 10
    one = type(found)(found.dataset, found.classes, clips)
    config = load_config("smoke").data
    flow = load_inputs(one, StillInput("flow", 28, "raw"), config, tmp_path / "cache")
    assert flow.shape == (1, 3, 28, 28)
    assert np.isfinite(flow).all() and np.abs(flow).max() > 0.02


def test_clips_whose_centre_was_taken_are_named_in_what_a_run_records(tmp_path):
    write_surrogate("casme2", tmp_path / "c", size=64, subjects=["sub08", "sub21"], workers=1)
    (hidden,) = load_clips("casme2", tmp_path / "c", ["sub21"]).clips
    from PIL import Image

    for path in hidden.frames:
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(path)
    source = resolve_source("casme2", tmp_path / "c", False, tmp_path / "cache")
    changed = ["crop=detect", "crop_fallback=centre", "subjects=sub08,sub21"]
    config = load_config("smoke", changed).data
    clip_set, _ = prepare(source, config, lambda *_: None)
    named = [p for p in clip_set.problems if p.kind == "crop"]
    assert [p.where for p in named] == [f"casme2 sub21/{hidden.name}"]
    assert "centre" in named[0].what and not named[0].fatal
