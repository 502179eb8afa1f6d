"""What training scripts print per subject, where nobody wrote a log.

STSTNet's script and those that came of it (RCN, HTNet and many more) print, fold by fold,

    Subject: 006
    Predicted    : [0, 0, 2]
    Best Predicted    : [0, 1, 2]
    Ground Truth : [0, 1, 2]

Titles may be in lower case, with `=` for `:`. Lists may go over several lines, and be spelled as
NumPy 2 and torch print them (`[np.int64(0), ...]`, `tensor([0, 2], device='cuda:0')`, `[0. 2.]`);
a list of lists holds a number for each class, of which the largest is the answer. `Best Predicted`
are the answers of the epoch that was best on that very subject, as are those with `max`, `top`,
`highest` or `oracle` in the line before `Predicted`, or in brackets behind it: selection=oracle.
Clips have no names there; they are numbered. Lists whose title says that they are of training or
validation are left out, and those with further words behind it (`Predicted by vote`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from bench.data.sets.base import SingleSet
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.challenge import expected_counts
from bench.errors import DataError, UsageError, printable, quoted
from bench.runs.predictions import UNNAMED, Answer
from bench.scoring.challenge_log import NO_PEOPLE
from bench.scoring.chances import are_labels
from bench.system.tables import plain_title

NEWLINE = "\n"

LAST, BEST, TRUTH = "Predicted", "Best Predicted", "Ground Truth"

_SUBJECT = re.compile(r"\bSubject\s*:\s*(\S+)")
_PROGRESS = re.compile(
    r"(?:(?<=[\n\r])[\w .-]{1,60}:)?[ \t]{0,60}\d{1,3}%\|[^|\n]{0,300}\|[ \t]*\d+/\d+"
    r"(?:[ \t]*\[[^][\n]{0,100}\])?"
)
"""A bar that tqdm draws, with its name: where it was drawn, other lines go on."""

_OTHER_SUBJECT = re.compile(r"^\s*subject\s*[:=]\s*(\S+)", re.IGNORECASE | re.MULTILINE)
"""Where no line has the first: options that a script prints may say `subject='all'`."""

_LIST = re.compile(
    r"(?P<title>(?P<pred>Predicted)|Ground[ _-]?Truth)"
    r"(?P<further>(?:[ _-]{1,3}[^\W_]{1,30}){0,4})(?P<remark>[ \t]*(?:\([^()\n]*\)|\[[^][\n]*\]))?"
    r"\s*[:=]\s*(?:[\w.]+\()?\[",
    re.IGNORECASE,
)
"""A title, further words, a remark in brackets, and where the list begins."""

_BEST = re.compile(
    r"(?<![a-z])(best|max(?:imum|imal)?|top(?!\W?\d)|highest|oracle)(?![a-z]|\w*\.\w)",
    re.IGNORECASE,
)
"""A word before `Predicted` by which these are the answers of the best epoch."""

_ROW = re.compile(r"\[([^][]*)\]")
"""A list without a list in it."""

_OTHER_PART = re.compile(
    r"(?<![a-z])(train|training|trn|val|valid|validation|dev|development)(?![a-z]|\.\w)",
    re.IGNORECASE,
)
"""A word of a title whose answers are no test's; `train.py` before it is a logger's remark."""

_HEADING = re.compile(r"^([^][\n]*\w[^][\n]*):[ \t]*$", re.MULTILINE)
"""A line that ends in a colon: of what the lists below it are."""

TIED = "two classes are equally probable in {} answer(s); the first of them is taken"
"""A note, with the count."""

FEWEST_JOINED = 5
"""Labels of a total; fewer may be a subject's by chance."""

LONGEST_LIST = 1 << 20
"""Most characters of a list: one that does not end is none."""


@dataclass(frozen=True)
class Block:
    """What was printed of one subject; `lists` holds every list of labels by the word before it.

    left_out: the titles of the lists that are of training or validation; further: of those with
    further words and as many labels as the truth has; ties: by the same word as lists, how many
    labels are those of the first of several largest numbers.
    """

    where: str
    subject: str
    lists: Mapping[str, Sequence[tuple[int, ...]]]
    left_out: Sequence[str]
    further: Sequence[str]
    ties: Mapping[str, int]


def is_printed(text: str) -> bool:
    """Whether a text is of this kind."""
    truths = (f for f in _LIST.finditer(text) if not f["pred"] and not f["further"])
    return any(truths) and bool(_subjects(text))


def without_bars(text: str) -> str:
    """A text without the bars that show how far a script is, which are printed amid its answers."""
    return _PROGRESS.sub("", text) if "%|" in text else text


def _subjects(text: str) -> list[re.Match[str]]:
    return list(_SUBJECT.finditer(text)) or list(_OTHER_SUBJECT.finditer(text))


def printed_answers(
    text: str,
    name: str,
    classes: Sequence[str],
    dataset: str = "",
    selection: str | None = None,
) -> tuple[list[Answer], bool, list[str]]:
    """The answers, whether they are those of the best epoch on the test subject, and notes.

    classes: a row of numbers has one for each; dataset: whose subjects these are where their names
    do not tell. selection: `oracle` for the best epoch's; `last` or None for the others, or for the
    only ones there are. Raises DataError for a subject without labels, with several lists of them,
    with those of other subjects, or of unknown origin, UsageError for answers that nobody printed.
    """
    blocks = list(_blocks(text, name, classes))
    if total := next((b for b in blocks if plain_title(b.subject) in NO_PEOPLE), None):
        raise DataError(
            f"{total.where}: {quoted(printable(total.subject))} is no subject: leave out what is "
            "of all together"
        )
    printed = [word for word in (LAST, BEST) if all(word in block.lists for block in blocks)]
    if not printed:
        others = _listed([title for block in blocks for title in block.left_out])
        raise DataError(
            f"{name}: not every subject has a line `Predicted : [...]`"
            + f"; not of the test, and left out: {others}" * bool(others)
        )
    wanted = {"oracle": BEST, "last": LAST, None: printed[0]}.get(selection, "")
    if wanted not in printed:
        raise UsageError(
            f"{name} has no answers of selection={selection}, only {' and '.join(printed)}"
        )
    answers = [answer for block in blocks for answer in _answers(block, wanted, dataset)]
    _refuse_joined(blocks, wanted)
    titles = [title for block in blocks for title in block.left_out]
    further = [title for block in blocks for title in block.further]
    notes = [
        f"{name}: {len(some)} list(s) left out, {why}: {_listed(some)}"
        for some, why in ((titles, "not of the test"), (further, "with further words"))
        if some
    ]
    ties = sum(block.ties[wanted] for block in blocks)
    tied = [f"{name}: {TIED.format(ties)}"] * bool(ties)
    return answers, wanted == BEST, notes + tied


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(quoted(printable(title)) for title in dict.fromkeys(titles))


def _blocks(text: str, name: str, classes: Sequence[str]) -> Iterator[Block]:
    """Raises DataError for a list that is none of labels."""
    begins = _subjects(text)
    above = text[: begins[0].start()]
    for found in _LIST.finditer(above):
        if not (found["further"] or _OTHER_PART.search(_before(above, found) + found[0])):
            raise DataError(
                f"{name} line {text.count(NEWLINE, 0, found.start()) + 1}: a list before the first "
                "`Subject:` is of nobody: print each subject's name above its lists, and leave out "
                "what is of no subject"
            )
    ends = [match.start() for match in begins[1:]] + [len(text)]
    for match, end in zip(begins, ends, strict=True):
        where = f"{name} line {text.count(NEWLINE, 0, match.start()) + 1}"
        part = text[match.start() : end]
        lists: dict[str, list[tuple[int, ...]]] = {}
        left_out, further, ties = [], [], Counter[str]()
        for found in _LIST.finditer(part):
            before = _before(part, found)
            headings = _HEADING.findall(part, 0, found.start())
            of_what = f"{headings[-1].strip()}: {before}" if headings else before
            behind = found["further"] + (found["remark"] or "")
            if _OTHER_PART.search(f"{of_what} {behind}"):
                left_out.append(of_what + found["title"] + behind)
                continue
            line = text.count(NEWLINE, 0, match.start() + found.start()) + 1
            best = _BEST.search(re.split(r"[\n|,;]", part[: found.start()])[-1] + behind)
            title = TRUTH if not found["pred"] else BEST if best else LAST
            where_list = f"{name} line {line}: {title}"
            if found["further"]:
                count = _count_of_labels(part[found.end() - 1 :], classes)
                further.append((found["title"] + behind, count))
                continue
            labels, tied = _labels(part[found.end() - 1 :], where_list, classes)
            ties[title] += tied
            lists.setdefault(title, []).append(labels)
        counts = set(map(len, lists.get(TRUTH, ())))
        others = [title for title, count in further if count in counts]
        yield Block(where, match[1], lists, left_out, others, ties)


def _before(text: str, found: re.Match[str]) -> str:
    """The words before the title of a list, on its line."""
    return re.split(r"[\n0-9|,;]", text[: found.start()])[-1].lstrip()


def _refuse_joined(blocks: Sequence[Block], word: str) -> None:
    """DataError where lists are those of all subjects so far, or one is a total.

    All begin with, or all end as, the ones before; or one is all earlier ones joined.
    """
    lists = [list(zip(b.lists[TRUTH][0], b.lists[word][0], strict=True)) for b in blocks]
    pairs = list(pairwise(lists))
    longer = pairs and all(len(one) < len(next_one) for one, next_one in pairs)
    starts = all(next_one[: len(one)] == one for one, next_one in pairs)
    ends = all(next_one[-len(one) :] == one for one, next_one in pairs)
    if longer and (starts or ends) and len({true for true, _ in lists[-2]}) > 1:
        raise DataError(
            f"{blocks[1].where}: its lists hold those of the subject before, and so on: print each "
            "subject's own clips"
        )
    earlier: list[tuple[int, int]] = []
    for number, (block, own) in enumerate(zip(blocks, lists, strict=True)):
        if number > 1 and len(own) >= FEWEST_JOINED and own == earlier:
            raise DataError(
                f"{block.where}: {quoted(printable(block.subject))} has the lists of all subjects "
                "before it, joined: it is a total; leave it out"
            )
        earlier += own


def _count_of_labels(text: str, classes: Sequence[str]) -> int:
    """How many labels the list that a text begins with has; 0 where it is none of labels alone."""
    words = text[1 : _end(text)].replace(",", " ").split()
    places = set(map(str, range(len(classes))))
    return len(words) if places.issuperset(words) else 0


def _labels(text: str, where: str, classes: Sequence[str]) -> tuple[tuple[int, ...], int]:
    """The labels in the list that a text begins with, and how many are one of several largest."""
    end = _end(text)
    plain = re.sub(r"[\w.]+\(\s*([-+.\w]+)\s*\)", r"\1", text[1:end])  # np.int64(0)
    rows = _ROW.findall(plain)
    try:
        if end and rows and not re.search(r"(^|,)\s*[-+.\d]", _ROW.sub("", plain)):
            numbers = list(map(_numbers, rows))
            if len(classes) > 1 and all(len(n) == 1 and n[0].is_integer() for n in numbers):
                return tuple(int(n[0]) for n in numbers), 0  # a column of an array
            if are_labels(numbers, len(classes)):
                raise DataError(
                    f"{where}: its rows hold labels, as it seems, not a number for each class: "
                    "print one list of labels"
                )
            odd = next((row for row in numbers if len(row) != len(classes)), None)
            if odd is not None:
                raise DataError(
                    f"{where}: a list of {len(odd)} number(s), expected one for each of "
                    f"{', '.join(classes)}; name other classes with --classes A,B,..."
                )
            largest = list(map(_largest, numbers))
            return tuple(places[0] for places in largest), sum(len(p) > 1 for p in largest)
        if end and all(number.is_integer() for number in _numbers(plain)):
            return tuple(map(int, _numbers(plain))), 0
    except (ValueError, OverflowError):  # no number, none at all, or not a finite one
        pass
    shown = quoted(printable(" ".join(text[: end + 1 or 80].split())))
    raise DataError(f"{where}: {shown} is no list of labels, nor of a number for each class")


def _end(text: str) -> int:
    """The place of the bracket that closes the first one; 0 where none does."""
    depth = 0
    for place, character in enumerate(text[:LONGEST_LIST]):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return place
    return 0


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.replace(",", " ").split()]


def _largest(numbers: Sequence[float]) -> list[int]:
    """Where the largest number stands."""
    if not all(map(isfinite, numbers)):
        raise ValueError
    return [place for place, number in enumerate(numbers) if number == max(numbers)]


def _answers(block: Block, word: str, dataset: str) -> Iterator[Answer]:
    who = f"{block.where}: subject {printable(block.subject)}"
    for title, lists in block.lists.items():
        if len(lists) > 1 and (title != TRUTH or len(set(lists)) > 1):
            raise DataError(
                f"{who} has {len(lists)} lists `{title}`: no score can say which of them counts; "
                "leave the one of the finished training"
            )
    true, pred = block.lists.get(TRUTH, [()])[0], block.lists[word][0]
    for title in (word, *block.lists):
        given = len(block.lists[title][0])
        if not true or given != len(true):
            kind = "predicted" if title == word else f"`{title}`"
            raise DataError(f"{who} has {len(true)} true and {given} {kind} labels")
    owner = dataset or _owner(block)
    for number, (label, answer) in enumerate(zip(true, pred, strict=True), 1):
        yield Answer(owner, block.subject, f"{UNNAMED}{number}", label, answer)


def _owner(block: Block) -> str:
    """The data set of the challenge that names subjects so: s01, sub01 or 006."""
    for name in expected_counts():
        part = DATASETS[name]
        assert isinstance(part, SingleSet)
        bare = block.subject.isdecimal()
        fits = len(block.subject) == part.subject_digits if bare else True
        if bare != bool(part.subject_prefix) and fits and part.subject_of(block.subject):
            return name
    raise DataError(
        f"{block.where}: {quoted(printable(block.subject))} may be a subject of any data set; "
        "say which with --dataset"
    )
