"""What networks of clips see: 8-bit frames, or a clip of optical flow, from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.fixed import StillInput
from bench.config.settings import DataConfig
from bench.data.cache import Product, Progress, load_arrays
from bench.data.clips import Clip, ClipSet
from bench.data.disk.ready_flow import SIDE
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import preprocessing
from bench.data.stills.inputs import load_inputs
from bench.data.stills.products import FlowClip

if TYPE_CHECKING:
    import numpy as np


def clip_settings(config: DataConfig, clips: Sequence[Clip]) -> DataConfig:
    """The settings under which networks of clips see these clips.

    A ready flow image is a clip of one frame: where there is one, all clips are such.
    """
    if not any(clip.ready_flow for clip in clips):
        return config
    return replace(config, representation="flow", frames=1, size=SIDE, jitter=0)


def flow_image_of(config: DataConfig) -> StillInput | None:
    """The still that a clip of one frame of flow is, onset to apex; None for other clips."""
    one = config.representation == "flow" and config.frames == 1
    return StillInput("flow", config.size) if one else None


def video_product(config: DataConfig) -> Product:
    """What the cache holds for a clip, unless it is a still (`flow_image_of`)."""
    steps = preprocessing(config)
    return FlowClip(steps, config.flow_side) if config.representation == "flow" else Video(steps)


def load_videos(
    clip_set: ClipSet,
    config: DataConfig,
    cache: Path,
    progress: Progress | None = None,
    workers: int = 1,
    made: list[Clip] | None = None,
) -> np.ndarray:
    """All clips, uint8 RGB (N, T, S, S, 3), or with representation `flow` float32 u, v, strain.

    Flow is `normalised`. A clip of one frame of it is the flow image of `load_inputs`: onset to
    apex, ready or computed, and not magnified. Otherwise as `load_arrays`.
    """
    if still := flow_image_of(config):
        stills = load_inputs(clip_set, still, config, cache, progress, workers, made)
        return normalised(stills.transpose(0, 2, 3, 1)[:, None])
    videos = load_arrays(clip_set.clips, video_product(config), cache, progress, workers, made)
    return normalised(videos) if config.representation == "flow" else videos


def normalised(flows: np.ndarray) -> np.ndarray:
    """Flow clips (N, T, S, S, 3), in place, within -1 to 1 whatever their unit.

    Of every frame each channel loses its median, and so a translation of the whole face (or the
    level that stands for 0 in a ready image); then every clip is divided by its largest absolute
    value, u and v by one, strain by its own. Frames without motion stay 0.
    """
    import numpy as np

    for clip in flows:  # one at a time: a copy of a large set takes gigabytes
        clip -= np.median(clip, (1, 2), keepdims=True)
        for channels in (clip[..., :2], clip[..., 2:]):
            channels /= np.abs(channels).max() or 1
    return flows
