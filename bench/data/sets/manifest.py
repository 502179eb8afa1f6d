"""`manifest:FILE.csv`: clips from anywhere, one row each.

Columns dataset, subject, clip, label, frames; optional onset, apex, offset, fps (other usual titles
are taken too, `SPELLINGS`; any delimiter and encoding, `bench.system.tables`). `frames` is a
folder, a glob, one image, a .npy array (T, H, W) or (T, H, W, 3) of 8 bits, a video, or one ready
flow image (28×28×3, `bench.data.disk.ready_flow`), relative to the manifest. Onset, apex and offset
are numbers in the names of image files (`frame_numbers`), or positions from 0 in a file that holds
the whole clip. A clip is the frames from onset to offset, both inclusive. Data sets that are known,
and their subjects, come out under their usual names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from unicodedata import normalize

from bench.data.clips import DOUBLED, Clip, ClipSet, Problem, Rejected
from bench.data.disk.containers import array_length
from bench.data.disk.finding import shortened
from bench.data.disk.images import MANY, picture_count
from bench.data.disk.numbering import (
    CONTAINER_SUFFIXES,
    beside,
    frame_problems,
    is_image,
    kinds_of_names,
    numbered,
    refuse_lost,
    unread,
)
from bench.data.disk.ready_flow import is_ready_flow
from bench.data.disk.tree import Entries, Tree, refused_links
from bench.data.sets.apex import FRAME_NUMBER, place_apex
from bench.data.sets.base import DataSet
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.data.sets.identity import (
    known_name,
    known_subject,
    sets_of_several_names,
    strangers,
)
from bench.data.sets.paths import Place, contradicted, sorted_labels
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.tables import MISSING, MOMENTS, NAMES, encoding_note, parse_table, read_text

PREFIX = "manifest:"

REQUIRED = ("dataset", "subject", "clip", "label", "frames")

OPTIONAL = ("onset", "apex", "offset", "fps")

COLUMNS = (*REQUIRED, *OPTIONAL)

SPELLINGS = MappingProxyType(
    {
        **NAMES,
        "label": ("label", "emotion", "estimatedemotion", "class", "expression", "emotionlabel"),
        "frames": (
            *("frames", "path", "framepath", "folder", "images", "image"),
            *("imagepath", "filepath", "folderpath", "directory"),
        ),
        **MOMENTS,
        "fps": ("fps", "framerate"),
    }
)
"""Column -> the titles that are taken for it."""

DEFAULT_FPS = 200.0

LONGEST_NAME = 100

REMARK = "; the row looks like a remark or a total: if it is, leave it out of the file"

WINDOWS = re.compile(r"[A-Za-z]:|\\\\")
"""How a path of Windows begins that is not relative."""


@dataclass(frozen=True)
class Row:
    """One line of a manifest; `number` as a spreadsheet program counts."""

    number: int
    cells: dict[str, str]

    @property
    def who(self) -> str:
        """Subject and clip as messages name them."""
        names = (self.cells[column] for column in ("subject", "clip"))
        return " ".join(printable(name)[:LONGEST_NAME] for name in names)

    @property
    def is_remark(self) -> bool:
        """Whether it begins with # or names neither a label nor frames."""
        begins = next(iter(self.cells.values()), "").startswith("#")
        return begins or not (self.cells["label"] or self.cells["frames"])

    def number_of(self, column: str) -> int | None:
        """A cell as a frame number, None where it has none; Rejected for other text."""
        text = self.cells.get(column, "")
        if not text or MISSING.fullmatch(text):
            return None
        number = FRAME_NUMBER.fullmatch(text)
        if number is None:
            raise Rejected("odd", f"{column} {quoted(printable(text))} is no frame number")
        return int(number[1])


class Manifest(DataSet):
    """The clips that a file lists. With `allow_outside` frames may lie outside its folder.

    sets: the data sets that are known by name.
    """

    summary = "any clips: a CSV with columns dataset, subject, clip, label, frames"
    how_to_get = "Write a CSV file with a row per clip."
    _in_file = True

    def __init__(
        self, path: Path, sets: Mapping[str, DataSet], allow_outside: bool = False
    ) -> None:
        self.path = path.expanduser().absolute()
        self.sets = sets
        self.allow_outside = allow_outside
        self.name = PREFIX + str(self.path)
        self.title = f"manifest {self.path.name}"

    @property
    def label(self) -> str:
        """Its name in run folders and tables."""
        return f"manifest-{self.path.stem}"

    @property
    def root(self) -> Path:
        """The folder that paths are relative to."""
        return self.path.parent

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows. Raises UsageError for a missing file, DataError for an invalid one."""
        return tuple(map(self._identified, self._written))

    @cached_property
    def _written(self) -> Sequence[Row]:
        return tuple(self._read())

    def _read(self) -> Iterable[Row]:
        """The rows as they are written."""
        return _read(self.path)

    @property
    def source(self) -> str:
        """The file that messages name."""
        return printable(self.path.name)

    def place_of(self, row: Row) -> str:
        """The row in messages."""
        return f"{self.source} row {row.number} ({row.who})"

    def _identified(self, row: Row) -> Row:
        """The row with its data set and its subject under their usual names."""
        dataset = known_name(row.cells["dataset"], self.sets)
        subject = known_subject(dataset, row.cells["subject"], self.sets)
        return replace(row, cells={**row.cells, "dataset": dataset, "subject": subject})

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the data sets in the file."""
        return tuple(dict.fromkeys(row.cells["dataset"] for row in self.rows))

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects in the file, in order."""
        return tuple(dict.fromkeys(row.cells["subject"] for row in self.rows))

    @property
    def people(self) -> int:
        """How many people the file names: a subject of two data sets is two."""
        return len({(row.cells["dataset"], row.cells["subject"]) for row in self.rows})

    def subject_of(self, text: str) -> str | None:
        """The text itself, or the name of that person in the data sets listed; None for a blank.

        Raises UsageError for a text that several people of these sets may be called by.
        """
        named = {known_subject(dataset, text, self.sets) for dataset in self.parts}
        found = sorted(named & set(self.subjects))
        if len(found) > 1:
            raise UsageError(
                f"subject {quoted(printable(text))} may be {' or '.join(found)}: say which"
            )
        return found[0] if found else text.strip() or None

    def load(
        self,
        tree: Tree,
        subjects: Collection[str] | None = None,
        class_map: str = CHALLENGE,
    ) -> ClipSet:
        """The clips of the rows whose subject is in `subjects` (all: None), with all problems."""
        tree = tree.listed_once()
        words = [row.cells["label"] for row in self.rows]
        dataset = self.parts[0] if len(self.parts) == 1 else ""
        mapping = ClassMap.named(class_map, dataset, words)
        wanted = [row for row in self.rows if subjects is None or row.cells["subject"] in subjects]
        clips: dict[tuple[str, str, str], Clip] = {}
        first: dict[tuple[str, str, str], int] = {}
        problems = [*self._encoding(), *self._unknown_titles(), *self._several_names()]
        people = ((row.cells["dataset"], row.cells["subject"]) for row in wanted)
        problems += strangers(people, self.sets)
        places = [self._said(row, mapping) for row in wanted]
        problems += contradicted(self.source, places, {*words, *mapping.classes})
        problems += sorted_labels(self.source, places)
        labels = ((row.cells["dataset"], row.cells["label"]) for row in wanted)
        problems += mapping.oddities(self.source, labels)
        for row in wanted:
            where = self.place_of(row)
            try:
                clip, notes = self._clip(tree, row, where, mapping)
            except Rejected as reason:
                what = reason.what + REMARK * row.is_remark
                problems.append(Problem(reason.kind, where, what, fatal=True))
                continue
            key = (row.cells["dataset"], row.cells["subject"], row.cells["clip"])
            if key in first and (clip or key in clips):  # also where a label is left out
                what = DOUBLED.format(first[key])
                problems.append(Problem("duplicate", where, what, fatal=True))
                continue
            first.setdefault(key, row.number)
            if clip:
                clips[key] = clip
                problems += notes
        ordered = tuple(clips[key] for key in sorted(clips))
        return ClipSet(self.name, mapping.classes, ordered, tuple(problems), mapping.name)

    def _said(self, row: Row, mapping: ClassMap) -> Place:
        """Where the frames of a row lie, and what it says they are of."""
        cells, label = row.cells, None
        with suppress(Rejected):
            label = mapping.label_of(cells["dataset"], cells["label"])
        named = () if label is None else (mapping.classes[label],)
        classes = (cells["label"], *named)
        return Place(self.place_of(row), cells["frames"], cells["subject"], classes)

    def _encoding(self) -> list[Problem]:
        """The problem of a file whose encoding was guessed."""
        note = encoding_note(self.path) if self._in_file else ""
        return [Problem("encoding", self.source, note)] if note else []

    def _unknown_titles(self) -> list[Problem]:
        """One problem for all unknown columns with content, which may be misspelt."""
        titles = [title for title in self.rows[0].cells if title not in COLUMNS]
        unknown = [title for title in titles if any(row.cells[title] for row in self.rows)]
        if not unknown:
            return []
        named = ", ".join(quoted(printable(title)) for title in unknown)
        what = f"column(s) {named} not used; known are {', '.join(COLUMNS)}"
        return [Problem("odd", f"{self.source} row 1", what)]

    def _several_names(self) -> Iterator[Problem]:
        """A problem for each data set and each person that the file calls by more than one name."""
        pairs = list(zip(self.rows, self._written, strict=True))
        sets = ((written.cells["dataset"], row.cells["dataset"]) for row, written in pairs)
        for dataset, what in sets_of_several_names(sets):
            yield Problem("identity", dataset, what)
        names: dict[tuple[str, str], dict[str, None]] = {}
        for row, written in pairs:
            key = (row.cells["dataset"], row.cells["subject"])
            names.setdefault(key, {})[written.cells["subject"]] = None
        for (dataset, subject), found in names.items():
            if len(found) > 1:
                listed = ", ".join(quoted(printable(name)) for name in found)
                what = f"subjects {listed} are one person of this set: {subject}"
                yield Problem("identity", dataset, what)

    def _clip(
        self, tree: Tree, row: Row, where: str, mapping: ClassMap
    ) -> tuple[Clip | None, list[Problem]]:
        """The clip of a row (None for a label that the class map leaves out), and problems."""
        cells = row.cells
        for column in ("dataset", "subject", "clip"):
            if not is_name(cells[column]):
                raise Rejected(
                    "odd", f"{column} {quoted(printable(cells[column]))} cannot be a name"
                )
        label = mapping.label_of(cells["dataset"], cells["label"])
        if label is None:
            return None, []
        onset, offset = row.number_of("onset"), row.number_of("offset")
        if onset is not None and offset is not None and offset < onset:
            raise Rejected("odd", f"offset {offset} lies before onset {onset}")
        listed = Clip(
            dataset=cells["dataset"],
            subject=cells["subject"],
            name=cells["clip"],
            label=label,
            frames=(),
            apex=None,
            emotion=cells["label"].lower(),
            fps=_fps(cells.get("fps", "")),
        )
        found, others, problems = self._frames(tree, cells["frames"], where)
        if (single := _single_file(found)) and is_ready_flow(single):
            return replace(listed, frames=(single,), ready_flow=True), problems
        if single and single is not found and (count := picture_count(single)) > 1:
            raise Rejected("unreadable", f"{printable(single.name)} {MANY.format(count)}")
        if isinstance(found, Path):  # a file that holds the whole clip
            first, last, numbers = onset or 0, offset, None
            span = (first, None if offset is None else offset + 1)
            clip = replace(listed, frames=(found,), span=span if span != (0, None) else None)
            if last is None and (length := array_length(clip)):
                last = length - 1
        else:
            kept = {n: path for n, path in found.items() if _within(n, onset, offset)}
            if not kept:
                there = f"{min(found)}..{max(found)}" if len(found) > 1 else "one image"
                raise Rejected("frames", f"no frame between {onset} and {offset}, {there} there")
            refuse_lost(kept, others, onset, offset)
            first = min(kept) if onset is None else onset
            last = max(kept) if offset is None else offset
            problems += frame_problems(where, kept, first, last) if len(found) > 1 else []
            problems += kinds_of_names(where, kept.values()) if onset is None else []
            numbers = list(kept)
            clip = replace(listed, frames=tuple(kept.values()))
        if not self._has_apexes:
            return clip, problems
        apex, replaced = place_apex(cells.get("apex", ""), first, last, numbers)
        problems += [Problem("apex", where, replaced)] if replaced else []
        return replace(clip, apex=apex), problems

    @cached_property
    def _has_apexes(self) -> bool:
        """Whether any row has an apex: a set without annotated ones has nothing to replace."""
        return any(row.cells.get("apex") for row in self.rows)

    def _frames(
        self, tree: Tree, text: str, where: str
    ) -> tuple[dict[int, Path] | Path, list[Path], list[Problem]]:
        """Image files by number, or the one file that holds the clip; other files; and problems."""
        tree, steps = self._steps(tree, text)
        problems: list[Problem] = []
        places = [tree.root]
        for step in steps[:-1]:
            here = [(place, tree.entries(place)) for place in places]
            for place, entries in here:
                if any(fnmatchcase(name, step) for name in entries.refused):
                    problems += refused_links(tree, place, entries)
            entered = [_matching(entries.folders, step) for _, entries in here]
            places = _each_once(folder for folders in entered for folder in folders)
        files: list[Path] = []
        others: list[Path] = []
        for place in places:
            entries = tree.entries(place)
            problems += _unread(tree, place, entries, steps[-1])
            files += _matching(entries.files, steps[-1])
            for folder in _matching(entries.folders, steps[-1]):
                below = tree.entries(folder)
                problems += unread(tree, folder, below)
                for path in below.files.values():
                    (files if is_image(path.name) else others).append(path)
        containers = [file for file in files if file.suffix.lower() in CONTAINER_SUFFIXES]
        if len(containers) == 1 and len(files) == 1:
            return containers[0], others, problems
        images = [file for file in files if is_image(file.name)]
        others += [file for file in files if not is_image(file.name)]
        if not images:
            shown = quoted(printable(text), 80)
            links = [problem.where for problem in problems if problem.kind == "link"]
            link = "; links that leave the root are followed by --allow-outside alone" * bool(links)
            raise Rejected("missing", f"frames {shown}: {_no_images(others)}{link}")
        if len(images) == 1:
            return {0: images[0]}, others, problems + beside(tree, {0: images[0]}, others)
        frames, odd = numbered(tree, images)
        folders = sorted({tree.shown(image.parent) for image in images})
        if len(folders) > 1:
            what = f"its frames lie in {len(folders)} folders: {shortened(folders)}"
            problems.append(Problem("odd", where, f"{what}; if it is one clip's, name that alone"))
        if not frames:
            raise Rejected("frames", "no frame number ends the name of any image")
        return frames, others, problems + odd + beside(tree, frames, others)

    def _steps(self, tree: Tree, text: str) -> tuple[Tree, Sequence[str]]:
        """The tree that a path starts in, and its parts; Rejected where it leaves the root."""
        if os.name != "nt" and WINDOWS.match(text):
            raise Rejected("outside", f"{self._elsewhere(text, 'is a path of Windows')}")
        path = PurePosixPath(text.replace("\\", "/"))
        whole = Path(os.path.normpath(self.root / path))
        homes = (Path(os.path.normpath(self.root)), Path(tree.real))
        home = next((home for home in homes if whole.is_relative_to(home)), None)
        if not text or whole == home:
            raise Rejected("missing", "the cell frames is empty, or the manifest's own folder")
        if home:  # links may still lead out
            anywhere = os.path.realpath(tree.root.anchor)
            inside = replace(tree, real=anywhere) if self.allow_outside else tree
            return inside, whole.relative_to(home).parts
        if not self.allow_outside:
            shown = quoted(printable(text), 80)
            if path.is_absolute() and not Path(path.parts[0], *path.parts[1:2]).exists():
                raise Rejected("outside", self._elsewhere(text, "is of another computer"))
            raise Rejected(
                "outside",
                f"frames {shown} leave the manifest's folder; say --allow-outside if you mean it",
            )
        base = Path(whole.anchor)
        return Tree(base, os.path.realpath(base)), whole.parts[1:]

    def _elsewhere(self, text: str, what: str) -> str:
        """What to write instead of a path that means nothing here."""
        parts = PureWindowsPath(text).parts[1:]
        tails = [PurePosixPath(*parts[start:]) for start in range(len(parts))]
        there = next((t for t in tails if ".." not in t.parts and (self.root / t).exists()), None)
        found = f": {printable(there)} is there" if there else ", as in frames/sub01/EP01_2"
        return (
            f"frames {quoted(printable(text), 80)} {what} and means nothing here; write it "
            f"relative to the manifest's folder, with /{found}"
        )


def is_name(text: str) -> bool:
    """Whether a data set, subject or clip may be called so: it may become part of a file's name."""
    plain = text.isprintable() and not set(text) & {"/", "\\"}
    return plain and 0 < len(text) <= LONGEST_NAME and text.strip(".") != ""


def is_frame_rate(value: float) -> bool:
    """Whether a clip may have so many frames per second."""
    return 0 < value < 1e5


def _no_images(files: Sequence[Path]) -> str:
    """What lies where images, one .npy or one video were expected."""
    if not files:
        return "no image, .npy or video there"
    kinds = shortened(sorted({printable(file.suffix) or "no suffix" for file in files}))
    return (
        f"{len(files)} file(s) there ({kinds}); expected images, or the path of one .npy or video"
    )


def _single_file(found: Mapping[int, Path] | Path) -> Path | None:
    """The file, if a row names only one, else None."""
    if isinstance(found, Path):
        return found
    return next(iter(found.values())) if len(found) == 1 else None


def _matching(entries: Mapping[str, Path], pattern: str) -> list[Path]:
    """The entry of exactly that name, else the entries that match it as a glob, sorted by name.

    Of a name that one entry alone has in another composition (`ü` of one or two signs), that one.
    """
    if pattern in entries:
        return [entries[pattern]]
    if not pattern.isascii():
        whole = normalize("NFC", pattern)
        alike = [path for name, path in entries.items() if normalize("NFC", name) == whole]
        if len(alike) == 1:
            return alike
    return [path for name, path in entries.items() if fnmatchcase(name, pattern)]


def _each_once(folders: Iterable[Path]) -> list[Path]:
    """The folders without repetitions through links, since circular links would never end."""
    seen: dict[str, Path] = {}
    for folder in folders:
        seen.setdefault(os.path.realpath(folder), folder)
    return list(seen.values())


def _unread(tree: Tree, folder: Path, entries: Entries, pattern: str) -> list[Problem]:
    """Problems: refused links, and entries matching the pattern that are no file or folder."""
    what = "not used: it is neither a file nor a folder"
    named = [name for name in entries.special if fnmatchcase(name, pattern)]
    odd = [Problem("odd", tree.shown(folder / name), what) for name in named]
    return refused_links(tree, folder, entries) + odd


def _within(number: int, onset: int | None, offset: int | None) -> bool:
    return (onset is None or number >= onset) and (offset is None or number <= offset)


def _fps(text: str) -> float:
    if not text:
        return DEFAULT_FPS
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not is_frame_rate(value):
        raise Rejected("odd", f"fps {quoted(printable(text))} is no frame rate")
    return value


def _read(path: Path) -> Iterable[Row]:
    name = f"manifest {printable(path)}"
    try:
        table = parse_table(read_text(path), name)
    except FileNotFoundError:
        raise UsageError(
            f"{printable(path)} does not exist: give a CSV file with columns "
            f"{', '.join(REQUIRED)} as manifest:FILE.csv"
        ) from None
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror}): expected a CSV file") from error
    places = table.certain_places(SPELLINGS)
    missing = [column for column in REQUIRED if column not in places]
    if missing:
        raise DataError(
            f"{name} lacks the column(s) {', '.join(missing)}; its header has "
            f"{table.found_titles}: expected {', '.join(REQUIRED)} and if known "
            f"{', '.join(OPTIONAL)}"
        )
    if not table.lines:
        raise DataError(f"{name} lists no clip")
    fields = {place: field for field, place in places.items()}
    titles = [fields.get(place, title) for place, title in enumerate(table.titles)]
    return [Row(line.number, dict(zip(titles, line.cells, strict=False))) for line in table.lines]
