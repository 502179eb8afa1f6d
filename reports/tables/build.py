"""The tables of the paper by number, found among the modules of `reports.tables.paper`.

Nothing of a table is imported before it is built, so that commands may list the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from reports.tables import paper

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord
    from reports.tables.paper_table import PaperTable
    from reports.tables.table import Table

PREFIX = "table"

NUMBERS = tuple(
    sorted(int(each.name.removeprefix(PREFIX)) for each in iter_modules(paper.__path__))
)


def paper_table(number: int) -> PaperTable:
    """The table of a number; KeyError where the paper has none, or none that is shown here."""
    if number not in NUMBERS:
        raise KeyError(number)
    return import_module(f"{paper.__name__}.{PREFIX}{number}").TABLE


def build_table(
    number: int, records: Iterable[RunRecord], variants: Mapping[str, Variant]
) -> Table:
    """A table with the measured values of these runs. Raises KeyError for an unknown number."""
    return paper_table(number).filled(records, variants)
