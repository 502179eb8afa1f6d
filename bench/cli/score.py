"""`bench score`: predictions made elsewhere, or by a run, under the challenge's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bench.cli.options import form_option, out_option
from bench.config.settings import SELECTION_RULES
from bench.protocol.metrics import UAR, UF1, metrics

SHOWN = 12
"""Problems that are printed one by one."""

COUNTS = ("aggregate", "clips", "subjects")
"""The columns before the scores."""

CLAIMED = "claimed_"


class ClaimOptions(click.Command):
    """A command with an option per metric, those of installed packages included.

    The metrics are looked up when the command is used, not when `bench --help` names it.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options `--claimed-METRIC`, then the command's own."""
        return [*map(_claim_option, metrics()), *super().get_params(ctx)]


def _claim_option(metric: str) -> click.Option:
    """The option that takes what a publication states of a metric."""
    return click.Option(
        [f"--claimed-{metric}", CLAIMED + metric],
        multiple=True,
        metavar="[SET=]SCORE",
        help=f"A published {metric.upper()}, as .7605 or smic=.7013: finds the aggregate it is.",
    )


@click.command(cls=ClaimOptions)
@click.argument("log", type=click.Path(path_type=Path))
@click.option(
    "--classes",
    metavar="A,B,...",
    help="What the labels 0, 1, ... mean.  [default: negative,positive,surprise]",
)
@click.option(
    "--selection",
    type=click.Choice(SELECTION_RULES),
    help="The predictions of this selection rule, of a run folder or a script's output.",
)
@click.option(
    "--dataset", help="Data set of the subjects, where the file does not name it, e.g. casme2."
)
@click.option(
    "--draws",
    type=click.IntRange(min=0, max=1_000_000),
    default=10_000,
    show_default=True,
    help="Number of resamples (intervals) and permutations (test against chance); 0: none.",
)
@click.option(
    "--strict", is_flag=True, help="Exit code 1 where the clips differ from the challenge's list."
)
@form_option("table", "json", "md", "csv")
@out_option
def score(
    log: Path,
    classes: str | None,
    selection: str | None,
    dataset: str | None,
    draws: int,
    strict: bool,
    form: str,
    out: Path | None,
    **claimed: tuple[str, ...],
) -> None:
    """Score predictions under the challenge's rules.

    LOG is a MEGC2019 log, a CSV or JSON file of predictions, or a run folder. A MEGC2019 log has a
    header per subject (`casme2 sub01`), then a line per clip (`EP02_01f 1 1`: file, true,
    predicted). A CSV file has columns dataset, subject, clip, true, pred, and so have records in
    JSON or JSON lines. Other JSON is what `bench export` writes, a fold of a run, or a metrics.json
    (its matrix alone). What training scripts
    print (`Subject: 006`, `Predicted : [0, 2]`, `Ground Truth : [0, 2]`) is read too.

    The clips are compared with the challenge's list. Scores are pooled over folds; the mean over
    folds and each data set's slice stand beside, with their names.
    """
    from bench.cli.output import check_place, deliver
    from bench.scoring.claims import Claim
    from bench.scoring.logs import Reading
    from bench.scoring.report import read_scored, score_report

    check_place(out)
    claims = [
        Claim.parse(metric, text) for metric in metrics() for text in claimed[CLAIMED + metric]
    ]
    source = read_scored(log, Reading(class_names(classes), dataset or "", selection))
    report = score_report(source, claims, draws)
    deliver(_rendered(report, form), out)
    if form != "json":
        _say(report)
    if strict and report["complete"] is not True:
        click.get_current_context().exit(1)


def class_names(text: str | None) -> tuple[str, ...]:
    """The classes that `--classes` names; UsageError for fewer than two."""
    from bench.errors import UsageError

    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise UsageError(f"--classes {text}: expected two or more names, as in positive,negative")
    return names


def _rendered(report: Mapping[str, Any], form: str) -> str:
    if form == "json":
        import json

        from bench.system.result_files import sealed

        return json.dumps(sealed(report), indent=1)
    from bench.cli.output import sheet

    if form == "csv":
        ends = [f"{metric}{end}" for metric in metrics() for end in ("", "_low", "_high")]
        return sheet(list(_figures(report)), [*COUNTS, *ends], form)
    headings = [metric.heading for metric in metrics().values()]
    return sheet(list(_rows(report)), [*COUNTS, *headings], form)


def _rows(report: Mapping[str, Any]) -> Iterator[tuple]:
    from bench.errors import printable

    yield _row(_title(report["protocol"]), report, report["intervals"])
    for name, part in report["slices"].items():
        yield _row(f"slice {printable(name)}", part)
    for name, scores in report.get("aggregations", {}).items():
        yield _row(name.replace("_", " "), {**scores, "clips": "", "subjects": ""})


def _figures(report: Mapping[str, Any]) -> Iterator[tuple]:
    """The rows as figures alone: unrounded, with the ends of the intervals."""
    named = {_title(report["protocol"]): {**report, "ends": report["intervals"]}}
    named |= {f"slice {name}": part for name, part in report["slices"].items()}
    named |= {n.replace("_", " "): each for n, each in report.get("aggregations", {}).items()}
    for name, scores in named.items():
        ends = scores.get("ends", {})
        cells = []
        for key in metrics():
            end = ends.get(key, {})
            cells += [scores[key], end.get("low"), end.get("high")]
        yield name, scores.get("clips"), scores.get("subjects"), *cells


def _title(protocol: Mapping[str, Any]) -> str:
    from bench.errors import printable
    from bench.runs.marks import SHUFFLED
    from bench.scoring.challenge_log import UNKNOWN_CAUSE

    marks = ["surrogate"] if protocol["surrogate"] else []
    if protocol["leaky"]:
        marks.append(f"leaky: {', '.join(protocol.get('leaks', ())) or UNKNOWN_CAUSE}")
    if protocol.get("shuffled_labels"):
        marks.append(SHUFFLED)
    told = (printable(mark) for mark in protocol.get("marks") or ())
    return "; ".join(dict.fromkeys(["pooled", *marks, *told]))


def _row(name: str, scores: Mapping[str, Any], intervals: Mapping[str, Any] | None = None) -> tuple:
    cells = [_cell(scores[key], (intervals or {}).get(key)) for key in metrics()]
    subjects = scores["subjects"]
    return (name, scores["clips"], "" if subjects is None else subjects, *cells)


def _cell(value: float | None, interval: Mapping[str, Any] | None) -> str:
    if value is None:
        return "none"
    if not interval or interval["low"] is None:
        return f"{value:.4f}"
    return f"{value:.4f} [{interval['low']:.4f}, {interval['high']:.4f}]"


def _say(report: Mapping[str, Any]) -> None:
    """The verdicts and the problems, on stderr: what is printed stays a table."""
    from bench.errors import printable

    for note in report["notes"]:
        click.echo(note, err=True)
    for name in report.get("absent", ()):
        click.echo(
            f"no clip of class {name}: it is left out of {UAR.heading} and {UF1.heading}", err=True
        )
    for verdict in report["claims"]:
        click.echo(verdict["text"], err=True)
    if chance := report["chance"].get(UAR.name):
        click.echo(
            f"by chance: {UAR.heading} {chance['expected']:.4f} (permutation test: predictions "
            f"permuted among each subject's clips); at least {chance['estimate']:.4f} with "
            f"p = {chance['p']:.2g}",
            err=True,
        )
    problems = report["problems"]
    for problem in problems[:SHOWN]:
        line = f"{problem['kind']}: {problem['where']}: {problem['what']}"
        click.echo(printable(line), err=True)
    if len(problems) > SHOWN:
        click.echo(f"and {len(problems) - SHOWN} more (--format json lists all)", err=True)
    if report["complete"]:
        click.echo("the clips agree with the challenge's list, subject by subject", err=True)
