"""The table of search health: a row per method, data set and configuration that was searched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from bench.protocol.metrics import UAR
from reports.reading.groups import RunGroup, dataset_order, gather, latest, leaks
from reports.reading.marks import distinct
from reports.reading.names import place
from reports.reading.searches import MEASURES, Findings, Searched, agreement_of
from reports.tables.notes import explained_marks, named_configurations
from reports.tables.scores import score_cell
from reports.tables.table import Cell, Column, Row, Table, mean_cell

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord

COLUMNS = (
    Column("dataset", "Data set"),
    Column("seeds", "Seeds"),
    Column("searches", "Searches"),
    Column("uar", UAR.heading, better=max),
    Column("seconds", "s", over="Cost of a search"),
    Column("clip_passes", "clip passes", over="Cost of a search"),
    Column("macs", "MACs", over="Cost of a search"),
    Column("networks", "networks", over="Cost of a search"),
    Column("reach", "Reach"),
    Column("lowest_alpha", "Lowest entropy"),
    Column("skip_share", "Skip"),
    Column("none_mass", "None"),
    Column("entropy_alpha", "α", over="Entropy"),
    Column("entropy_eta", "η", over="Entropy"),
    Column("entropy_beta", "β", over="Entropy"),
    Column("loss_b", "Loss B / ln C"),
    Column("supernet_acc", "Supernet acc"),
    Column("gap", "Gap"),
    Column("uniform_path", "Uniform path"),
    Column("same_decoding", "Decodings agree"),
    Column("path_folds", "folds", over="Same path"),
    Column("path_seeds", "seeds", over="Same path"),
    Column("path_chance", "by chance", over="Same path"),
    Column("cell_folds", "folds", over="Same cell"),
    Column("cell_seeds", "seeds", over="Same cell"),
    Column("cell_chance", "by chance", over="Same cell"),
)

OPTIONAL = tuple(column.name for column in COLUMNS if column.over.startswith("Same "))
"""Columns that stand only where a row fills them."""

FORMATS = {"seconds": "{:,.0f}", "clip_passes": "{:,.0f}", "macs": "{:.3g}", "networks": "{:.0f}"}
"""How measures are written that are no shares."""

NOTES = (
    "Cost of a search: clip passes are forward and backward passes of one clip, a forward pass "
    "alone counts 1/3; MACs are those of convolutions and linear layers in them; networks are "
    "those trained from scratch, supernets included.",
    "Reach: architecture steps × learning rate, about how far a logit can move. Lowest entropy: "
    "that of softmax(α) which the reach allows, as a share of the uniform distribution's.",
    "Skip: share of skip among the operations decoded. None: softmax(α) of none, mean over edges; "
    "undecided it is 1 / operations.",
    "Entropy of softmax(α), softmax(η) and β at the end of the search, of each row divided by that "
    "of the uniform distribution (1 undecided, 0 decided): mean over edges, nodes, and states with "
    "a choice whose β can be identified; of β over the same of the β that the search started from.",
    "Supernet acc: accuracy of the mixture on Train B, which α, η and β have seen. Gap: that "
    "accuracy less the decoded genotype's with the same weights, without retraining.",
    "Loss B / ln C: cross-entropy of the mixture on Train B over that of equal chances for all "
    "classes. Above 1 a low entropy is no decision for what works.",
    "Uniform path: whether the path decoded is that of uniform β, which a search that learnt "
    "nothing from search.start=uniform decodes to, too; from path_uniform all paths are alike.",
    "Decodings agree: whether Viterbi over β and over the shares of what enters each state, which "
    "directions of β that no loss sees do not change, give one path.",
)
AGREEMENT_NOTE = (
    "Same path, same cell: over pairs of folds or of seeds, how many have the same path, and the "
    "Jaccard index of the edges kept with their operations; by chance: the same among random "
    "genotypes."
)
SPREAD_NOTE = "mean ± sample standard deviation over searches: seeds, and folds that search apart"


def health_table(findings: Findings, variants: Mapping[str, Variant]) -> Table:
    """A row per searched or drawn variant, data set and configuration; means over seeds and folds.

    Of several configurations with the same search scope and strategy the latest is shown, a note
    names the others.
    """
    by_folder = {each.record.folder: each for each in findings.searched}
    shown, choices = _shown([each.record for each in findings.searched])
    order = {name: index for index, name in enumerate(variants)}
    groups = sorted(
        shown,
        key=lambda group: (
            order.get(group.key.variant, len(order)),
            group.key.variant,
            *dataset_order(group),
            (group.records[0].searches.per_fold, group.shuffled, group.strategy),
        ),
    )
    rows = tuple(_row(group, by_folder, variants) for group in groups)
    columns = _columns(rows)
    rows = tuple(_narrowed(row, columns) for row in rows)
    spread = any(cell and cell.sd is not None for row in rows for cell in row.measured.values())
    notes = (
        *choices,
        *(NOTES if rows else ()),
        *((AGREEMENT_NOTE,) if any(column.name in OPTIONAL for column in columns) else ()),
        *((SPREAD_NOTE,) if spread else ()),
        *explained_marks(rows),
        *(f"Not listed: {', '.join(names)} ({why})." for why, names in findings.unlisted.items()),
    )
    table = Table("health", "Search health", _caption(groups), columns, rows, notes)
    return named_configurations(table)


def _shown(records: Sequence[RunRecord]) -> tuple[list[RunGroup], list[str]]:
    """The latest configuration of each method on each data set, of each search scope."""
    shown: list[RunGroup] = []
    notes: list[str] = []
    for by_fold in (False, True):
        groups, choices = latest(gather(r for r in records if r.searches.per_fold == by_fold))
        shown += groups
        notes += choices
    return shown, notes


def _row(
    group: RunGroup, by_folder: Mapping[Path, Searched], variants: Mapping[str, Variant]
) -> Row:
    runs = [by_folder[record.folder] for record in group.records]
    clips = place(group.records[0])
    searches = [search for run in runs for search in run.searches]
    why = {name: text for run in runs for name, text in run.why.items()}
    means = {
        name: Cell(None, why[name])
        if name in why
        else mean_cell([search[name] for search in searches], FORMATS.get(name, "{:.3f}").format)
        for name in MEASURES
    }
    agreement = {
        name: mean_cell([value], "{:.3f}".format) for name, value in agreement_of(runs).items()
    }
    measured = {
        "dataset": Cell(clips, clips),
        "seeds": _count(len(runs)),
        "searches": _count(len(searches)),
        "uar": score_cell(group.metrics, UAR.name),
        **means,
        "uniform_path": _how_many([search["uniform_path"] for search in searches]),
        "same_decoding": _how_many([search["same_decoding"] for search in searches]),
        **agreement,
    }
    return Row(
        method=group.key.variant,
        variant=group.key.variant,
        source=_source(group.records[0]),
        published={column.name: None for column in COLUMNS},
        measured=measured,
        marks=distinct(_marks(group, runs, variants)),
        configuration=group.key.configuration,
        runs=tuple(str(run.record.folder) for run in runs),
    )


def _source(record: RunRecord) -> str:
    if not record.method.learns:
        return "drawn"
    return "search per fold" if record.searches.per_fold else "one search"


def _count(number: int) -> Cell:
    return Cell(number, str(number))


def _how_many(found: Sequence[float | None]) -> Cell | None:
    """Of how many searches it holds (1 or 0); the value is their share. None: not recorded."""
    known = [each for each in found if each is not None]
    if not known:
        return None
    if len(found) == 1:
        return Cell(known[0], "yes" if known[0] else "no")
    return Cell(fmean(known), f"{sum(known):.0f} of {len(known)}")


def _marks(
    group: RunGroup, runs: Sequence[Searched], variants: Mapping[str, Variant]
) -> Iterator[str]:
    yield from group.conditions
    yield from ("random control",) if group.records[0].method.control else ()
    yield from distinct(mark for record in group.records for mark in leaks(record))
    variant = variants.get(group.key.variant)
    yield from (mark for mark in (variant.marks if variant else ()) if mark != "ours")
    yield from chain.from_iterable(run.marks for run in runs)
    yield from group.shortfalls
    done, expected = sum(len(run.searches) for run in runs), sum(run.expected for run in runs)
    if done < expected:
        yield f"incomplete {done}/{expected} searches"


def _columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """All columns, without those of agreement that no row fills."""
    return tuple(
        column
        for column in COLUMNS
        if column.name not in OPTIONAL or any(row.measured[column.name] for row in rows)
    )


def _narrowed(row: Row, columns: Sequence[Column]) -> Row:
    return replace(
        row,
        published={column.name: row.published[column.name] for column in columns},
        measured={column.name: row.measured[column.name] for column in columns},
    )


def _caption(groups: Sequence[RunGroup]) -> str:
    if not groups:
        return "No run has a finished search."
    sets = distinct(f"{group.clips} (preset {group.key.preset})" for group in groups)
    return f"What the searches had come to when they decoded: {', '.join(sets)}."
