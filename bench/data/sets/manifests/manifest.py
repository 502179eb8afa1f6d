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

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bench.data.clips import DOUBLED, Clip, ClipSet, Problem, Rejected
from bench.data.disk.containers import array_length
from bench.data.disk.images import MANY, picture_count
from bench.data.disk.numbering import frame_problems, kinds_of_names, refuse_lost
from bench.data.disk.ready_flow import is_ready_flow
from bench.data.disk.tree import Tree
from bench.data.sets.apex import place_apex
from bench.data.sets.base import DataSet
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.data.sets.doubts.paths import Place, contradicted, sorted_labels
from bench.data.sets.identity import known_name, known_subject, sets_of_several_names, strangers
from bench.data.sets.manifests.frames import ListedFrames
from bench.data.sets.manifests.rows import COLUMNS, REMARK, Row, frame_rate, is_name, read_rows
from bench.errors import UsageError, printable, quoted
from bench.system.tables import encoding_note

PREFIX = "manifest:"


class Manifest(DataSet):
    """The clips that a file lists. With `allow_outside` frames may lie outside its folder.

    sets: the data sets that are known by name.
    """

    summary = "any clips: a CSV with columns dataset, subject, clip, label, frames"
    how_to_get = "Write a CSV file with a row per clip."

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
        return read_rows(self.path)

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
        note = encoding_note(self.path)
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
            fps=frame_rate(cells.get("fps", "")),
        )
        found, others, problems = ListedFrames(self.root, self.allow_outside).find(
            tree, cells["frames"], where
        )
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


def _single_file(found: Mapping[int, Path] | Path) -> Path | None:
    """The file, if a row names only one, else None."""
    if isinstance(found, Path):
        return found
    return next(iter(found.values())) if len(found) == 1 else None


def _within(number: int, onset: int | None, offset: int | None) -> bool:
    return (onset is None or number >= onset) and (offset is None or number <= offset)
