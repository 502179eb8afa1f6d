"""Data sets by name, and their clips. Reading needs the licensed files or generated ones.

Data sets enter through the entry-point group `bench.datasets`, which names subclasses of `DataSet`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.clips import Clip, ClipSet, Rejected, clip_title
from bench.data.disk.numbering import frame_numbers
from bench.data.disk.tree import AS_RELEASED, Layout, Tree
from bench.data.sets.base import DataSet
from bench.data.sets.classes import CHALLENGE, NATIVE, ClassMap, plain_label
from bench.data.sets.doubts.blank import absurd_clips, frames_of
from bench.data.sets.doubts.giveaways import giveaways
from bench.data.sets.doubts.paths import contradicted_clips, people_in_paths
from bench.data.sets.doubts.people import doubtful_people, one_class_each
from bench.data.sets.doubts.twins import twins
from bench.data.sets.identity import known_name, look_alikes, refuse_collisions
from bench.data.sets.manifests.manifest import PREFIX, Manifest
from bench.data.sets.manifests.rows import is_frame_rate, is_name
from bench.data.sets.names import ENTRY_POINTS
from bench.errors import FAILURES, DataError, UsageError, printable, quoted
from bench.system.entry_points import Door, Unfit

GENERATED = ("smic", "casme2", "samm", "composite", "casme3", "4dme", "mmew")
"""Data sets of the harness that there are generated clips of."""

BUILT_IN = (*GENERATED, "casme", "casme3c")
"""Data sets of the harness in the order of listings."""


TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls")
"""How the names of files end that are given for a data set."""


def _dataset(name: str, value: Any) -> DataSet:
    """The data set of an entry point's class; Unfit where it is none of that name."""
    if not (isinstance(value, type) and issubclass(value, DataSet)):
        raise Unfit(f"expected a subclass of bench.data.sets.base.DataSet, got {value!r:.60}")
    dataset = value()
    if dataset.name != name:
        raise Unfit(f"the data set calls itself {dataset.name!r}")
    for what in ("title", "summary", "how_to_get"):
        if not isinstance(getattr(dataset, what, None), str):
            raise Unfit(f"the data set has no {what}")
    return dataset


DOOR = Door(ENTRY_POINTS, "data set", _dataset)


class Catalogue(Mapping[str, DataSet]):
    """Data sets by their name on the command line; packages are looked at when it is read."""

    def __getitem__(self, name: str) -> DataSet:
        return DOOR.values()[name]

    def __iter__(self) -> Iterator[str]:
        """The harness's own in their order, then the others by name."""
        found = DOOR.values()
        own = [name for name in BUILT_IN if name in found]
        return iter([*own, *(name for name in found if name not in BUILT_IN)])

    def __len__(self) -> int:
        return len(DOOR.values())


DATASETS = Catalogue()


def find_dataset(name: str, allow_outside: bool = False) -> DataSet:
    """The data set of that name, or the manifest of `manifest:FILE`.

    UsageError that suggests the nearest where there is none, BenchError where that of a package
    cannot be used.
    """
    if name.startswith(PREFIX):
        return Manifest(Path(name.removeprefix(PREFIX)), DATASETS, allow_outside)
    if name not in DOOR.names():
        _refuse_path(name)
        usual = known_name(name, DATASETS)
        if usual in DATASETS:
            raise UsageError(f"unknown data set {name!r}. Did you mean {usual!r}?")
    return DOOR.load(name)


def _refuse_path(name: str) -> None:
    """UsageError where a file or a folder is given for a data set: it says what was meant."""
    path = Path(name)
    if path.is_dir():
        raise UsageError(
            f"--dataset {name} is a folder: name its data set, and the folder by --data-root "
            f"{name}; clips of your own need a manifest (`bench data manifest --help`)"
        )
    if path.is_file() or path.suffix in TABLES:
        raise UsageError(
            f"--dataset {name} names a file: a manifest of clips is written {PREFIX}{name}"
        )


def load_clips(
    dataset: str,
    root: Path,
    subjects: Sequence[str] | None = None,
    class_map: str = CHALLENGE,
    allow_outside: bool = False,
    layout: Layout = AS_RELEASED,
) -> ClipSet:
    """Clips below the data root, sorted by data set, subject and name, with all problems.

    `subjects` keeps those only; `s01`, `s1` and `1` are the same one. `class_map` is challenge,
    native or a file; `allow_outside` lets a manifest name frames anywhere; `layout` says what the
    names below the root do not. Raises UsageError for an unknown data set or subject, DataError for
    a root, layout or spreadsheet that cannot be read.
    """
    found, tree = find_dataset(dataset, allow_outside), Tree.at(root, layout)
    with DOOR.answering(dataset):
        wanted = None if subjects is None else found.resolve_subjects(subjects)
        clips = found.load(tree, wanted, class_map)
        if not DOOR.is_own(dataset):
            _refuse_unsound(dataset, clips, wanted)
            _refuse_contradictions(dataset, clips)
            _refuse_dependent(found, tree, clips, wanted, class_map)
            _refuse_other_map(dataset, clips, class_map)
            in_order = sorted(clips.clips, key=lambda each: (each.subject, each.name))
            clips = replace(clips, clips=tuple(in_order))
    if isinstance(found, Manifest):  # which tells of its rows what paths say
        return judged(clips)
    told = contradicted_clips(clips, clips.dataset or "clips")
    return judged(replace(clips, problems=(*clips.problems, *told)))


def _refuse_unsound(dataset: str, found: ClipSet, wanted: Collection[str] | None) -> None:
    """Raises DataError where the data set of a package gives what cannot be scored."""
    if not _are_classes(found.classes):
        raise DataError(
            f"{DOOR.origin(dataset)} has the classes {printable(repr(found.classes))[:80]}; "
            "expected a tuple of two or more names, each once"
        )
    if not (found.clips or any(problem.fatal for problem in found.problems)):
        raise DataError(f"{DOOR.origin(dataset)} gives no clip: check --data-root and --subjects")
    if found.tested:
        raise DataError(
            f"{DOOR.origin(dataset)} gives tested={printable(str(found.tested))[:40]}, which is "
            "for generated people alone: leave it out; whom a network is tested on is said by "
            "protocol.split"
        )
    told: Counter[tuple[str, ...]] = Counter()
    for clip in found.clips:
        who = (clip.dataset, clip.subject, clip.name)
        told[who] += 1
        reasons = {
            "is given more than once": told[who] > 1,
            f"has label {clip.label!r}, no int of 0 to {len(found.classes) - 1}": not (
                type(clip.label) is int and 0 <= clip.label < len(found.classes)
            ),
            "has no frames": not clip.frames,
            "has a name that is no part of a path": not all(map(is_name, who)),
            f"has the apex {clip.apex}, which is no frame of it": not _apex_is_there(clip),
            f"has {clip.fps} frames per second": not is_frame_rate(clip.fps),
            "has frames that do not follow the numbers in their names": not _in_order(clip.frames),
            "is of another data set": clip.dataset != dataset,
            "is of a subject that was not asked for": clip.subject
            not in (wanted or [clip.subject]),
        }
        for reason, so in reasons.items():
            if so:
                raise DataError(f"{DOOR.origin(dataset)}: {clip_title(clip)} {reason}")


AGREE = "label and emotion of a clip have to agree; give an empty emotion where there is no word"


def _refuse_contradictions(dataset: str, found: ClipSet) -> None:
    """Raises DataError where labels of a package's data set contradict its clips' emotion words.

    One word has one class, and a word that is a class's name has that class. Clips without a word
    are not looked at.
    """
    meant = found.class_map not in (CHALLENGE, NATIVE)  # may give any class to a word
    names = {} if meant else {plain_label(name): n for n, name in enumerate(found.classes)}
    first: dict[tuple[str, str], Clip] = {}
    for clip in found.clips:
        word = plain_label(str(clip.emotion))
        if not word:
            continue
        before = first.setdefault((clip.dataset, word), clip)
        shown = f"{DOOR.origin(dataset)}: {clip_title(clip)} has class {found.classes[clip.label]}"
        if names.get(word, clip.label) != clip.label:
            raise DataError(f"{shown}, but its emotion is {quoted(printable(word))}: {AGREE}")
        if before.label != clip.label:
            other = f"{clip_title(before)} has {found.classes[before.label]}"
            raise DataError(
                f"{shown}, {other}, and both the emotion {quoted(printable(word))}: {AGREE}"
            )


def _refuse_other_map(dataset: str, found: ClipSet, class_map: str) -> None:
    """Raises DataError where a package's data set has other classes than `data.class_map` says.

    A map of one's own names them; one that is neither pairs nor a file is the package's.
    """
    if class_map == CHALLENGE:
        return
    origin, named = DOOR.origin(dataset), printable(", ".join(found.classes))[:80]
    if found.class_map == CHALLENGE:
        raise DataError(
            f"{origin} takes no notice of data.class_map: its classes are {named}; leave the "
            "setting out"
        )
    own = "=" in class_map or Path(class_map).expanduser().is_file()
    asked = ClassMap.named(class_map, dataset) if own else None
    if found.class_map not in (class_map, asked.name if asked else class_map):
        raise DataError(
            f"{origin} has the class map {quoted(printable(found.class_map))}, and data.class_map "
            f"asks for {quoted(printable(class_map))}: leave the setting out, or mend its `load`"
        )
    if asked and {*found.classes} != {*asked.classes}:
        raise DataError(
            f"{origin} has the classes {named}, and data.class_map names "
            f"{printable(', '.join(asked.classes))[:80]}: leave the setting out, or mend its `load`"
        )
    if asked:
        _refuse_unmapped(origin, found, asked)


def _refuse_unmapped(origin: str, found: ClipSet, asked: ClassMap) -> None:
    """Raises DataError for a clip whose class is not that of its emotion word in the map.

    The name of its class may stand for the word, and clips without a word are not looked at.
    """
    for clip in found.clips:
        word, name = plain_label(str(clip.emotion)), found.classes[clip.label]
        if not word or word == plain_label(name):
            continue
        try:
            label = asked.label_of(clip.dataset, word)
        except Rejected as reason:
            raise DataError(f"{origin}: {clip_title(clip)}: {reason.what}; or: {AGREE}") from None
        meant = "none: it is left out" if label is None else asked.classes[label]
        if meant != name:
            raise DataError(
                f"{origin}: {clip_title(clip)} has class {name}, and data.class_map gives its "
                f"emotion {quoted(printable(word))} {meant}: {AGREE}"
            )


def _refuse_dependent(
    dataset: DataSet, tree: Tree, found: ClipSet, wanted: Collection[str] | None, class_map: str
) -> None:
    """Raises DataError where clips of a package's data set depend on who else is asked for.

    Asked again: for all where some were wanted, for the first and for the last where all were.
    """
    everyone = dataset.subjects or found.subjects
    ends = dict.fromkeys((*everyone[:1], *everyone[-1:]))
    for asked in [None] if wanted is not None else [(name,) for name in ends]:
        try:
            again = dataset.load(tree, asked, class_map)
        except FAILURES:  # as where the files of others are not there
            continue
        chosen = asked or wanted or ()
        one, other = (
            {(c.subject, c.name): c for c in clips.clips if c.subject in chosen}
            for clips in (found, again)
        )
        odd = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        if odd or again.classes != found.classes:
            what = f"clip {printable('/'.join(odd[0]))} is" if odd else "classes are"
            raise DataError(
                f"{DOOR.origin(dataset.name)}: its {what} not the same when other subjects are "
                "asked for: labels, clips and classes may not depend on `subjects`"
            )


def _are_classes(names: Any) -> bool:
    named = isinstance(names, tuple) and all(
        isinstance(name, str) and name.strip() and name.isprintable() for name in names
    )
    return named and len({*names}) == len(names) > 1


def _apex_is_there(clip: Clip) -> bool:
    count = frames_of(clip) if clip.frames else None  # of a video they are not counted here
    return clip.apex is None or (clip.apex >= 0 and (count is None or clip.apex < count))


def _in_order(frames: Sequence[Path]) -> bool:
    """Whether images of one folder follow the numbers in their names, where all have one."""
    numbers = [number for number in frame_numbers(frames) if number is not None]
    together = len({path.parent for path in frames}) == 1 and len(numbers) == len(frames)
    return not together or numbers == sorted(numbers)


def judged(found: ClipSet) -> ClipSet:
    """The clips with the problems that can be seen whatever the door they came by."""
    clips, collisions = refuse_collisions(found.clips)
    named = [(clip.dataset, clip.subject, clip.name) for clip in clips]
    seen = (
        *look_alikes(named, found.classes),
        *doubtful_people(named, BUILT_IN),
        *people_in_paths(clips, BUILT_IN),
        *one_class_each(clips, BUILT_IN),
        *absurd_clips(clips),
        *twins(clips),
        *giveaways(clips),
    )
    problems = dict.fromkeys((*found.problems, *collisions, *seen))  # clips may share a folder
    return replace(found, clips=clips, problems=tuple(problems))


def require_root(dataset: str, root: Path | None) -> Path:
    """`root`, or the UsageError that says how to get the data set and what to do without it.

    The root of a manifest is its own folder.
    """
    if dataset.startswith(PREFIX):
        return Manifest(Path(dataset.removeprefix(PREFIX)), DATASETS).root
    if root is not None:
        return root
    generated = (
        " Without the licensed files, `bench run --surrogate` uses generated clips and "
        f"`bench data synth --dataset {dataset} --out DIR` writes them."
    )
    raise UsageError(
        f"no data root for {dataset}: give --data-root DIR or set BENCH_DATA. "
        f"{find_dataset(dataset).how_to_get}{generated if dataset in GENERATED else ''}"
    )
