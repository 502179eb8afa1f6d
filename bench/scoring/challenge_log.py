"""The log of the MEGC2019 challenge, line by line, and what tells a header from a clip.

A header line per subject (`casme2 sub01`) and a line per clip (`EP02_01f 1 1`: file, true label,
predicted label), classes 0 negative, 1 positive, 2 surprise; SAMM's subjects are written unpadded
(`samm 6`). A remark begins with #, at the start of a line or after a blank.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from bench.data.sets.base import SingleSet
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.identity import known_name
from bench.errors import DataError, printable, quoted
from bench.runs.marks import SHUFFLED
from bench.system.tables import plain_title

SINGLE = tuple(name for name, entry in DATASETS.items() if entry.parts == (name,))
"""Data sets that a clip can belong to; a composite is made of several."""

SURROGATE_REMARK = "# surrogate"
"""First line of a log of generated clips, whose names are those of the real ones."""

SURROGATE_WORDS = ("surrogate", "surrogates", "surrogateclips", "generated", "generatedclips")
"""Remarks that are read so, as plain titles."""

LEAKS_REMARK = "# leaky: "
"""Begins the line of a log, before its clips, that says what makes its scores no clean ones."""

_LEAKS = re.compile(r"^#\s*leaky\s*:(.*)$", re.MULTILINE | re.IGNORECASE)

NO_LEAK = ("", "0", "no", "none", "false")
"""What a cell says, lower case, where there is no leak."""

UNKNOWN_CAUSE = "cause unknown"

_REMARK = re.compile(r"(?:^|(?<=\s))#+\s*(.*)$")

_COUNTED = re.compile(r"0|[1-9][0-9]{0,2}")
"""A label, a seed, an epoch; names have leading zeros."""

SUMMARIES = frozenset(
    [
        *("acc", "accuracy", "uar", "war", "uf1", "f1", "f1score", "precision", "recall", "score"),
        *("average", "avg", "macroavg", "weightedavg", "mean", "overall", "sum", "total"),
        *("all", "epoch", "fold", "loss"),
    ]
)
"""Last words of a summary's title, plain: in a log no clip is called so."""

NO_PEOPLE = SUMMARIES - {"f1"}
"""Those that nobody is called by; `F1` may be the first woman."""


@dataclass(frozen=True)
class LogLine:
    """An answer as a file writes it; `where` is for messages."""

    where: str
    dataset: str
    subject: str
    clip: str
    true: str
    pred: str

    @property
    def words(self) -> str:
        """The line of a log that it is."""
        return f"{self.clip} {self.true} {self.pred}"


def is_surrogate(text: str) -> bool:
    """Whether a remark says that the clips are generated."""
    remarks = (line.partition("#")[2] for line in text.splitlines())
    return any(plain_title(remark) in SURROGATE_WORDS for remark in remarks)


def stated_leaks(protocol: Mapping[str, Any]) -> list[str]:
    """What makes the scores no clean ones, in the words of marks: leaks, shuffled labels."""
    leaks = protocol.get("leaks") or [UNKNOWN_CAUSE] * bool(protocol.get("leaky"))
    return [*leaks, *[SHUFFLED] * bool(protocol.get("shuffled_labels"))]


def of_leaks(words: Iterable[str]) -> dict[str, Any]:
    """What is known of a protocol by texts such as `selection=oracle, shuffled labels`."""
    parts = [part.strip() for word in words for part in word.split(",")]
    told = list(dict.fromkeys(part for part in parts if part.lower() not in NO_LEAK))
    leaks = [part for part in told if part != SHUFFLED]
    selection = {"selection": "oracle"} if "selection=oracle" in leaks else {}
    leaky = {"leaky": True, "leaks": leaks, **selection} if leaks else {}
    return {**leaky, **({"shuffled_labels": True} if SHUFFLED in told else {})}


def remarked_leaks(text: str) -> dict[str, Any]:
    """What the remarks `# leaky: ...` of a text say, as `of_leaks`."""
    return of_leaks(_LEAKS.findall(text))


def challenge_lines(text: str, name: str, classes: Sequence[str]) -> Iterator[LogLine]:
    """The clips of a log; DataError for what is neither header nor clip, or may be both.

    So, too, for clips below a header that is a remark: they would be those of the person before.
    """
    lines = _lines(text)
    rows = [(number, words) for number, (words, _) in enumerate(lines, 1) if words]
    _refuse_more_columns(rows, name, classes)
    sets = _named_sets([words for _, words in rows], classes)
    _refuse_silenced(lines, sets, name)
    dataset = subject = ""
    for (number, words), (_, below) in zip_longest(rows, rows[1:], fillvalue=(0, [])):
        where = f"{name} line {number}"
        header = _header(words)
        fault = _header_fault(words, below, sets) if header else _clip_fault(words, subject)
        if fault:
            raise DataError(f"{where}: {fault}")
        if header:
            dataset, subject = header
        else:
            true, pred = map(whole, words[-2:])
            yield LogLine(where, dataset, subject, " ".join(words[:-2]), true, pred)


def remarked_clips(text: str, classes: Sequence[str]) -> list[int]:
    """The numbers of the lines of a log that are clips but for the # that they begin with."""
    numbers, labels = {*map(str, range(len(classes)))}, {name.lower() for name in classes}

    def is_clip(words: Sequence[str]) -> bool:
        *names, last = map(str.lower, map(whole, words[-3:]))
        coded = any(
            known >= {*names[1:], last} and names[0] not in known for known in (numbers, labels)
        )
        return coded and plain_title(names[0]) not in SUMMARIES

    lines = [*enumerate(_lines(text), 1)]
    first = next((number for number, (words, _) in lines if _header(words)), len(lines))
    remarks = ((number, remark) for number, (_, remark) in lines[first:] if len(remark) > 2)
    return [number for number, remark in remarks if is_clip(remark)]


def _lines(text: str) -> list[tuple[list[str], list[str]]]:
    """The words of each line without remarks, and those of the remark that the whole line is."""
    found = ((line, _REMARK.match(line.lstrip())) for line in text.splitlines())
    return [
        ([], whole_line[1].split()) if whole_line else (_REMARK.sub("", line).split(), [])
        for line, whole_line in found
    ]


def _refuse_silenced(
    lines: Sequence[tuple[Sequence[str], Sequence[str]]], sets: Collection[str], name: str
) -> None:
    """DataError for a header that is a remark, above clips that are none.

    lines: as `_lines` gives them. A remark is a header that names a person of a known
    set, or is written as one of the log's own but for the number, or without one, as they are.
    """
    forms = {_form(header[1]) for words, _ in lines if (header := _header(words))}
    before, silenced = ("", ""), (0, "")
    for number, (words, remark) in enumerate(lines, 1):
        header, other = _header(words), _header(remark)
        if header:
            before, silenced = header, (0, "")
        elif words and silenced[0]:
            raise DataError(
                f"{name} line {silenced[0]}: {quoted(printable(silenced[1]))} is a remark, by its "
                f"#, and the clips below it would be of {quoted(printable(' '.join(before)))}: "
                "take the # away, or begin each of the clips with one, too"
            )
        elif not other or other == before or other[0] not in sets:
            continue
        elif _form(other[1]) in forms or _is_known(*other):
            silenced = (number, " ".join(remark))


def _is_known(dataset: str, subject: str) -> bool:
    known = DATASETS.get(dataset)
    return isinstance(known, SingleSet) and known.person(subject) is not None


def _form(name: str) -> str:
    """A person's name without its number; of one without a number nothing."""
    return re.sub(r"\d+", "0", name) if any(map(str.isdecimal, name)) else ""


def _refuse_more_columns(
    rows: Sequence[tuple[int, Sequence[str]]], name: str, classes: Sequence[str]
) -> None:
    """DataError for a column of labels, seeds or marks beside file, true and predicted.

    All clips have it, and the rest of their names still tells them apart, or follows it: `video 1`
    and `video 2` are names.
    """
    owner = 0
    clips: list[tuple[int, int, Sequence[str]]] = []
    for number, words in rows:
        header = _header(words) is not None
        owner += header
        clips += [] if header else [(number, owner, words)]
    widths = {len(words) for *_, words in clips}
    if len(widths) != 1 or max(widths) < 4:
        return
    places = range(max(widths) - 2)
    labels = {name.lower() for name in classes}
    counted = [
        place
        for place in places
        if all(
            _COUNTED.fullmatch(words[place]) or (place and words[place].lower() in labels)
            for *_, words in clips
        )
    ]
    rest = [(who, *(words[p] for p in places if p not in counted)) for _, who, words in clips]
    apart = len(set(rest)) == len(rest) > owner
    if counted and len(counted) < len(places) and (apart or counted[0] == 0):
        number, _, words = clips[0]
        raise DataError(
            f"{name} line {number}: {quoted(printable(' '.join(words)))}: each clip has "
            f"{len(words)} words, and those in place {counted[0] + 1} may be labels, seeds or "
            "marks: a log has file, true, predicted; leave the others out, or write a CSV with "
            "titles"
        )


def not_understood(line: str) -> str:
    """The message on a line that is none of a log's, or of what is no log at all."""
    return (
        f"{quoted(printable(line))} is neither a header such as `casme2 sub01` nor file, "
        "true, predicted; other formats: a CSV with columns dataset, subject, clip, true, pred, or "
        "what a training script prints (Subject, Predicted, Ground Truth)"
    )


def dataset_named(text: str) -> str:
    """The harness's name of a data set, other names as they are."""
    return known_name(text, DATASETS)


def whole(label: str) -> str:
    """A label without the decimals that pandas adds to a number."""
    return re.sub(r"(?<=[0-9])\.0*$", "", label)


def _header(words: Sequence[str]) -> tuple[str, str] | None:
    """Data set and subject of what may be a header line; None where it is none."""
    dataset = dataset_named(" ".join(words[:-1]))
    return (dataset, words[-1]) if dataset in SINGLE or len(words) == 2 else None


def _named_sets(rows: Sequence[Sequence[str]], classes: Sequence[str]) -> set[str]:
    """The data sets that lines such as `lab 2` may be headers of.

    Of any other, such a line is a clip without its prediction: a name and a label. A data set is
    the challenge's, or that of the first header, or has a subject with letters that is no class,
    or more subjects than there are labels.
    """
    headers = [header for words in rows if (header := _header(words))]
    labels = {name.lower() for name in classes}
    sure = {d for d, who in headers if any(map(str.isalpha, who)) and who.lower() not in labels}
    count = Counter(dataset for dataset, _ in set(headers))
    many = {dataset for dataset, n in count.items() if n > len(labels)}
    return {*SINGLE, *(dataset for dataset, _ in headers[:1]), *sure, *many}


def _header_fault(words: Sequence[str], below: Sequence[str], sets: set[str]) -> str:
    """What is wrong with a line that may be a header, above another; empty where nothing is."""
    line, header, next_header = " ".join(words), _header(words), _header(below)
    if header and NO_PEOPLE.intersection(map(plain_title, header)):
        return (
            f"{quoted(printable(line))} is a summary, or an epoch or a fold, and no header: write "
            "data set and person, as in `casme2 sub01`, above the answers of one network, or "
            "leave it out (remarks begin with #)"
        )
    if header and header[0] not in sets:
        return (
            f"{quoted(printable(line))} may be a clip without its prediction, or a header of a "
            "data set that no other names: write file, true, predicted, or call the subject "
            f"otherwise, as in {quoted(printable(f'{words[0]} sub_{words[1]}'))}; remarks begin "
            "with #"
        )
    if not below or (next_header and next_header[0] in sets):
        return (
            f"{quoted(printable(line))}: a header without a clip below it; add its clips, or leave "
            "it out (remarks begin with #)"
        )
    return ""


def _clip_fault(words: Sequence[str], subject: str) -> str:
    """What is wrong with a line that is no header, below that of `subject`; empty for a clip."""
    line = " ".join(words)
    if len(words) < 3:
        return not_understood(line)
    if not subject:
        return (
            f"{quoted(printable(line))}: a clip before the first header; expected a line such as "
            "`casme2 sub01`"
        )
    if plain_title(words[-3]) in SUMMARIES:
        return (
            f"{quoted(printable(line))} is a summary, and no clip: leave it out; a clip that is "
            "called so needs another name, or a CSV"
        )
    return ""
