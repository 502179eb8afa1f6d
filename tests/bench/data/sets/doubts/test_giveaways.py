"""What tells the class of clips in place of motion is told; what does not is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data.clips import Clip
from bench.data.sets.doubts.giveaways import giveaways, told_by


def clips(count, *, frames=None, suffix=None, fps=None):
    """Clips of three classes by turns; frames, suffix, fps: functions of number and class."""
    found = []
    for n in range(count):
        label = n % 3
        length = frames(n, label) if frames else 6
        ending = suffix(n, label) if suffix else ".png"
        files = tuple(Path(f"c{n}/{k}{ending}") for k in range(length))
        rate = fps(n, label) if fps else 200.0
        found.append(Clip("lab", f"p{n % 4}", f"c{n}", label, files, None, "", rate))
    return found


def kinds(found):
    return [problem.what.split(" tells")[0] for problem in giveaways(found)]


@pytest.mark.parametrize("count", [24, 442])
def test_each_property_that_tells_a_class_is_told(count):
    by_class = [
        {"frames": lambda n, label: 3 if label == 0 else 6},
        {"suffix": lambda n, label: (".png", ".jpg", ".png")[label if n % 8 else 0]},
        {"fps": lambda n, label: (100.0, 200.0, 100.0)[label]},
    ]
    names = ["number of frames", "ending of the files", "frame rate"]
    for how, name in zip(by_class, names, strict=True):
        (problem,) = giveaways(clips(count, **how))
        assert (problem.kind, problem.where) == ("class", "lab") and not problem.fatal
        assert problem.what.startswith(f"the {name} tells the class of most clips (")
    (problem,) = told_by("size", clips(count), [("9×9", "8×8", "9×9")[n % 3] for n in range(count)])
    assert "(9×9 of lab p0/c0, 8×8 of lab p1/c1)" in problem.what


def test_usual_differences_are_not():
    draws = np.random.default_rng(0).integers(4, 60, 600).tolist()
    assert not kinds(clips(30))
    for count in (6, 24, 160, 442):
        assert not kinds(clips(count, frames=lambda n, label: draws[n]))
        assert not kinds(clips(count, frames=lambda n, label: draws[n] // 2 + 5 * (label == 2)))
        assert not kinds(clips(count, frames=lambda n, label: n + 3))
        assert not kinds(clips(count, suffix=lambda n, label: (".png", ".jpg")[n % 4 > 1]))
        assert not kinds(clips(count, fps=lambda n, label: 30.0 if n in (0, 3) else 200.0))
    assert not kinds(clips(6, frames=lambda n, label: 3 if label == 0 else 6))  # too few to say
    assert not [*told_by("size", clips(24), [None] * 24)]
