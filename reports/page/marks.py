"""The marks of runs on the page."""

from __future__ import annotations

from itertools import chain

from reports.reading.groups import RunGroup, leaks
from reports.reading.marks import distinct, is_caveat


def group_marks(group: RunGroup) -> tuple[str, ...]:
    """The conditions, leaks, marks and shortfalls of runs, and what holds of their size.

    Those that a reader must not miss come first.
    """
    records = group.records
    own = (
        *group.conditions,
        *chain.from_iterable(map(leaks, records)),
        *chain.from_iterable(record.marks for record in records),
        *(group.shortfalls if group.scored else ()),
        *group.size_marks,
        *(("random control",) if records[0].method.control else ()),
    )
    return tuple(sorted(distinct(own), key=lambda mark: not is_caveat(mark)))
