"""What another version of a library would make otherwise is made anew, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.data.clips import Clip
from bench.data.steps.crop import FaceFound
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.data.stills.products import Apex, DynamicImage, Flow, FlowClip, FlowColour

STEPS = Preprocessing(crop="none")
DETECTED = replace(STEPS, crop="detect")


@pytest.mark.parametrize(
    ("product", "uses"),
    [
        (Flow(STEPS, 28), True),
        (FlowClip(STEPS, 28), True),
        (FlowColour(STEPS, 28, 28), True),
        (FaceFound(), True),
        (Video(DETECTED), True),
        (Video(STEPS), False),
        (Apex(STEPS, 28), False),
        (DynamicImage(STEPS, 28), False),
    ],
    ids=lambda case: type(case).__name__,
)
def test_the_key_names_the_version_of_the_library_that_makes_it(product, uses, monkeypatch):
    clip = Clip("d", "s", "c", 0, (Path("a.png"), Path("b.png")), 1, "happiness", 200.0)
    before = product.clip_key(clip)
    assert before == product.clip_key(clip)
    for user in ("stills.flow", "steps.crop"):
        monkeypatch.setattr(f"bench.data.{user}.installed_version", lambda package: "99")
    assert (product.clip_key(clip) != before) is uses
