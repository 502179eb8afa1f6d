"""The points of Figure 1: published and measured accuracy, size and cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from bench.methods.registry import Variant
from bench.runs.folder import SURROGATE_SUFFIX
from bench.runs.record import RunRecord
from reports.published import PublishedRow, published_table
from reports.reading.finished import on_dataset, set_name
from reports.reading.groups import RunGroup, gather, latest

PUBLISHED, MEASURED, RANDOM = "published", "measured", "random control"


@dataclass(frozen=True)
class Point:
    """A method in Figure 1.

    uar, params_m (10^6), gflops, memory_mb (10^6 bytes of checkpoint): means over seeds, None
    where not known; *_sd: sample standard deviation over seeds, None for one seed.
    """

    label: str
    kind: str
    uar: float
    params_m: float | None
    gflops: float | None
    memory_mb: float | None
    uar_sd: float | None = None
    params_sd: float | None = None
    gflops_sd: float | None = None


def published_points() -> list[Point]:
    """Every method whose CASME II UAR and parameters the paper prints.

    Rows of Table 5 are matched with rows of Tables 2 and 4 by variant, else by name.
    """
    scored = [*published_table(2).rows, *published_table(4).rows]
    found = []
    for row in published_table(5).rows:
        match = next((other for other in scored if _same_method(row, other)), None)
        uar = match.number("casme2_uar") if match else None
        params = row.number("params_m")
        if match is None or uar is None or params is None:
            continue
        found.append(
            Point(
                label=match.method.replace("_Inc", "Inc"),
                kind=PUBLISHED,
                uar=uar,
                params_m=params,
                gflops=None,
                memory_mb=row.number("memory_mb"),
            )
        )
    return found


def _same_method(row: PublishedRow, other: PublishedRow) -> bool:
    if row.variant or other.variant:
        return row.variant == other.variant
    return _plain(row.method) == _plain(other.method)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def measured_groups(
    records: Sequence[RunRecord], dataset: str | None
) -> tuple[list[RunGroup], list[str]]:
    """The groups of the data set shown, one per variant and search strategy.

    And notes on what was left out.
    """
    usable = [group for group in gather(on_dataset(records, dataset)) if seeds_of(group)]
    plain = [group for group in usable if not group.shuffled]
    shown, choices = latest(plain)
    by_set: dict[str, list[RunGroup]] = {}
    for group in shown:
        by_set.setdefault(set_name(group.records[0]), []).append(group)
    notes: list[str] = []
    if not by_set:
        return [], notes
    name = max(by_set, key=lambda name: (len(by_set[name]), not name.endswith(SURROGATE_SUFFIX)))
    others = sorted(by_set.keys() - {name})
    if others:
        notes.append(f"Also measured, not shown: {', '.join(others)} (choose with --dataset).")
    notes += [f"{note}." for note in choices if f" on {by_set[name][0].key.dataset} " in note]
    if len(plain) < len(usable):
        notes.append("Runs with shuffled labels are controls and not shown.")
    return by_set[name], notes


def seeds_of(group: RunGroup) -> list[RunRecord]:
    """The seeds with a UAR and a profile."""
    return [
        record
        for record in group.scored
        if record.metrics and record.metrics["uar"] is not None and record.profile is not None
    ]


def measured_point(group: RunGroup, variants: Mapping[str, Variant]) -> Point:
    """The point of a group with at least one of `seeds_of`."""
    seeds = seeds_of(group)
    scores = [record.metrics["uar"] for record in seeds if record.metrics]
    profiles = [record.profile for record in seeds if record.profile is not None]
    params, params_sd = _mean_and_sd([_scaled(each.get("params"), 1e6) for each in profiles])
    gflops, gflops_sd = _mean_and_sd([each.get("gflops") for each in profiles])
    memory, _ = _mean_and_sd([each.get("checkpoint_mb") for each in profiles])
    name = group.key.variant
    marks = variants[name].marks if name in variants else group.records[0].marks
    rebuilt = " (reconstruction)" if "reconstruction" in marks else ""
    return Point(
        label=f"{group.name}{rebuilt}",
        kind=RANDOM if group.records[0].method.control else MEASURED,
        uar=statistics.fmean(scores),
        params_m=params,
        gflops=gflops,
        memory_mb=memory,
        uar_sd=_sd(scores),
        params_sd=params_sd,
        gflops_sd=gflops_sd,
    )


def _scaled(value: float | None, by: float) -> float | None:
    return None if value is None else value / by


def _mean_and_sd(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    numbers = [value for value in values if value is not None and isfinite(value)]
    if not numbers:
        return None, None
    return statistics.fmean(numbers), _sd(numbers)


def _sd(numbers: Sequence[float]) -> float | None:
    return statistics.stdev(numbers) if len(numbers) > 1 else None
