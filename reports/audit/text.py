"""Findings of the audit as text, Markdown and JSON.

The text lists only the failures unless everything is asked for; each topic gives its counts.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal

from reports.audit.findings import TOPICS, WORDS, Finding, Value, failed
from reports.audit.scores import class_counts
from reports.reading.names import DATASETS

HEADERS = ("Where", "Claim", "Published", "Recomputed", "Note")

WIDTHS = (26, 32, 19, 19, 36)
"""Characters per line of each column on a terminal."""


def assumption() -> str:
    """The assumptions behind every verdict on the paper's scores."""
    counts = ", ".join(
        f"{name} {'/'.join(map(str, class_counts(dataset)))}" for dataset, name in DATASETS.items()
    )
    return (
        "The search covers the confusion matrices pooled over all clips, with the MEGC2019 "
        f"challenge's counts of negative/positive/surprise: {counts}. Means over folds or seeds, "
        "and other class maps, can give scores that no such matrix has. A final digit that is 0 in "
        "every score of a row does not count as printed."
    )


def plain(findings: Sequence[Finding], everything: bool = False) -> str:
    """The audit of the paper as tables for a terminal."""
    return _audit_text(findings, everything, "simple", WIDTHS, "{}")


def markdown(findings: Sequence[Finding], everything: bool = False) -> str:
    """The audit of the paper as Markdown."""
    return _audit_text(findings, everything, "pipe", None, "**{}**")


def to_json(findings: Sequence[Finding]) -> str:
    """A JSON list of every finding."""
    return json.dumps([each.as_dict() for each in findings], indent=1, ensure_ascii=False)


def claimed_scores(findings: Sequence[Finding], style: str) -> str:
    """Findings on a user's own scores with the last one's confusion matrix; style: table or md."""
    from tabulate import tabulate

    last = findings[-1]
    headers = ("Claim", "Claimed", "Nearest", "Verdict", "Note")
    rows = [
        (each.claim, value_text(each.published), value_text(each.recomputed), each.verdict, note)
        for each in findings
        for note in [_note(each)]
    ]
    table = tabulate(rows, headers, "pipe" if style == "md" else "simple", disable_numparse=True)
    numbered = [(f"class {index}", *row) for index, row in enumerate(last.confusion, 1)]
    heads = ["true \\ predicted", *(row[0] for row in numbered)]
    matrix = tabulate(numbered, heads, "pipe" if style == "md" else "simple")
    nearest = "The nearest confusion matrix" + (" found so far" if last.ended else "")
    which = "For example" if last.verdict == "attainable" else nearest
    return "\n\n".join(
        (
            f"Among all confusion matrices pooled over {last.where}:",
            table,
            f"{which}:",
            matrix,
        )
    )


def wrapped(text: str, indent: str = "") -> str:
    """Prose in lines of at most 100 characters."""
    return textwrap.fill(text, 100, subsequent_indent=indent, break_on_hyphens=False)


def value_text(value: Value) -> str:
    """A value as text; a number keeps its printed digits."""
    if isinstance(value, str | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{WORDS[name]} {score}" for name, score in value.items())
    return ", ".join(value)


def _audit_text(
    findings: Sequence[Finding],
    everything: bool,
    style: str,
    widths: Sequence[int] | None,
    heading: str,
) -> str:
    parts = []
    for topic in TOPICS:
        found = [each for each in findings if each.topic == topic]
        shown = found if everything else failed(found)
        count = f"{len(failed(found))} of {len(found)} {_failure_word(found)}"
        parts.append(heading.format(f"{topic}: {count}"))
        if shown:
            parts.append(_table(shown, everything, style, widths))
    return "\n\n".join(parts)


def _failure_word(findings: Sequence[Finding]) -> str:
    scores = any(each.verdict in ("attainable", "unattainable") for each in findings)
    return "unattainable" if scores else "inconsistent"


def _table(
    findings: Sequence[Finding], verdicts: bool, style: str, widths: Sequence[int] | None
) -> str:
    """The findings of one topic; scores need no column "Claim", their cells name the metric."""
    from tabulate import tabulate

    rows = [
        (
            each.where,
            each.claim,
            value_text(each.published),
            value_text(each.recomputed),
            _note(each),
            each.verdict,
        )
        for each in findings
    ]
    headers = [*HEADERS, "Verdict"]
    about_scores = all(each.counts for each in findings)
    keep = [
        index
        for index, header in enumerate(headers)
        if not (header == "Claim" and about_scores) and (header != "Verdict" or verdicts)
    ]
    return tabulate(
        [[row[index] for index in keep] for row in rows],
        [headers[index] for index in keep],
        style,
        disable_numparse=True,
        maxcolwidths=[(*widths, 12)[index] for index in keep] if widths else None,
    )


def _note(finding: Finding) -> str:
    off = f"{_small(finding.gap)} off" if finding.gap else ""
    return "; ".join(filter(None, (off, finding.note)))


def _small(gap: float) -> str:
    """Two significant digits, never in powers of ten."""
    return f"{Decimal(f'{gap:.1e}'):f}"
