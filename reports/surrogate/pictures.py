"""The pictures of `docs/surrogate.md`: scores against difficulty, and example clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.config.settings import DIFFICULTIES
from bench.data.clips import CHALLENGE_CLASSES, Clip
from bench.data.inspect.pictures import FLOW_FULL, flow_colours, flow_wheel
from bench.data.sources import Source, find_clips
from bench.data.stills.flow import tvl1
from reports.drawing.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    TEXT_SIZE,
    VERMILION,
    Words,
    house_style,
    sheet,
)
from reports.surrogate.measures import (
    METHODS,
    SHUFFLED,
    SHUFFLES,
    Level,
    config_of,
    onset_and_middle,
    without_head,
)
from reports.surrogate.table import Row

LOOKS = {
    "middle_flow": (BLUE, "o", "-"),
    "spotted_flow": (GREEN, "s", "--"),
    "difference": (ORANGE, "^", "-."),
    "apex": (PURPLE, "D", (0, (4, 1.5, 1, 1.5, 1, 1.5))),
    "onset": (VERMILION, "v", ":"),
}

SHOWN = ("easy", "hard")
"""Difficulties side by side on the contact sheet."""

BRIGHTER = 4
"""Factor by which changes of grey level are amplified."""


def difficulty_curve(rows: Sequence[Row]) -> Figure:
    """UAR of each method over the difficulty, with bands for permuted labels."""
    dataset = rows[0].dataset
    words = Words(
        "Surrogate clips: UAR against difficulty",
        f"{dataset} (surrogate), leave one subject out, balanced logistic regression",
        (
            f"Bands: mean of {SHUFFLES} permutations of the labels, two standard deviations up "
            "and down. Nothing is tuned to a difficulty.",
        ),
    )
    with house_style():
        page = sheet(7.2, 4.0, words)
        axes = page.axes(0.6, 0.55, 4.2, 3.3)
        for name, (colour, marker, line) in LOOKS.items():
            x, y, _ = _series(rows, "uar", name)
            title = METHODS[name].title.replace(", ", ",\n")
            axes.plot(x, y, color=colour, marker=marker, ls=line, label=title)
        for name, colour in zip(SHUFFLED, (VERMILION, PURPLE, GREY), strict=True):
            x, y, spread = _series(rows, "shuffled_uar", name)
            low, high = y - 2 * spread, y + 2 * spread
            title = f"labels shuffled,\n{METHODS[name].title.split(',')[0]}"
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0, label=title)
        for name, place in DIFFICULTIES.items():
            axes.axvline(place, color=PURPLE, lw=0.8, ls=(0, (2, 3)))
            axes.text(place + 0.01, 0.03, name, color=PURPLE, size=TEXT_SIZE)
        axes.axhline(1 / 3, color=DARK, lw=0.8)
        axes.text(0.995, 1 / 3 + 0.008, "1/3", ha="right", color=DARK, size=TEXT_SIZE - 0.5)
        axes.set(xlim=(-0.02, 1.02), ylim=(0, 1.02), xlabel="difficulty", ylabel="UAR")
        axes.grid(axis="y")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), labelspacing=0.9)
    return page.figure


def _series(rows: Sequence[Row], measure: str, of: str) -> tuple[np.ndarray, ...]:
    """Difficulties in ascending order, values and spreads."""
    found = [row for row in rows if (row.measure, row.of) == (measure, of)]
    found.sort(key=lambda row: row.difficulty)
    return tuple(
        np.array([getattr(row, n) for row in found]) for n in ("difficulty", "value", "spread")
    )


@dataclass(frozen=True)
class Shown:
    """One clip of the contact sheet."""

    clip: Clip
    onset: np.ndarray
    middle: np.ndarray
    flow: np.ndarray


def contact_sheet(dataset: str, seed: int, cache: Path) -> Figure:
    """A clip of each class, easy and hard: onset, middle, their difference, the flow."""
    columns = ("onset", "middle", f"change × {BRIGHTER}", "flow")
    side, gap, left = 1.02, 0.05, 0.85
    block = len(columns) * (side + gap)
    words = Words(
        "Surrogate clips, easy and hard",
        f"{dataset} (surrogate): the same clip of each class at both difficulties",
        (
            "Change: grey levels of the middle frame minus those of the onset, grey where there is "
            "none. Flow: TV-L1 from onset to middle without the movement of the head; the wheel "
            f"has the colours of the directions, full where a clip moves most, at least "
            f"{FLOW_FULL:g} px.",
        ),
    )
    with house_style():
        page = sheet(left + 2 * block + 0.35, 3 * (side + gap) + 0.3, words)
        flow_wheel(page.axes(0.1, 3 * (side + gap) - 0.3, 0.6, 0.6))
        for index, name in enumerate(SHOWN):
            start = left + index * (block + 0.2)
            for row, shown in enumerate(_examples(Level(dataset, DIFFICULTIES[name], seed), cache)):
                bottom = 0.05 + (2 - row) * (side + gap)
                places = [start + k * (side + gap) for k in range(len(columns))]
                panels = [page.axes(place, bottom, side, side) for place in places]
                _draw(panels, shown)
                if row == 0:
                    titles = [f"{name}: {columns[0]}", *columns[1:]]
                    for axes, title in zip(panels, titles, strict=True):
                        axes.set_title(title, size=TEXT_SIZE)
                if index == 0:
                    label = f"{CHALLENGE_CLASSES[shown.clip.label]}\n{shown.clip.name}"
                    panels[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return page.figure


def _examples(level: Level, cache: Path) -> list[Shown]:
    """The first clip of each class, of different subjects."""
    source = Source(level.dataset, None, True, cache.absolute())
    taken: dict[int, Clip] = {}
    for clip in find_clips(source, config_of(level)).clips:
        subjects = {other.subject for other in taken.values()}
        if clip.label not in taken and clip.subject not in subjects:
            taken[clip.label] = clip
    pairs = [(taken[label], *onset_and_middle(taken[label])) for label in sorted(taken)]
    return [Shown(*pair, without_head(tvl1(*pair[1:]))) for pair in pairs]


def _draw(panels: Sequence[Axes], shown: Shown) -> None:
    change = BRIGHTER * (shown.middle - shown.onset)
    panels[0].imshow(shown.onset, cmap="gray", vmin=0, vmax=255)
    panels[1].imshow(shown.middle, cmap="gray", vmin=0, vmax=255)
    panels[2].imshow(change, cmap="gray", vmin=-128, vmax=127)
    panels[3].imshow(flow_colours(*shown.flow))
    for axes in panels:
        axes.spines[:].set_visible(False)
        axes.set(xticks=[], yticks=[])
