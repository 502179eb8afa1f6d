"""UAR of simple methods on surrogate clips, and how far the faces in them move.

Clips are fit for a benchmark if the onset frame alone and shuffled labels give chance, and if
methods that see motion are far above chance but not all perfect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from bench.config.settings import SURROGATE_VERSION, DataConfig
from bench.data.clips import CHALLENGE_CLASSES, Clip
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import luminance
from bench.data.sources import Source, find_clips
from bench.data.stills.flow import tvl1
from bench.data.stills.inputs import load_inputs
from bench.seeds import derive_seed

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

SHUFFLES = 20
"""Permutations of the labels."""

STRENGTH = 0.1
"""C of the logistic regression, the same for all methods and difficulties: nothing is tuned."""

Progress = Callable[[str, int, int], None]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Level:
    """What identifies a set of surrogate clips."""

    dataset: str
    difficulty: float
    seed: int = 0


class Views:
    """Inputs of the methods for N clips of S × S pixels, each computed on first use.

    Clips and costly inputs are cached below `cache`.
    """

    def __init__(self, level: Level, cache: Path, progress: Progress) -> None:
        self.config = config_of(level)
        self.cache, self.progress = cache, progress
        source = Source(level.dataset, None, True, cache.absolute())
        self.clip_set = find_clips(source, self.config, progress)

    @cached_property
    def labels(self) -> np.ndarray:
        """Class indices (N,)."""
        return np.array([clip.label for clip in self.clip_set.clips])

    @cached_property
    def subjects(self) -> np.ndarray:
        """Data set and subject as text (N,)."""
        return np.array([f"{clip.dataset} {clip.subject}" for clip in self.clip_set.clips])

    @property
    def onset(self) -> np.ndarray:
        """Grey levels 0..255 of the first frame (N, S, S)."""
        return self._onset_and_middle[:, 0]

    @property
    def middle(self) -> np.ndarray:
        """Grey levels 0..255 of the middle frame (N, S, S)."""
        return self._onset_and_middle[:, 1]

    @cached_property
    def apex(self) -> np.ndarray:
        """Grey levels 0..255 of the apex (N, S, S), spotted where none is annotated."""
        frames = self._still("apex", self.config.flow_side)  # (N, 3, S, S), 0..1
        return 255 * luminance(np.moveaxis(frames, 1, -1))

    @cached_property
    def apex_flow(self) -> np.ndarray:
        """Flow from onset to apex as fixed networks get it (N, 2, S, S), pixels."""
        return self._still("flow_pair", self.config.flow_side)

    @cached_property
    def middle_flow(self) -> np.ndarray:
        """Flow from onset to middle without the head's movement (N, 2, S, S), pixels."""
        pairs = self._steps("flow to middle", self._onset_and_middle)
        return np.stack([without_head(tvl1(onset, middle)) for onset, middle in pairs])

    @cached_property
    def _onset_and_middle(self) -> np.ndarray:
        clips = self._steps("frames", self.clip_set.clips)
        return np.stack([onset_and_middle(clip) for clip in clips])

    def _still(self, kind: Literal["apex", "flow_pair"], size: int) -> np.ndarray:
        from baselines.fixed import StillInput

        still, progress = StillInput(kind, size), partial(self.progress, kind)
        return load_inputs(self.clip_set, still, self.config, self.cache, progress)

    def _steps(self, what: str, items: Collection[Item]) -> Iterator[Item]:
        for number, item in enumerate(items):
            self.progress(what, number, len(items))
            yield item


@dataclass(frozen=True)
class Method:
    """A function to features (N, features), and its name in tables."""

    title: str
    features: Callable[[Views], np.ndarray]


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "onset": Method("onset frame alone", lambda seen: blocks(seen.onset, 16)),
        "apex": Method("apex frame alone, its outlines (HOG)", lambda seen: outlines(seen.apex)),
        "difference": Method(
            "where grey levels change, onset to middle",
            lambda seen: blocks(np.abs(seen.middle - seen.onset), 8),
        ),
        "spotted_flow": Method(
            "optical flow, onset to spotted apex", lambda seen: flow_blocks(seen.apex_flow)
        ),
        "middle_flow": Method(
            "optical flow, onset to middle, head movement removed",
            lambda seen: flow_blocks(seen.middle_flow),
        ),
    }
)

SHUFFLED = ("onset", "apex", "middle_flow")
"""Methods that are also measured with permuted labels."""


PEAKS = MappingProxyType({"flow_peak": "apex_flow", "expression_peak": "middle_flow"})
"""Measure of how far faces move -> attribute of `Views` with the flow."""


@dataclass(frozen=True)
class Result:
    """One number; `spread`: standard deviation over repeats, or half the interquartile range."""

    measure: str
    of: str
    value: float
    spread: float
    repeats: int


def measure(
    level: Level, cache: Path, progress: Progress, known: Collection[tuple[str, str]] = ()
) -> Iterator[Result]:
    """Yields the results of a set of clips except those that are `known` as (measure, of).

    These are the leave-one-subject-out UAR of each method (`uar`), its mean over SHUFFLES
    permutations of the labels (`shuffled_uar`), and per class the median over clips of the largest
    displacement in pixels (`flow_peak`; `expression_peak` without the head's movement). Clips are
    generated where the cache has none.
    """
    seen = Views(level, cache, progress)
    for name, method in METHODS.items():
        if ("uar", name) not in known:
            score = loso_uar(method.features(seen), seen.labels, seen.subjects)
            yield Result("uar", name, score, 0.0, 1)
        if name in SHUFFLED and ("shuffled_uar", name) not in known:
            scores = list(_shuffled_scores(seen, name, level.seed))
            mean, spread = float(np.mean(scores)), float(np.std(scores, ddof=1))
            yield Result("shuffled_uar", name, mean, spread, SHUFFLES)
    for measure_name, attribute in PEAKS.items():
        missing = [word for word in CHALLENGE_CLASSES if (measure_name, word) not in known]
        if not missing:
            continue
        flow = getattr(seen, attribute)
        peaks = np.hypot(flow[:, 0], flow[:, 1]).max((1, 2))
        for word in missing:
            own = peaks[seen.labels == CHALLENGE_CLASSES.index(word)]
            low, median, high = np.quantile(own, (0.25, 0.5, 0.75)).tolist()
            yield Result(measure_name, word, median, (high - low) / 2, len(own))


def _shuffled_scores(seen: Views, name: str, seed: int) -> Iterator[float]:
    features = METHODS[name].features(seen)
    for number in range(SHUFFLES):
        seen.progress(f"{name}, labels shuffled", number, SHUFFLES)
        shuffle = np.random.default_rng(derive_seed(seed, "shuffle-labels", step=number))
        yield loso_uar(features, shuffle.permutation(seen.labels), seen.subjects)


def config_of(level: Level) -> DataConfig:
    """The settings that make these clips."""
    return DataConfig(
        difficulty=f"{level.difficulty:g}",
        surrogate_seed=level.seed,
        surrogate_version=SURROGATE_VERSION,
    )


def onset_and_middle(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels (S, S) of the first and of the middle frame."""
    grey = luminance(decode(clip, read_frames(clip)))
    return grey[0], grey[len(grey) // 2]


def without_head(flow: np.ndarray) -> np.ndarray:
    """The flow (2, S, S) minus its dominant affine part: the head's movement, not the expression.

    The affine part is fitted by least absolute deviations (iteratively reweighted least squares).
    """
    height, width = flow.shape[1:]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    design = np.stack([np.ones_like(x), x, y], -1)  # (S, S, 3)
    some = design[::4, ::4].reshape(-1, 3)
    rest = np.empty_like(flow)
    for plane, field in zip(rest, flow, strict=True):
        target = field[::4, ::4].reshape(-1)
        weight = np.ones_like(target)
        for _ in range(8):
            root = np.sqrt(weight)
            movement = np.linalg.lstsq(some * root[:, None], target * root, rcond=None)[0]
            weight = 1 / np.maximum(np.abs(target - some @ movement), 0.02)
        plane[...] = field - design @ movement
    return rest


def blocks(pictures: np.ndarray, count: int) -> np.ndarray:
    """Means over `count` × `count` blocks: (N, S, S) -> (N, count²)."""
    side = pictures.shape[1] // count
    cut = pictures[:, : side * count, : side * count]
    return cut.reshape(len(cut), count, side, count, side).mean((2, 4)).reshape(len(cut), -1)


def flow_blocks(flow: np.ndarray) -> np.ndarray:
    """Means of u and v over 8 × 8 blocks: (N, 2, S, S) -> (N, 128)."""
    return np.hstack([blocks(flow[:, 0], 8), blocks(flow[:, 1], 8)])


def outlines(pictures: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients in 8 × 8 cells: (N, S, S) -> (N, 1764) if 8 divides S."""
    from skimage.feature import hog

    cell = pictures.shape[1] // 8
    return np.stack(
        [hog(picture, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for picture in pictures]
    )


def loso_uar(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray) -> float:
    """Leave-one-subject-out UAR, pooled over folds, of a class-balanced logistic regression."""
    from sklearn.metrics import recall_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

    predicted = cross_val_predict(
        regression(), features, labels, groups=subjects, cv=LeaveOneGroupOut()
    )
    return float(recall_score(labels, predicted, average="macro"))


def regression() -> Pipeline:
    """A class-balanced logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    return make_pipeline(StandardScaler(), model)
