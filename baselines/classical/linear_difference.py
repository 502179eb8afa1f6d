"""Grey levels minus those of the onset frame, pixel by pixel, to a linear SVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.classical.baseline import ClassicalBaseline, ClipInput
from baselines.classical.linear_svm import linear_svm
from baselines.grey import grey
from rnas.errors import MethodError

if TYPE_CHECKING:
    import numpy as np


def onset_differences(clip: np.ndarray) -> np.ndarray:
    """Each later frame minus the first, in grey levels: uint8 (T, H, W, 3) -> ((T - 1)·H·W,).

    Raises MethodError for a clip of one frame.
    """
    if len(clip) < 2:
        raise MethodError("linear_difference: a clip of 1 frame; set data.frames to 2 or more")
    frames = grey(clip)
    return (frames[1:] - frames[0]).reshape(-1)


LINEAR_DIFFERENCE = ClassicalBaseline(
    name="linear_difference",
    summary="Baseline: linear SVM on the grey onset differences of the frames that networks see",
    input=ClipInput(),
    features=onset_differences,
    fit=linear_svm,
    groups=("classical",),
    marks=("ours",),
)
