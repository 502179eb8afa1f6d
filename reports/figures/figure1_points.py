"""The points of Figure 1, a panel per data set: accuracy, size and cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite

from bench.methods.registry import Variant
from bench.protocol.metrics import UAR
from bench.protocol.naming import LOSO_TITLE
from bench.runs.record import RunRecord
from reports.published import PublishedRow, method_names, paper, published_table
from reports.reading.finished import on_dataset
from reports.reading.groups import RunGroup, dataset_order, gather, latest
from reports.reading.intervals import Ends, mean_intervals, read_answers
from reports.reading.marks import distinct
from reports.reading.names import DATASETS

PUBLISHED, MEASURED, RANDOM = "published", "measured", "random control"

PAPERS = "casme2"
"""The data set of the paper's own Figure 1."""


@dataclass(frozen=True)
class Point:
    """A method in Figure 1.

    uar, params_m (10^6), gflops, memory_mb (10^6 bytes of checkpoint): means over seeds, None
    where not known; interval: of the UAR, 95 % over subjects, None where no clips are known;
    seeds: UAR, params_m and gflops of each of several seeds.
    """

    label: str
    kind: str
    uar: float
    params_m: float | None
    gflops: float | None
    memory_mb: float | None
    interval: Ends | None = None
    seeds: tuple[Mapping[str, float | None], ...] = ()


@dataclass(frozen=True)
class Panel:
    """The points of one data set; marks: sentences on the measured ones."""

    title: str
    points: tuple[Point, ...]
    marks: tuple[str, ...] = ()


def panels(
    records: Sequence[RunRecord], variants: Mapping[str, Variant], dataset: str | None
) -> tuple[list[Panel], list[str]]:
    """A panel per data set, and notes on what was left out.

    Published and measured points share one where the clips are the same. That of the paper's own
    figure comes first, measured or not.
    """
    groups, notes = measured_groups(records, dataset)
    by_clips: dict[str, list[RunGroup]] = {PAPERS: []}
    for group in sorted(groups, key=dataset_order):
        by_clips.setdefault(_place(group), []).append(group)
    return [_panel(place, found, variants) for place, found in by_clips.items()], notes


def _place(group: RunGroup) -> str:
    """The paper's data set, or the clips in words where the paper has no scores on them."""
    split = group.records[0].split
    if group.key.dataset in DATASETS and not group.key.surrogate and split == LOSO_TITLE:
        return group.key.dataset
    return f"{group.clips}; {split}"


def _panel(place: str, groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> Panel:
    published = published_points(place) if place in DATASETS else []
    presets = ", ".join(distinct(f"preset {group.key.preset}" for group in groups))
    sides = [f"published, {paper()['venue']} {paper()['year']}, Tables 2, 4, 5"] * bool(published)
    sides += [f"measured, {presets}"] * bool(groups)
    return Panel(
        f"{DATASETS.get(place, place)}: {'; '.join(sides)}",
        (*published, *(measured_point(group, variants) for group in groups)),
        tuple(_marks(groups, variants)),
    )


def published_points(dataset: str) -> list[Point]:
    """Every method whose UAR on a data set and whose parameters the paper prints.

    Rows of Table 5 are matched with rows of Tables 2 and 4 by variant, else by name.
    """
    scored = [*published_table(2).rows, *published_table(4).rows]
    found = []
    for row in published_table(5).rows:
        match = next((other for other in scored if _same_method(row, other)), None)
        uar = match.number(f"{dataset}_uar") if match else None
        params = row.number("params_m")
        if match is None or uar is None or params is None:
            continue
        memory = row.number("memory_mb")
        found.append(Point(match.method, PUBLISHED, uar, params, None, memory))
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
    """The groups to show, one per variant, data set and search strategy; notes on the others."""
    usable = [group for group in gather(on_dataset(records, dataset)) if seeds_of(group)]
    plain = [group for group in usable if not group.shuffled]
    shown, choices = latest(plain)
    notes = [f"{note}." for note in choices]
    if len(plain) < len(usable):
        notes.append("Runs with shuffled labels are controls and not shown.")
    return list(shown), notes


def seeds_of(group: RunGroup) -> list[RunRecord]:
    """The seeds with a UAR and a profile."""
    return [
        record
        for record in group.scored
        if record.metrics and record.metrics["uar"] is not None and record.profile is not None
    ]


def measured_point(group: RunGroup, variants: Mapping[str, Variant]) -> Point:
    """The point of a group with at least one of `seeds_of`."""
    records = seeds_of(group)
    seeds = tuple(_values(record) for record in records)
    means = {name: _mean(each[name] for each in seeds) for name in seeds[0]}
    return Point(
        label=_label(group, variants),
        kind=RANDOM if group.records[0].method.control else MEASURED,
        uar=statistics.fmean(each["uar"] for each in seeds),
        params_m=means["params_m"],
        gflops=means["gflops"],
        memory_mb=means["memory_mb"],
        interval=mean_intervals(read_answers(records), [UAR.name]).get(UAR.name),
        seeds=seeds if len(seeds) > 1 else (),
    )


def _values(record: RunRecord) -> dict[str, float]:
    profile, params = record.profile or {}, (record.profile or {}).get("params")
    return {
        "uar": (record.metrics or {})["uar"],
        "params_m": None if params is None else params / 1e6,
        "gflops": profile.get("gflops"),
        "memory_mb": profile.get("checkpoint_mb"),
    }


def _mean(values: Iterable[float | None]) -> float | None:
    numbers = [value for value in values if value is not None and isfinite(value)]
    return statistics.fmean(numbers) if numbers else None


def _label(group: RunGroup, variants: Mapping[str, Variant]) -> str:
    """The method as the paper calls it, with what its runs do otherwise."""
    variant = group.key.variant
    names = method_names()
    searched = variant.removeprefix("random_")
    name = names.get(variant) or (f"random {names[searched]}" if searched in names else variant)
    marks = variants[variant].marks if variant in variants else group.records[0].marks
    rebuilt = ", reconstruction" if "reconstruction" in marks else ""
    return f"{name}{group.name.removeprefix(variant)}{rebuilt}"


def _marks(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> list[str]:
    """Sentences on the marks of the measured points: those of all, then those of some."""
    found = {_label(group, variants): _marks_of(group, variants) for group in groups}
    everyone = [
        m for m in distinct(chain(*found.values())) if all(m in own for own in found.values())
    ]
    bearers: dict[tuple[str, ...], list[str]] = {}
    for name, own in found.items():
        said = (mark for mark in own if mark.removeprefix("strategy ") not in name)
        if rest := tuple(mark for mark in said if mark not in everyone):
            bearers.setdefault(rest, []).append(name)
    counts = sorted({len(seeds_of(group)) for group in groups})
    seeds = [f"{'-'.join(map(str, counts))} seed{'s' * (counts[-1] > 1)} each" for _ in groups[:1]]
    lines = [f"All measured: {'; '.join((*everyone, *seeds))}."] if groups else []
    return [*lines, *(f"{', '.join(names)}: {'; '.join(own)}." for own, names in bearers.items())]


def _marks_of(group: RunGroup, variants: Mapping[str, Variant]) -> tuple[str, ...]:
    variant = variants.get(group.key.variant)
    own = variant.marks if variant else ()
    return distinct((*group.conditions, *group.leaks, *own, *group.shortfalls, *group.size_marks))
