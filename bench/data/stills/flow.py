"""Optical flow of a micro-expression: TV-L1 from onset to apex, and the strain of its field.

The input of the flow-based methods (OFF-ApexNet, STSTNet and their successors): horizontal and
vertical displacement and the magnitude of optical strain, one image per clip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.system.provenance import installed_version

if TYPE_CHECKING:
    import numpy as np

FLOW_VERSION = 1
"""Increased whenever the same frames would give another flow, to invalidate cache entries."""

FLOW_PACKAGE = "scikit-image"
"""Computes the flow: its version is in the keys of cache entries, too."""

ATTACHMENT = 15.0
TIGHTNESS = 0.3
WARPS = 5
ITERATIONS = 10
TOLERANCE = 1e-4
"""scikit-image's defaults.

On generated faces with noise, moved by a known field of 0.2 to 1.3 pixels, an attachment of 5 or 30
has larger errors at one end of that range or the other; the median filter between warps
(`prefilter`) reduces the error by a tenth.
"""


def flow_key() -> list[int | str | None]:
    """Names the code that makes a flow from frames."""
    return [FLOW_VERSION, installed_version(FLOW_PACKAGE)]


def tvl1(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """TV-L1 flow from onset to apex, grey (H, W) in 0..255: float32 (2, H, W), u then v, in pixels.

    u is positive to the right, v positive downwards: what lies at (x, y) on the onset frame lies at
    (x + u, y + v) at the apex. Zach, Pock, Bischof, DAGM 2007.
    """
    import numpy as np
    from skimage.registration import optical_flow_tvl1

    down, right = optical_flow_tvl1(
        onset.astype(np.float32) / 255,
        apex.astype(np.float32) / 255,
        attachment=ATTACHMENT,
        tightness=TIGHTNESS,
        num_warp=WARPS,
        num_iter=ITERATIONS,
        tol=TOLERANCE,
        prefilter=True,
        dtype=np.float32,
    )
    return np.stack([right, down]).astype(np.float32)


def strain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Magnitude of the strain of a field (H, W), dimensionless: sqrt(ux² + vy² + ½(uy + vx)²).

    Shreve et al., FG 2011. Derivatives by the 3×3 Sobel kernel, scaled to change per pixel; beyond
    the edge the field is extrapolated by odd reflection.
    """
    import numpy as np

    (ux, uy), (vx, vy) = _gradient(u), _gradient(v)
    return np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)


def flow_image(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """u, v and strain of two grey frames (H, W): float32 (3, H, W)."""
    import numpy as np

    u, v = tvl1(onset, apex)
    return np.stack([u, v, strain(u, v)])


def _gradient(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change per pixel along columns and along rows."""
    import numpy as np
    from scipy.ndimage import sobel

    padded = np.pad(field, 1, mode="reflect", reflect_type="odd")
    across, down = (sobel(padded, axis=axis)[1:-1, 1:-1] / 8 for axis in (1, 0))
    return across, down
