"""LBP-TOP: local binary patterns on three orthogonal planes (Zhao and Pietikäinen, PAMI 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.classical.baseline import ClassicalBaseline, ClipInput
from baselines.classical.linear_svm import linear_svm
from baselines.grey import grey
from rnas.errors import MethodError

if TYPE_CHECKING:
    import numpy as np

BLOCKS = 8
"""Blocks along each side of the face; a block lasts the whole clip."""

NEIGHBOURS = 4
RADIUS = 1
"""In pixels and in frames."""

PATTERNS = 2**NEIGHBOURS

PLANES = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""XY, XT and YT: the axis along which the planes are stacked, then their rows and columns."""


def lbp_top(clip: np.ndarray) -> np.ndarray:
    """Histograms of local binary patterns: uint8 (T, H, W, 3) -> (3·BLOCKS²·PATTERNS,).

    One histogram for each of the planes XY, XT and YT and each block, which sums to 1, over the
    voxels that have all their neighbours. Raises MethodError where a block has none, and where
    scikit-image is missing.
    """
    import numpy as np

    frames = np.rint(grey(clip)).astype(np.uint8)
    least = 2 * RADIUS + 1, *(BLOCKS + 2 * RADIUS,) * 2
    if any(found < wanted for found, wanted in zip(frames.shape, least, strict=True)):
        raise MethodError(
            f"lbp_top: a clip of {'×'.join(map(str, frames.shape))} (frames, height, width); "
            f"expected at least {'×'.join(map(str, least))}: set data.frames and data.size"
        )
    return np.concatenate([_histograms(_patterns(frames, axes)) for axes in PLANES])


def _patterns(frames: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
    """The pattern of each voxel in planes of one direction, without the volume's border."""
    import numpy as np
    from skimage.feature import local_binary_pattern

    planes = frames.transpose(axes)
    # As one tall image: where planes meet, patterns mix them, and are cut off with the border.
    codes = local_binary_pattern(planes.reshape(-1, planes.shape[-1]), NEIGHBOURS, RADIUS)
    volume = codes.reshape(planes.shape).transpose(np.argsort(axes))  # (T, H, W)
    inside = slice(RADIUS, -RADIUS)
    return volume[inside, inside, inside].astype(int)


def _histograms(patterns: np.ndarray) -> np.ndarray:
    """Shares of the patterns in each block, (BLOCKS²·PATTERNS,)."""
    import numpy as np

    blocks = [
        block
        for rows in np.array_split(patterns, BLOCKS, axis=1)
        for block in np.array_split(rows, BLOCKS, axis=2)
    ]
    counts = [np.bincount(block.reshape(-1), minlength=PATTERNS) / block.size for block in blocks]
    return np.concatenate(counts)


LBP_TOP = ClassicalBaseline(
    name="lbp_top",
    summary="Baseline: linear SVM on LBP-TOP, histograms of local patterns in blocks of the face",
    input=ClipInput(frames=16, size=112),
    features=lbp_top,
    fit=linear_svm,
    groups=("classical",),
    reference=(
        "Zhao, Pietikäinen: Dynamic Texture Recognition Using Local Binary Patterns with an "
        "Application to Facial Expressions, IEEE TPAMI 2007"
    ),
    deviations=(
        "4 neighbours, radius 1 in space and time, 8×8 blocks, 16 frames of 112×112 pixels: ours",
    ),
)
