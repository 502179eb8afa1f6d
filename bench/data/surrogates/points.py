"""The usual 68 landmarks (iBUG 300-W, dlib) of a generated face, known without a detector.

Points are in the order of that scheme, the face's right side (the image's left) first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.data.surrogates.faces import Face
from bench.data.surrogates.motion import draw_motion
from bench.data.surrogates.painting import (
    BROW_REACH,
    SEAM_SAG,
    across_mouth,
    brow_ridge,
    eye_rims,
    half_width,
    lip_rims,
)
from bench.data.surrogates.pictures import subject_face, subject_scene
from bench.data.surrogates.plans import Plan, Settings
from bench.system.files import csv_text

Array = np.ndarray

COUNT = 68


def landmark_table(plans: Sequence[Plan], settings: Settings) -> str:
    """A CSV file with a row per clip: subject, clip, x1, y1 to x68, y68.

    It names no data set, since no two data sets share a subject's name.
    """
    columns = [f"{axis}{number}" for number in range(1, COUNT + 1) for axis in "xy"]
    rows = []
    for plan in plans:
        numbers = (f"{number:.2f}" for number in onset_points(plan, settings).flat)
        rows.append([plan.row.subject, plan.clip_name, *numbers])
    return csv_text(["subject", "clip", *columns], rows)


def onset_points(plan: Plan, settings: Settings) -> Array:
    """(68, 2): x and y of a clip's landmarks on its onset frame, in pixels.

    Whole numbers are the centres of pixels.
    """
    person = (plan.row.dataset, plan.row.subject)
    face = subject_face(*person, settings.seed)
    motion = draw_motion(plan, settings, face.gain)
    shift, turn, zoom = (values[plan.before] for values in (motion.shift, motion.turn, motion.zoom))
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    points = zoom * face_points(face) @ turned + shift
    pixels = (points + 1) * (settings.size / 2) - 0.5
    if settings.raw:
        scene = subject_scene(*person, settings.seed, settings.size)
        pixels += (scene.left, scene.top)
    return pixels


def face_points(face: Face) -> Array:
    """(68, 2) in face coordinates, for the neutral face."""
    parts = (_jaw(face), _brows(face), _nose(face), _eyes(face), _outer_lips(face), _seam(face))
    return np.concatenate(parts)


def _jaw(face: Face) -> Array:
    """Points from ear to ear along the outline, through the chin."""
    along = np.linspace(-1, 1, 17)
    y = face.eye_y + (1 - face.eye_y) * np.cos(math.pi / 2 * along)
    across = half_width(face, y) * np.clip(1 - np.abs((y + 0.02) / 1.02) ** 2.6, 0, 1) ** (1 / 2.4)
    return np.stack([np.sign(along) * across, y], 1)


def _brows(face: Face) -> Array:
    along = np.array([0.9, 0.45, 0.0, -0.45, -0.9])  # from the outer end to the inner
    brow = np.stack([face.eye_x + BROW_REACH * face.eye_width * along, brow_ridge(face, along)], 1)
    return np.concatenate([_mirrored(brow), brow[::-1]])


def _nose(face: Face) -> Array:
    bridge = [(0.0, y) for y in np.linspace(face.eye_y, face.nose_y, 4)]
    base = [(face.nose_width * x, face.nose_y + 0.05) for x in (-1, -0.5, 0, 0.5, 1)]
    return np.array(bridge + base)


def _eyes(face: Face) -> Array:
    along = np.array([1, 1 / 3, -1 / 3, -1])  # from the outer corner to the inner
    upper, lower = eye_rims(face, along)
    x = face.eye_x + face.eye_width * along
    above, below = np.stack([x, upper], 1), np.stack([x, lower], 1)[2:0:-1]
    outer_first = np.concatenate([above, below])
    inner_first = np.concatenate([above[::-1], below[::-1]])
    return np.concatenate([_mirrored(outer_first), inner_first])


def _outer_lips(face: Face) -> Array:
    x = face.mouth_width * np.linspace(-1, 1, 7)
    upper, lower = lip_rims(face, x)
    return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[5:0:-1]])


def _seam(face: Face) -> Array:
    """The inner lips, which touch."""
    x = face.mouth_width * np.array([-0.85, -0.4, 0, 0.4, 0.85, 0.4, 0, -0.4])
    return np.stack([x, face.mouth_y + SEAM_SAG * across_mouth(face, x)], 1)


def _mirrored(points: Array) -> Array:
    return points * (-1, 1)
