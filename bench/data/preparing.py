"""Filling the clip cache ahead of runs, and verifying it."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from baselines.fixed import CHANNELS, FLOWS, StillInput
from bench.config.settings import DataConfig
from bench.data.cache import Product, load_arrays
from bench.data.clips import Clip, ClipSet, clip_title
from bench.data.disk.images import read_frames
from bench.data.disk.ready_flow import ReadyFlow
from bench.data.stills.inputs import load_inputs, still_product
from bench.data.videos import flow_image_of, load_videos, video_product
from bench.errors import UsageError, unknown_name
from bench.seeds import derive_seed
from bench.system.processes import in_processes

if TYPE_CHECKING:
    import numpy as np

    from baselines.fixed import Kind

CLIP = "clip"
USUAL_SIZES = {"flow": 28, "flow_pair": 28, "landmark_patches": 7}
"""Default size of a still in pixels; the other kinds take that of the clips."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """An input to prepare; `still` is None for the clips themselves."""

    name: str
    still: StillInput | None

    @classmethod
    def named(cls, text: str, config: DataConfig) -> Wanted:
        """From `clip`, a kind of still, or kind and size (`apex:224`); UsageError otherwise."""
        kind, _, size = text.strip().partition(":")
        if kind not in (CLIP, *CHANNELS):
            raise unknown_name("input", kind, (CLIP, *CHANNELS))
        if size and (kind == CLIP or not re.fullmatch(r"[1-9][0-9]{0,3}", size)):
            raise UsageError(
                f"input {text!r}: expected {CLIP}, or a still and its size as apex:224"
            )
        if kind == CLIP:
            return cls(kind, None)
        side = int(size) if size else USUAL_SIZES.get(kind, config.size)
        return cls(kind, StillInput(cast("Kind", kind), side))

    @classmethod
    def of(cls, still: StillInput | None) -> Wanted:
        """The input of a method as the cache holds it; still None: clips."""
        if still is None:
            return cls(CLIP, None)
        views = f" in {still.views} views" if still.views > 1 else ""
        kept = StillInput(
            still.kind,
            still.size,
            amplifications=still.amplifications,
            neighbours=still.neighbours,
        )
        return cls(f"{still.kind}:{still.size}{views}", kept)

    def product(self, clip: Clip, config: DataConfig) -> Product:
        """What the cache holds for that clip."""
        still = self.still or flow_image_of(config)
        if still is None:
            return video_product(config)
        if clip.ready_flow and still.kind in FLOWS:
            return ReadyFlow(still.size)
        return still_product(still, config)

    def load(
        self,
        clip_set: ClipSet,
        config: DataConfig,
        cache: Path,
        progress: Progress,
        workers: int,
        made: list[Clip],
    ) -> np.ndarray:
        """The input of all clips; missing entries of the cache are made."""

        def step(done: int, total: int) -> None:
            progress(f"preparing {self.name}", done, total)

        if self.still is None:
            return load_videos(clip_set, config, cache, step, workers, made)
        return load_inputs(clip_set, self.still, config, cache, step, workers, made)


def prepare_inputs(
    clip_set: ClipSet,
    wanted: Sequence[Wanted],
    config: DataConfig,
    cache: Path,
    progress: Progress,
    workers: int,
) -> list[dict]:
    """Fills the cache; per input its `input`, `clips`, `made`, `found`, `seconds`, `shape`.

    Finished entries stay if the work is interrupted, and the next call finds them.
    """
    rows = []
    for entry in wanted:
        made: list[Clip] = []
        start = time.perf_counter()
        array = entry.load(clip_set, config, cache, progress, workers, made)
        rows.append(
            {
                "input": entry.name,
                "clips": len(array),
                "made": len(made),
                "found": len(array) - len(made),
                "seconds": round(time.perf_counter() - start, 3),
                "shape": list(array.shape[1:]),
            }
        )
    return rows


def verify_inputs(
    clip_set: ClipSet,
    wanted: Sequence[Wanted],
    config: DataConfig,
    cache: Path,
    count: int,
    seed: int,
    progress: Progress,
    workers: int,
) -> list[dict]:
    """Makes a random sample of every input again and compares it with the cache.

    Per input its `input`, `clips`, and the clips `differing` in any byte.
    """
    rows = []
    for entry in wanted:
        drawn = random.Random(derive_seed(seed, f"verify-{entry.name}"))
        sample = drawn.sample(clip_set.clips, min(count, len(clip_set.clips)))
        jobs = [(clip, entry.product(clip, config)) for clip in sample]
        differing = []
        fresh = in_processes(_made_anew, jobs, min(workers, len(jobs)) or 1)
        for done, ((clip, product), bytes_) in enumerate(zip(jobs, fresh, strict=True), start=1):
            if load_arrays([clip], product, cache)[0].tobytes() != bytes_:
                differing.append(clip_title(clip))
            progress(f"verifying {entry.name}", done, len(jobs))
        rows.append({"input": entry.name, "clips": len(jobs), "differing": differing})
    return rows


def _made_anew(job: tuple[Clip, Product]) -> bytes:
    import numpy as np

    clip, product = job
    array = np.empty(product.shape, product.dtype)
    array[...] = product.make(clip, read_frames(clip))
    return array.tobytes()


def peak_memory_mb(workers: int) -> float | None:
    """Upper bound in MB (10^6 bytes): this process's peak plus the largest child's per worker.

    None where the system does not tell.
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    own, child = (
        resource.getrusage(who).ru_maxrss * unit / 1e6
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return round(own + (child * workers if workers > 1 else 0), 1)
