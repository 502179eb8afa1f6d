"""Table and picture of a sweep over training settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.system.files import csv_of_records
from reports.drawing.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Words,
    house_style,
    sheet,
)
from reports.studies.record import clips_of, heading

PANEL, HEIGHT, LEFT, GAP, ROWS_GAP = 2.6, 2.2, 0.75, 0.3, 0.2
LOOKS = tuple(zip((BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, DARK), "os^vDPX", strict=True))
"""Colour and marker of a space."""

HEADERS = (
    ("epochs", "lr", "warm-up", "space", "networks", "trained"),
    ("last loss / ln C: median", "5 % to 95 %", "SD of seeds", "UAR", "SD of seeds"),
    ("SD of genotypes",),
)


def sweep_page(record: Mapping[str, Any]) -> str:
    """The table as Markdown, under the clips it is of, with the setting that the losses choose."""
    from tabulate import tabulate

    headers = [name for names in HEADERS for name in names]
    table = tabulate(list(_rows(record)), headers=headers, tablefmt="github", disable_numparse=True)
    return f"**{heading(record)}.**\n\n{table}\n\n{chosen_sentence(record)}\n"


def chosen_sentence(record: Mapping[str, Any]) -> str:
    """What the losses choose."""
    chosen = record["chosen"]
    if chosen is None:
        return "No setting trains 95 % of the networks of every space."
    return (
        f"Chosen by training losses alone: `train.lr={chosen['lr']:g}`, "
        f"`train.warmup={chosen['warmup']:g}`, `train.epochs={chosen['epochs']}`."
    )


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for row in record["rows"]:
        loss, uar = row["loss"], row["uar"]
        yield (
            str(row["epochs"]),
            f"{row['lr']:g}",
            f"{row['warmup']:g}",
            row["variant"],
            str(row["networks"]),
            f"{row['trained']:.0%}",
            f"{loss['median']:.2f}",
            f"{loss['low']:.2f} to {loss['high']:.2f}",
            f"{loss['seed_sd']:.3f}",
            f"{uar['mean']:.3f}",
            f"{uar['seed_sd']:.3f}",
            f"{uar['genotype_sd']:.3f}",
        )


def sweep_csv(record: Mapping[str, Any]) -> str:
    """A line per network: space, setting, genotype, seed, last loss over ln(classes), UAR."""
    return csv_of_records(
        [
            {
                "variant": row["variant"],
                "epochs": row["epochs"],
                "lr": row["lr"],
                "warmup": row["warmup"],
                "genotype": genotype,
                "seed": seed,
                "loss_over_ln_classes": round(row["losses"][genotype][place], 6),
                "uar": round(row["uars"][genotype][place], 6),
            }
            for row in record["rows"]
            for genotype in range(record["genotypes"])
            for place, seed in enumerate(record["seeds"])
        ]
    )


def draw_sweep(record: Mapping[str, Any]) -> Figure:
    """Last loss and UAR of every network: a column per epochs and warm-up.

    A line joins the seeds of one genotype.
    """
    columns = list(dict.fromkeys((row["epochs"], row["warmup"]) for row in record["rows"]))
    with house_style():
        width = max(6.4, LEFT + len(columns) * (PANEL + GAP))
        page = sheet(width, 2 * HEIGHT + ROWS_GAP + 1.6, _words(record))
        for place, column in enumerate(columns):
            left = LEFT + place * (PANEL + GAP)
            losses = page.axes(left, 1.0 + HEIGHT + ROWS_GAP, PANEL, HEIGHT)
            scores = page.axes(left, 1.0, PANEL, HEIGHT)
            _panel(losses, record, column, "losses")
            _panel(scores, record, column, "uars")
            _loss_axis(losses, record)
            losses.set_title("{} epochs, warm-up {:g}".format(*column))
            losses.tick_params(labelbottom=False)
            scores.set_ylim(0, 1)
            scores.set_xlabel("learning rate")
            if place:
                losses.tick_params(labelleft=False)
                scores.tick_params(labelleft=False)
            else:
                losses.set_ylabel("last loss / ln(classes)")
                scores.set_ylabel("UAR on new people")
                found = dict(zip(*reversed(losses.get_legend_handles_labels()), strict=True))
        bottom = page.axes(LEFT, 0, width - LEFT, 0.35)
        bottom.set_axis_off()
        bottom.legend(list(found.values()), list(found), loc="center left", ncols=len(found))
        return page.figure


def _panel(axes: Axes, record: Mapping[str, Any], column: tuple[int, float], values: str) -> None:
    """The networks of one column: learning rates, in each the spaces, in each the genotypes."""
    variants = list(dict.fromkeys(row["variant"] for row in record["rows"]))
    looks = dict(zip(variants, cycle(LOOKS), strict=False))
    rates = sorted({row["lr"] for row in record["rows"]})
    places = len(variants) * (record["genotypes"] + 1)  # one empty between two spaces
    for row in record["rows"]:
        if (row["epochs"], row["warmup"]) != column:
            continue
        colour, marker = looks[row["variant"]]
        first = variants.index(row["variant"]) * (record["genotypes"] + 1)
        for number, seeds in enumerate(row[values]):
            x = rates.index(row["lr"]) + 0.9 * ((first + number + 1) / places - 0.5)
            axes.plot(
                [x] * len(seeds),
                seeds,
                marker=marker,
                color=colour,
                markerfacecolor="none",
                markersize=4,
                linewidth=0.8,
                label=row["variant"],
            )
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_xlim(-0.6, len(rates) - 0.4)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _loss_axis(axes: Axes, record: Mapping[str, Any]) -> None:
    """The same logarithmic axis in every panel, with the limit below which a network is trained."""
    limit = record["trained_below"]
    every = [loss for row in record["rows"] for each in row["losses"] for loss in each]
    axes.axhline(limit, color=GREY, linestyle="--", linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")  # powers of ten are written as formulas otherwise
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(min(*every, limit) / 1.2, max(*every, 1.0) * 1.2)


def _words(record: Mapping[str, Any]) -> Words:
    return Words(
        f"Training settings on {clips_of(record)}",
        f"{record['genotypes']} random genotypes of each space, {len(record['seeds'])} seeds",
        (
            "A mark is a network, a line joins the seeds of one genotype. Below the dashed line "
            f"({record['trained_below']:g}) a network is trained.",
            chosen_sentence(record).replace("`", ""),
        ),
    )
