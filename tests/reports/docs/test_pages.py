"""Computed pages say what the code says."""

from pathlib import Path

from baselines.peers import PEERS
from bench.config.settings import settings_table
from reports.docs.measured import tables_page
from reports.docs.pages import marks_page, peers_page, settings_page
from reports.reading.marks import MARK_MEANINGS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_settings_page_is_the_one_that_the_code_writes():
    page = settings_page()
    assert (DOCS / "settings.md").read_text() == page, "run `make docs`"
    assert all(f"`{key}`" in page for key, *_ in settings_table())


def test_the_page_of_peers_is_the_one_that_the_code_writes():
    page = peers_page()
    assert (DOCS / "peers.md").read_text() == page, "run `make docs`"
    assert all(f"`{entry.name}`" in page for entry in PEERS)
    unwrapped = " ".join(page.split())
    assert all(text in unwrapped for entry in PEERS for text in entry.deviations)


def test_the_page_of_marks_is_the_one_that_the_code_writes():
    page = marks_page()
    assert (DOCS / "marks.md").read_text() == page, "run `make docs`"
    assert all(f"`{mark}`" in page for mark in MARK_MEANINGS)


def test_the_page_of_measured_tables_is_that_of_the_committed_runs():
    assert (DOCS / "tables.md").read_text() == tables_page(), "run `make docs`"
