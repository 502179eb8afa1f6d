"""What training scripts print per subject, where nobody wrote a log.

STSTNet's script and those that came of it (RCN, HTNet and many more) print, fold by fold,

    Subject: 006
    Predicted    : [0, 0, 2]
    Best Predicted    : [0, 1, 2]
    Ground Truth : [0, 1, 2]

`Best Predicted` are the answers of the epoch that was best on that very subject: selection=oracle.
Clips have no names there; they are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.data.sets.base import SingleSet
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.challenge import expected_counts
from bench.errors import DataError, UsageError, printable, quoted
from bench.runs.predictions import UNNAMED, Answer

LAST, BEST, TRUTH = "Predicted", "Best Predicted", "Ground Truth"

_SUBJECT = re.compile(r"\bSubject\s*:\s*(\S+)")
_LIST = re.compile(r"(Best Predicted|Predicted|Ground Truth)\s*:\s*\[([0-9,\s]*)\]")


@dataclass(frozen=True)
class Block:
    """What was printed of one subject; `lists` holds labels by the word before them."""

    where: str
    subject: str
    lists: Mapping[str, tuple[int, ...]]


def is_printed(text: str) -> bool:
    """Whether a text is of this kind."""
    return bool(_SUBJECT.search(text)) and any(m[1] == TRUTH for m in _LIST.finditer(text))


def printed_answers(
    text: str, name: str, dataset: str = "", selection: str | None = None
) -> tuple[list[Answer], bool]:
    """The answers, and whether they are those of the best epoch on the test subject.

    dataset: whose subjects these are where their names do not tell. selection: `oracle` for the
    best epoch's; `last` or None for the others, or for the only ones there are. Raises DataError
    for a subject without labels or of unknown origin, UsageError for answers that nobody printed.
    """
    blocks = list(_blocks(text, name))
    printed = [word for word in (LAST, BEST) if all(word in block.lists for block in blocks)]
    if not printed:
        raise DataError(f"{name}: not every subject has a line `Predicted : [...]`")
    wanted = {"oracle": BEST, "last": LAST, None: printed[0]}.get(selection, "")
    if wanted not in printed:
        raise UsageError(
            f"{name} has no answers of selection={selection}, only {' and '.join(printed)}"
        )
    answers = [answer for block in blocks for answer in _answers(block, wanted, dataset)]
    return answers, wanted == BEST


def _blocks(text: str, name: str) -> Iterator[Block]:
    where = subject = ""
    lists: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        begins = _SUBJECT.search(line)
        if begins:
            if subject:
                yield Block(where, subject, lists)
            where, subject, lists = f"{name} line {number}", begins[1], {}
        found = _LIST.search(line)
        if found and subject:
            lists[found[1]] = tuple(int(word) for word in re.findall("[0-9]+", found[2]))
    if subject:
        yield Block(where, subject, lists)


def _answers(block: Block, word: str, dataset: str) -> Iterator[Answer]:
    true, pred = block.lists.get(TRUTH, ()), block.lists[word]
    if not true or len(true) != len(pred):
        raise DataError(
            f"{block.where}: subject {printable(block.subject)} has {len(true)} true and "
            f"{len(pred)} predicted labels"
        )
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
