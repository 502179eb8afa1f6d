"""`bench audit`: a check of the paper's printed numbers, or of a user's own scores."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import Finite, form_option, out_option
from bench.cli.output import deliver

if TYPE_CHECKING:
    from reports.audit.attainable import Watch

MOST_DIGITS = 100
"""Largest exponent of a typed score; the fraction of 1e-999999999 would fill the memory."""

MOST_CLIPS = 10**9
"""Matrices are arranged in whole numbers of 32 bits."""

EXAMPLE = "--counts 250,109,83 --acc .90 --uar .85 --uf1 .83"


@click.command()
@form_option("table", "md", "json")
@click.option("--all", "everything", is_flag=True, help="List the claims that hold, too.")
@click.option(
    "--counts",
    metavar="N,N[,N...]",
    help="Numbers of clips per class behind your own scores, or composite, smic, casme2, samm.",
)
@click.option(
    "--acc", metavar="X", help="Your accuracy, as a fraction (.851) or in per cent (85.1%)."
)
@click.option("--uar", metavar="X", help="Your unweighted average recall, likewise.")
@click.option("--uf1", metavar="X", help="Your unweighted F1-score, likewise.")
@click.option(
    "--tolerance",
    metavar="X",
    help="How far your scores may be off, as a fraction.  [default: the rounding of their digits]",
)
@click.option(
    "--minutes",
    type=Finite(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Number of minutes that the search may take; what is open by then is undecided.",
)
@out_option
def audit(
    form: str,
    everything: bool,
    counts: str | None,
    acc: str | None,
    uar: str | None,
    uf1: str | None,
    tolerance: str | None,
    minutes: float,
    out: Path | None,
) -> None:
    """Check the paper's numbers for consistency, or your own.

    Without options it recomputes what the paper's text and tables claim and lists what does not
    hold. With --counts it searches all confusion matrices with those counts for your scores, and
    shows one that has them, or the nearest one. The exit code is 0 whatever is found.
    """
    typed = {"acc": acc, "uar": uar, "uf1": uf1}
    scores = {name: text.strip() for name, text in typed.items() if text is not None}
    if counts is None and (scores or tolerance is not None):
        from bench.errors import UsageError

        raise UsageError(f"scores need --counts, the clips per class: {EXAMPLE}")
    text = (
        _paper(form, everything)
        if counts is None
        else _own_scores(
            form, typed_counts(counts), typed_scores(scores), _tolerance(tolerance), minutes
        )
    )
    deliver(text, out)


def _paper(style: str, everything: bool) -> str:
    from reports.audit.paper import audit_paper
    from reports.audit.text import assumption, markdown, plain, to_json, wrapped

    findings = audit_paper()
    if style == "json":
        return to_json(findings)
    show = markdown if style == "md" else plain
    return "\n\n".join((show(findings, everything), wrapped(assumption())))


def _own_scores(
    style: str,
    counts: tuple[int, ...],
    scores: dict[str, str],
    tolerance: Fraction | None,
    minutes: float,
) -> str:
    from reports.audit.scores import audit_scores
    from reports.audit.text import claimed_scores, to_json

    findings = audit_scores(counts, scores, tolerance, _watch(minutes))
    return to_json(findings) if style == "json" else claimed_scores(findings, style)


def _watch(minutes: float) -> Watch:
    """Prints how far a long search is, and ends it after some minutes."""
    from bench.cli.progress import Steps
    from reports.audit.attainable import TimeUp

    lines, end = Steps(None), time.monotonic() + 60 * minutes

    def watch(what: str, share: float) -> None:
        if time.monotonic() > end:
            raise TimeUp(f"within {minutes:g} minutes (--minutes)")
        lines(f"searched of {what}, in per cent", int(100 * share), 100)

    return watch


def typed_counts(text: str) -> tuple[int, ...]:
    """The clips per class that `--counts` names, 2 or more of them; UsageError for other text."""
    from bench.data.disk.finding import letters
    from bench.errors import UsageError
    from reports.audit.scores import class_counts
    from reports.reading.names import DATASETS

    known = {letters(word): name for name, title in DATASETS.items() for word in (name, title)}
    if letters(text) in known:
        return class_counts(known[letters(text)])
    try:
        counts = tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(
            f"--counts {text} is no list of clips per class such as 250,109,83, "
            f"and none of {', '.join(DATASETS)}"
        ) from None
    if len(counts) < 2:
        raise UsageError(f"--counts {text} has one class; give the clips of each of them")
    if sum(counts) > MOST_CLIPS:
        raise UsageError(f"--counts {text} are too many clips: at most {MOST_CLIPS} in all")
    if min(counts) < 1:
        raise UsageError(f"--counts {text}: every class needs a clip; leave out empty classes")
    return counts


def typed_scores(typed: dict[str, str]) -> dict[str, str]:
    """The scores as typed, each a number from 0 to 1, or per cent with the sign.

    A fraction with the sign is told. UsageError where there is none or one is neither.
    """
    from bench.errors import UsageError
    from bench.scoring.claims import per_cent_hint

    if not typed:
        raise UsageError(f"nothing to check: give two or three of --acc, --uar, --uf1: {EXAMPLE}")
    for name, text in typed.items():
        value = _fraction(f"--{name}", text)
        if value > 1:
            other = "" if text.endswith("%") else f", or {text}%"
            raise UsageError(f"--{name} {text} is above 1: write a fraction{other}")
        if value < 0:
            raise UsageError(f"--{name} {text} is below 0: scores are fractions from 0 to 1")
        if hint := per_cent_hint(text):
            click.echo(f"--{name} {hint}", err=True)
    return typed


def _tolerance(text: str | None) -> Fraction | None:
    from bench.errors import UsageError
    from reports.audit.claim import FINEST

    if text is None:
        return None
    value = _fraction("--tolerance", text)
    if not FINEST <= value <= 1:
        raise UsageError(f"--tolerance {text} is not in {float(FINEST):.7f} to 1, as in .0035")
    return value


def _fraction(option: str, text: str) -> Fraction:
    from decimal import InvalidOperation

    from bench.errors import UsageError
    from reports.audit.claim import exponent, typed_number

    try:
        number = typed_number(text)
        digits = abs(exponent(number))
    except (InvalidOperation, ValueError):
        raise UsageError(f"{option} {text} is no number; write a fraction such as .8511") from None
    if digits > MOST_DIGITS:
        raise UsageError(f"{option} {text} is no score; write a fraction such as .8511")
    return Fraction(number)
