"""How far generated flow images are from real ones: roughness, spectrum, motion of face regions.

All on u and v as `bench.data.videos.normalised` gives them, within -1 to 1, so that images of any
unit can be compared. Only means over the clips of a class come out, nothing of a single person.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate

from bench.config.settings import DataConfig
from bench.data.clips import ClipSet
from bench.data.sources import find_clips, resolve_source
from bench.data.videos import clip_settings, load_videos

REGIONS = MappingProxyType(
    {
        "forehead": (0.0, 0.18),
        "brows": (0.18, 0.34),
        "eyes": (0.34, 0.46),
        "nose": (0.46, 0.64),
        "mouth": (0.64, 0.82),
        "chin": (0.82, 1.0),
    }
)
"""Bands of a cropped face from top to bottom, as shares of its height."""

FULL = 0.2
"""Mean motion at which the colours of a picture are full."""

BANDS = (0.5, 2, 4, 7, 10, 14)
"""Limits of the bands of the spectrum, in periods across the image."""


@dataclass(frozen=True)
class Measured:
    """What one set of flow images is like.

    rough: mean step between neighbouring pixels over mean size, the median over clips; spectrum:
    shares of the power in `BANDS`; size, up, outward: per class and region (C, R) the mean of
    |(u, v)|, of -v and of u away from the middle; means: the mean image of each class (C, 2, S, S).
    """

    name: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    rough: float
    spectrum: tuple[float, ...]
    size: np.ndarray
    up: np.ndarray
    outward: np.ndarray
    means: np.ndarray


def measured(dataset: str, cache: Path, subjects: str = "") -> Measured:
    """Measures the flow images of a data set, as `--dataset` names it."""
    source = resolve_source(dataset, None, False, cache)
    config = DataConfig(subjects=subjects)
    clip_set = find_clips(source, config)
    flows = load_videos(clip_set, clip_settings(config, clip_set.clips), cache)
    return measure_flows(source.label, clip_set, flows[:, 0, ..., :2].transpose(0, 3, 1, 2))


def measure_flows(name: str, clip_set: ClipSet, flows: np.ndarray) -> Measured:
    """Measures u and v (N, 2, S, S) of the clips."""
    labels = np.array([clip.label for clip in clip_set.clips])
    means = np.stack([flows[labels == k].mean(0) for k in range(len(clip_set.classes))])
    lengths = [
        np.hypot(*flows[labels == k].swapaxes(0, 1)).mean(0) for k in range(len(clip_set.classes))
    ]
    side = np.sign(np.arange(flows.shape[-1]) - (flows.shape[-1] - 1) / 2)
    return Measured(
        name,
        clip_set.classes,
        tuple(np.bincount(labels, minlength=len(clip_set.classes)).tolist()),
        _roughness(flows),
        _spectrum(flows),
        _by_region(np.stack(lengths)),
        _by_region(-means[:, 1]),
        _by_region(means[:, 0] * side),
        means,
    )


def _roughness(flows: np.ndarray) -> float:
    across, down = (np.abs(np.diff(flows, axis=axis)).mean((1, 2, 3)) for axis in (3, 2))
    return float(np.median((across + down) / 2 / np.abs(flows).mean((1, 2, 3))))


def _spectrum(flows: np.ndarray) -> tuple[float, ...]:
    side = flows.shape[-1]
    along = np.fft.fftfreq(side) * side
    frequency = np.hypot(along[:, None], along[None, :])
    power = (np.abs(np.fft.fft2(flows)) ** 2).mean((0, 1))
    shares = [power[(frequency >= low) & (frequency < high)].sum() for low, high in pairwise(BANDS)]
    return tuple((np.array(shares) / sum(shares)).tolist())


def _by_region(images: np.ndarray) -> np.ndarray:
    """(C, S, S) -> the mean over each of `REGIONS`, (C, R)."""
    side = images.shape[-1]
    bands = [slice(round(low * side), round(high * side)) for low, high in REGIONS.values()]
    return np.stack([images[:, band].mean((1, 2)) for band in bands], axis=1)


def realism_text(real: Measured, generated: Measured) -> str:
    """Both sets side by side: whole images, correlations of class means, regions."""
    both = (real, generated)
    whole = [
        [one.name, sum(one.counts), f"{one.rough:.2f}", *(f"{share:.3f}" for share in one.spectrum)]
        for one in both
    ]
    bands = [f"{low:g}-{high:g}" for low, high in pairwise(BANDS)]
    regions = [
        [
            label,
            region,
            *(
                f"{getattr(one, what)[k, r]:+.3f}"
                for what in ("size", "up", "outward")
                for one in both
            ),
        ]
        for k, label in enumerate(real.classes)
        for r, region in enumerate(REGIONS)
    ]
    columns = [f"{what}, {who}" for what in ("size", "up", "outward") for who in ("real", "gen.")]
    parts = [
        tabulate(whole, ["set", "clips", "roughness", *bands], "github", disable_numparse=True),
        *(
            f"Correlation of class means of {name} (rows generated, columns real):\n\n"
            + tabulate(
                [
                    [generated.classes[k], *(f"{value:+.2f}" for value in line)]
                    for k, line in enumerate(_correlations(generated, real, channel))
                ],
                ["", *real.classes],
                "github",
                disable_numparse=True,
            )
            for channel, name in enumerate("uv")
        ),
        tabulate(regions, ["class", "region", *columns], "github", disable_numparse=True),
    ]
    return "\n\n".join(parts)


def _correlations(one: Measured, other: Measured, channel: int) -> np.ndarray:
    """(C, C): of one's class means with the other's."""
    count = len(one.classes)
    first, second = (each.means[:, channel].reshape(count, -1) for each in (one, other))
    return np.corrcoef(first, second)[:count, count:]


def class_means(real: Measured, generated: Measured) -> Figure:
    """The mean u and v of each class, real beside generated."""
    from reports.drawing.style import TEXT_SIZE, Words, house_style, sheet

    side, gap, left = 1.1, 0.06, 0.9
    words = Words(
        "Flow of each class: real beside generated",
        "u to the right, v down: red against the direction, blue along it",
        (
            "Means over clips, each channel minus its median, each clip over its largest absolute "
            f"value; colours are full at {FULL:g}.",
        ),
    )
    columns = [
        (one, channel, f"{name}, {who}")
        for channel, name in enumerate("uv")
        for one, who in ((real, "real"), (generated, "generated"))
    ]
    rows = len(real.classes)
    with house_style():
        width, height = left + len(columns) * (side + gap), rows * (side + gap) + 0.2
        page = sheet(width, height, words)
        for row, label in enumerate(real.classes):
            for column, (one, channel, title) in enumerate(columns):
                bottom = (rows - 1 - row) * (side + gap)
                axes = page.axes(left + column * (side + gap), bottom, side, side)
                axes.imshow(one.means[row, channel], cmap="RdBu", vmin=-FULL, vmax=FULL)
                axes.spines[:].set_visible(False)
                axes.set(xticks=[], yticks=[])
                if row == 0:
                    axes.set_title(title, size=TEXT_SIZE)
                if column == 0:
                    axes.set_ylabel(label, rotation=0, ha="right", va="center", size=TEXT_SIZE)
    return page.figure
