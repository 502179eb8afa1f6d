"""Table 2, 3, 4 or 5 built from run records and registered variants, by pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.registry import RANDOM_PREFIX
from reports.reading.groups import gather, latest
from reports.tables.beside_published import printed_variants
from reports.tables.costs import costs_table
from reports.tables.notes import named_configurations
from reports.tables.scores import scores_table
from reports.tables.settings import settings_table
from reports.tables.table import Table

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord

NUMBERS = (2, 3, 4, 5)


def build_table(
    number: int, records: Iterable[RunRecord], variants: Mapping[str, Variant]
) -> Table:
    """Table 2, 3, 4 or 5 with the measured values of these runs.

    Several configurations of a variant on a data set: the latest is shown, a note names the
    others. Raises KeyError for another table number.
    """
    if number == 3:
        return settings_table(variants)
    groups = gather(records)
    usable = [group for group in groups if (group.profiled if number == 5 else group.scored)]
    shown, choices = latest([g for g in usable if number in homes(g.key.variant, variants)])
    table = costs_table(shown, variants) if number == 5 else scores_table(number, shown, variants)
    return named_configurations(replace(table, notes=(*choices, *table.notes)))


def homes(variant: str, variants: Mapping[str, Variant]) -> tuple[int, ...]:
    """The tables in which runs of a variant are shown.

    Those that print the method; for a variant that the paper does not have, Table 4 if it is an
    ablation, else Table 2. A random control stands where its search space does. Table 5 has all.
    """
    base = variant.removeprefix(RANDOM_PREFIX)
    printed = [number for number in (2, 4) if base in printed_variants(number)]
    own = 4 if base in variants and "ablation" in variants[base].groups else 2
    return (*(printed or [own]), 5)
