"""The report: one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from markupsafe import Markup

from bench.config.settings import settings_table
from bench.protocol.metrics import metrics
from reports.figures import svg, tradeoff
from reports.html.templating import asset, fill, script_digest
from reports.page.boards import PLAN, boards
from reports.page.runs import run_views
from reports.page.views import RunView
from reports.reading.marks import MARK_MEANINGS, distinct
from reports.reading.searches import read_searches
from reports.tables.build import NUMBERS, build_table
from reports.tables.health import health_table
from reports.tables.html import HtmlMark, table_html

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord

LEAKY = "test subjects influenced the architecture or the choice of the scored epoch"


@dataclass(frozen=True)
class Report:
    """The page as text, the runs on it, and a line for every search that cannot be read."""

    html: str
    views: tuple[RunView, ...]
    unsearched: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """A line for every file of a shown run that cannot be read."""
        of_views = chain.from_iterable(view.troubles for view in self.views)
        return distinct(chain(of_views, self.unsearched))


def build_report(
    records: Sequence[RunRecord],
    variants: Mapping[str, Variant],
    title: str,
    skipped: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    faces: bool = False,
) -> Report:
    """Leaderboards, tables 2-5, search health, Figure 1, every run, and methods compared.

    The same runs give the same page.

    Args:
        records: The runs to show.
        variants: All registered variants, for the tables.
        title: Heading of the page.
        skipped: A line for every run folder that is left out.
        progress: Called with (what, done, total).
        faces: Whether thumbnails of real clips are embedded, too.
    """
    views = run_views(records, lambda done, total: progress("drawing runs", done, total))
    anchors = {view.record.folder: view.anchor for view in views}
    findings = read_searches(records)
    health = health_table(findings, variants)
    script = asset("report.js")
    html = fill(
        "report.html",
        title=title,
        tables=[table_html(build_table(number, records, variants)) for number in NUMBERS],
        health=table_html(health) if health.rows else "",
        figure1=Markup(svg(tradeoff(records, variants))),
        views=views,
        metrics=metrics(),
        marks=explained_marks(views),
        skipped=skipped,
        boards=boards(records, anchors, findings.searched, faces, progress),
        metric=PLAN.metric,
        others={name: each for name, each in metrics().items() if name != PLAN.metric},
        unfinished=sum(not view.finished for view in views),
        defaults=list(settings_table()),
        style=asset("report.css"),
        script=script,
        digest=script_digest(script),
    )
    return Report(str(html), views, findings.unreadable)


def explained_marks(views: Iterable[RunView]) -> tuple[HtmlMark, ...]:
    """The meaning of each mark that some run has, in the order of MARK_MEANINGS."""
    used = {word for view in views for mark in view.marks for word in mark.words}
    meanings = {"leaky": LEAKY, **MARK_MEANINGS}
    return tuple(HtmlMark(word, meaning) for word, meaning in meanings.items() if word in used)
