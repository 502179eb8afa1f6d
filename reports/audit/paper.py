"""The paper's printed numbers checked against each other: every verdict here is computed.

The claims of its text are data (`published/claims.csv`), as are its tables. Whether any
predictions can have the printed scores is decided in `reports.audit.scores`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from reports.audit.claim import exponent
from reports.audit.findings import (
    MEMORY,
    RANKS,
    STUDIES,
    TABLES,
    TEXT,
    Finding,
    column_words,
    consistent,
)
from reports.audit.scores import SCORE_TABLES, accuracies, joint_scores, scores_of, ststnet
from reports.published import PublishedRow, data_lines, published_table
from reports.reading.names import DATASETS

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
"""Relative margin of a memory figure for rounding, normalisation statistics and file overhead."""


class TextClaim(NamedTuple):
    """A line of `claims.csv`: what the text says of a method, and the cell that it is about.

    kind: `quote` (a table's cell), `gain` (over `against`), `highest` or `lowest` (in a column of
    a table), `setting` (the columns of Table 3 in which a study differs). `words`: the quotation.
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
        """The published number without its per cent sign."""
        return Decimal(self.published.removesuffix("%"))

    @property
    def percent(self) -> bool:
        """Whether the number has a per cent sign."""
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
        *accuracies(),
        *joint_scores(),
        *ststnet(),
    ]


@cache
def text_claims() -> tuple[TextClaim, ...]:
    """What the paper's text says of its numbers."""
    return tuple(_text_claim(**line) for line in data_lines("claims.csv"))


def _text_claim(table: str, **line: str) -> TextClaim:
    return TextClaim(table=int(table), **line)


# The text against the tables


def _quotes() -> Iterator[Finding]:
    for claim in _claims("quote"):
        cell = _printed(claim.table, claim.method, claim.column)
        yield Finding(
            TEXT,
            f"{claim.method}: {column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            claim.number,
            cell,
            consistent(claim.number == cell),
        )


def _gains() -> Iterator[Finding]:
    """Gains may be off by one in the last digit: they can come from unrounded scores."""
    for claim in _claims("gain"):
        ours = _printed(claim.table, claim.method, claim.column)
        gain = ours - _printed(claim.table, claim.against, claim.column)
        last_digit = Decimal(1).scaleb(exponent(gain))
        yield Finding(
            TEXT,
            f"gain of {claim.method} over {claim.against}: {column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            claim.number,
            gain,
            consistent(abs(claim.number - gain) <= last_digit),
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
            consistent(not fractions),
            f"{len(fractions)} of {len(signed)} numbers with the sign are fractions",
        )


def _ranks() -> Iterator[Finding]:
    for claim in text_claims():
        if claim.kind not in ("highest", "lowest"):
            continue
        sign = 1 if claim.kind == "highest" else -1
        ours = _printed(claim.table, claim.method, claim.column)
        others = [
            (Decimal(cell), row.method)
            for row in published_table(claim.table).rows
            if row.method != claim.method and (cell := row.cells[claim.column]) is not None
        ]
        better = sorted((each for each in others if sign * (each[0] - ours) > 0), reverse=sign > 0)
        best = max(others, key=lambda each: sign * each[0])
        yield Finding(
            RANKS,
            f"{claim.method} has the {claim.kind} {column_words(claim.column)}",
            f"{claim.where}; Table {claim.table}",
            ours,
            best[0],
            consistent(not better),
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
            consistent(set(differing) == set(said)),
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
                consistent(not differing),
                ", ".join(map(column_words, differing)),
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
                scores_of(row, one, ("uar", "uf1")),
                f"{DATASETS[other]} repeats {DATASETS[one]}",
                "inconsistent",
            )
        if not repeats:
            yield Finding(
                TABLES, claim, f"Table {number}", f"{len(rows)} rows", "no repeats", "consistent"
            )


def _memory() -> Iterator[Finding]:
    """A line fitted to memory over parameters of the 3D networks, and the other rows against it."""
    rows = [row for row in published_table(5).rows if row.cells["memory_mb"] is not None]
    fitted = [row for row in rows if row.type == "3D-CNN"]
    sizes, memory = (
        np.array([float(row.printed(column)) for row in fitted])
        for column in ("params_m", "memory_mb")
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
        consistent(per_parameter and close.all()),
        f"residuals in MB: {listed}",
    )
    for row in rows:
        if row in fitted:
            continue
        size, printed = float(row.printed("params_m")), Decimal(row.printed("memory_mb"))
        expected = slope * size + offset
        yield Finding(
            MEMORY,
            "memory follows the line of the 3D networks",
            f"Table 5, {row.method}",
            printed,
            Decimal(f"{expected:.2f}"),
            consistent(abs(float(printed) - expected) <= MEMORY_MARGIN * expected),
            f"{float(printed) / size:.2f} bytes per parameter; "
            f"weights alone at 4 bytes: {4 * size:.2f} MB",
        )


# Reading


def _claims(kind: str) -> list[TextClaim]:
    return [claim for claim in text_claims() if claim.kind == kind]


def _row(number: int, method: str) -> PublishedRow:
    return next(row for row in published_table(number).rows if row.method == method)


def _printed(number: int, method: str, column: str) -> Decimal:
    return Decimal(_row(number, method).printed(column))


def _pair(row: PublishedRow, dataset: str) -> tuple[str | None, str | None]:
    return row.cells[f"{dataset}_uar"], row.cells[f"{dataset}_uf1"]
