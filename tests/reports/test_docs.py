"""Computed pages say what the code says."""

from pathlib import Path

from bench.config import settings_table
from reports.docs import settings_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_settings_page_is_the_one_that_the_code_writes():
    page = settings_page()
    assert (DOCS / "settings.md").read_text() == page, "run `make docs`"
    assert all(f"`{key}`" in page for key, *_ in settings_table())
