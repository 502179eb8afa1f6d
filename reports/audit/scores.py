"""Whether confusion matrices have the scores of the paper, of STSTNet's authors or of a user.

The matrices searched are those pooled over the clips of the MEGC2019 challenge list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.challenge import expected_counts
from reports.audit.attainable import Nearest, TimeUp, Watch, nearest, uf1_range, unwatched
from reports.audit.claim import SCORES, Claim, exponent, typed_number
from reports.audit.findings import (
    ALONE,
    LENIENT,
    ROUNDED,
    STSTNET,
    TYPED,
    WIDE,
    WORDS,
    Finding,
    Value,
    consistent,
    listed,
)
from reports.audit.matrices import confusion_scores
from reports.published import PublishedRow, data_lines, published_table
from reports.reading.names import DATASETS

SCORE_TABLES = (2, 4)


def audit_scores(
    counts: Sequence[int],
    typed: Mapping[str, str],
    tolerance: Fraction | None = None,
    watch: Watch = unwatched,
) -> list[Finding]:
    """A user's own scores: Acc and UAR one by one, then all scores together.

    typed: scores as typed; without `tolerance` their last digit sets it; watch: may end the search.
    """
    claims = {name: Claim.typed(text) for name, text in typed.items()}
    if tolerance is not None:
        claims = {name: claim.within(tolerance) for name, claim in claims.items()}
    alone = [{name: claim} for name, claim in claims.items() if name != "uf1"]
    wanted = [each for each in alone if len(claims) > 1] + [claims]
    where = f"{'/'.join(map(str, counts))} clips per class"
    return [
        _scores_finding(
            TYPED,
            where,
            {name: typed_number(typed[name]) for name in chosen},
            chosen,
            tuple(counts),
            watch,
        )
        for chosen in wanted
    ]


@cache
def class_counts(dataset: str) -> tuple[int, ...]:
    """Clips per class of a data set in the challenge list; of all three for `composite`."""
    parts = expected_counts() if dataset == "composite" else {dataset: expected_counts()[dataset]}
    subjects = [counts for part in parts.values() for counts in part.values()]
    return tuple(sum(counts[name] for counts in subjects) for name in CHALLENGE_CLASSES)


@cache
def ststnet_confusion() -> Mapping[str, tuple[tuple[int, ...], ...]]:
    """Data set -> confusion matrix of STSTNet's published predictions, rows true."""
    matrices: dict[str, list[tuple[int, ...]]] = {}
    for line in data_lines("ststnet_confusion.csv"):
        row = tuple(int(line[name]) for name in CHALLENGE_CLASSES)
        matrices.setdefault(line["dataset"], []).append(row)
    return {dataset: tuple(rows) for dataset, rows in matrices.items()}


def accuracies() -> Iterator[Finding]:
    """The accuracy of each printed row that has one, without its other scores."""
    for number, row, dataset in _scored_rows():
        if scores := scores_of(row, dataset, ("acc",)):
            yield _published_scores(ALONE, number, row, dataset, scores)


def joint_scores() -> Iterator[Finding]:
    """All scores of each row within its rounding; rows that fail first, again within LENIENT."""
    rounded = [
        _published_scores(ROUNDED, number, row, dataset, scores_of(row, dataset))
        for number, row, dataset in _scored_rows()
    ]
    for (number, row, dataset), finding in zip(_scored_rows(), rounded, strict=True):
        if finding.failed and row_tolerance(row) < LENIENT:
            scores = scores_of(row, dataset)
            yield _published_scores(WIDE, number, row, dataset, scores, LENIENT)
    yield from rounded


def _scored_rows() -> Iterator[tuple[int, PublishedRow, str]]:
    """Every printed row with every data set; a row that both tables print is given once."""
    seen = set()
    for number in SCORE_TABLES:
        for row in published_table(number).rows:
            for dataset in DATASETS:
                key = (row.method, dataset, tuple(row.cells.items()))
                if key not in seen:
                    seen.add(key)
                    yield number, row, dataset


def _published_scores(
    topic: str,
    number: int,
    row: PublishedRow,
    dataset: str,
    scores: Mapping[str, Decimal],
    tolerance: Fraction | None = None,
) -> Finding:
    tolerance = tolerance or row_tolerance(row)
    claims = {name: Claim(Fraction(score), tolerance) for name, score in scores.items()}
    where = f"Table {number}, {row.method}, {DATASETS[dataset]}"
    return _scores_finding(topic, where, scores, claims, class_counts(dataset))


def row_tolerance(row: PublishedRow) -> Fraction:
    """Half a unit of the last digit that any of a row's scores uses.

    A row whose every score ends in 0 was rounded to fewer digits before it was printed here.
    """
    used = [-exponent(Decimal(cell).normalize()) for cell in row.cells.values() if cell]
    return Fraction(1, 2 * 10 ** max(used))


def _scores_finding(
    topic: str,
    where: str,
    shown: Mapping[str, Decimal],
    claims: Mapping[str, Claim],
    counts: tuple[int, ...],
    watch: Watch = unwatched,
) -> Finding:
    found = nearest(counts, claims, watch)
    tolerance = max(claim.tolerance for claim in claims.values())
    gap = max(abs(found.scores[name] - claim.value) for name, claim in claims.items())
    span, notes = None, _scores_notes(found, claims, sum(counts))
    if len(claims) > 1 and ("uf1" not in claims or not found.attained):
        span, note = _uf1_range(counts, claims, watch)
        notes.append(note)
    named = listed([WORDS[name] for name in claims])
    return Finding(
        topic,
        f"{named} of one confusion matrix, {_tolerance_words(claims)}",
        where,
        dict(shown) if len(shown) > 1 else next(iter(shown.values())),
        _nearest_scores(found, claims),
        found.verdict,
        "; ".join(filter(None, notes)),
        counts,
        float(tolerance),
        0.0 if found.attained else float(gap),
        found.confusion,
        span,
        found.ended,
    )


def _uf1_range(
    counts: tuple[int, ...], claims: Mapping[str, Claim], watch: Watch
) -> tuple[tuple[float, float] | None, str]:
    """Least and largest UF1 with the other claims, and a note on them."""
    given = listed([WORDS[name] for name in claims if name != "uf1"])
    try:
        span = uf1_range(counts, claims, watch)
    except TimeUp as end:
        return None, f"UF1 possible with this {given}: not decided {end}"
    if span is None:
        return None, f"no matrix has this {given}"
    return span, f"UF1 possible with this {given}: discrete values, {span[0]:.4f} to {span[1]:.4f}"


def _nearest_scores(found: Nearest, claims: Mapping[str, Claim]) -> Value:
    """The scores of the matrix found, with one digit more than the tolerances have."""
    scores = {}
    for name, claim in claims.items():
        digits = 1 + max(3, len(str(int(1 / claim.tolerance))) - 1)
        scores[name] = Decimal(f"{float(found.scores[name]):.{digits}f}")
    return scores if len(scores) > 1 else next(iter(scores.values()))


def _scores_notes(found: Nearest, claims: Mapping[str, Claim], clips: int) -> list[str]:
    notes = []
    if claims.keys() == {"acc"}:
        correct = sum(row[index] for index, row in enumerate(found.confusion))
        notes.append(f"{correct} of {clips} clips")
    if found.ended and found.verdict == "undecided":
        notes.append(f"not decided {found.ended}; nearest so far")
    elif found.ended:
        notes.append(
            f"none within {found.least:g} tolerances; the nearest of all not decided {found.ended}"
        )
    return notes


def ststnet() -> Iterator[Finding]:
    """STSTNet's printed scores against those of the predictions that its authors published."""
    row = next(row for row in published_table(2).rows if row.method == "STSTNet")
    half = row_tolerance(row)
    for dataset, confusion in ststnet_confusion().items():
        scores = confusion_scores(confusion)
        precision = _macro_precision(confusion)
        for name, printed in scores_of(row, dataset).items():
            agrees = abs(scores[name] - Fraction(printed)) <= half
            is_precision = abs(precision - Fraction(printed)) <= half
            yield Finding(
                STSTNET,
                f"{WORDS[name]} of STSTNet on {DATASETS[dataset]}",
                f"Table 2, STSTNet, {DATASETS[dataset]}",
                printed,
                Decimal(f"{float(scores[name]):.4f}"),
                consistent(agrees),
                f"macro precision is {float(precision):.4f}" if is_precision else "",
            )


def _macro_precision(confusion: Sequence[Sequence[int]]) -> Fraction:
    columns = list(zip(*confusion, strict=True))
    precisions = (Fraction(column[c], sum(column)) for c, column in enumerate(columns))
    return sum(precisions, Fraction()) / len(columns)


def scores_of(row: PublishedRow, dataset: str, names: Iterable[str] = SCORES) -> dict[str, Decimal]:
    """The scores that a row has of a data set."""
    cells = {name: row.cells.get(f"{dataset}_{name}") for name in names}
    return {name: Decimal(cell) for name, cell in cells.items() if cell is not None}


def _tolerance_words(claims: Mapping[str, Claim]) -> str:
    tolerances = dict.fromkeys(claim.tolerance for claim in claims.values())
    return " and ".join(f"±{Decimal(str(float(each))):f}" for each in tolerances)
