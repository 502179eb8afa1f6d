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

PANEL, HEIGHT, LEFT, GAP = 2.6, 2.5, 0.75, 0.3
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
    """Last loss of every network over the learning rate: a panel per epochs and warm-up."""
    panels = list(dict.fromkeys((row["epochs"], row["warmup"]) for row in record["rows"]))
    with house_style():
        width = max(6.4, LEFT + len(panels) * (PANEL + GAP))
        page = sheet(width, HEIGHT + 1.6, _words(record))
        for place, panel in enumerate(panels):
            axes = page.axes(LEFT + place * (PANEL + GAP), 1.0, PANEL, HEIGHT)
            _panel(axes, record, *panel)
            if place:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("last loss / ln(classes)")
                keys, labels = axes.get_legend_handles_labels()
        bottom = page.axes(LEFT, 0, width - LEFT, 0.35)
        bottom.set_axis_off()
        bottom.legend(keys, labels, loc="center left", ncols=len(keys))
        return page.figure


def _panel(axes: Axes, record: Mapping[str, Any], epochs: int, warmup: float) -> None:
    variants = list(dict.fromkeys(row["variant"] for row in record["rows"]))
    rates = sorted({row["lr"] for row in record["rows"]})
    every = [loss for row in record["rows"] for each in row["losses"] for loss in each]
    for index, (variant, (colour, marker)) in enumerate(zip(variants, cycle(LOOKS))):
        shift = (index + 0.5) / len(variants) - 0.5
        points = [
            (rates.index(row["lr"]) + 0.8 * shift, loss)
            for row in record["rows"]
            if (row["variant"], row["epochs"], row["warmup"]) == (variant, epochs, warmup)
            for each in row["losses"]
            for loss in each
        ]
        style = {"color": colour, "markerfacecolor": "none", "markersize": 4, "label": variant}
        axes.plot(*zip(*points, strict=True), marker, **style)
    axes.axhline(record["trained_below"], color=GREY, linestyle="--", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(min(*every, record["trained_below"]) / 1.2, max(*every, 1.0) * 1.2)
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_xlim(-0.6, len(rates) - 0.4)
    axes.set_xlabel("learning rate")
    axes.set_title(f"{epochs} epochs, warm-up {warmup:g}")
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _words(record: Mapping[str, Any]) -> Words:
    return Words(
        f"Training settings on {clips_of(record)}",
        f"{record['genotypes']} random genotypes of each space, {len(record['seeds'])} seeds",
        (
            f"A mark is a network; below the dashed line ({record['trained_below']:g}) it is "
            "trained.",
            chosen_sentence(record).replace("`", ""),
        ),
    )
