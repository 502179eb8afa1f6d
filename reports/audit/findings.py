"""What an audit finds: a claim, what was published, what was recomputed, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bench.protocol.metrics import BUILT_IN
from reports.reading.names import DATASETS

LENIENT = Fraction(35, 10_000)
"""The wide tolerance on scores, as for scores read off a curve or rounded twice."""

WORDS = {name: metric.heading for name, metric in BUILT_IN.items()}
COSTS = {"params_m": "parameter count (M)", "memory_mb": "memory (MB)"}

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
    """One claim and its verdict.

    `published` and `recomputed` are a number, scores by name, names, or words; `verdict` is
    consistent, inconsistent, attainable, unattainable or undecided. A claim about scores also has:
    `counts`, the clips per class; `gap`, the smallest tolerance at which it would be attainable (0
    where it is); `confusion`, a matrix with the recomputed scores; `uf1_range`, the least and
    largest UF1 possible with the claimed Acc and UAR; `ended`, why the search ended before all was
    searched: `gap` and `confusion` are those of the nearest matrix found until then.
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
    ended: str = ""

    @property
    def failed(self) -> bool:
        """Whether the claim does not hold."""
        return self.verdict in FAILED

    def as_dict(self) -> dict[str, Any]:
        """As JSON; `counts` and what follows only where the claim is about scores."""
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
                "ended": self.ended,
            }
        return result


def failed(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that do not hold, largest gap first."""
    return sorted((each for each in findings if each.failed), key=lambda each: -(each.gap or 0))


def consistent(holds: bool) -> str:
    """The verdict on a claim that holds or not."""
    return "consistent" if holds else "inconsistent"


def column_words(column: str) -> str:
    """A column of the tables as a reader calls it."""
    if column in COSTS:
        return COSTS[column]
    dataset, name = column.split("_")
    return f"{WORDS[name]} on {DATASETS[dataset]}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _plain(value: Value) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: float(score) for name, score in value.items()}
    return value if isinstance(value, str) else list(value)
