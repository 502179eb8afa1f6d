"""Class maps: from the emotion words of a release to classes.

`challenge`: MEGC2019's three classes; `native`: the words of the release; any other name is a CSV
file with columns emotion, class and, where a word means different classes in two sets, dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import CHALLENGE_CLASSES, Rejected
from bench.data.sets.challenge import CLASS_MAPS, NATIVE_CLASSES, UNMAPPED
from bench.errors import DataError, UsageError, quoted
from bench.system.tables import NAMES, parse_table, read_text

CHALLENGE, NATIVE = "challenge", "native"
ANY = ""
"""Key of words that are mapped alike in every data set."""

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
        """`challenge`, `native` or a file, for a data set.

        words: the labels that `native` turns into classes for a data set that is not listed in
        NATIVE_CLASSES. Raises UsageError where the file is missing, DataError where it is no class
        map.
        """
        if name == CHALLENGE:
            return cls.challenge()
        if name == NATIVE:
            return cls.native(dataset, words)
        return _from_file(Path(name).expanduser())

    @classmethod
    def native(cls, dataset: str, words: Iterable[str] = ()) -> ClassMap:
        """The release's own words, without the rarest; for sets not listed here, `words`."""
        found = filter(None, map(_plain, words))
        classes = NATIVE_CLASSES.get(dataset) or tuple(sorted(set(found)))
        known = {*CLASS_MAPS.get(dataset, ()), *UNMAPPED.get(dataset, ())} - set(classes)
        own = {(ANY, word): word for word in classes}
        return cls(NATIVE, classes, own, frozenset((ANY, word) for word in known))

    def label_of(self, dataset: str, word: str) -> int | None:
        """Index of the class, None for a word left out on purpose; Rejected for an unknown one."""
        plain = _plain(word)
        for key in ((dataset, plain), (ANY, plain)):
            if key in self.left_out:
                return None
            if key in self.words:
                return self.classes.index(self.words[key])
        known = dict.fromkeys(word for place, word in self.words if place in (dataset, ANY))
        raise Rejected(
            "label",
            f"label {quoted(word)} is none of {', '.join(known)} (class map {self.name}); keep "
            "the labels as they are with --set data.class_map=native, or name a file of your own",
        )


def _from_file(path: Path) -> ClassMap:
    try:
        table = parse_table(read_text(path), f"class map {path}")
    except FileNotFoundError:
        raise UsageError(
            f"data.class_map={path}: expected {CHALLENGE}, {NATIVE} or a CSV file with columns "
            "emotion and class; there is no such file"
        ) from None
    except OSError as error:
        raise DataError(f"class map {path} cannot be read ({error})") from error
    places = table.places(SPELLINGS)
    if not {"emotion", "class"} <= places.keys():
        raise DataError(
            f"class map {path}: expected columns emotion and class, and if needed dataset"
        )
    words: dict[tuple[str, str], str] = {}
    dropped = set()
    for line in table.lines:
        row = {field: line.cells[place] for field, place in places.items()}
        emotion, name = (_plain(row[column]) for column in ("emotion", "class"))
        key = (row.get("dataset", ANY), emotion)
        if key in words or key in dropped:
            raise DataError(f"class map {path} has {emotion!r} twice")
        if name:
            words[key] = name
        else:
            dropped.add(key)
    classes = tuple(dict.fromkeys(words.values()))
    if len(classes) < 2:
        raise DataError(f"class map {path} has {len(classes)} class(es); expected two or more")
    name = f"file {path.name}" if path.name in (CHALLENGE, NATIVE) else path.name
    return ClassMap(name, classes, words, frozenset(dropped))


def _plain(word: str) -> str:
    return word.strip().lower()
