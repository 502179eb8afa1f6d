"""What a model saw of a clip and what it says of it: key frames, flow, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from bench.data.disk.images import decode, read_frames
from bench.data.inspect.pictures import flow_colours, flow_wheel
from bench.data.steps.crop import crop
from bench.data.steps.settings import preprocessing
from bench.data.stills.apex import spot_apex
from bench.models.sliding import NOT_SPOTTING
from bench.training.tensors import StillTensors
from reports.drawing.style import DARK
from reports.figures.axes import over_time, probabilities, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.data.clips import Clip
    from bench.models.answers import Answers
    from bench.models.model import Model

FLOWS = ("flow", "flow_pair")

STILL = 1e-3
"""A largest motion below which a flow is shown as none, in the units of the model's input."""


def prediction(models: Sequence[Model], answers: Answers, number: int = 0) -> Figure:
    """The onset, apex and offset frames as cropped, what flow a model sees, the probabilities.

    models: those that answered, the first of which crops; number: of the clip among the answered.
    """
    clip = answers.clips[number]
    flows = (flow_seen(model, clip) for model in models)
    flow = next((found for found in flows if found is not None), None)
    with styled("screen") as look:
        figure = Figure(figsize=(1.7 * look.width, 3.1), layout="constrained", facecolor="white")
        frames = {} if clip.ready_flow else key_frames(models[0], clip)
        panels = len(frames) + (flow is not None)
        grid = figure.add_gridspec(2, panels + 2, height_ratios=(1, 0.001))
        for place, (title, frame) in enumerate(frames.items()):
            axes = figure.add_subplot(grid[0, place])
            axes.imshow(frame.squeeze(), cmap="gray", vmin=0, vmax=255)
            _picture(axes, title)
        if flow is not None:
            axes = figure.add_subplot(grid[0, panels - 1])
            _flow(axes, flow)
            _picture(axes, "optical flow")
        axes = figure.add_subplot(grid[0, panels:])
        probabilities(answers, ax=axes, clip=number)
        figure.set_label(f"{clip.name}: {answers.predicted[number]}")
        figure.text(0.005, 0.01, _note(answers, flow is not None), size=look.text - 2, color=DARK)
    return figure


def timeline(answers: Answers, fps: float | None) -> Figure:
    """Probabilities over a longer video, with the words that this is no spotting."""
    with styled("screen") as look:
        figure = Figure(figsize=(1.3 * look.width, 3.6), layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        over_time(answers, ax=axes, fps=fps)
        figure.set_label("Probabilities over time")
        figure.supxlabel(NOT_SPOTTING, size=look.text - 2, color=DARK)
    return figure


def key_frames(model: Model, clip: Clip) -> dict[str, np.ndarray]:
    """Onset, apex and offset of a clip, cropped as its run crops: uint8 (h, w, C) by name."""
    face = crop(clip, decode(clip, read_frames(clip)), preprocessing(model.data))
    given = clip.apex is not None
    apex = clip.apex if clip.apex is not None else spot_apex(face)
    return {
        "onset": face[0],
        "apex" if given else "apex (spotted)": face[min(apex, len(face) - 1)],
        "offset": face[-1],
    }


def flow_seen(model: Model, clip: Clip) -> np.ndarray | None:
    """u, v that the model sees, of the frame with most motion: (H, W, 2); None: it sees none."""
    clips, _ = model.seen([clip])
    if isinstance(clips, StillTensors):
        seen = model.still is not None and model.still.kind in FLOWS
        return clips.images[0, :2].permute(1, 2, 0).cpu().numpy() if seen else None
    if model.data.representation != "flow":
        return None
    flows = clips.videos[0, ..., :2].cpu().numpy()  # (T, H, W, 2)
    return flows[np.square(flows).sum((1, 2, 3)).argmax()]


def _flow(axes: Axes, flow: np.ndarray) -> None:
    """The flow without the median motion in colours, with their wheel below it."""
    flow = flow - np.median(flow, (0, 1))
    axes.imshow(flow_colours(flow[..., 0], flow[..., 1], STILL))
    flow_wheel(axes.inset_axes((0.3, -0.45, 0.4, 0.4)))


def _picture(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _note(answers: Answers, flow: bool) -> str:
    several = f"Mean of {len(answers.models)} models ± their standard deviation. "
    key = "Flow: hue is direction, the full colour the largest motion. " * flow
    return f"{several * (len(answers.models) > 1)}{key}Softmax of logits: not calibrated."
