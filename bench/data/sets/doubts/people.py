"""Subjects that may be no people of their own: sessions, clips, folds, or one person twice."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from bench.data.clips import Clip, Problem
from bench.data.sets.identity import REPEATED, plain_clip, plain_name, plain_subject
from bench.data.surrogates.note import is_drawn
from bench.errors import printable, quoted

FEW = 5
"""So many subjects of one clip each may well be people."""

SEVERAL = 3
"""Clips of the same names by which two people may be one."""

ADVICE = "or folds train on whom they test"

_SESSION = re.compile(
    r"(?P<who>.*\d(?=[\W_])|.*\d(?=[strvd])|.+?(?=[\W_]*(?:ses|day|visit|trial|take|rec|week|time)"
    rf"|[\W_]+{REPEATED}))"
    rf"[\W_]*(?:s|t|r|v|d|ses|sess|session|day|visit|trial|take|rec|week|time|{REPEATED})?[\W_]*"
    r"(?P<session>\d{1,2})"
)
"""`p01_s1`, `3-2`, `anna_day2`, `p01_seed0`: a person and a session. `s01`, `sub_01` are people."""

_PART = re.compile(r"(?P<who>.*\d)(?P<session>[\W_]*[a-d]|[\W_]+(?:19|20)\d\d)")
"""`p01a`, `p01-2019`: a person and a part or year."""

_NAMED = re.compile(
    r"(?P<who>[^\W\d_]\D*[^\W\d_])(?P<session>[1-9]\d?|[\W_]+[strvd]?\d{1,2}|[\W_]+[a-d])"
)
"""`ann_1`, `bea-s2`, `cem_b`: of several names, each with several numbers; `sub_1` is a person."""

_LETTERED = re.compile(r"(?P<who>[^\W\d_]{3,})(?P<session>[a-d])")
"""`anna`, `annb`: where all names are so."""

_PERSON = re.compile(
    r"(?P<kind>subject|subj|sub|spno|participant|person|proband|vp|id|s|p)[\W_]?\d{1,4}"
)
_BEGINS = re.compile(
    rf"(?P<who>{_PERSON.pattern}(?!\d)|\d{{3}}(?=[\W_]|$)|[^\W\d_]{{2,}}(?=[\W_]|$))(?P<rest>.*)"
)
"""A person at the beginning of a name or folder: `p01_c1`, `s1ne2`, `006_1_2`, `anna-3`."""

DATES = frozenset(
    word.casefold()
    for words in (calendar.month_name, calendar.month_abbr, calendar.day_name, calendar.day_abbr)
    for word in words
)
"""Words for months and days: clips that begin so begin with a date."""

MOST_FOLDS = 10
"""Subjects that are numbered from 0 or 1 on may be folds where they are at most so many."""

LOOKS = ((0.5, 1, (_SESSION, _PART)), (0.5, 2, (_NAMED,)), (1.0, 2, (_LETTERED,)))
"""Least share of the subjects that are sessions, least number of people with several, patterns."""


def doubtful_people(
    names: Iterable[tuple[str, str, str]], known: Collection[str]
) -> Iterator[Problem]:
    """Problems of sets whose subjects may be other people's names, sessions or clips.

    names: data set, subject and clip of each clip; known: data sets whose subjects are people.
    """
    clips: dict[str, dict[str, list[str]]] = {}
    for dataset, subject, clip in names:
        if dataset not in known:
            clips.setdefault(dataset, {}).setdefault(subject, []).append(clip)
    for one, other in combinations([name for name, own in clips.items() if len(own) > 1], 2):
        yield from same_people({one: clips[one]}, {other: clips[other]})
    for dataset, own in clips.items():
        yield from _no_people(dataset, {who: len(each) for who, each in own.items()})
        yield from _twice(dataset, {who: [*map(plain_clip, each)] for who, each in own.items()})
        yield from several_each(dataset, own)


def several_each(dataset: str, clips: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
    """A problem where clips name several people per subject, and each of them in one: folds.

    clips: subject -> names or paths of its clips. A person is what all names of one level begin
    with and several clips share: `p01`, and where subjects are numbered as folds are, also `006`
    and `anna`, unless the numbers go on from subject to subject, as those of recordings do.
    """
    split = {who: [_parts(name) for name in each] for who, each in clips.items()}
    count = sum(map(len, split.values()))
    for level in range(min((len(parts) for each in split.values() for parts in each), default=0)):
        people = {who: {_named_at(level, parts) for parts in each} for who, each in split.items()}
        named = set().union(*people.values())
        several = [(who, sorted(own)) for who, own in people.items() if len(own) > 1]
        if "" in named or len(named) < sum(map(len, people.values())):
            continue
        if 2 * len(several) > len(people) > 1 and count >= 2 * len(named) and _folds(people):
            who, (first, second, *_) = several[0]
            what = (
                f"clips of {len(several)} of {len(people)} subjects begin with several people's "
                f"names each, as those of {quoted(printable(who))} with {quoted(printable(first))} "
                f"and {quoted(printable(second))}, {len(named)} in all: if a subject is a fold or "
                "group, write the person's name; folds, intervals and p-values are of people"
            )
            yield Problem("identity", printable(dataset), what)
            return


def _parts(name: str) -> list[str]:
    return plain_name(name).replace("\\", "/").split("/")


def _named_at(level: int, parts: Sequence[str]) -> str:
    """Whom a name of several parts names at the beginning of one; empty for nobody.

    In the last part something has to follow: a person alone is no clip's name.
    """
    found = _BEGINS.match(parts[level])
    whole = found and (found["rest"].strip(" _-.") or level < len(parts) - 1)
    return found["who"] if found and whole else ""


def _folds(people: Mapping[str, Collection[str]]) -> bool:
    """Whether subjects may be folds of people, by how both are called; people: subject -> names."""
    kinds = [
        {found["kind"] if (found := _PERSON.fullmatch(name)) else "" for name in names}
        for names in (map(plain_name, people), set().union(*people.values()))
    ]
    if "" not in kinds[1]:
        return "" in kinds[0] or kinds[0] == kinds[1]  # `s3` of `p01` is a session
    numbers = sorted(int(who) for who in people if who.isdecimal())
    if set().union(*people.values()) <= DATES:
        return False
    counted = [[*range(start, start + len(people))] for start in (0, 1)]
    if numbers not in counted or not 2 < len(people) <= MOST_FOLDS:
        return False
    ranges = [[int(name) for name in own if name.isdecimal()] for own in people.values()]
    in_turn = sorted((min(own), max(own)) for own in ranges if own)
    return not in_turn or any(a[1] > b[0] for a, b in pairwise(in_turn))


def same_people(
    some: Mapping[str, Iterable[str]], others: Mapping[str, Iterable[str]]
) -> Iterator[Problem]:
    """A problem where two lots of data sets share most of their subjects' names.

    some, others: data set -> its subjects. Those that the generator drew are nobody else.
    """
    lots = [
        {name: [who for who in own if not is_drawn(name, who)] for name, own in lot.items()}
        for lot in (some, others)
    ]
    one, two = ({plain_subject(who) for own in lot.values() for who in own} for lot in lots)
    shared, least = len(one & two), min(len(one), len(two))
    if 2 * shared <= least:
        return
    named = (", ".join(name for name, own in lot.items() if own) for lot in lots)
    where = " and ".join(quoted(printable(each), 60) for each in named)
    what = (
        f"{shared} of {least} subjects have the same names: if they are the same people, give them "
        f"one data set, {ADVICE}"
    )
    yield Problem("identity", where, what)


def one_class_each(clips: Iterable[Clip], known: Collection[str]) -> Iterator[Problem]:
    """A problem of each set whose subjects have clips of one class alone: they may be clips' names.

    known: data sets whose subjects are people.
    """
    found: dict[str, dict[str, list[Clip]]] = {}
    for clip in clips:
        if clip.dataset not in known:
            found.setdefault(clip.dataset, {}).setdefault(clip.subject, []).append(clip)
    for dataset, own in found.items():
        labels = [{clip.label for clip in each} for each in own.values()]
        spare = sum(len(each) - 1 for each in own.values())
        if len(set.union(*labels)) > 1 == max(map(len, labels)) and spare > FEW and len(own) > 2:
            names = [{clip.name for clip in each} for each in own.values()]
            alike = ", and all have clips of the same names" * all(n == names[0] for n in names)
            what = (
                f"each of the {len(own)} subjects has clips of one class only{alike}: if subject "
                f"and clip were exchanged, exchange them, {ADVICE}"
            )
            yield Problem("identity", printable(dataset), what)


def _twice(dataset: str, clips: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
    """A problem where two people alone have clips of the same names; clips: subject -> names.

    A numbering that begins anew for everybody is shared by others, too.
    """
    by_names: dict[frozenset[str], list[str]] = {}
    owners: dict[str, int] = {}
    for who, each in clips.items():
        by_names.setdefault(frozenset(each), []).append(who)
        for name in set(each):
            owners[name] = owners.get(name, 0) + 1
    pairs = [
        (people, len(names))
        for names, people in by_names.items()
        if len(people) == 2 < len(clips) and len(names) >= SEVERAL
        if all(owners[name] == 2 for name in names)
    ]
    if pairs:
        (people, count), *others = pairs
        one, two = (quoted(printable(who)) for who in people)
        more = f" (and {len(others)} more pairs)" * bool(others)
        what = (
            f"subjects {one} and {two}{more} have {count} clips of the same names, which no other "
            f"subject has: if they are one person, write one name and leave copies out, {ADVICE}"
        )
        yield Problem("identity", printable(dataset), what)


def _no_people(dataset: str, clips: Mapping[str, int]) -> Iterator[Problem]:
    """Problems of subjects that may be clips or sessions; clips: subject -> number of clips."""
    if len(clips) >= FEW and set(clips.values()) == {1}:
        what = (
            f"each of the {len(clips)} subjects has one clip: if these are names of clips, write "
            f"the people's, {ADVICE}"
        )
        yield Problem("identity", printable(dataset), what)
        return
    for share, least, patterns in LOOKS:
        people, sessions = _by_beginning(clips, patterns)
        several = [own for own in people.values() if len(own) > 1]
        together = sum(map(len, several))
        if together >= share * len(clips) and len(several) >= least and 1 < len(people) >= sessions:
            first, second, *_ = several[0]
            what = (
                f"{len(clips)} subjects are {len(people)} by how their names begin "
                f"({quoted(printable(first))} and {quoted(printable(second))}): if these are "
                f"sessions or clips of one person, write the person's name, {ADVICE}"
            )
            yield Problem("identity", printable(dataset), what)
            return


def _by_beginning(
    names: Iterable[str], patterns: Iterable[re.Pattern[str]]
) -> tuple[dict[str, list[str]], int]:
    """Names by whom they begin with, and how many sessions they have by the patterns."""
    people: dict[str, list[str]] = {}
    sessions = set()
    for name in names:
        plain = plain_name(name)
        part = next(filter(None, (pattern.fullmatch(plain) for pattern in patterns)), None)
        people.setdefault(part["who"] if part else plain, []).append(name)
        sessions |= {part["session"]} if part else set()
    return people, len(sessions)
