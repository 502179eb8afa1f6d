"""The paper's arithmetic done again from what it prints: every verdict here is computed.

The claims of its text are data (`published/claims.csv`), as are its tables. Scores are checked
against confusion matrices pooled over the clips of the MEGC2019 challenge list.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from bench.data.challenge import expected_counts
from bench.data.clips import CHALLENGE_CLASSES
from reports.attainable import (
    SCORES,
    Claim,
    Nearest,
    confusion_scores,
    nearest,
    uf1_range,
)
from reports.groups import DATASETS
from reports.published import PublishedRow, published_table

LENIENT = Fraction(35, 10_000)
"""The wide tolerance on scores: as if they had been read off a curve or rounded twice."""

SCORE_TABLES = (2, 4)
WORDS = {"acc": "Acc", "uar": "UAR", "uf1": "UF1"}
COSTS = {"params_m": "parameter count (M)", "memory_mb": "memory (MB)"}
SETTINGS = {
    "par_norm": "normalised parameters",
    "pc": "partial connections",
    "d_op": "DARTS operations",
    "h_op": "hybrid operations",
    "st_att": "spatiotemporal attention",
}

BYTES_PER_PARAMETER = 8
"""A weight and its momentum buffer at 4 bytes each: MB per million parameters."""

MEMORY_MARGIN = 0.01
"""Part of a memory figure left for rounding, normalisation statistics and the file itself."""

FAILED = ("inconsistent", "unattainable")

TEXT = "Numbers of the text against the tables"
RANKS = "Highest score, lowest cost"
STUDIES = "Ablation settings"
TABLES = "The tables against each other and themselves"
MEMORY = "Memory per parameter"
ALONE = "Accuracy alone, within rounding"
WIDE = f"Scores together, rows that fail within rounding, with ±{float(LENIENT)} allowed"
ROUNDED = "Scores together, within rounding"
STSTNET = "STSTNet's scores against its own published predictions"
TYPED = "Claimed scores"
TOPICS = (TEXT, RANKS, STUDIES, TABLES, MEMORY, ALONE, WIDE, ROUNDED, STSTNET)

Value = Decimal | str | Mapping[str, Decimal] | Sequence[str]


@dataclass(frozen=True)
class Finding:
    """One claim and what became of it.

    `published` and `recomputed` are a number, scores by name, names, or words; `verdict` is
    consistent, inconsistent, attainable or unattainable. Of a claim about scores: `counts` are the
    clips per class, `gap` is the smallest tolerance with which it would be attainable (0 where it
    is), `confusion` a matrix with the recomputed scores, `uf1_range` the UF1 that the claimed Acc
    and UAR leave.
    """

    topic: str
    claim: str
    where: str
    published: Value
    recomputed: Value
    verdict: str
    note: str = ""
    counts: tuple[int, ...] = ()
    tolerance: float | None = None
    gap: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    uf1_range: tuple[float, float] | None = None

    @property
    def failed(self) -> bool:
        return self.verdict in FAILED

    def as_dict(self) -> dict[str, Any]:
        """The JSON contract: claim, where, published, recomputed, verdict; and what else is."""
        result = {
            "claim": self.claim,
            "where": self.where,
            "published": _plain(self.published),
            "recomputed": _plain(self.recomputed),
            "verdict": self.verdict,
            "topic": self.topic,
            "note": self.note,
        }
        if self.counts:
            result |= {
                "counts": list(self.counts),
                "tolerance": self.tolerance,
                "gap": self.gap,
                "confusion": [list(row) for row in self.confusion],
                "uf1_range": list(self.uf1_range) if self.uf1_range else None,
            }
        return result


class TextClaim(NamedTuple):
    """A line of `claims.csv`: what the text says of a method, and the cell that it is about.

    kind: `quote` (a table's cell), `gain` (over `against`), `highest` or `lowest` (in a column of
    a table), `setting` (the columns of Table 3 in which a study differs). `words` are the paper's.
    """

    kind: str
    where: str
    published: str
    method: str
    against: str
    table: int
    column: str
    words: str

    @property
    def number(self) -> Decimal:
        return Decimal(self.published.removesuffix("%"))

    @property
    def percent(self) -> bool:
        return self.published.endswith("%")


def audit_paper() -> list[Finding]:
    """Every check of the paper, in the order of TOPICS."""
    return [
        *_quotes(),
        *_gains(),
        *_percent_signs(),
        *_ranks(),
        *_studies(),
        *_same_rows(),
        *_repeated_cells(),
        *_memory(),
        *_accuracies(),
        *_joint_scores(),
        *_ststnet(),
    ]


def audit_scores(
    counts: Sequence[int], typed: Mapping[str, str], tolerance: Fraction | None = None
) -> list[Finding]:
    """A user's own numbers: Acc and UAR alone where there are others too, then all together.

    typed: scores as typed, whose digits set the tolerance where none is given.
    """
    claims = {name: Claim.typed(text) for name, text in typed.items()}
    if tolerance is not None:
        claims = {name: claim.within(tolerance) for name, claim in claims.items()}
    alone = [{name: claims[name]} for name in ("acc", "uar") if name in claims]
    wanted = [each for each in alone if len(claims) > 1] + [claims]
    where = f"{'/'.join(map(str, counts))} clips per class"
    return [
        _scores_finding(
            TYPED, where, {name: Decimal(typed[name]) for name in chosen}, chosen, tuple(counts)
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
def text_claims() -> tuple[TextClaim, ...]:
    """What the paper's text says of its numbers."""
    return tuple(
        TextClaim(**{**line, "table": int(line["table"])}) for line in _lines("claims.csv")
    )


@cache
def ststnet_confusion() -> Mapping[str, tuple[tuple[int, ...], ...]]:
    """Data set -> confusion matrix of STSTNet's published predictions, rows true."""
    matrices: dict[str, list[tuple[int, ...]]] = {}
    for line in _lines("ststnet_confusion.csv"):
        row = tuple(int(line[name]) for name in CHALLENGE_CLASSES)
        matrices.setdefault(line["dataset"], []).append(row)
    return {dataset: tuple(rows) for dataset, rows in matrices.items()}


def failed(findings: Iterable[Finding]) -> list[Finding]:
    """Those that do not hold; scores farthest from any attainable ones first."""
    return sorted((each for each in findings if each.failed), key=lambda each: -(each.gap or 0))


# The text against the tables


def _quotes() -> Iterator[Finding]:
    for claim in _claims("quote"):
        cell = _printed(claim.table, claim.method, claim.column)
        yield Finding(
            TEXT,
            f"{claim.method}: {_column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            claim.number,
            cell,
            _consistent(claim.number == cell),
        )


def _gains() -> Iterator[Finding]:
    """Gains may be off by one in the last digit: they can come from unrounded scores."""
    for claim in _claims("gain"):
        ours = _printed(claim.table, claim.method, claim.column)
        gain = ours - _printed(claim.table, claim.against, claim.column)
        last_digit = Decimal(1).scaleb(gain.as_tuple().exponent)
        yield Finding(
            TEXT,
            f"gain of {claim.method} over {claim.against}: {_column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            claim.number,
            gain,
            _consistent(abs(claim.number - gain) <= last_digit),
        )


def _percent_signs() -> Iterator[Finding]:
    """Numbers below 1 with a per cent sign, one finding per place."""
    places = dict.fromkeys(claim.where for claim in text_claims() if claim.percent)
    for place in places:
        signed = [claim for claim in text_claims() if claim.percent and claim.where == place]
        fractions = [claim for claim in signed if abs(claim.number) < 1]
        example = (fractions or signed)[0]
        meant = 100 * example.number if fractions else example.number
        yield Finding(
            TEXT,
            "scores with a per cent sign are per cent",
            place,
            example.published,
            f"{meant.normalize()}%",
            _consistent(not fractions),
            f"{len(fractions)} of {len(signed)} numbers with the sign are fractions",
        )


def _ranks() -> Iterator[Finding]:
    for claim in text_claims():
        if claim.kind not in ("highest", "lowest"):
            continue
        sign = 1 if claim.kind == "highest" else -1
        ours = _printed(claim.table, claim.method, claim.column)
        others = [
            (Decimal(row.cells[claim.column]), row.method)
            for row in published_table(claim.table).rows
            if row.method != claim.method and row.cells[claim.column] is not None
        ]
        better = sorted((each for each in others if sign * (each[0] - ours) > 0), reverse=sign > 0)
        best = max(others, key=lambda each: sign * each[0])
        yield Finding(
            RANKS,
            f"{claim.method} has the {claim.kind} {_column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            ours,
            best[0],
            _consistent(not better),
            ("better: " if better else "next: ")
            + ", ".join(f"{name} {value}" for value, name in better or [best]),
        )


def _studies() -> Iterator[Finding]:
    for claim in _claims("setting"):
        study, base = (_row(claim.table, method).cells for method in (claim.method, claim.against))
        said = claim.column.split()
        differing = [column for column in base if study[column] != base[column]]
        unsaid = [SETTINGS[column] for column in differing if column not in said]
        yield Finding(
            STUDIES,
            f"{claim.method} differs from {claim.against} in what the text says",
            f"{claim.where}; Table {claim.table}",
            [SETTINGS[column] for column in said],
            [SETTINGS[column] for column in differing],
            _consistent(set(differing) == set(said)),
            f"confounded with {' and '.join(unsaid)}" if unsaid else "",
        )


# The tables themselves


def _same_rows() -> Iterator[Finding]:
    first, second = (published_table(number) for number in SCORE_TABLES)
    for row in first.rows:
        again = [each for each in second.rows if each.method == row.method]
        for other in again:
            differing = [c for c in first.columns if row.cells[c] != other.cells[c]]
            yield Finding(
                TABLES,
                f"{row.method} has the same scores in both",
                f"Tables {first.number} and {second.number}",
                f"{len(first.columns)} cells",
                f"{len(first.columns) - len(differing)} cells agree",
                _consistent(not differing),
                ", ".join(map(_column_words, differing)),
            )


def _repeated_cells() -> Iterator[Finding]:
    """Rows in which two data sets have the same scores in every digit."""
    claim = "each data set has scores of its own"
    for number in SCORE_TABLES:
        rows = published_table(number).rows
        repeats = [
            (row, one, other)
            for row in rows
            for one, other in combinations(DATASETS, 2)
            if _pair(row, one) == _pair(row, other)
        ]
        for row, one, other in repeats:
            yield Finding(
                TABLES,
                claim,
                f"Table {number}, {row.method}",
                _scores_of(row, one, ("uar", "uf1")),
                f"{DATASETS[other]} repeats {DATASETS[one]}",
                "inconsistent",
            )
        if not repeats:
            yield Finding(
                TABLES, claim, f"Table {number}", f"{len(rows)} rows", "no repeats", "consistent"
            )


def _memory() -> Iterator[Finding]:
    """Memory of the 3D networks as a line over their parameters, then the other rows by it."""
    rows = [row for row in published_table(5).rows if row.cells["memory_mb"] is not None]
    fitted = [row for row in rows if row.type == "3D-CNN"]
    sizes, memory = (
        np.array([row.value(column) for row in fitted]) for column in ("params_m", "memory_mb")
    )
    slope, offset = np.polyfit(sizes, memory, 1)
    residuals = memory - slope * sizes - offset
    close = np.abs(residuals) <= MEMORY_MARGIN * memory
    per_parameter = abs(slope - BYTES_PER_PARAMETER) <= MEMORY_MARGIN * BYTES_PER_PARAMETER
    listed = ", ".join(
        f"{row.method} {residual:+.2f}" for row, residual in zip(fitted, residuals, strict=True)
    )
    yield Finding(
        MEMORY,
        f"memory is a line over parameters at {BYTES_PER_PARAMETER} bytes each "
        "(weight and momentum buffer)",
        f"Table 5, {len(fitted)} 3D networks",
        "MB = 10^6 bytes",
        f"MB = {slope:.2f} M + {offset:.2f}",
        _consistent(per_parameter and close.all()),
        f"residuals in MB: {listed}",
    )
    for row in rows:
        if row in fitted:
            continue
        size, printed = row.value("params_m"), Decimal(row.cells["memory_mb"])
        expected = slope * size + offset
        yield Finding(
            MEMORY,
            "memory follows the line of the 3D networks",
            f"Table 5, {row.method}",
            printed,
            Decimal(f"{expected:.2f}"),
            _consistent(abs(float(printed) - expected) <= MEMORY_MARGIN * expected),
            f"{float(printed) / size:.2f} bytes per parameter; "
            f"weights alone at 4 bytes: {4 * size:.2f} MB",
        )


# Scores


def _accuracies() -> Iterator[Finding]:
    for number, row, dataset in _scored_rows():
        if scores := _scores_of(row, dataset, ("acc",)):
            yield _published_scores(ALONE, number, row, dataset, scores)


def _joint_scores() -> Iterator[Finding]:
    """Each row within its rounding; where that fails, again within LENIENT, listed first."""
    rounded = [
        _published_scores(ROUNDED, number, row, dataset, _scores_of(row, dataset))
        for number, row, dataset in _scored_rows()
    ]
    for (number, row, dataset), finding in zip(_scored_rows(), rounded, strict=True):
        if finding.failed and row_tolerance(row) < LENIENT:
            scores = _scores_of(row, dataset)
            yield _published_scores(WIDE, number, row, dataset, scores, LENIENT)
    yield from rounded


def _scored_rows() -> Iterator[tuple[int, PublishedRow, str]]:
    """Every printed row with every data set; a row that both tables print once."""
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
    used = [-Decimal(cell).normalize().as_tuple().exponent for cell in row.cells.values() if cell]
    return Fraction(1, 2 * 10 ** max(used))


def _scores_finding(
    topic: str,
    where: str,
    shown: Mapping[str, Decimal],
    claims: Mapping[str, Claim],
    counts: tuple[int, ...],
) -> Finding:
    found = nearest(counts, claims)
    tolerance = max(claim.tolerance for claim in claims.values())
    gap = max(abs(found.scores[name] - claim.value) for name, claim in claims.items())
    open_uf1 = "uf1" not in claims or not found.attained
    span = uf1_range(counts, claims) if len(claims) > 1 and open_uf1 else None
    named = _listed([WORDS[name] for name in claims])
    return Finding(
        topic,
        f"{named} of one confusion matrix, {_tolerance_words(claims)}",
        where,
        dict(shown) if len(shown) > 1 else next(iter(shown.values())),
        _nearest_scores(found, claims),
        "attainable" if found.attained else "unattainable",
        _scores_note(found, claims, counts, span),
        counts,
        float(tolerance),
        0.0 if found.attained else float(gap),
        found.confusion,
        span,
    )


def _nearest_scores(found: Nearest, claims: Mapping[str, Claim]) -> Value:
    """The scores of the matrix found, with one digit more than their tolerances need."""
    scores = {}
    for name, claim in claims.items():
        digits = 1 + max(3, len(str(int(1 / claim.tolerance))) - 1)
        scores[name] = Decimal(f"{float(found.scores[name]):.{digits}f}")
    return scores if len(scores) > 1 else next(iter(scores.values()))


def _scores_note(
    found: Nearest,
    claims: Mapping[str, Claim],
    counts: Sequence[int],
    span: tuple[float, float] | None,
) -> str:
    notes = []
    if claims.keys() == {"acc"}:
        correct = sum(row[index] for index, row in enumerate(found.confusion))
        notes.append(f"{correct} of {sum(counts)} clips")
    given = [WORDS[name] for name in claims if name != "uf1"]
    if span:
        notes.append(f"with this {_listed(given)} UF1 takes steps, {span[0]:.4f} to {span[1]:.4f}")
    elif not found.attained and given and len(claims) > 1:
        notes.append(f"no matrix has this {_listed(given)}")
    return "; ".join(notes)


# STSTNet


def _ststnet() -> Iterator[Finding]:
    """The printed scores against those of the predictions that the method's authors published."""
    row = _row(2, "STSTNet")
    half = row_tolerance(row)
    for dataset, confusion in ststnet_confusion().items():
        scores = confusion_scores(confusion)
        precision = _macro_precision(confusion)
        for name, printed in _scores_of(row, dataset).items():
            agrees = abs(scores[name] - Fraction(printed)) <= half
            is_precision = abs(precision - Fraction(printed)) <= half
            yield Finding(
                STSTNET,
                f"{WORDS[name]} of STSTNet on {DATASETS[dataset]}",
                f"Table 2, STSTNet, {DATASETS[dataset]}",
                printed,
                Decimal(f"{float(scores[name]):.4f}"),
                _consistent(agrees),
                f"macro precision is {float(precision):.4f}" if is_precision else "",
            )


def _macro_precision(confusion: Sequence[Sequence[int]]) -> Fraction:
    columns = list(zip(*confusion, strict=True))
    return sum(Fraction(column[c], sum(column)) for c, column in enumerate(columns)) / len(columns)


# Reading


def _lines(name: str) -> list[dict[str, str]]:
    """The lines of a data file of `reports.published`, without its comments."""
    text = resources.files("reports.published").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _claims(kind: str) -> list[TextClaim]:
    return [claim for claim in text_claims() if claim.kind == kind]


def _row(number: int, method: str) -> PublishedRow:
    return next(row for row in published_table(number).rows if row.method == method)


def _printed(number: int, method: str, column: str) -> Decimal:
    return Decimal(_row(number, method).cells[column])


def _pair(row: PublishedRow, dataset: str) -> tuple[str | None, str | None]:
    return row.cells[f"{dataset}_uar"], row.cells[f"{dataset}_uf1"]


def _scores_of(
    row: PublishedRow, dataset: str, names: Iterable[str] = SCORES
) -> dict[str, Decimal]:
    """The scores that a row has of a data set."""
    cells = {name: row.cells.get(f"{dataset}_{name}") for name in names}
    return {name: Decimal(cell) for name, cell in cells.items() if cell is not None}


# Words


def _consistent(holds: bool) -> str:
    return "consistent" if holds else "inconsistent"


def _column_words(column: str) -> str:
    if column in COSTS:
        return COSTS[column]
    dataset, name = column.split("_")
    return f"{WORDS[name]} on {DATASETS[dataset]}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _tolerance_words(claims: Mapping[str, Claim]) -> str:
    tolerances = dict.fromkeys(claim.tolerance for claim in claims.values())
    return " and ".join(f"±{Decimal(str(float(each))):f}" for each in tolerances)


def _plain(value: Value) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: float(score) for name, score in value.items()}
    return value if isinstance(value, str) else list(value)
