"""Who is who: one person under one name, behind every door.

A set's subjects and its own name are written in many ways (`1`, `001`, `sub01`, `Sub01`, `s1`);
where the set is known they become one. Elsewhere names that may mean the same are problems, and
those that a disk may take for one (`Anna`, `anna`) are refused: a run has a file per subject.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import takewhile
from pathlib import PurePosixPath
from types import MappingProxyType

from bench.data.clips import Clip, Problem
from bench.data.disk.finding import usual_name, without_signs
from bench.data.disk.numbering import CONTAINER_SUFFIXES, IMAGE_SUFFIXES
from bench.data.sets.base import DataSet, SingleSet
from bench.errors import numbered, printable, quoted
from bench.system.tables import MISSING

_PREFIX = re.compile(r"^(?:subject|subj|sub|spno|participant|person|id|s|p)(?=[0-9]+$)")


def known_name(text: str, sets: Mapping[str, DataSet]) -> str:
    """The harness's name of a data set that clips belong to, other names as they are."""
    name = usual_name(text)
    return name if name in sets and sets[name].parts == (name,) else text


def sets_of_several_names(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each data set that is called by several names, and the text that says so.

    names: as it is written, and as it is known, of each row. Case, blanks and signs alone make no
    other name.
    """
    found: dict[str, dict[str, str]] = {}
    for written, known in dict.fromkeys(names):
        found.setdefault(known, {}).setdefault(without_signs(written), written)
    for known, spelt in found.items():
        if len(spelt) > 1:
            listed = " and ".join(map(_spelt, spelt.values()))
            yield known, f"data sets {listed} are taken for one: {known}"


def known_subject(dataset: str, text: str, sets: Mapping[str, DataSet]) -> str:
    """The name of a subject in a set that is known, else the text as it is."""
    found = sets.get(dataset)
    return (found.person(text) if isinstance(found, SingleSet) else None) or text


def strangers(people: Iterable[tuple[str, str]], sets: Mapping[str, DataSet]) -> Iterator[Problem]:
    """A problem for each known data set with subjects that are none of its own.

    people: data set and subject. By how they are called, or by a number above those of its list:
    some of a release are not in that.
    """
    found: dict[str, dict[str, None]] = {}
    for dataset, subject in people:
        found.setdefault(dataset, {})[subject] = None
    for dataset, names in found.items():
        known = sets.get(dataset)
        if not isinstance(known, SingleSet):
            continue
        last = max(known.subjects, default="")
        odd = [name for name in names if known.person(name) is None or name > last > ""]
        if odd:
            called = f"{known.example_subject} to {last}" if last else known.example_subject
            what = (
                f"{len(odd)} of {len(names)} subject(s), first {quoted(printable(odd[0]))}, are "
                f"none of {known.title} (there {called}): if this is another set, give it a name "
                "of its own"
            )
            yield Problem("identity", printable(dataset), what)


def refuse_collisions(clips: Sequence[Clip]) -> tuple[tuple[Clip, ...], list[Problem]]:
    """The clips without those whose names a disk may take for another's, each a fatal problem.

    Disks of Windows and macOS do not tell `Anna` from `anna`, nor two spellings of `ü`.
    """
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    kept, problems = [], []
    for clip in clips:
        names = (clip.dataset, clip.subject, clip.name)
        levels = [names[:1], names[:2], names]
        taken = [first.setdefault(tuple(map(_on_disk, level)), level) for level in levels]
        twin = next((t for t, level in zip(taken, levels, strict=True) if t != level), None)
        if twin is None:
            kept.append(clip)
            continue
        level = ("data set", "subject", "clip")[len(twin) - 1]
        other = quoted(printable("/".join(twin)), 80)
        what = (
            f"its {level} collides with {other} on disks that do not tell upper from lower case: "
            "write one name, or rename one of the two"
        )
        problems.append(Problem("identity", printable("/".join(names)), what, fatal=True))
    return tuple(kept), problems


ALIKE = MappingProxyType(
    {
        "subject": "one person: if they are, write one name, or folds train on whom they test",
        "data set": "one: if they are, write one name",
        "clip": "one, counted twice: if they are, leave one of them out",
        "class": "one: if they are, write one name",
    }
)
"""Of what is named: what alike names may be."""


SLIP = 0.85
"""Share of letters (`difflib`) that two classes have in common where one may be misspelt.

`postive` and `positive` have .93, `happy` and `unhappy` .83. Only names of
letters alone are held against each other.
"""

BEGINNING, STEM = 3, 4
"""Letters of a class with which another one begins: all, as in `pos` and `positive`, or all but the
last, as in `happy` and `happiness`."""


def look_alikes(
    names: Iterable[tuple[str, str, str]], classes: Iterable[str] = ()
) -> Iterator[Problem]:
    """A problem for all names of one kind in one place that may mean the same, or nothing.

    names: data set, subject and clip of each clip. Alike are names that differ by case, blanks,
    leading zeros, by letters that only look the same (in subjects also O and 0, l and 1), data sets
    and subjects also by punctuation, subjects by prefix and the ending of a copy (`_flip`, ` copy`,
    ` (1)`), clips by that ending, that of a window, frame, seed or camera (`_w0`, `_frame1`,
    `_seed0`, `_cam1`) or a file, both by the same words before a name (`flip_`, `w0_`), clips by
    folders of copies (`aug0`), or by any where another one has none, or as frames in a folder
    (`ep1/img46.jpg`), classes by a slip of the keyboard (`postive`), or as one begins the other
    (`pos`, `happy` and `happiness`). Classes that are numbers beside words are told, too.
    """
    names, classes = list(names), list(classes)
    clips: dict[tuple[str, str], set[str]] = {}
    people: dict[str, set[str]] = {}
    for dataset, subject, clip in names:
        clips.setdefault((dataset, subject), set()).add(plain_clip(clip))
        people.setdefault(dataset, set()).add(_without_copy(subject))
    stills = _folders_of_stills(names, set(map(plain_name, classes)))
    found: dict[tuple[str, str], dict[str, dict[str, None]]] = {}

    def add(what: str, where: str, plain: str, name: str) -> None:
        found.setdefault((what, where), {}).setdefault(plain, {})[name] = None

    for dataset, subject, clip in names:
        person = _first_of(_without_copy(subject), people[dataset])
        add("subject", dataset, plain_subject(person), subject)
        add("data set", "names", usual_name(plain_name(dataset)) or plain_name(dataset), dataset)
        same = stills.get((dataset, subject, clip)) or _first_of(
            plain_clip(clip), clips[dataset, subject]
        )
        add("clip", f"{dataset} {subject}", same, clip)
    seen: dict[str, str] = {}
    for name in classes:
        plain = plain_name(name)
        plain = plain.rstrip(" ?!.,;:*") or plain
        near = next(filter(partial(_may_be_one, plain), seen), plain)
        seen[plain] = seen.get(near, plain)
        add("class", "names", seen[plain], name)
    numbers = [plain for plain in seen if plain.isdecimal()]
    words = [plain for plain in seen if plain.isalpha()]
    if numbers and words:
        some, others = (", ".join(map(printable, each)) for each in (numbers, words))
        text = (
            f"classes {some} are numbers beside the words {others}: write one name for each class"
        )
        yield Problem("identity", "names", text)
    for (what, where), by_look in found.items():
        alike = [" and ".join(map(_spelt, each)) for each in by_look.values() if len(each) > 1]
        if alike:
            more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
            many = "classes" if what == "class" else f"{what}s"
            text = f"{many} {alike[0]}{more} may be {ALIKE[what]}"
            yield Problem("identity", printable(where), text)
        for name in (each for group in by_look.values() for each in group):
            if MISSING.fullmatch(name):
                text = f"{what} {name!r} is taken for a name; programs write so for a missing value"
                yield Problem("identity", printable(where), text)


def _may_be_one(one: str, other: str) -> bool:
    """Whether two plain names of classes are alike, but for those that are not of letters alone."""
    if not (one.isalpha() and other.isalpha()):
        return False
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    shared, short = len(list(pairs)), min(len(one), len(other))
    begins = shared == short >= BEGINNING or shared == short - 1 >= STEM
    return begins or bool(get_close_matches(one, [other], cutoff=SLIP))


def _spelt(name: str) -> str:
    """A name for a message; letters beyond ASCII by number, too: they may look like others."""
    codes = numbered(letter for letter in name if not letter.isascii())
    return repr(printable(name)[:80]) + f" ({codes})" * bool(codes)


LATIN = str.maketrans(
    dict(
        zip(
            "АВЕЅІЈКМНОРСТУХԌԚԜаеѕіјорсухһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχı",
            "ABESIJKMHOPCTYXGQWaesijopcyxhdqwlABEZHIKMNOPTYXaikvopuxi",
            strict=True,
        )
    )
)
"""Letters of other alphabets as the Latin ones that they look like."""


def plain_name(name: str) -> str:
    """A name as the eye reads it: whatever its case, width, composition, alphabet and blanks."""
    seen = (letter for letter in name if unicodedata.category(letter) != "Cf")
    plain = unicodedata.normalize("NFKC", "".join(seen)).translate(LATIN).casefold()
    return " ".join(plain.split())


def unpadded(name: str) -> str:
    """A name without leading zeros of its numbers."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", name)


_CHANGED = (
    r"(?:(?:[hv]?flip(?:ped)?|mirror(?:ed)?|aug(?:mented)?|crop(?:ped)?|rot(?:ated)?|scaled?|zoom(?:ed)?"
    r"|shift(?:ed)?|bright(?:ness|ened)?|dark(?:ened)?|contrast|gamma|jitter|nois[ey]|blur(?:red)?)"
    r"[_-]?\d*|\d+deg(?:rees?)?)"
)
_COPIED = r"(?:copy|kopie|copie|copia|副本|コピー)"
_COPY = (
    rf"[_-]{_CHANGED}"
    rf"|(?:[ _-]{{1,3}}|[ _-]{{0,3}}\((?:another |\d+\w\w )?){_COPIED}\)?[ _-]?(?:\(?\d+\)?)?"
)
REPEATED = r"(?:seed|epoch|run|rep(?:eat)?|iter(?:ation)?)"
"""What is counted behind the name of a clip or person that several networks answer for."""

_FRAME = r"(?:frame|frm|img|image)"
_TAKE = r"(?:fold|view|cam(?:era)?)"
_COUNTED = (
    rf"(?:w(?:in(?:dow)?)?|{_FRAME}|seg(?:ment)?|part|chunk|snippet|it|{_TAKE}|{REPEATED})[_-]?\d+"
)
_WINDOW = rf"[_-]{_COUNTED}|[_-]apex(?:[+-]\d+)?"
_OF_COPY = re.compile(rf"(?<=.)(?:{_COPY})+$")
_VARIANT = re.compile(rf"(?<=.)(?:{_COPY}|{_WINDOW})+$")
"""What a script that answers windows, frames, changed copies or several seeds of a clip, or a disk
that has a file of the name (`c - Copy (2)`), writes behind the clip's name."""

_EPOCH = re.compile(r"[_-][er]\d+$")
"""`c1_e10`, `c1_r0`: an epoch or a run of `c1`, where there is one; else an episode or a record."""

_STILL = re.compile(rf"(?:reg[_-]?)?{_FRAME}[_-]?\d+")
"""The name of a frame, in the folder of its clip."""

_NUMBERED = re.compile(r"(?:[^\W\d][^/]*\d|\d[^/]*[^\W\d])[^/]*$")
"""A folder called by letters and a number: classes' are seldom."""

_COPY_OF = rf"{_CHANGED}[_-]|{_COPIED} (?:of|von|de|di) "
_BEFORE_COPY = re.compile(rf"^(?:{_COPY_OF})+(?=.)")
_BEFORE = re.compile(rf"^(?:{_COPY_OF}|{_COUNTED}[_-])+(?=.)")
"""The same before a name."""

_FOLDER = re.compile(
    rf"{_CHANGED}|(?:{_COPIED}|orig(?:inals?)?|win(?:dow)?|seed)[ _-]?\d*|{_TAKE}[ _-]?\d+"
)
"""A folder of such copies, and of what they were made of."""

_AGAIN = re.compile(r" ?\(\d+\)(?=/|$)|(?<=\d) \d(?=/|$)")
"""`c (1)`, `ep1 2`: a second file of that name, where there is a first one."""


def plain_clip(clip: str) -> str:
    """The plain name of a clip, without that of a kind of file and of a variant of the clip."""
    plain = unpadded(plain_name(clip)).replace("\\", "/")
    path = PurePosixPath(plain)
    known = path.suffix in IMAGE_SUFFIXES | CONTAINER_SUFFIXES
    *folders, name = (plain.removesuffix(path.suffix) if known else plain).split("/")
    kept = [*(each for each in folders if not _FOLDER.fullmatch(each)), name]
    return "/".join(_VARIANT.sub("", _BEFORE.sub("", each)) for each in kept)


def _folders_of_stills(
    names: Iterable[tuple[str, str, str]], classes: Container[str]
) -> dict[tuple[str, str, str], str]:
    """By data set, subject and clip the folder of clips that are called as frames are.

    A folder of one person among several, or with a number in its name and beside others of the
    person, neither called as the person nor as a class. Images in one folder of all people, in a
    person's or a class's are clips.
    """
    owners: dict[tuple[str, str], set[str]] = {}
    folders: dict[tuple[str, str], set[str]] = {}
    stills = {}
    for name in names:
        dataset, subject, clip = name
        path = PurePosixPath(plain_name(clip).replace("\\", "/"))
        own = plain_subject(path.parent.name) in ("", plain_subject(subject))
        if _STILL.fullmatch(path.stem) and not own and path.parent.name not in classes:
            stills[name] = folder = str(path.parent)
            owners.setdefault((dataset, folder), set()).add(subject)
            folders.setdefault((dataset, subject), set()).add(folder)

    def of_a_clip(dataset: str, subject: str, folder: str) -> bool:
        alone = len(owners[dataset, folder]) == 1
        beside = any(other != folder and which == dataset for which, other in owners)
        several = len([each for each in folders[dataset, subject] if _NUMBERED.search(each)]) > 1
        return (alone and beside) or (several and bool(_NUMBERED.search(folder)))

    return {
        name: f"{folder}/" for name, folder in stills.items() if of_a_clip(name[0], name[1], folder)
    }


def _first_of(plain: str, known: Container[str]) -> str:
    """The name that a plain one repeats: of a first file, or without its folders; else itself."""
    once = _AGAIN.sub("", plain)
    alone = _EPOCH.sub("", plain)
    shorter = (once, plain.rpartition("/")[2], once.rpartition("/")[2], alone)
    return next((name for name in shorter if name != plain and name in known), plain)


def _without_copy(subject: str) -> str:
    """The plain name of a subject, without that of a copy of the subject's clips."""
    return _OF_COPY.sub("", _BEFORE_COPY.sub("", plain_name(subject)))


def _on_disk(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().rstrip(" .")


_LETTER_O = re.compile(r"(?<=[0-9])o|o(?=[0-9])")
_LETTER_L = re.compile(r"(?<=[0-9])l|l(?=[0-9])")
"""Letters beside a digit that look like 0 and 1."""


def plain_subject(subject: str) -> str:
    """A name without case, punctuation, usual prefix and leading zeros, o and l as 0 and 1."""
    plain = re.sub(r"[\W_]", "", re.sub(r"\.0+$", "", plain_name(subject)))
    digits = _LETTER_L.sub("1", _LETTER_O.sub("0", _PREFIX.sub("", plain)))
    return unpadded(_PREFIX.sub("", digits))
