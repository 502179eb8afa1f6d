"""Class maps: from the emotion words of a release to classes.

`challenge`: MEGC2019's three classes; `native`: the words of the release; `0=negative,1=positive`
is a map itself; any other name is a CSV file with columns emotion, class and, where a word means
different classes in two sets, dataset.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import CHALLENGE_CLASSES, Problem, Rejected
from bench.data.disk.finding import usual_name
from bench.data.sets.challenge import CLASS_MAPS, NATIVE_CLASSES, UNMAPPED
from bench.data.sets.names import dataset_names
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.tables import NAMES, parse_table, read_text

CHALLENGE, NATIVE = "challenge", "native"
ANY = ""
"""Key of words that are mapped alike in every data set."""

EXPECTED = f"{CHALLENGE}, {NATIVE} or a CSV file with columns emotion and class"

SPELLINGS = MappingProxyType(
    {
        "emotion": ("emotion", "label", "expression"),
        "class": ("class",),
        "dataset": NAMES["dataset"],
    }
)
"""Column of a class map -> the titles that are taken for it."""


@dataclass(frozen=True)
class ClassMap:
    """(data set, word) -> class; `left_out`: known words whose clips are left out on purpose."""

    name: str
    classes: tuple[str, ...]
    words: Mapping[tuple[str, str], str]
    left_out: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def challenge(cls) -> ClassMap:
        """The three classes of MEGC2019; the names of the classes are words in every data set."""
        words = {(s, word): c for s, known in CLASS_MAPS.items() for word, c in known.items()}
        own = {(ANY, name): name for name in CHALLENGE_CLASSES}
        dropped = frozenset((s, word) for s, known in UNMAPPED.items() for word in known)
        return cls(CHALLENGE, CHALLENGE_CLASSES, own | words, dropped)

    @classmethod
    def named(cls, name: str, dataset: str, words: Iterable[str] = ()) -> ClassMap:
        """`challenge`, `native`, a map or a file of one, for a data set.

        words: the labels that `native` turns into classes for a data set that is not listed in
        NATIVE_CLASSES. Raises UsageError where the file is missing or not named, DataError where it
        is no class map.
        """
        if name == CHALLENGE:
            return cls.challenge()
        if name == NATIVE:
            return cls.native(dataset, words)
        if not name.strip():
            raise UsageError(f"data.class_map is empty: expected {EXPECTED}")
        if "=" in name and not os.path.exists(name):  # noqa: PTH110 - False for a long map
            return cls._of_pairs(name, label_pairs(name, "data.class_map"))
        return _from_file(Path(name).expanduser())

    @classmethod
    def _of_pairs(cls, name: str, pairs: Mapping[str, str]) -> ClassMap:
        words = {(ANY, word): to for word, to in pairs.items() if to}
        dropped = frozenset((ANY, word) for word, to in pairs.items() if not to)
        return cls(name, _ordered(words.values()), words, dropped)

    @classmethod
    def native(cls, dataset: str, words: Iterable[str] = ()) -> ClassMap:
        """The release's own words, without the rarest that `words` lack; for other sets `words`."""
        found = set(filter(None, map(plain_label, words)))
        known = {*CLASS_MAPS.get(dataset, ()), *UNMAPPED.get(dataset, ())}
        usual = NATIVE_CLASSES.get(dataset)
        classes = tuple(sorted({*usual, *found & known} if usual else found))
        own = {(ANY, word): word for word in classes}
        return cls(NATIVE, classes, own, frozenset((ANY, word) for word in known - {*classes}))

    def label_of(self, dataset: str, word: str) -> int | None:
        """Index of the class, None for a word left out on purpose; Rejected for an unknown one."""
        keys = _keys(dataset, word)
        if self._left_out(keys):
            return None
        for key in keys:
            if key in self.words:
                return self.classes.index(self.words[key])
        plain = plain_label(word)
        known = dict.fromkeys(word for place, word in self.words if place in (dataset.lower(), ANY))
        shown = f"label {quoted(printable(word))}" if plain else "an empty label"
        raise Rejected(
            "label",
            f"{shown} is none of {', '.join(map(printable, known))} (class "
            f"map {printable(self.name)}); {self._advice(plain)}",
        )

    def own_oddities(self, source: str, labels: Iterable[tuple[str, str]]) -> Iterator[Problem]:
        """The problems of `oddities` for a map of the user's own.

        The built-in ones leave out of a release what the challenge and other studies do.
        """
        if self.name not in (CHALLENGE, NATIVE):
            yield from self.oddities(source, labels)

    def oddities(self, source: str, labels: Iterable[tuple[str, str]]) -> Iterator[Problem]:
        """One problem for all clips that are left out, and one for rows of data sets unheard of.

        labels: data set and word of each clip.
        """
        labels = list(labels)
        words = [keys[1][1] for keys in starmap(_keys, labels) if self._left_out(keys)]
        if words:
            named = ", ".join(f"{quoted(printable(w))} {n}" for w, n in Counter(words).items())
            what = f"the class map {printable(self.name)} leaves out {len(words)} clip(s): {named}"
            yield Problem("label", source, what)
        sets = dict.fromkeys(place for place, _ in (*self.words, *self.left_out))
        there = {ANY, *(dataset.lower() for dataset, _ in labels)}
        if strange := sorted(sets.keys() - there - dataset_names()):
            named = ", ".join(quoted(printable(each)) for each in strange)
            what = f"rows of the class map {printable(self.name)} are of no data set here: {named}"
            yield Problem("label", source, what)

    def _left_out(self, keys: Iterable[tuple[str, str]]) -> bool:
        """Whether the first of the keys that the map knows is left out."""
        known = (key in self.left_out for key in keys if key in self.left_out or key in self.words)
        return next(known, False)

    def _advice(self, word: str) -> str:
        """What to do about a label that the map lacks; nothing that is in force already."""
        if not word:
            return "write one into the row, or leave the row out"
        if word.isdecimal():
            numbers = ",".join(f"{n}={name}" for n, name in enumerate(CHALLENGE_CLASSES))
            return (
                f"say what the numbers mean: --set data.class_map={numbers} if they are the "
                "challenge's, else with your own classes"
            )
        if self.name != CHALLENGE and word in CHALLENGE_CLASSES:
            return "--set data.class_map=challenge knows it"
        keep = "--set data.class_map=native keeps all labels as classes, " * (self.name != NATIVE)
        return (
            f"{keep}--set data.class_map=WORD=CLASS,... or a CSV file with columns emotion, class "
            "maps them"
        )


def _keys(dataset: str, word: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Where a map may hold a word: for the data set, and for all."""
    plain = plain_label(word)
    return (dataset.lower(), plain), (ANY, plain)


def label_pairs(text: str, option: str) -> dict[str, str]:
    """`0=negative,1=positive,2=` as label -> class, empty for a label that is left out.

    Raises UsageError, the option named, for other text.
    """
    pairs: dict[str, str] = {}
    for part in text.split(","):
        label, separator, name = (plain_label(piece) for piece in part.partition("="))
        odd = "=" in name or not name.isprintable()
        if not (separator and label) or label in pairs or odd:
            raise UsageError(
                f"{option}: {quoted(printable(part))}: expected each label once with its class, as "
                "in 0=negative,1=positive,2=surprise"
            )
        pairs[label] = name
    if len({name for name in pairs.values() if name}) < 2:
        raise UsageError(f"{option}={printable(text)} has no two classes")
    return pairs


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Each class once: the challenge's three in its order, others as they come."""
    found = tuple(dict.fromkeys(names))
    return CHALLENGE_CLASSES if set(found) == set(CHALLENGE_CLASSES) else found


def _from_file(path: Path) -> ClassMap:
    try:
        table = parse_table(read_text(path), f"class map {path}")
    except FileNotFoundError:
        raise UsageError(
            f"data.class_map={path}: expected {EXPECTED}; there is no such file"
        ) from None
    except OSError as error:
        raise DataError(f"class map {path} cannot be read ({error.strerror})") from error
    places, known = table.certain_places(SPELLINGS), dataset_names()
    if not {"emotion", "class"} <= places.keys():
        raise DataError(
            f"class map {path}: expected columns emotion and class, and if needed dataset"
        )
    words: dict[tuple[str, str], str] = {}
    dropped = set()
    for line in table.lines:
        row = {field: line.cells[place] for field, place in places.items()}
        emotion, name = (plain_label(row[column]) for column in ("emotion", "class"))
        dataset = row.get("dataset", ANY)
        usual = usual_name(dataset)
        key = (usual if usual in known else dataset.lower(), emotion)
        if key in words or key in dropped:
            raise DataError(f"class map {path} has {emotion!r} twice")
        if name:
            words[key] = name
        else:
            dropped.add(key)
    classes = _ordered(words.values())
    if len(classes) < 2:
        raise DataError(f"class map {path} has {len(classes)} class(es); expected two or more")
    name = f"file {path.name}" if path.name in (CHALLENGE, NATIVE) else path.name
    return ClassMap(name, classes, words, frozenset(dropped))


def plain_label(word: str) -> str:
    """A label without case, and without the `.0` that other programs give to a number."""
    return re.sub(r"^(-?[0-9]+)[.,]0*$", r"\1", word.strip().lower())
