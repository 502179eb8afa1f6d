"""How well simple methods do on surrogate clips, from one that should fail to one that should not.

A set of clips is fit for a benchmark where the onset frame alone and shuffled labels lead to
chance, and where methods that see the motion lie far above it, yet not all at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bench.config.settings import DataConfig
from bench.data.clips import CHALLENGE_CLASSES, Clip
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import luminance
from bench.data.sources import Source, find_clips
from bench.data.stills.flow import tvl1
from bench.data.stills.inputs import load_inputs
from bench.seeds import derive_seed

SHUFFLES = 20
"""Permutations of the labels whose mean a method must be at."""

STRENGTH = 0.1
"""C of the logistic regression, the same for all methods and difficulties: nothing is tuned."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Level:
    """One set of surrogate clips."""

    dataset: str
    difficulty: float
    seed: int = 0


class Views:
    """What the methods may see of N clips of S × S pixels, each made when it is asked for.

    Clips are made, and what is costly kept, below `cache`.
    """

    def __init__(self, level: Level, cache: Path, progress: Progress) -> None:
        self.config = config_of(level)
        self.cache, self.progress = cache, progress
        source = Source(level.dataset, None, True, cache.absolute())
        self.clip_set = find_clips(source, self.config, progress)

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,)."""
        return np.array([clip.label for clip in self.clip_set.clips])

    @cached_property
    def subjects(self) -> np.ndarray:
        """(N,)."""
        return np.array([f"{clip.dataset} {clip.subject}" for clip in self.clip_set.clips])

    @property
    def onset(self) -> np.ndarray:
        """(N, S, S) grey levels 0..255 of the first frame."""
        return self._onset_and_middle[:, 0]

    @property
    def middle(self) -> np.ndarray:
        """(N, S, S) grey levels 0..255 of the frame in the middle."""
        return self._onset_and_middle[:, 1]

    @cached_property
    def apex(self) -> np.ndarray:
        """(N, S, S) grey levels 0..255 of the apex, spotted where none is annotated."""
        frames = self._still("apex", self.config.flow_side)  # (N, 3, S, S), 0..1
        return 255 * luminance(np.moveaxis(frames, 1, -1))

    @cached_property
    def spotted(self) -> np.ndarray:
        """(N, 2, S, S) the harness's own flow from onset to apex, in pixels."""
        return self._still("flow_pair", self.config.flow_side)

    @cached_property
    def still(self) -> np.ndarray:
        """(N, 2, S, S) flow from onset to middle without the movement of the whole head, pixels."""
        return np.stack(
            [
                without_head(tvl1(onset, middle))
                for onset, middle in self._steps("flow to middle", self._onset_and_middle)
            ]
        )

    @cached_property
    def _onset_and_middle(self) -> np.ndarray:
        clips = self._steps("frames", self.clip_set.clips)
        return np.stack([onset_and_middle(clip) for clip in clips])

    def _still(self, kind: str, size: int) -> np.ndarray:
        """As the fixed networks get it."""
        from baselines.fixed import StillInput

        def one_more(done: int, total: int) -> None:
            self.progress(kind, done, total)

        return load_inputs(self.clip_set, StillInput(kind, size), self.config, self.cache, one_more)

    def _steps(self, what: str, things: Sequence[Any]) -> Iterator[Any]:
        for number, thing in enumerate(things):
            self.progress(what, number, len(things))
            yield thing


@dataclass(frozen=True)
class Method:
    """Features of clips, (N, features), and what they are in words."""

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
            "optical flow, onset to spotted apex", lambda seen: flow_blocks(seen.spotted)
        ),
        "middle_flow": Method(
            "optical flow, onset to middle, head movement removed",
            lambda seen: flow_blocks(seen.still),
        ),
    }
)

SHUFFLED = ("onset", "apex", "middle_flow")
"""The methods that are also told permuted labels."""


PEAKS = MappingProxyType({"flow_peak": "spotted", "expression_peak": "still"})
"""Measure of how far faces move -> the view whose flow it is of."""


@dataclass(frozen=True)
class Result:
    """One number: `spread` is the standard deviation over repeats, or half the quartile range."""

    measure: str
    of: str
    value: float
    spread: float
    repeats: int


def measure(
    level: Level, cache: Path, progress: Progress, known: Collection[tuple[str, str]] = ()
) -> Iterator[Result]:
    """The results of a set of clips that are not `known` as (measure, of); clips are made where the
    cache has none.

    Yields UAR (`uar`) of each method by leave-one-subject-out, its mean over SHUFFLES permutations
    of the labels (`shuffled_uar`), and per class the median greatest displacement of a clip in
    pixels (`flow_peak`; `expression_peak` without the movement of the head).
    """
    seen = Views(level, cache, progress)
    for name, method in METHODS.items():
        if ("uar", name) not in known:
            score = loso_uar(method.features(seen), seen.labels, seen.subjects)
            yield Result("uar", name, score, 0.0, 1)
        if name in SHUFFLED and ("shuffled_uar", name) not in known:
            scores = list(_shuffled_scores(seen, name, level.seed))
            yield Result("shuffled_uar", name, np.mean(scores), np.std(scores, ddof=1), SHUFFLES)
    for measure_name, view in PEAKS.items():
        missing = [word for word in CHALLENGE_CLASSES if (measure_name, word) not in known]
        if not missing:
            continue
        flow = getattr(seen, view)
        peaks = np.hypot(flow[:, 0], flow[:, 1]).max((1, 2))
        for word in missing:
            own = peaks[seen.labels == CHALLENGE_CLASSES.index(word)]
            low, median, high = np.quantile(own, (0.25, 0.5, 0.75))
            yield Result(measure_name, word, median, (high - low) / 2, len(own))


def _shuffled_scores(seen: Views, name: str, seed: int) -> Iterator[float]:
    features = METHODS[name].features(seen)
    for number in range(SHUFFLES):
        seen.progress(f"{name}, labels shuffled", number, SHUFFLES)
        shuffle = np.random.default_rng(derive_seed(seed, "shuffle-labels", step=number))
        yield loso_uar(features, shuffle.permutation(seen.labels), seen.subjects)


def config_of(level: Level) -> DataConfig:
    """The settings that make these clips."""
    return DataConfig(difficulty=f"{level.difficulty:g}", surrogate_seed=level.seed)


def onset_and_middle(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels (S, S) of the first frame and of the one in the middle."""
    grey = luminance(decode(clip, read_frames(clip)))
    return grey[0], grey[len(grey) // 2]


def without_head(flow: np.ndarray) -> np.ndarray:
    """The flow (2, S, S) less the affine movement that most of it shares: head, not expression.

    Least absolute deviations, by least squares that are weighted anew eight times.
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
    """u and v over 8 × 8 blocks: (N, 2, S, S) -> (N, 128)."""
    return np.hstack([blocks(flow[:, 0], 8), blocks(flow[:, 1], 8)])


def outlines(pictures: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients in cells of an eighth of the side: (N, S, S) -> (N, 1764)
    where 8 divides S."""
    from skimage.feature import hog

    cell = pictures.shape[1] // 8
    return np.stack(
        [hog(picture, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for picture in pictures]
    )


def loso_uar(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray) -> float:
    """Pooled UAR of a balanced logistic regression, leaving one subject out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import recall_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), regression),
        features,
        labels,
        groups=subjects,
        cv=LeaveOneGroupOut(),
    )
    return float(recall_score(labels, predicted, average="macro"))
