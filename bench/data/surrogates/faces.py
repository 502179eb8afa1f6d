"""A subject's face as random numbers, and the landmarks on it.

Face coordinates run over the cropped image: x from -1 (left) to 1, y from -1 (top) to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Face:
    """The face of one subject: positions and sizes in face coordinates, colours in 0..255.

    `asymmetry` a: the left half moves 1 + a times, the right half 1 - a times as far as a symmetric
    face; `gain` scales all movements; `grain` is the seed of the skin's texture.
    """

    width: float
    jaw: float
    hairline: float
    brow_y: float
    brow_arch: float
    brow_tilt: float
    brow_thickness: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    nose_y: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    lip_height: float
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    backdrop: tuple[float, float, float]
    side_light: float
    gain: float
    asymmetry: float
    grain: int


def draw_face(stream: np.random.Generator) -> Face:
    """A random face."""
    between = stream.uniform
    eye_y = between(-0.28, -0.2)
    eye_height = between(0.06, 0.085)
    return Face(
        width=between(0.76, 0.88),
        jaw=between(0.12, 0.3),
        hairline=between(-0.95, -0.8),
        brow_y=eye_y - eye_height - between(0.1, 0.16),
        brow_arch=between(0.03, 0.07),
        brow_tilt=between(-0.08, 0.1),
        brow_thickness=between(0.028, 0.05),
        eye_x=between(0.33, 0.4),
        eye_y=eye_y,
        eye_width=between(0.155, 0.19),
        eye_height=eye_height,
        nose_y=between(0.18, 0.27),
        nose_width=between(0.15, 0.2),
        mouth_y=between(0.5, 0.58),
        mouth_width=between(0.27, 0.35),
        lip_height=between(0.055, 0.085),
        skin=_tint(stream, (200.0, 155.0, 130.0), 0.2, 0.05),
        hair=_tint(stream, (48.0, 36.0, 30.0), 0.5, 0.1),
        iris=_tint(stream, (70.0, 52.0, 38.0), 0.4, 0.15),
        backdrop=_tint(stream, (105.0, 110.0, 115.0), 0.4, 0.05),
        side_light=between(-0.2, 0.2),
        gain=between(0.85, 1.15),
        asymmetry=between(-0.2, 0.2),
        grain=int(stream.integers(2**31)),
    )


def _tint(
    stream: np.random.Generator, base: tuple[float, float, float], shade: float, hue: float
) -> tuple[float, float, float]:
    common = stream.uniform(1 - shade, 1 + shade / 2)
    red, green, blue = np.array(base) * common * stream.uniform(1 - hue, 1 + hue, 3)
    return float(red), float(green), float(blue)


def landmarks(face: Face) -> dict[str, tuple[float, float]]:
    """Landmark name -> (x, y); of a pair of landmarks the one with x > 0."""
    eye_x, eye_y = face.eye_x, face.eye_y
    return {
        "inner_brow": (eye_x - face.eye_width, face.brow_y),
        "middle_brow": (eye_x, face.brow_y),
        "outer_brow": (eye_x + face.eye_width, face.brow_y),
        "upper_lid": (eye_x, eye_y - face.eye_height),
        "lower_lid": (eye_x, eye_y + face.eye_height),
        "cheek": (eye_x + 0.08, (eye_y + face.nose_y) / 2 + 0.16),
        "nose_side": (0.1, (eye_y + face.nose_y) / 2),
        "nostril": (face.nose_width, face.nose_y),
        "upper_lip": (0.0, face.mouth_y - face.lip_height),
        "lower_lip": (0.0, face.mouth_y + face.lip_height),
        "lip_middle": (face.mouth_width / 2, face.mouth_y - face.lip_height),
        "lip_corner": (face.mouth_width, face.mouth_y),
        "chin": (0.0, face.mouth_y + 0.28),
    }


def grid(size: int) -> tuple[Array, Array]:
    """Face coordinates of the pixel centres: x of shape (1, size) and y of shape (size, 1)."""
    along = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
    return along[None, :], along[:, None]
