"""What the steps between disk and cache are told."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.config.settings import DataConfig


@dataclass(frozen=True)
class Preprocessing:
    """What a clip becomes: `frames` frames (T) of `size` × `size` pixels (S).

    crop: none, detect (the largest face of the onset frame) or landmarks (a file of the user's);
    crop_margin: what is added all round, in sides of the box; crop_fallback: what to do where
    there is no face. magnify: none, eulerian (`bench.data.steps.eulerian`) or learned
    (`bench.data.steps.magnet`, by the weights in `magnifier_weights`); the rest are its settings.
    """

    frames: int = 16
    size: int = 112
    crop: str = "none"
    crop_margin: float = 0.0
    crop_fallback: str = "stop"
    landmarks: str = ""
    magnify: str = "none"
    magnify_alpha: float = 10.0
    magnify_low: float = 0.002
    magnify_high: float = 0.25
    magnify_wavelength: float = 16.0
    magnify_side: int = 160
    magnifier_weights: str = ""

    def __post_init__(self):
        for name in ("frames", "size"):
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"{name} is {value}; expected a whole number of at least 1.")
        if self.crop == "landmarks" and not self.landmarks:
            raise UsageError("data.crop=landmarks needs the file: --set data.landmarks=FILE.csv")
        if self.magnify == "learned" and not self.magnifier_weights:
            raise UsageError(
                "data.magnify=learned needs the weights of the network: --magnifier-weights FILE, "
                "the state_dict of a trained one"
            )
        if self.magnify_low >= self.magnify_high:
            raise UsageError(
                f"data.magnify_low={self.magnify_low} is not below "
                f"data.magnify_high={self.magnify_high}"
            )


def preprocessing(config: DataConfig) -> Preprocessing:
    """The steps between disk and cache under these settings."""
    names = (item.name for item in fields(Preprocessing))
    return Preprocessing(**{name: getattr(config, name) for name in names})
