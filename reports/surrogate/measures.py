"""How well simple methods do on surrogate clips, from one that should fail to one that should not.

A set of clips is fit for a benchmark where the onset frame alone and shuffled labels lead to
chance, and where methods that see the motion lie far above it, yet not all at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bench.config import DataConfig
from bench.data.clips import CHALLENGE_CLASSES, Clip
from bench.data.flow import tvl1
from bench.data.inputs import load_inputs
from bench.data.preprocess import decode, luminance, read_frames
from bench.seeds import derive_seed
from bench.sources import Source, find_clips

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


@dataclass(frozen=True)
class Views:
    """What the methods may see of N clips of S × S pixels.

    onset: (N, S, S) grey levels 0..255; middle: the same of the frame in the middle; spotted:
    (N, 2, S, S) the harness's own flow from onset to apex, spotted where none is annotated;
    still: (N, 2, S, S) flow from onset to middle without the movement of the whole head. Flows in
    pixels. labels, subjects: (N,).
    """

    onset: np.ndarray
    middle: np.ndarray
    spotted: np.ndarray
    still: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray


@dataclass(frozen=True)
class Method:
    """Features of clips, (N, features), and what they are in words."""

    title: str
    features: Callable[[Views], np.ndarray]


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "onset": Method("onset frame alone", lambda seen: blocks(seen.onset, 16)),
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

SHUFFLED = ("onset", "middle_flow")
"""The methods that are also told permuted labels."""


@dataclass(frozen=True)
class Result:
    """One number: `spread` is the standard deviation over repeats, or half the quartile range."""

    measure: str
    of: str
    value: float
    spread: float
    repeats: int


def measure(level: Level, cache: Path, progress: Progress) -> Iterator[Result]:
    """All results of a set of clips, which are made where the cache has none.

    Yields UAR (`uar`) of each method by leave-one-subject-out, its mean over SHUFFLES permutations
    of the labels (`shuffled_uar`), and per class the median greatest displacement of a clip in
    pixels (`flow_peak`; `expression_peak` without the movement of the head).
    """
    seen = views(level, cache, progress)
    for name, method in METHODS.items():
        features = method.features(seen)
        yield Result("uar", name, loso_uar(features, seen.labels, seen.subjects), 0.0, 1)
        if name in SHUFFLED:
            scores = []
            for number in range(SHUFFLES):
                progress(f"{name}, labels shuffled", number, SHUFFLES)
                shuffle = np.random.default_rng(
                    derive_seed(level.seed, "shuffle-labels", step=number)
                )
                labels = shuffle.permutation(seen.labels)
                scores.append(loso_uar(features, labels, seen.subjects))
            yield Result("shuffled_uar", name, np.mean(scores), np.std(scores, ddof=1), SHUFFLES)
    for measure_name, flow in (("flow_peak", seen.spotted), ("expression_peak", seen.still)):
        peaks = np.hypot(flow[:, 0], flow[:, 1]).max((1, 2))
        for label, word in enumerate(CHALLENGE_CLASSES):
            own = peaks[seen.labels == label]
            low, median, high = np.quantile(own, (0.25, 0.5, 0.75))
            yield Result(measure_name, word, median, (high - low) / 2, len(own))


def views(level: Level, cache: Path, progress: Progress) -> Views:
    """What the methods see; the flows are the work, and the harness's own stay in its cache."""
    config = config_of(level)
    source = Source(level.dataset, None, True, cache.absolute())
    clip_set = find_clips(source, config, progress)
    clips = clip_set.clips
    spotted = load_inputs(
        clip_set, harness_flow(config), config, cache, lambda d, n: progress("flow to apex", d, n)
    )
    onset, middle, still = [], [], []
    for number, clip in enumerate(clips):
        progress("flow to middle", number, len(clips))
        first, centre = onset_and_middle(clip)
        onset.append(first)
        middle.append(centre)
        still.append(without_head(tvl1(first, centre)))
    return Views(
        np.stack(onset),
        np.stack(middle),
        spotted,
        np.stack(still),
        np.array([clip.label for clip in clips]),
        np.array([f"{clip.dataset} {clip.subject}" for clip in clips]),
    )


def config_of(level: Level) -> DataConfig:
    """The settings that make these clips."""
    return DataConfig(difficulty=f"{level.difficulty:g}", surrogate_seed=level.seed)


def harness_flow(config: DataConfig):
    """u and v as the fixed networks get them, in the size in which they are computed."""
    from baselines.fixed import StillInput

    return StillInput("flow_pair", config.flow_side)


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
