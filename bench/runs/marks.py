"""Marks of a run: its variant's, changed where the settings supply an input it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.data.steps.landmarks import landmark_points

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.clips import Clip

NO_MAGNET, NO_LANDMARKS = "no MagNet", "no landmarks"

SUPPLIED = MappingProxyType({NO_MAGNET: "learned magnification", NO_LANDMARKS: "landmarks given"})
"""Mark of a missing input -> the mark that replaces it where the settings supply that input."""


def run_marks(marks: Sequence[str], config: DataConfig, clips: Sequence[Clip]) -> tuple[str, ...]:
    """The marks of a run on these clips by a variant that carries `marks`."""

    def supplied(mark: str) -> bool:
        if mark == NO_MAGNET:
            return config.magnify == "learned"
        if mark == NO_LANDMARKS and config.landmarks:
            return all(landmark_points(clip, config.landmarks) for clip in clips)
        return False

    return tuple(SUPPLIED[mark] if supplied(mark) else mark for mark in marks)
