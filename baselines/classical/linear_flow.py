"""The optical flow from onset to apex, normalised, to a linear SVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.classical.baseline import ClassicalBaseline
from baselines.classical.linear_svm import linear_svm
from baselines.fixed import StillInput

if TYPE_CHECKING:
    import numpy as np


def normalised_flow(flow: np.ndarray) -> np.ndarray:
    """u, v (2, S, S) minus their medians, over the largest absolute value: (2·S·S,), within ±1.

    Movements of the whole face, the unit of the flow and the strength of the expression are gone.
    A flow that is constant gives zeros.
    """
    import numpy as np

    centred = flow - np.median(flow, axis=(1, 2), keepdims=True)
    largest = np.abs(centred).max()
    return (centred / largest if largest > 0 else centred).reshape(-1)


LINEAR_FLOW = ClassicalBaseline(
    name="linear_flow",
    summary="Baseline: linear SVM on the normalised optical flow from onset to apex",
    input=StillInput("flow_pair", 28),
    features=normalised_flow,
    fit=linear_svm,
    groups=("classical",),
    marks=("ours",),
)
