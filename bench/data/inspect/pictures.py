"""Pictures of clips: contact sheets, single clips as GIF, a clip after every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.config.settings import DataConfig
from bench.data.clips import Clip, ClipSet, clip_title
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import luminance, resize
from bench.data.steps.crop import crop
from bench.data.steps.landmarks import landmark_points
from bench.data.steps.magnify import magnify
from bench.data.steps.settings import preprocessing
from bench.data.stills.apex import apex_of
from bench.data.stills.flow import flow_image
from bench.system.fonts import fit_fonts, font_file

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

CELL = 1.25
"""Side of a picture on a sheet, in inches."""

FLOW_FULL = 1.0
"""Motion shown in full colour, unless a clip has more; in pixels of a face of 128."""

WHEEL = 0.62
"""Side of the colour wheel of a sheet, in inches."""

WHEEL_ARROW = {"arrowstyle": "->", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0, "color": "0.25"}

FLOW_KEY = (
    "flow: hue is direction, white is none;\n"
    f"full colour at the largest motion, at least {FLOW_FULL:g} px"
)

NAME_SIZE = 7
GIF_SIDE = 224
CAPTION, LETTERS = 34, 12
"""Height of the caption above a GIF and of its letters, in pixels."""

GAIN = 8
"""Amplification of the difference from the onset in a GIF."""

MILLISECONDS = 60
"""Duration of a frame of a GIF: a micro-expression of 200 frames a second in slow motion."""


@dataclass(frozen=True)
class Moments:
    """A clip at onset, apex and offset, uint8 (3, S, S, 1 or 3), and its flow (3, F, F)."""

    clip: Clip
    frames: np.ndarray
    flow: np.ndarray
    apex: int
    count: int

    @property
    def heads(self) -> tuple[str, str, str]:
        """The titles of its three pictures; an apex that was not annotated is marked `spotted`."""
        spotted = "" if self.clip.apex is not None else ", spotted"
        return ("onset 1", f"apex {self.apex + 1}{spotted}", f"offset {self.count}")


def moments(clip: Clip, config: DataConfig) -> Moments:
    """The clip cropped as the settings say; DataError as of `decode` and `apex_of`."""
    import numpy as np

    steps = preprocessing(config)
    video = crop(clip, decode(clip, read_frames(clip)), steps)
    apex = apex_of(clip, video)
    frames = resize(video[[0, apex, len(video) - 1]], config.flow_side)
    grey = luminance(frames)
    flow = flow_image(grey[0], grey[1])
    return Moments(clip, np.rint(frames).clip(0, 255).astype(np.uint8), flow, apex, len(video))


def chosen_clips(clip_set: ClipSet, by: str, each: int) -> list[tuple[str, list[Clip]]]:
    """(class or subject, its first `each` clips); clips of a class alternate between subjects."""
    groups: dict[str, list[Clip]] = {}
    for clip in clip_set.clips:
        name = clip_set.classes[clip.label] if by == "class" else f"{clip.dataset} {clip.subject}"
        groups.setdefault(name, []).append(clip)
    if by == "class":
        groups = {name: groups[name] for name in clip_set.classes if name in groups}
    return [(name, _spread(clips)[:each]) for name, clips in groups.items()]


def _spread(clips: Sequence[Clip]) -> list[Clip]:
    """Every subject's first clip, then every subject's second, and so on."""
    turn: dict[tuple[str, str], int] = {}
    ranked: list[tuple[int, int, Clip]] = []
    for clip in clips:
        person = (clip.dataset, clip.subject)
        turn[person] = turn.get(person, -1) + 1
        ranked.append((turn[person], len(ranked), clip))
    return [clip for *_, clip in sorted(ranked, key=lambda entry: entry[:2])]


def contact_sheet(groups: Sequence[tuple[str, Sequence[Moments]]], title: str) -> Figure:
    """A row per clip: onset, apex, offset, flow as colours, strain; groups one below another."""
    lines = [(name, clip) for name, clips in groups for clip in clips]
    figure, axes = _grid(len(lines), 5, WHEEL + 0.25)
    _flow_key(figure)
    for row, (name, shown) in zip(axes, lines, strict=True):
        for axis, frame, head in zip(row, shown.frames, shown.heads, strict=False):
            _picture(axis, frame.squeeze(), head)
        u, v, strain = shown.flow
        most = max(float((u**2 + v**2).max()) ** 0.5, 1e-6)
        _picture(row[3], flow_colours(u, v), f"flow, most {most:.1f} px")
        _picture(row[4], strain, f"strain, most {strain.max():.2f}", "gray")
        _named(row[0], f"{name}\n{shown.clip.subject}/{shown.clip.name}")
    _titled(figure, title)
    return figure


def steps_sheet(clip: Clip, config: DataConfig, title: str) -> Figure:
    """A row per step of preprocessing: onset, apex and offset after it, and apex minus onset.

    The clip's points in `data.landmarks` are drawn on the first frame.
    """
    import numpy as np

    stages = preprocessing_stages(clip, config)
    figure, axes = _grid(len(stages), 4)
    for row, (name, video, apex) in zip(axes, stages, strict=True):
        places = (0, apex, len(video) - 1)
        for axis, place in zip(row, places, strict=False):
            head = f"{place + 1} of {len(video)}"
            _picture(axis, np.rint(video[place]).clip(0, 255).astype(np.uint8).squeeze(), head)
        change = luminance(video[apex]) - luminance(video[0])
        _picture(row[3], change, f"apex − onset, ±{np.abs(change).max():.0f}", "RdBu_r")
        height, width = video.shape[1:3]
        _named(row[0], f"{name}\n{width}×{height}")
    points = landmark_points(clip, config.landmarks) if config.landmarks else ()
    if points:
        axes[0][0].autoscale(False)
        axes[0][0].plot(*zip(*points, strict=True), ".", color="lime", markersize=1.5)
    _titled(figure, title)
    return figure


def preprocessing_stages(clip: Clip, config: DataConfig) -> list[tuple[str, np.ndarray, int]]:
    """(step, clip after it, index of the apex), from the decoded frames to the cached clip."""
    from bench.data.steps.tim import interpolate

    steps = preprocessing(config)
    video = decode(clip, read_frames(clip))
    face = crop(clip, video, steps)
    last = len(video) - 1
    apex = apex_of(clip, face)
    magnified = magnify(face, steps)
    interpolated = interpolate(magnified, steps.frames)
    nearest = round(apex * (steps.frames - 1) / max(last, 1))
    return [
        ("frames", video, apex),
        (f"crop={steps.crop}", face, apex),
        (f"magnify={steps.magnify}", magnified, apex),
        (f"TIM to {steps.frames}", interpolated, nearest),
        (f"resize to {steps.size}", resize(interpolated, steps.size), nearest),
    ]


def clip_gif(clip: Clip, config: DataConfig, title: str) -> list[Image]:
    """The cropped (and magnified) clip beside its difference from the onset, times GAIN.

    The caption holds the title, the number of the frame, and what the right picture is.
    """
    import numpy as np
    from PIL import Image

    steps = preprocessing(config)
    video = magnify(crop(clip, decode(clip, read_frames(clip)), steps), steps)
    video = resize(video, GIF_SIDE)
    grey = luminance(video)
    change = (128 + GAIN * (grey - grey[0]))[..., None]
    beside = np.concatenate(
        [np.broadcast_to(part, (*grey.shape, 3)) for part in (video, change)], axis=2
    )
    frames = np.rint(beside).clip(0, 255).astype(np.uint8)
    magnified = "" if steps.magnify == "none" else f", magnify={steps.magnify}"
    return [
        _captioned(
            Image.fromarray(frame),
            title,
            f"frame {number} of {len(frames)}{magnified}",
            f"less the onset, ×{GAIN}",
        )
        for number, frame in enumerate(frames, 1)
    ]


def _captioned(picture: Image, title: str, left: str, right: str) -> Image:
    """The picture below a caption: a title, and a line of text over each half."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (picture.width, picture.height + CAPTION), "white")
    page.paste(picture, (0, CAPTION))
    pen, middle = ImageDraw.Draw(page), picture.width // 2
    places = ((4, 2, title, picture.width), (4, 18, left, middle), (middle + 4, 18, right, middle))
    for across, down, words, room in places:
        font = ImageFont.truetype(font_file(words), LETTERS)
        while font.getlength(words) > room - 8:
            words = f"{words.removesuffix('…')[:-1]}…"
        pen.text((across, down), words, fill="black", font=font)
    return page


def flow_colours(u: np.ndarray, v: np.ndarray, least: float = FLOW_FULL) -> np.ndarray:
    """Direction as hue, magnitude as saturation, no motion as white: (H, W, 3) in 0..1.

    The largest motion, or `least` where all are smaller, has the full colour.
    """
    import numpy as np
    from matplotlib.colors import hsv_to_rgb

    speed = np.hypot(u, v)
    hue = np.arctan2(-v, -u) / (2 * np.pi) + 0.5
    full = max(least, float(speed.max()))
    return hsv_to_rgb(np.stack([hue % 1, (speed / full).clip(0, 1), np.ones_like(hue)], -1))


def flow_wheel(axes: Axes) -> None:
    """The key of `flow_colours`: the colour of each direction, full at the rim."""
    import numpy as np

    side = np.linspace(-1, 1, 121)
    u, v = np.meshgrid(side, side)
    inside = np.hypot(u, v) <= 1
    extent = (-1, 1, 1, -1)  # as in a picture, v is downwards
    axes.imshow(flow_colours(u * inside, v * inside), extent=extent)
    for across, down in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        axes.annotate("", (across, down), (0, 0), arrowprops=WHEEL_ARROW)
    axes.set_axis_off()


def _flow_key(figure: Figure) -> None:
    """The wheel and what it says, in the upper right corner of a sheet."""
    width, height = figure.get_size_inches()
    left, bottom = width - WHEEL - 0.1, height - WHEEL - 0.06
    flow_wheel(figure.add_axes((left / width, bottom / height, WHEEL / width, WHEEL / height)))
    place = ((left - 0.1) / width, (bottom + WHEEL / 2) / height)
    figure.text(*place, FLOW_KEY, fontsize=NAME_SIZE, ha="right", va="center")


def _grid(lines: int, columns: int, above: float = 0.5) -> tuple[Figure, np.ndarray]:
    """Axes in rows and columns; above: inches left free over them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(CELL * columns + 0.9, (CELL + 0.22) * lines + above - 0.05))
    axes = figure.subplots(lines, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.85 / figure.get_figwidth(),
        right=0.99,
        bottom=0.05 / figure.get_figheight(),
        top=1 - above / figure.get_figheight(),
        wspace=0.06,
        hspace=0.22,
    )
    return figure, axes


def _named(axis: Axes, name: str) -> None:
    axis.set_ylabel(name, fontsize=NAME_SIZE, parse_math=False)  # names may contain a $


def _picture(axis: Axes, pixels: np.ndarray, head: str, colours: str = "gray") -> None:
    """Draws 8-bit images on their full scale, other values from their minimum to their maximum."""
    import numpy as np

    least, most = (0.0, 255.0) if pixels.dtype == np.uint8 else (None, None)
    if colours == "RdBu_r":
        most = max(float(np.abs(pixels).max()), 1e-6)
        least = -most
    axis.imshow(pixels, cmap=colours, aspect="auto", vmin=least, vmax=most)
    axis.set_title(head, fontsize=6.5, pad=2)
    axis.set_xticks([])
    axis.set_yticks([])
    for side in axis.spines.values():
        side.set_visible(False)


def _titled(figure: Figure, title: str) -> None:
    height = figure.get_figheight()
    place = (0.01, 1 - 0.08 / height)
    figure.text(*place, title, fontsize=9, weight="bold", va="top", parse_math=False)


def drawn(figure: Figure) -> Image:
    """The sheet in 256 colours, dithered, which makes the file three times smaller.

    The palette covers the extreme colours: a palette of the most frequent ones would be skin tones,
    and change the hues of the flow, which stand for its direction.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    fit_fonts(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    image = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba())
    image = image.convert("RGB")
    palette = image.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def sheet_title(dataset: str, by: str) -> str:
    """The title of a contact sheet per class or subject."""
    return f"{dataset}: onset, apex, offset, flow and strain per {by}"


def one_clip(clip_set: ClipSet, name: str) -> Clip:
    """The clip called `SUBJECT/NAME` or `NAME`; UsageError where there is none, or several."""
    from bench.errors import UsageError, unknown_name

    subject, slash, short = name.rpartition("/")
    found = [
        clip
        for clip in clip_set.clips
        if clip.name == short and (not slash or clip.subject == subject)
    ]
    if not found:
        raise unknown_name("clip", name, (f"{c.subject}/{c.name}" for c in clip_set.clips))
    if len(found) > 1:
        those = ", ".join(clip_title(clip) for clip in found)
        raise UsageError(f"--clip {name} is ambiguous: {those}; name its subject as SUBJECT/NAME")
    return found[0]
