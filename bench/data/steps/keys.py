"""Cache keys of the steps between disk and cache: what decides the pixels, and nothing else.

Settings of a step that is off do not count, and neither do the names of files: a clip's box among
the landmarks does, and what is in the file of weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.data.clips import Clip
from bench.data.disk.limits import MAX_SIDE
from bench.data.disk.video_files import reader_key
from bench.data.steps.crop import detector_key
from bench.data.steps.landmarks import landmark_box
from bench.data.steps.settings import Preprocessing
from bench.errors import UsageError
from bench.system.files import MOST_WEIGHT_BYTES, file_bytes

PIPELINE_VERSION = 2
"""Raised whenever the same files and settings would give other pixels: old cache entries lapse."""

MAGNET_VERSION = 1
"""Raised whenever the same weights would give other frames: old cache entries lapse."""


def settings_key(steps: Preprocessing) -> str:
    """Names what these settings do and the version of the code that does it."""
    used = {"frames": steps.frames, "size": steps.size, **_crop_settings(steps)}
    used |= magnify_settings(steps)
    return json.dumps({"version": PIPELINE_VERSION, **used}, sort_keys=True)


def clip_key(steps: Preprocessing, clip: Clip) -> str:
    """`settings_key`, and what the settings say of this very clip."""
    return settings_key(steps) + _box_key(steps, clip) + reader_key(clip)


def crop_key(steps: Preprocessing, clip: Clip) -> str:
    """As `clip_key`, of the crop alone."""
    used = {"version": PIPELINE_VERSION, **_crop_settings(steps)}
    return json.dumps(used) + _box_key(steps, clip) + reader_key(clip)


def magnify_settings(steps: Preprocessing) -> dict[str, Any]:
    """What decides how motion is magnified; empty where it is not."""
    if steps.magnify == "eulerian":
        return {k: v for k, v in asdict(steps).items() if k.startswith("magnify")}
    if steps.magnify == "learned":
        return {
            "magnify": [steps.magnify, MAGNET_VERSION],
            "magnify_alpha": steps.magnify_alpha,
            "magnifier_weights": weights_digest(steps.magnifier_weights),
        }
    return {}


def weights_digest(file: str) -> str:
    """SHA-256 of a weights file, which cache keys and run records name it by; UsageError without.

    The file is read again only where its size or times changed.
    """
    path = Path(file).expanduser()
    try:
        found = path.stat()
        return _digest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError as error:
        raise UsageError(
            f"data.magnifier_weights={file}: the file cannot be read ({error.strerror}); name the "
            "state_dict of a trained network of Oh et al. 2018"
        ) from error


@lru_cache(maxsize=4)
def _digest(path: Path, size: int, modified: int, changed: int) -> str:
    return hashlib.sha256(file_bytes(path, MOST_WEIGHT_BYTES)).hexdigest()


def _crop_settings(steps: Preprocessing) -> dict[str, str | float]:
    if steps.crop == "none":
        return {}
    names = ("crop", "crop_margin", "crop_fallback")
    used: dict[str, str | float] = {name: getattr(steps, name) for name in names}
    if steps.crop == "detect":
        used["detector"] = detector_key(steps.detector)
    return used


def _box_key(steps: Preprocessing, clip: Clip) -> str:
    if steps.crop != "landmarks":
        return ""
    return f" {landmark_box(clip, MAX_SIDE, MAX_SIDE, steps.landmarks, 0.0)}"
