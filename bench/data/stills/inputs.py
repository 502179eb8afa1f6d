"""Inputs of networks that take one image per clip: flow, apex frame, dynamic image, patches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.fixed import FLOWS, StillInput
from bench.config.settings import DataConfig
from bench.data.cache import Product, Progress, load_arrays
from bench.data.clips import Clip, ClipSet
from bench.data.disk.ready_flow import ReadyFlow
from bench.data.pixels import resize
from bench.data.steps.settings import preprocessing
from bench.data.stills.products import Apex, DynamicImage, Flow, FlowColour, LandmarkPatches

if TYPE_CHECKING:
    import numpy as np

STRAIN = 2
"""Channel of the strain, after u and v."""


def load_inputs(
    clip_set: ClipSet,
    wanted: StillInput,
    config: DataConfig,
    cache: Path,
    progress: Progress | None = None,
    workers: int = 1,
    made: list[Clip] | None = None,
) -> np.ndarray:
    """The stills of all clips, float32 (N, C, S, S), from the cache where possible.

    With several views they are (N, K, C, S, S), in the order of the amplifications or frames.

    By kind: `flow` u, v (pixels of a face of `data.flow_side`, right and down positive) and strain;
    `flow_pair` u and v; `flow_colour` and `dynamic_image` RGB 0..255; `apex` RGB 0..1;
    `landmark_patches` grey levels of apex minus onset. u, v and strain are resized to S; with scale
    `minmax` each channel of each clip is then rescaled to 0..255 (zeros where it is constant). A
    flow that a manifest gives as a ready image keeps its 0..255 whatever the scale. Finally all is
    divided by `wanted.divisor`.

    `progress` is called with (clips done, clips in all); `workers` and `made` as for `load_arrays`.
    Raises DataError, the clip named, where a still cannot be made.
    """
    import numpy as np

    clips = clip_set.clips
    if wanted.kind in FLOWS and any(clip.ready_flow for clip in clips):
        values = _given_and_computed(clips, wanted, config, cache, progress, workers, made)
    else:
        product = still_product(wanted, config)
        stills = load_arrays(clips, product, cache, progress, workers, made)
        values = _flows(stills, wanted) if wanted.kind in FLOWS else stills.astype(np.float32)
    if wanted.kind == "apex":
        values /= 255
    values /= wanted.divisor
    return values


def flow_tops(clips: Sequence[Clip], wanted: StillInput | None) -> np.ndarray | None:
    """What u, and v, of a pixel and of its mirror image add up to, for every clip: float32 (N,).

    0 for flow in pixels, for flow in 0..255 the highest value there is. None of other inputs.
    """
    import numpy as np

    if wanted is None or wanted.kind not in FLOWS:
        return None
    levels = [wanted.scale == "minmax" or clip.ready_flow for clip in clips]
    return np.array(levels, np.float32) * np.float32(255 / wanted.divisor)


def still_product(wanted: StillInput, config: DataConfig) -> Product:
    """What the cache holds for that input; flows of all sizes share an entry."""
    steps = preprocessing(config)
    match wanted.kind:
        case "flow" | "flow_pair":
            return Flow(steps, config.flow_side)
        case "flow_colour":
            return FlowColour(steps, wanted.size, config.flow_side)
        case "apex":
            return Apex(steps, wanted.size, wanted.neighbours)
        case "dynamic_image":
            return DynamicImage(steps, wanted.size)
        case "landmark_patches":
            return LandmarkPatches(steps, config.flow_side, wanted.size, wanted.amplifications)
    raise ValueError(f"no still of kind {wanted.kind!r}")


def _given_and_computed(
    clips: Sequence[Clip],
    wanted: StillInput,
    config: DataConfig,
    cache: Path,
    progress: Progress | None,
    workers: int,
    made: list[Clip] | None,
) -> np.ndarray:
    """Flows of clips, some of which are given as ready images."""
    import numpy as np

    ready = np.array([clip.ready_flow for clip in clips])
    given, others = ([clip for clip in clips if clip.ready_flow is kind] for kind in (True, False))
    done = progress and (lambda count, _: progress(len(others) + count, len(clips)))
    below = progress and (lambda count, _: progress(count, len(clips)))
    values = np.empty((len(clips), *wanted.shape), np.float32)
    computed = load_arrays(others, still_product(wanted, config), cache, below, workers, made)
    values[~ready] = _flows(computed, wanted)
    images = load_arrays(given, ReadyFlow(wanted.size), cache, done, made=made)
    values[ready] = images[:, : wanted.channels]
    return values


def _flows(stored: np.ndarray, wanted: StillInput) -> np.ndarray:
    """Flows (N, 3, side, side) in the kind, size and scale wanted."""
    planes = stored[:, : wanted.channels].transpose(0, 2, 3, 1)
    flows = resize(planes, wanted.size).transpose(0, 3, 1, 2)
    if wanted.scale == "minmax":
        return minmax(flows)
    flows[:, STRAIN:] *= wanted.strain_factor
    return flows


def minmax(stills: np.ndarray) -> np.ndarray:
    """Each channel of each still (N, C, H, W) rescaled to 0..255; zeros where it is constant."""
    import numpy as np

    least = stills.min((2, 3), keepdims=True)
    above = stills - least
    extent = above.max((2, 3), keepdims=True)
    return 255 * np.divide(above, extent, out=np.zeros_like(above), where=extent > 0)
