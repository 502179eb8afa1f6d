"""Where a run's clips come from, and how they reach memory: real folders or surrogates."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.fixed import StillInput
from bench.config.loading import Settings
from bench.config.settings import DataConfig
from bench.data.cache import content_digests, data_fingerprint, load_arrays
from bench.data.clips import Clip, ClipSet, Problem, clip_title, problem_lines
from bench.data.disk.oddities import Recording, recording_problems
from bench.data.disk.ready_flow import SIDE, ReadyFlow, channel_problems
from bench.data.disk.tree import Layout
from bench.data.sets.catalogue import GENERATED, find_dataset, load_clips, require_root
from bench.data.sets.doubts.looks import clips_alike
from bench.data.sets.doubts.twins import copies, seen_alike, with_twins
from bench.data.sets.manifests.manifest import Manifest
from bench.data.steps.crop import FaceFound, FrameSize
from bench.data.steps.landmarks import misplaced, refuse_shared_rows
from bench.data.steps.settings import preprocessing
from bench.data.stills.inputs import load_inputs
from bench.data.surrogates.checking import (
    changed_flows,
    refuse_disguised,
    require_folder_as_made,
    require_named,
)
from bench.data.surrogates.note import Generated, generated
from bench.data.videos import clip_settings, load_videos
from bench.errors import DataError, UsageError
from bench.seeds import derive_seed
from bench.system.files import file_bytes
from bench.system.processes import usable_cores

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""

Reader = Callable[[DataConfig], ClipSet]

LAID_OUT = ("data.frames_folder", "data.annotation", "data.corrections")
GENERATOR = (
    "data.difficulty",
    "data.surrogate_version",
    "data.surrogate_seed",
    "data.fresh_seed",
)
"""Settings of data sets as released, and of generated clips."""

FEW_CLIPS = 32
"""Up to so many clips are prepared in this process: starting others would take longer."""


@dataclass(frozen=True)
class Source:
    """A data set by name and folder. `root` is None for surrogates that are made on demand.

    `made`: how the clips were generated, where the root holds generated ones.
    """

    dataset: str
    root: Path | None
    surrogate: bool
    cache: Path
    made: Generated | None = None

    @property
    def label(self) -> str:
        """The data set's name in run folders and tables."""
        found = find_dataset(self.dataset)
        return found.label if isinstance(found, Manifest) else self.dataset


def resolve_source(dataset: str, root: Path | None, surrogate: bool, cache: Path) -> Source:
    """Checks the request before any work; UsageError says how to get the data that is missing."""
    found = find_dataset(dataset)
    if isinstance(found, Manifest):
        if surrogate:
            raise UsageError(
                f"{dataset}: a manifest lists clips that are there; leave out --surrogate"
            )
        places = [found.root / row.cells["frames"] for row in found.rows]
        return _source_at(found.name, found.root, places, cache)
    if surrogate and dataset not in GENERATED:
        raise UsageError(
            f"--surrogate: there are no generated clips of {dataset}; name its folder with "
            "--data-root, or take one of " + ", ".join(GENERATED)
        )
    if surrogate:
        return Source(dataset, None, True, cache.absolute())
    root = require_root(dataset, root).absolute()
    return _source_at(dataset, root, [root], cache)


def _source_at(dataset: str, root: Path, places: Sequence[Path], cache: Path) -> Source:
    """The source of clips on disk, which may be real or generated."""
    made = generated(places)
    return Source(dataset, root, made is not None, cache.absolute(), made)


def settings_on(source: Source, load: Callable[..., Settings]) -> Settings:
    """The settings of a run on the clips of the source, generated ones as they were generated.

    load: `load_settings` with the user's own. Raises UsageError for a `--set` without effect there.
    """
    settings = load()
    listed = isinstance(find_dataset(source.dataset), Manifest)
    for key in settings.given:
        if listed and key in LAID_OUT:
            raise UsageError(
                f"{key} is for data sets as released, and a manifest names its files and labels "
                "itself: leave it out"
            )
        if not source.surrogate and key in GENERATOR:
            raise UsageError(f"{key} is for generated clips, and these are not: leave it out")
    made = source.made.settings if source.made else {}
    for key in made.keys() & set(settings.given):
        if not settings.has(key, made[key]):
            raise UsageError(
                f"{key} is {made[key]} of the clips below {source.root}, as they were generated: "
                "leave it out"
            )
    return load(fixed=[f"{key}={value}" for key, value in made.items()]) if made else settings


def find_clips(source: Source, config: DataConfig, progress: Progress | None = None) -> ClipSet:
    """The clips of a run: those that the settings select, in their fixed order.

    With `data.fresh_seed` those of new people come last. Raises DataError where a listed clip
    cannot be used, unless `data.skip_bad_clips`, UsageError where more subjects are named than
    `data.subject_count` keeps, and where new people are wanted and none can be generated.
    """
    return _chosen_clips(source, config, partial(_loaded, source, progress=progress))


def planned_set(source: Source, config: DataConfig) -> ClipSet:
    """As `find_clips`, but generated clips that are not there yet are not made: without frames."""
    return _chosen_clips(source, config, partial(_planned, source))


def _chosen_clips(source: Source, config: DataConfig, read: Reader) -> ClipSet:
    found = _selected_clips(source, config, read)
    if not config.fresh_seed:
        return found
    if source.root or config.fresh_seed == config.surrogate_seed:
        raise UsageError(
            f"data.fresh_seed={config.fresh_seed} tests on people that are generated anew: use "
            f"--surrogate, and a seed other than data.surrogate_seed={config.surrogate_seed}"
        )
    new = _selected_clips(source, replace(config, surrogate_seed=config.fresh_seed), read).clips
    named = (replace(clip, subject=f"{clip.subject}-{config.fresh_seed}") for clip in new)
    return replace(found, clips=(*found.clips, *named), tested=len(new))


def clips_below(source: Source, root: Path, config: DataConfig) -> ClipSet:
    """The clips of a data set below its root that the settings name, with all problems."""
    layout = Layout(config.frames_folder, config.annotation, config.corrections)
    found = load_clips(
        source.dataset,
        root,
        named_subjects(config),
        config.class_map,
        config.allow_outside,
        layout,
    )
    return replace(found, problems=(*found.problems, *changed_flows(found.clips, root)))


def _loaded(source: Source, config: DataConfig, progress: Progress | None = None) -> ClipSet:
    """All clips of the named subjects; generated ones are written first."""
    root = source_root(source, config, progress)
    return clips_below(source, root, config)


def _planned(source: Source, config: DataConfig) -> ClipSet:
    """The same, or without frames where they would have to be generated."""
    if source.root or surrogate_folder(source, config).exists():
        return _loaded(source, config)
    from bench.data.surrogates.planned import planned_clips

    names = named_subjects(config)
    return planned_clips(source.dataset, config.surrogate_seed, config.class_map, names)


def _selected_clips(source: Source, config: DataConfig, read: Reader) -> ClipSet:
    """The clips of one folder that the settings select."""
    names = named_subjects(config)
    clip_set, root = read(config), source.root or "the surrogate"
    _refuse_bad_clips(clip_set, config)
    if not source.surrogate:
        refuse_disguised(source.root, clip_set.clips)
    wanted = find_dataset(source.dataset).resolve_subjects(names or ())
    absent = set(wanted) - set(clip_set.subjects)
    if absent:
        raise DataError(
            f"{root} holds no usable clip of {source.dataset} {', '.join(sorted(absent))}, asked "
            "for by --subjects; see `bench data check`"
        )
    if not clip_set.clips:
        raise DataError(f"{root} holds no usable clip of {source.dataset}; see `bench data check`")
    if config.landmarks:
        refuse_shared_rows(clip_set.clips, config.landmarks)
    if not config.subject_count:
        return clip_set
    if len(wanted) > config.subject_count:
        raise UsageError(
            f"--subjects names {len(wanted)} subjects, of which data.subject_count="
            f"{config.subject_count} drops some; add --set data.subject_count=0 to keep all"
        )
    kept = most_telling_subjects(clip_set.clips, config.subject_count)
    clips = tuple(clip for clip in clip_set.clips if (clip.dataset, clip.subject) in kept)
    return replace(clip_set, clips=clips)


def named_subjects(config: DataConfig) -> tuple[str, ...] | None:
    """The subjects that `data.subjects` lists, as written there; None for all."""
    names = tuple(name.strip() for name in config.subjects.split(",") if name.strip())
    if config.subjects and not names:
        raise UsageError("--subjects names nobody: give names separated by commas, as in s01,s02")
    return names or None


def most_telling_subjects(clips: Sequence[Clip], count: int) -> set[tuple[str, str]]:
    """The `count` best subjects for a quick run: those with most classes, then with most clips.

    Data sets take turns.
    """
    labels: dict[tuple[str, str], list[int]] = {}
    for clip in clips:
        labels.setdefault((clip.dataset, clip.subject), []).append(clip.label)
    ranked = sorted(labels, key=lambda person: (-len(set(labels[person])), -len(labels[person])))
    turn = {person: [p for p in ranked if p[0] == person[0]].index(person) for person in ranked}
    return set(sorted(ranked, key=lambda person: turn[person])[:count])


@lru_cache(maxsize=4)
def load(
    source: Source, config: DataConfig, still: StillInput | None = None
) -> tuple[ClipSet, np.ndarray]:
    """The clips and their videos (`load_videos`), or one still each (`load_inputs`).

    The most recent results stay in memory.
    """
    clip_set = find_clips(source, config)
    arrays = load_input(clip_set, config, still, source.cache)
    return fingerprinted(clip_set, source, config), arrays


def fingerprinted(clip_set: ClipSet, source: Source, config: DataConfig) -> ClipSet:
    """The clips with their fingerprint, and a problem for each that is a copy of another.

    Raises DataError where generated clips of the cache have changed since they were first read.
    """
    digests = content_digests(clip_set.clips, source.cache)
    _require_as_made(clip_set.clips, digests, source, config)
    problems = dict.fromkeys((*clip_set.problems, *copies(clip_set.clips, digests)))
    return replace(
        clip_set,
        problems=tuple(problems),
        fingerprint=data_fingerprint(clip_set.clips, digests),
    )


def require_as_made(clip_set: ClipSet, source: Source, config: DataConfig) -> None:
    """DataError where generated clips of the cache have changed since they were first read."""
    if not source.root:
        digests = content_digests(clip_set.clips, source.cache)
        _require_as_made(clip_set.clips, digests, source, config)


def _require_as_made(
    clips: Sequence[Clip], digests: Sequence[str], source: Source, config: DataConfig
) -> None:
    seeds = (config.surrogate_seed, config.fresh_seed or config.surrogate_seed)
    for seed in dict.fromkeys(() if source.root else seeds):
        own = replace(config, surrogate_seed=seed)
        require_folder_as_made(surrogate_folder(source, own), own, clips, digests)


def load_input(
    clip_set: ClipSet, config: DataConfig, still: StillInput | None, cache: Path
) -> np.ndarray:
    """The clips' videos (`load_videos`), or one still each (`load_inputs`)."""
    if still:
        return load_inputs(clip_set, still, config, cache)
    return load_videos(clip_set, config, cache)


def prepare(
    source: Source,
    config: DataConfig,
    progress: Progress,
    stills: Sequence[StillInput | None] = (None,),
    workers: int | None = None,
) -> tuple[ClipSet, str]:
    """Fills the cache with the inputs of networks; returns the clips and their fingerprint.

    `stills`: the inputs, None for the clips themselves; `workers`: processes that make them, None
    for one per core (a few clips are made in this process). Inputs that are blank, clips that are
    copies of others or look like them (to networks, nearly, or mirrored), and clips in which no
    face was found, so that `data.crop_fallback` took the centre, are problems of the set.
    """
    clip_set = find_clips(source, config, progress)
    workers = (workers or usable_cores()) if len(clip_set.clips) > FEW_CLIPS else 1
    alike: list[Problem] = []
    for still in dict.fromkeys(stills):
        what = f"making {still.text}" if still else "preprocessing clips"

        def one_more(done: int, total: int, what: str = what) -> None:
            progress(what, done, total)

        if still:
            made = load_inputs(clip_set, still, config, source.cache, one_more, workers)
        else:
            seen = clip_settings(config, clip_set.clips)
            made = load_videos(clip_set, seen, source.cache, one_more, workers)
        odd = input_problems(clip_set.clips, made, still, config, source.cache)
        clip_set = replace(clip_set, problems=tuple(dict.fromkeys((*clip_set.problems, *odd))))
        alike += seen_alike(clip_set.clips, made)
    clip_set = fingerprinted(clip_set, source, config)
    real = stills and not source.surrogate  # no generated clip is a copy of another
    near = clips_alike(clip_set.clips, source.cache) if real else ()
    problems = with_twins(with_twins(clip_set.problems, alike), near)
    clip_set = replace(clip_set, problems=problems)
    return clip_set, clip_set.fingerprint


def input_problems(
    clips: Sequence[Clip],
    made: np.ndarray,
    still: StillInput | None,
    config: DataConfig,
    cache: Path,
) -> Iterator[Problem]:
    """What is odd about the inputs that were made of clips, or about how these were recorded.

    They are blank, show no face, or are cropped by unlikely boxes; frames of one clip are turned,
    coloured or timed in several ways.
    """
    what, moving = still.text if still else "clip", False
    if not still:
        moving = made.shape[1] > 1 or config.representation == "onset_difference"
    yield from blank_inputs(clips, made, what, moving)
    for clip, recording in zip(clips, load_arrays(clips, Recording(), cache), strict=True):
        yield from recording_problems(clip, recording)
    flows = [clip for clip in clips if clip.ready_flow]
    yield from channel_problems(load_arrays(flows, ReadyFlow(SIDE), cache))
    settings = preprocessing(config)
    if settings.crop == "detect" and settings.crop_fallback == "centre":
        yield from centred_clips(clips, cache, settings.detector)
    if settings.crop == "landmarks":
        framed = [clip for clip in clips if not clip.ready_flow]
        sizes = load_arrays(framed, FrameSize(), cache)
        yield from misplaced(framed, [(size[0], size[1]) for size in sizes], settings.landmarks)


def blank_inputs(
    clips: Sequence[Clip], inputs: np.ndarray, what: str, moving: bool = False
) -> Iterator[Problem]:
    """A problem for each clip whose input holds one value, or if `moving` the same frame always.

    One frame alone does, too, but for a ready flow image.
    """
    for clip, values in zip(clips, inputs, strict=True):
        if (values == (values[:1] if moving and not clip.ready_flow else values.flat[0])).all():
            yield Problem("blank", clip_title(clip), f"{what}: nothing moves in what networks see")


def centred_clips(clips: Sequence[Clip], cache: Path, detector: str) -> Iterator[Problem]:
    """A problem for each clip in whose onset frame crop=detect finds no face."""
    found = load_arrays(clips, FaceFound(detector), cache)
    for clip, (face,) in zip(clips, found, strict=True):
        if not face:
            yield Problem("crop", clip_title(clip), "no face found: the centre is taken")


def magnifier_digest(config: DataConfig) -> str | None:
    """SHA-256 of the weights of learned magnification; None without it."""
    if config.magnify != "learned":
        return None
    from bench.data.steps.keys import weights_digest

    return weights_digest(config.magnifier_weights)


def landmarks_digest(config: DataConfig) -> str | None:
    """SHA-256 of the file `data.landmarks`; None where none is set.

    Raises UsageError where it cannot be read.
    """
    if not config.landmarks:
        return None
    try:
        return hashlib.sha256(file_bytes(Path(config.landmarks).expanduser())).hexdigest()
    except OSError as error:
        raise UsageError(
            f"data.landmarks={config.landmarks}: the file cannot be read ({error.strerror})"
        ) from error


def used_labels(clips: Sequence[Clip], config: DataConfig, seed: int) -> tuple[int, ...]:
    """The labels of the clips, or with `data.shuffle_labels` a permutation of them."""
    labels = [clip.label for clip in clips]
    if config.shuffle_labels:
        random.Random(derive_seed(seed, "shuffle-labels")).shuffle(labels)
    return tuple(labels)


def surrogate_folder(source: Source, config: DataConfig) -> Path:
    """The folder of the surrogate clips of these settings, whether it exists yet or not."""
    from bench.data.surrogates.writing import resolve_difficulty

    level, seed = resolve_difficulty(config.difficulty), config.surrogate_seed
    name = f"{source.dataset}-{level:g}-seed{seed}-version{config.surrogate_version}"
    return source.cache / "surrogate" / name


def source_root(source: Source, config: DataConfig, progress: Progress | None = None) -> Path:
    """The folder of the clips; surrogates are written first where they do not exist yet."""
    if source.root:
        return source.root
    from bench.data.surrogates.writing import write_surrogate

    folder = surrogate_folder(source, config)
    if folder.exists():
        require_named(folder, config)
    else:
        write_surrogate(
            source.dataset,
            folder,
            difficulty=config.difficulty,
            seed=config.surrogate_seed,
            version=config.surrogate_version,
            progress=progress and (lambda d, n: progress("making surrogate clips", d, n)),
        )
    return folder


def _refuse_bad_clips(clip_set: ClipSet, config: DataConfig) -> None:
    bad = [problem for problem in clip_set.problems if problem.fatal]
    if not bad or config.skip_bad_clips:
        return
    listed = "; ".join(problem_lines(bad))
    rest = "; go on without them with --set data.skip_bad_clips=true" * bool(clip_set.clips)
    raise DataError(
        f"{clip_set.dataset} has {len(bad)} unusable clips: {listed}. See `bench data check`{rest}"
    )
