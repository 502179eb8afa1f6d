"""The other searched methods of Table 2, as values of the same search space.

The paper calls their rows "re-evaluated" and gives neither widths nor training: we choose F so that
the median random network comes within 20 % of Table 5. Size-matched, not reproduced.
"""

from rnas.space import DARTS_OPERATIONS, SINGLETON_OPERATIONS, SearchSpace
from rnas.trellis import Trellis

AUTODEEPLAB_3D = SearchSpace(
    name="autodeeplab_3d",
    summary="Auto-DeepLab in 3D: DARTS operations, 12 layers up, stay and shrink, joined nodes",
    operations=DARTS_OPERATIONS,
    partial=1,
    edge_norm=False,
    attention=False,
    outer=Trellis(layers=12, factors=(4, 8, 16, 32), moves=("up", "stay", "shrink")),
    nodes=5,
    channels=14,
    reduction="concat",
    dilated="full",  # as in Auto-DeepLab's own code
    least_voxels=3,
    size_target=7_070_000,
    groups=("nas",),
)
"""Liu et al., "Auto-DeepLab", CVPR 2019, with 3D operations."""

AUTOMER_3D = SearchSpace(
    name="automer_3d",
    summary="AutoMER, reconstruction: singleton and dilated 3D operations, parallelogram trellis",
    operations=SINGLETON_OPERATIONS,
    partial=1,
    edge_norm=False,
    attention=False,
    outer=Trellis(layers=12, factors=(2, 4, 8, 16), moves=("stay", "shrink"), band=1),
    nodes=4,
    channels=16,
    dilated="full",
    least_voxels=3,
    size_target=11_510_000,
    groups=("nas",),
    marks=("reconstruction",),
)
"""Verma et al., "AutoMER", TNNLS 2021.

Its code and details are not public: rebuilt from what its abstract says (a parallelogram network
space, four 3D singleton operators, two dilated ones).
"""
