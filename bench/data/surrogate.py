"""Surrogate clips: generated faces with micro-expressions, as files in the official layouts.

Every clip shows one subject's procedural face (`bench.data.faces`), moved by the action units of
its emotion along one onset-apex-offset profile, under nuisance: head drift, blinks, drifting
light, sensor noise. Only the motion depends on the emotion. Names, lengths, frame numbers, poses,
light and noise come from random streams that never see it, so that the onset frame tells nothing.

Subjects, clips per subject and class balance are those of the real releases.
"""

from __future__ import annotations

import hashlib
import io
import math
import multiprocessing
import os
import re
import shutil
import signal
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, cycle
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from bench.data import faces
from bench.data.challenge import CLASS_MAPS, LEFT_OUT, expected_counts
from bench.data.clips import CHALLENGE_CLASSES
from bench.errors import DataError, UsageError, unknown_name

SURROGATE_VERSION = 1
"""Part of every cache key: it rises when the same settings come to give other clips."""

DIFFICULTIES = MappingProxyType({"easy": 0.15, "hard": 0.6})
"""Named points on the scale from 0 (large motion, no nuisance) to 1 (nearly buried in it)."""

NOTE_NAME = "SURROGATE.txt"
"""The file that marks a folder of generated clips and says how they were made."""

OVERSAMPLING = 3  # texels per pixel: linear sampling is then smooth in sub-pixel motion
SOFTENING = 0.35  # deviation in pixels of the blur that keeps sampled textures free of moiré
JPEG_QUALITY = 95

UnitSets = tuple[tuple[int, ...], ...]
Array = np.ndarray


def _subsets(*units: int) -> UnitSets:
    """All non-empty subsets."""
    sizes = range(1, len(units) + 1)
    return tuple(chain.from_iterable(combinations(units, size) for size in sizes))


HAPPINESS: UnitSets = ((6, 12),)
SURPRISE = _subsets(1, 2, 5, 26)
NEGATIVE = _subsets(4, 9, 15)
OTHER: UnitSets = ((14,), (17,), (24,), (7,), (20,), (14, 17), (17, 24), (7, 14), (4, 7))


@dataclass(frozen=True)
class Release:
    """How one real data set looks from outside.

    `units` maps each emotion word to the action unit sets that show it; `quota` counts the rows
    per word (empty: the classes of the challenge are the words); `extra_subjects` appear in
    the release and not in the challenge; `lengths` are frames from onset to offset and `starts`
    the number of a clip's first file, each as (least, most); `fps` is frames per second;
    `file_pattern` takes subject and number; `margin` is the most frames before onset and after
    offset that a folder may hold; `grey` releases have one channel.
    """

    units: Mapping[str, UnitSets]
    quota: Mapping[str, int]
    lengths: tuple[int, int]
    starts: tuple[int, int]
    fps: float
    file_pattern: str
    extra_subjects: tuple[str, ...] = ()
    margin: int = 0
    grey: bool = False


RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        "smic": Release(
            units={"negative": NEGATIVE, "positive": HAPPINESS, "surprise": SURPRISE},
            quota={},
            lengths=(16, 40),
            starts=(10, 990),
            fps=100.0,
            file_pattern="reg_image{number:05d}.jpg",
        ),
        "casme2": Release(
            units={
                "disgust": ((9,), (4, 9), (9, 15), (4, 9, 15)),
                "repression": ((15,), (4, 15)),
                "happiness": HAPPINESS,
                "surprise": SURPRISE,
                "others": OTHER,
                "sadness": ((17,), (14, 17)),
                "fear": ((20,), (7, 20)),
            },
            quota={
                "disgust": 63,
                "repression": 27,
                "happiness": 32,
                "surprise": 25,
                "others": 99,
                "sadness": 7,
                "fear": 2,
            },
            lengths=(24, 64),
            starts=(1, 160),
            fps=200.0,
            file_pattern="reg_img{number}.jpg",
            extra_subjects=("sub10", "sub18"),
            margin=6,
        ),
        "samm": Release(
            units={
                "anger": ((4,), (4, 9), (4, 15)),
                "contempt": ((15,), (9, 15)),
                "disgust": ((9,), (4, 9), (4, 9, 15)),
                "fear": ((4,), (4, 15)),
                "sadness": ((15,), (4, 15)),
                "happiness": HAPPINESS,
                "surprise": SURPRISE,
                "other": OTHER,
            },
            quota={
                "anger": 57,
                "contempt": 12,
                "disgust": 9,
                "fear": 8,
                "sadness": 6,
                "happiness": 26,
                "surprise": 15,
                "other": 26,
            },
            lengths=(30, 64),
            starts=(120, 19000),
            fps=200.0,
            file_pattern="{subject}_{number:05d}.jpg",
            grey=True,
        ),
    }
)

LEFT_OUT_EMOTIONS = MappingProxyType(
    {("sub04", "EP12_01f"): "disgust", ("sub05", "EP09_05f"): "repression"}
)
"""Emotion words of the rows that the challenge leaves out (both are of the negative class)."""

ODD_NAMES = MappingProxyType({"sub01": "EP01_2", "sub11": "EP09f", "sub19": "EP06_02_01"})
"""CASME II clip names off the common pattern, as the release has them: subject -> name."""

APEX_OUTSIDE_EVERY = 40
"""About one SAMM row in so many is annotated with an apex outside onset..offset."""


@dataclass(frozen=True)
class Row:
    """One line of a release: a clip that is to be made."""

    dataset: str
    subject: str
    name: str
    emotion: str


@dataclass(frozen=True)
class Settings:
    """What the clips depend on besides their names; `size` is in pixels, square."""

    difficulty: float
    seed: int
    size: int


@dataclass(frozen=True)
class Plan:
    """One clip before it is rendered.

    Its folder holds `before` neutral frames, `length` frames from onset to offset and `after`
    neutral frames, numbered upwards from `start`; `apex` counts from the onset. `noted_apex` is
    the number that the spreadsheet gives, which may be wrong (None: it has none).
    """

    row: Row
    units: tuple[int, ...]
    start: int
    before: int
    length: int
    after: int
    apex: int
    noted_apex: int | None

    @property
    def onset(self) -> int:
        """File number of the onset frame."""
        return self.start + self.before

    @property
    def offset(self) -> int:
        """File number of the last frame of the expression."""
        return self.onset + self.length - 1

    @property
    def frames(self) -> int:
        """Number of files."""
        return self.before + self.length + self.after

    @property
    def folder(self) -> Path:
        """The clip's folder below the folder of its data set."""
        row = self.row
        if row.dataset == "smic":
            return Path("SMIC_all_cropped/HS", row.subject, "micro", row.emotion, row.name)
        if row.dataset == "casme2":
            return Path("CASME2/Cropped", row.subject, row.name)
        return Path("SAMM", row.subject, row.name)

    def file_names(self) -> list[str]:
        """File names in temporal order."""
        pattern = RELEASES[self.row.dataset].file_pattern
        numbers = range(self.start, self.start + self.frames)
        return [pattern.format(subject=self.row.subject, number=number) for number in numbers]


def write_surrogate(
    dataset: str,
    folder: Path,
    *,
    difficulty: str | float = "easy",
    seed: int = 0,
    size: int = 128,
    subjects: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the surrogate of `dataset` ('smic', 'casme2', 'samm' or 'composite') into `folder`.

    `folder` gets the official layout and `SURROGATE.txt`. The clips are rendered beside it and
    renamed into place at the end, so a folder with that name is complete; what an interrupted
    write leaves ends in `.partial`. A folder of earlier surrogate clips is replaced.

    `difficulty` is a name of `DIFFICULTIES` or a number in 0..1; `subjects` limits the clips to
    these, each the same as in the full set; `workers` are processes (default: one per core);
    `progress` is called with (clips done, clips in all).

    Returns the numbers written: {'clips', 'subjects', 'frames'}; clips include the rows that the
    challenge leaves out. Raises UsageError for arguments that cannot be meant or a folder that
    holds something else, DataError where the files cannot be written.
    """
    settings = _settings(difficulty, seed, size)
    plans = plan_clips(dataset, settings.seed, subjects)
    workers = min(_workers(workers), len(plans))
    folder = Path(folder).resolve()
    partial = folder.with_name(f".{folder.name}.{token_hex(4)}.partial")
    note = _note(dataset, settings, subjects)
    try:
        _make_way(folder)
        _write_all(dataset, plans, settings, partial, workers, progress or _no_progress)
        (partial / NOTE_NAME).write_text(note, encoding="utf-8")
        _put_in_place(partial, folder, note)
    except BrokenProcessPool:
        raise DataError(
            f"a process that rendered clips for {folder} died, perhaps for want of memory; "
            "repeat with workers=1 to render in one process."
        ) from None
    except OSError as error:
        raise DataError(
            f"cannot write surrogate clips to {folder}: {error.strerror or error}. "
            "Name a folder where there is room and permission to write."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {
        "clips": len(plans),
        "subjects": len({(plan.row.dataset, plan.row.subject) for plan in plans}),
        "frames": sum(plan.frames for plan in plans),
    }


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


# ---------------------------------------------------------------- arguments


def _settings(difficulty: str | float, seed: int, size: int) -> Settings:
    if not isinstance(seed, int) or seed < 0:
        raise UsageError(f"seed is {seed!r}; expected a whole number from 0 up.")
    if not isinstance(size, int) or not 16 <= size <= 1024:
        raise UsageError(f"size is {size!r}; expected a whole number of pixels from 16 to 1024.")
    return Settings(resolve_difficulty(difficulty), seed, size)


def resolve_difficulty(difficulty: str | float) -> float:
    """The number in 0..1 for a name or a number; UsageError for anything else."""
    if difficulty in DIFFICULTIES:
        return DIFFICULTIES[difficulty]
    try:
        level = float(difficulty)
    except (TypeError, ValueError):
        level = math.nan
    if not 0 <= level <= 1:
        names = ", ".join(DIFFICULTIES)
        raise UsageError(f"difficulty is {difficulty!r}; expected {names} or a number in 0..1.")
    return level


def _workers(workers: int | None) -> int:
    if workers is None:
        return os.cpu_count() or 1
    if workers < 1:
        raise UsageError(f"workers is {workers}; expected at least 1.")
    return workers


def _make_way(folder: Path) -> None:
    """Remove an empty folder or earlier surrogate clips; raise where there is anything else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a new or empty folder for the clips.")
    if (folder / NOTE_NAME).is_file():
        shutil.rmtree(folder)
    elif any(folder.iterdir()):
        raise UsageError(
            f"{folder} holds files that are no surrogate clips (it has no {NOTE_NAME}); "
            "name a new or empty folder."
        )
    else:
        folder.rmdir()


def _note(dataset: str, settings: Settings, subjects: Sequence[str] | None) -> str:
    return (
        "These are generated surrogate clips, not recordings of people.\n"
        "They follow the layout, subjects and class counts of the data set named below;\n"
        "results on them say nothing about results on the real data set.\n\n"
        f"dataset: {dataset}\n"
        f"difficulty: {settings.difficulty:g}\n"
        f"seed: {settings.seed}\n"
        f"size: {settings.size}\n"
        f"subjects: {', '.join(sorted(set(subjects))) if subjects is not None else 'all'}\n"
        f"generator version: {SURROGATE_VERSION}\n"
    )


# ---------------------------------------------------------------- what there is to make


def _stream(seed: int, *names: str) -> np.random.Generator:
    """The random stream that belongs to `seed` and these names, on every machine the same."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16], "big")])


def release_rows(dataset: str) -> list[Row]:
    """All rows of one data set's release, by subject and name. They depend on no seed."""
    rows = _smic_rows() if dataset == "smic" else _coded_rows(dataset)
    return sorted(rows, key=lambda row: (row.subject, row.name))


def _smic_rows() -> list[Row]:
    short = {"negative": "ne", "positive": "po", "surprise": "sur"}
    return [
        Row("smic", subject, f"{subject}_{short[emotion]}_{number:02d}", emotion)
        for subject, counts in expected_counts()["smic"].items()
        for emotion, count in counts.items()
        for number in range(1, count + 1)
    ]


def _coded_rows(dataset: str) -> list[Row]:
    namer = {"casme2": _casme2_names, "samm": _samm_names}[dataset]
    fixed = [Row(dataset, *row, LEFT_OUT_EMOTIONS[row]) for row in LEFT_OUT[dataset]]
    rows = list(fixed)
    for subject, emotions in _emotions_by_subject(dataset).items():
        taken = {row.name for row in fixed if row.subject == subject}
        stream = _stream(0, dataset, subject, "names")
        names = namer(subject, len(emotions), taken, stream)
        # Sorted names in shuffled order: a name tells nothing about the emotion.
        shuffled = stream.permutation(len(emotions))
        rows += [
            Row(dataset, subject, names[k], word)
            for k, word in zip(shuffled, emotions, strict=True)
        ]
    return rows


def _emotions_by_subject(dataset: str) -> dict[str, list[str]]:
    """Subject -> emotion words, with the challenge's counts per class and the release's quota."""
    release = RELEASES[dataset]
    counts = expected_counts()[dataset]
    words: dict[str, list[str]] = {subject: [] for subject in (*counts, *release.extra_subjects)}
    pools = _pools(dataset)
    for subject, by_class in counts.items():
        for name, count in by_class.items():
            words[subject] += [pools[name].pop() for _ in range(count)]
    for subject, word in zip(cycle(sorted(words)), pools["unmapped"], strict=False):
        words[subject].append(word)
    return words


def _pools(dataset: str) -> dict[str, list[str]]:
    """Class (or 'unmapped') -> the emotion words of its rows in random order."""
    quota = dict(RELEASES[dataset].quota)
    for row in LEFT_OUT[dataset]:
        quota[LEFT_OUT_EMOTIONS[row]] -= 1
    pools: dict[str, list[str]] = {name: [] for name in (*CHALLENGE_CLASSES, "unmapped")}
    for word, count in quota.items():
        pools[CLASS_MAPS[dataset].get(word, "unmapped")] += [word] * count
    for name, pool in pools.items():
        _stream(0, dataset, name, "emotions").shuffle(pool)
    return pools


def _casme2_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Film and take, with or without the trailing f: EP02_01f."""
    names = [ODD_NAMES[subject]] if subject in ODD_NAMES else []
    stems = {name.rstrip("f") for name in (*names, *taken)}
    while len(names) < count:
        stem = f"EP{stream.integers(1, 20):02d}_{stream.integers(1, 13):02d}"
        if stem not in stems:
            stems.add(stem)
            names.append(stem + "f" * int(stream.integers(2)))
    return names


def _samm_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Subject, inducement (1..7) and take: 006_1_2."""
    places = stream.choice(7 * 12, size=count, replace=False)
    return [f"{subject}_{place // 12 + 1}_{place % 12 + 1}" for place in places]


def plan_clips(dataset: str, seed: int, subjects: Sequence[str] | None = None) -> list[Plan]:
    """The clips of `dataset` in the order data set, subject, name; of `subjects` where given.

    Raises UsageError for an unknown data set or subject, or where no subject is named.
    """
    if dataset != "composite" and dataset not in RELEASES:
        raise unknown_name("data set", dataset, (*RELEASES, "composite"))
    parts = RELEASES if dataset == "composite" else (dataset,)
    rows = [row for part in parts for row in release_rows(part)]
    return [plan_clip(row, seed) for row in _of_subjects(rows, subjects)]


def _of_subjects(rows: list[Row], subjects: Sequence[str] | None) -> list[Row]:
    if subjects is None:
        return rows
    if not subjects:
        raise UsageError("subjects is empty; name at least one subject or leave the limit out.")
    known = {row.subject for row in rows}
    for subject in subjects:
        if subject not in known:
            raise unknown_name("subject", subject, known)
    return [row for row in rows if row.subject in subjects]


def plan_clip(row: Row, seed: int) -> Plan:
    """Timing and action units of one clip. Only the units depend on its emotion."""
    release = RELEASES[row.dataset]
    choices = release.units[row.emotion]
    units = choices[_clip_stream(row, seed, "units").integers(len(choices))]
    timing = _clip_stream(row, seed, "timing")
    length = int(timing.integers(*release.lengths, endpoint=True))
    start = int(timing.integers(*release.starts, endpoint=True))
    apex = round(timing.uniform(1 / 3, 2 / 3) * (length - 1))
    margins = timing.integers(0, release.margin + 1, 2) * (timing.random() < 0.15)
    before, after = (int(margin) for margin in margins)
    noted = start + before + apex
    if row.dataset == "samm" and timing.integers(APEX_OUTSIDE_EVERY) == 0:
        noted = start + before + length + int(timing.integers(1, 10))
    if row.dataset == "smic" or (row.subject, row.name) == ("sub04", "EP12_01f"):
        noted = None
    return Plan(row, units, start, before, length, after, apex, noted)


def _clip_stream(row: Row, seed: int, purpose: str) -> np.random.Generator:
    return _stream(seed, row.dataset, row.subject, row.name, purpose)


# ---------------------------------------------------------------- how it moves


@dataclass(frozen=True)
class Conditions:
    """Motion against nuisance.

    `peak` and `drift` are in pixels at 128×128, `turn` in degrees, `zoom` relative,
    `blink` the probability of a blink in a clip, `flicker` relative brightness, `noise` in
    grey levels of 255.
    """

    peak: float
    drift: float
    turn: float
    zoom: float
    blink: float
    flicker: float
    noise: float


def conditions(difficulty: float) -> Conditions:
    """The conditions at `difficulty` in 0..1: motion fades, every nuisance grows."""
    return Conditions(
        peak=1.6 * (0.5 / 1.6) ** difficulty,
        drift=2.0 * difficulty,
        turn=1.2 * difficulty,
        zoom=0.015 * difficulty,
        blink=0.5 * difficulty,
        flicker=0.1 * difficulty,
        noise=6.0 * difficulty,
    )


PEAK_LIMITS = (0.3, 2.0)
"""Least and greatest peak displacement of a clip, in pixels at 128×128."""


@dataclass(frozen=True)
class Motion:
    """What happens in the n frames of a clip besides its action units.

    activation: (n,) 0 at the onset, 1 at the apex; peak: displacement at activation 1 in
    pixels at 128×128; shift: (n, 2) in face coordinates; turn: (n,) in radians; zoom: (n,)
    factors; lids: (n,) 0 open .. 1 closed; light: (n, 3) brightness and its slope along x and y.
    """

    activation: Array
    peak: float
    shift: Array
    turn: Array
    zoom: Array
    lids: Array
    light: Array


def draw_motion(plan: Plan, settings: Settings, gain: float) -> Motion:
    """Profile and nuisance of one clip; `gain` is the subject's own strength of movement."""
    level = conditions(settings.difficulty)
    stream = _clip_stream(plan.row, settings.seed, "motion")
    frames = plan.frames
    strength = level.peak * gain * stream.uniform(0.8, 1.25)
    pose = stream.normal(size=4) * np.array([0.012, 0.012, 0.01, 0.01])
    walks = _walks(stream, frames, 7)  # (n, 7)
    fps = RELEASES[plan.row.dataset].fps
    return Motion(
        activation=_profile(plan, stream),
        peak=float(np.clip(strength, *PEAK_LIMITS)),
        shift=pose[:2] + level.drift / 64 * walks[:, :2],
        turn=pose[2] + np.radians(level.turn) * walks[:, 2],
        zoom=1 + pose[3] + level.zoom * walks[:, 3],
        lids=_blink(stream, frames, 0.15 * fps) * (stream.random() < level.blink),
        light=stream.normal([1.0, 0.0, 0.0], 0.05) + level.flicker * walks[:, 4:],
    )


def _profile(plan: Plan, stream: np.random.Generator) -> Array:
    """Activation per frame: 0 up to the onset, 1 at the apex, decaying to a rest at the offset."""
    rest = stream.uniform(0.0, 0.3)
    bend = stream.uniform(0.8, 1.4)
    time = np.arange(plan.frames) - plan.before
    rise = _smooth(time / plan.apex) ** bend
    decay = 1 - (1 - rest) * _smooth((time - plan.apex) / (plan.length - 1 - plan.apex))
    inside = (time >= 0) & (time < plan.length)
    return np.where(time <= plan.apex, rise, decay) * inside


def _smooth(position: Array) -> Array:
    position = np.clip(position, 0, 1)
    return position**2 * (3 - 2 * position)


def _walks(stream: np.random.Generator, frames: int, count: int) -> Array:
    """Smooth random walks that start at 0 and go no further than a random amplitude of at most 1.

    Shape (frames, count).
    """
    amplitude = stream.uniform(0.2, 1.0, count)
    steps = gaussian_filter1d(stream.standard_normal((frames, count)), 4.0, axis=0)
    walks = np.cumsum(steps, axis=0)
    walks -= walks[0]
    return amplitude * walks / np.abs(walks).max(axis=0)


def _blink(stream: np.random.Generator, frames: int, duration: float) -> Array:
    """Closure of the lids per frame for one blink of about `duration` frames, at any time."""
    centre = stream.uniform(0, frames)
    half = duration * stream.uniform(0.4, 0.7)
    depth = stream.uniform(0.6, 1.0)
    return depth * _smooth(1 - np.abs(np.arange(frames) - centre) / half)


# ---------------------------------------------------------------- pictures


@dataclass(frozen=True)
class Actor:
    """A subject ready to be filmed: the face, and its layers as (channels, side·side) texels."""

    face: faces.Face
    open_eyes: Array
    closed_eyes: Array
    side: int


@lru_cache(maxsize=4)
def _actor(dataset: str, subject: str, seed: int, size: int) -> Actor:
    face = faces.draw_face(_stream(seed, dataset, subject, "face"))
    side = OVERSAMPLING * size
    layers = faces.paint(face, side, SOFTENING * OVERSAMPLING)
    grey = RELEASES[dataset].grey
    return Actor(face, _texels(layers.open_eyes, grey), _texels(layers.closed_eyes, grey), side)


def _texels(layer: Array, grey: bool) -> Array:
    """(3, S, S) -> (channels, S·S); grey by the weights of ITU-R BT.601."""
    if grey:
        layer = np.tensordot([0.299, 0.587, 0.114], layer, 1)[None]
    return layer.reshape(len(layer), -1).astype(np.float32)


def expression_field(plan: Plan, settings: Settings, face: faces.Face) -> Array:
    """Displacement (dx, dy) of the clip's action units together, (2, size, size), longest 1."""
    stream = _clip_stream(plan.row, settings.seed, "mixture")
    field = sum(
        stream.uniform(0.7, 1.3) * faces.unit_field(face, unit, settings.size)
        for unit in plan.units
    )
    return field / np.hypot(*field).max()


def render_clip(plan: Plan, settings: Settings) -> Iterator[Array]:
    """The frames of one clip in temporal order: (size, size, 3) uint8, grey ones (size, size)."""
    actor = _actor(plan.row.dataset, plan.row.subject, settings.seed, settings.size)
    motion = draw_motion(plan, settings, actor.face.gain)
    field = expression_field(plan, settings, actor.face) * (motion.peak / 64)  # pixels of 2/128
    sensor = _clip_stream(plan.row, settings.seed, "sensor")
    grain = conditions(settings.difficulty).noise
    for index in range(plan.frames):
        picture = _expose(actor, motion, field, index)  # (channels, size, size)
        picture += grain * sensor.standard_normal(picture.shape, np.float32)
        yield np.clip(picture + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0).squeeze()


def _expose(actor: Actor, motion: Motion, field: Array, index: int) -> Array:
    """Frame `index` before the sensor: warp, blink, light. (channels, size, size) float32."""
    x, y = faces.grid(field.shape[1])
    u, v = _sources(motion, field, index, x, y)
    taps = _taps(u, v, actor.side)
    picture = _sample(actor.open_eyes, taps)
    closure = motion.lids[index]
    if closure > 0:
        lid = faces.lid_mask(actor.face, v, closure)
        picture += lid * (_sample(actor.closed_eyes, taps) - picture)
    level, slope_x, slope_y = motion.light[index].astype(np.float32)
    return picture * (level + slope_x * x + slope_y * y)


def _sources(motion: Motion, field: Array, index: int, x: Array, y: Array) -> tuple[Array, Array]:
    """Where on the texture each pixel looks, in face coordinates."""
    shift_x, shift_y = motion.shift[index].astype(np.float32)
    cosine = np.float32(math.cos(motion.turn[index]) / motion.zoom[index])
    sine = np.float32(math.sin(motion.turn[index]) / motion.zoom[index])
    pull = np.float32(motion.activation[index])
    u = cosine * (x - shift_x) + sine * (y - shift_y) - pull * field[0]
    v = cosine * (y - shift_y) - sine * (x - shift_x) - pull * field[1]
    return u, v


@dataclass(frozen=True)
class Taps:
    """For every pixel the four texels around its source, and how far it lies right and down.

    All (size, size); the texels index a flattened layer.
    """

    upper_left: Array
    upper_right: Array
    lower_left: Array
    lower_right: Array
    right: Array
    down: Array


def _taps(u: Array, v: Array, side: int) -> Taps:
    column = np.clip((u + 1) * (side / 2) - 0.5, 0, side - 1.01)
    line = np.clip((v + 1) * (side / 2) - 0.5, 0, side - 1.01)
    left, top = column.astype(np.intp), line.astype(np.intp)
    corner = top * side + left
    right, down = (column - left).astype(np.float32), (line - top).astype(np.float32)
    return Taps(corner, corner + 1, corner + side, corner + side + 1, right, down)


def _sample(layer: Array, taps: Taps) -> Array:
    """Bilinear values of (channels, side·side) texels at `taps`, (channels, size, size)."""
    return np.stack([_sample_plane(plane, taps) for plane in layer])


def _sample_plane(plane: Array, taps: Taps) -> Array:
    # `take` with mode="clip" skips the bounds check, half the time of plain indexing.
    upper = plane.take(taps.upper_left, mode="clip")
    lower = plane.take(taps.lower_left, mode="clip")
    upper += (plane.take(taps.upper_right, mode="clip") - upper) * taps.right
    lower += (plane.take(taps.lower_right, mode="clip") - lower) * taps.right
    return upper + (lower - upper) * taps.down


# ---------------------------------------------------------------- files


def _write_all(
    dataset: str,
    plans: list[Plan],
    settings: Settings,
    folder: Path,
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    folder.mkdir(parents=True)
    homes = {
        part: folder / "SMIC" if (dataset, part) == ("composite", "smic") else folder
        for part in RELEASES
    }
    for part, write in (("casme2", _write_casme2_sheet), ("samm", _write_samm_sheet)):
        coded = [plan for plan in plans if plan.row.dataset == part]
        if coded:
            write(coded, homes[part])
    jobs = [(plan, settings, homes[plan.row.dataset]) for plan in plans]
    for done, _ in enumerate(_map(_write_clip, jobs, workers), start=1):
        progress(done, len(jobs))


def _map(work: Callable, jobs: list[tuple], workers: int) -> Iterator[None]:
    """`work` on every job, in order, in `workers` processes."""
    if workers == 1:
        yield from map(work, jobs)
        return
    # Spawned, not forked: a fork of a process with torch's threads running may hang.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    try:
        yield from pool.map(work, jobs, chunksize=2)
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _write_clip(job: tuple[Plan, Settings, Path]) -> None:
    plan, settings, home = job
    folder = home / plan.folder
    folder.mkdir(parents=True)
    for name, frame in zip(plan.file_names(), render_clip(plan, settings), strict=True):
        Image.fromarray(frame).save(folder / name, quality=JPEG_QUALITY)


def _put_in_place(partial: Path, folder: Path, note: str) -> None:
    """Rename `partial` to `folder`, unless another process has just written the same clips."""
    try:
        partial.rename(folder)
    except OSError:
        theirs = folder / NOTE_NAME
        if not theirs.is_file() or theirs.read_text(encoding="utf-8") != note:
            raise


def _action_units(units: Iterable[int]) -> int | str:
    """The cell as the releases have it: a number where there is one unit, else '4+9'."""
    cell = "+".join(str(unit) for unit in units)
    return int(cell) if cell.isdigit() else cell


def _write_casme2_sheet(plans: list[Plan], home: Path) -> None:
    header = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
              "Action Units", "Estimated Emotion")  # fmt: skip
    rows = [
        (
            int(plan.row.subject.removeprefix("sub")),
            plan.row.name,
            None,
            plan.onset,
            "/" if plan.noted_apex is None else plan.noted_apex,
            plan.offset,
            None,
            _action_units(plan.units),
            plan.row.emotion,
        )
        for plan in plans
    ]
    _write_sheet(home / "CASME2" / "CASME2-coding-20140508.xlsx", [header, *rows])


SAMM_PREAMBLE = (
    ("Generated surrogate of the SAMM micro-movement codes",),
    ("Not a recording of people; see SURROGATE.txt",),
    (),
    ("Subject", "three digits"),
    ("Filename", "subject, inducement, take"),
    ("Onset, apex, offset", "frame numbers as in the file names"),
    ("Duration", "frames, at 200 frames per second"),
    ("Micro", "1/2 for a micro-movement"),
    ("Action Units", "FACS"),
    ("Objective Classes", "I to VII, from the action units alone"),
    (),
    ("Some apex frames lie outside onset and offset",),
    (),
)


def _write_samm_sheet(plans: list[Plan], home: Path) -> None:
    header = ("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame",
              "Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion",
              "Objective Classes", "Notes")  # fmt: skip
    rows = [
        (
            plan.row.subject,
            plan.row.name,
            int(plan.row.name.split("_")[1]),
            plan.onset,
            plan.noted_apex,
            plan.offset,
            plan.length,
            "1/2",
            _action_units(plan.units),
            plan.row.emotion.capitalize(),
            _objective_class(set(plan.units)),
            None,
        )
        for plan in plans
    ]
    _write_sheet(home / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx", [*SAMM_PREAMBLE, header, *rows])


def _objective_class(units: set[int]) -> str:
    """The class that the units alone suggest, after Davison et al., "Objective classes ..."."""
    for name, signs in (("IV", {9}), ("III", {4, 7}), ("I", {6, 12}), ("VI", {20}), ("V", {15})):
        if units & signs:
            return name
    return "II" if units & {1, 2, 5, 26} else "VII"


def _write_sheet(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write one worksheet; the same rows give the same bytes."""
    from openpyxl import Workbook  # slow to import, and workers need none of it

    book = Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, _without_time(source.read(name)))


def _without_time(part: bytes) -> bytes:
    """The part of a workbook with its time stamps set to one moment."""
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", part)
