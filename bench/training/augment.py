"""From the clips in memory to a network's input: augmentation and representation of a batch.

All clips are one tensor (N, T, H, W, C) on the training device; a batch is `videos[index]`.
Everything here works on batches on their device, without a loop over clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import UsageError, unknown_name

U, V = 0, 1
"""Channels of flow: to the right, and down."""

if TYPE_CHECKING:  # settings are checked against the names below before torch is imported
    import torch
    from torch import Tensor

    from bench.config.settings import DataConfig

REPRESENTATIONS = ("rgb", "onset_difference", "flow")

TURNED = {"flow": (U,)}
"""Representation -> channels whose sign a mirrored clip turns: u, which points to the right."""

RGB_MEAN = 0.5
RGB_STD = 0.5
"""`rgb` is (x - mean) / std of x in [0, 1], so it fills [-1, 1]. Not published."""

ONSET_GAIN = 64.0
"""`onset_difference` is (x - onset frame) · gain of x in [0, 1]. Not published.

Differences of the SMIC surrogates have a standard deviation of 0.008 (easy) to 0.023 (hard) at
8×32×32 and of 0.012 to 0.032 at 16×112×112, so that inputs have about unit scale.
"""


def to_input(
    videos: Tensor,
    representation: str,
    *,
    gain: float = ONSET_GAIN,
    mean: float = RGB_MEAN,
    std: float = RGB_STD,
) -> Tensor:
    """(B, T, H, W, C) -> a network's input, float32 (B, C, T, H, W), contiguous.

    Of uint8 videos `rgb` is normalised by `mean` and `std`, `onset_difference` is each frame minus
    the clip's first, times `gain`. `flow` is float32 already, normalised once for each clip. Raises
    UsageError for another representation.
    """
    import torch

    clips = videos.permute(0, 4, 1, 2, 3)  # (B, C, T, H, W)
    if representation == "flow":
        return clips.float().contiguous()
    clips = clips.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    if representation == "rgb":
        return clips.sub_(mean).div_(std)
    if representation == "onset_difference":
        return (clips - clips[:, :, :1]).mul_(gain)
    raise unknown_name("representation", representation, REPRESENTATIONS)


def augment(
    videos: Tensor,
    *,
    flip: bool = False,
    shift: int = 0,
    jitter: int = 0,
    turned: Sequence[int] = (),
    generator: torch.Generator,
) -> Tensor:
    """Random augmentation of each clip, (B, T, H, W, C) -> same shape; `videos` if all is off.

    `flip` mirrors each clip left to right with probability ½, and turns the sign of its channels
    `turned`. `shift` moves all frames of a clip by the same whole number of pixels, up to `shift`
    each way and axis, edges replicated. `jitter` moves the first and the last point in time
    independently, by up to `jitter` frames, which shifts and stretches the clip; beyond its ends
    the end frame is repeated. The onset frame always stays first: differences and flow from it keep
    their meaning. `generator` is a CPU generator on every device.
    Raises UsageError for a shift or jitter that the clips are too small for.
    """
    if not (flip or shift or jitter):
        return videos
    import torch

    batch, frames, height, width, channels = videos.shape
    _check_reach("jitter", jitter, (frames - 1) // 2, f"{frames} frames")
    _check_reach("shift", shift, min(height, width) - 1, f"{height}×{width} pixels")

    time = _warped(batch, frames, jitter, generator)  # (B, T)
    time += torch.arange(batch)[:, None] * frames  # index of the frame within the whole batch
    row = _shifted(batch, height, shift, generator)  # (B, H)
    column = _shifted(batch, width, shift, generator)  # (B, W)
    mirrored = torch.zeros(batch, 1, dtype=torch.bool)
    if flip:
        mirrored = torch.rand(batch, 1, generator=generator) < 0.5
        column = torch.where(mirrored, column.flip(1), column)

    time, row, column = (index.to(videos.device) for index in (time, row, column))
    source = time[:, :, None, None] * height + row[:, None, :, None]  # (B, T, H, 1)
    source = source * width + column[:, None, None, :]  # (B, T, H, W)
    pixels = videos.reshape(-1, channels)
    changed = pixels.index_select(0, source.flatten()).reshape(videos.shape)
    if turned:
        sign = 1 - 2 * mirrored.to(changed)  # (B, 1)
        changed[..., list(turned)] *= sign[..., None, None, None]
    return changed


def augment_flow(
    images: Tensor, tops: Tensor, settings: DataConfig, generator: torch.Generator
) -> Tensor:
    """Random changes of flow images (B, C, S, S), as `data.flow_*` say; `images` if all is off.

    tops: as of `mirrored`. Factors of the magnitude apply to what differs from a channel's median,
    which stands for no motion. `generator` is a CPU generator on every device.
    """
    import torch
    import torch.nn.functional as F

    batch, device = len(images), images.device

    def drawn(*shape: int) -> Tensor:  # in -1..1
        return (2 * torch.rand(*shape, generator=generator) - 1).to(device)

    if settings.flow_mirror:
        chosen = drawn(batch, 1, 1, 1) < 0
        images = torch.where(chosen, mirrored(images, -1, U, tops), images)
    if settings.flow_shift or settings.flow_scale:
        zoom = (1 + settings.flow_scale) ** drawn(batch, 1, 1) * torch.eye(2, device=device)
        pixels = (settings.flow_shift * drawn(batch, 2, 1)).round()
        affine = torch.cat([zoom, 2 * pixels / images.shape[-1]], 2)  # (B, 2, 3)
        grid = F.affine_grid(affine, list(images.shape), align_corners=False)
        images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    if settings.flow_magnitude:
        factor = (1 + settings.flow_magnitude) ** drawn(batch, 2, 1, 1)
        flow = images[:, :2]
        still = flow.flatten(2).median(2).values[..., None, None]
        images = torch.cat([still + factor * (flow - still), images[:, 2:]], 1)
    return images


def mirrored(flows: Tensor, axis: int, channel: int, tops: Tensor) -> Tensor:
    """Flow images (B, C, S, S) mirrored along an axis, of which `channel` is the component.

    tops (B,): what that component of a pixel and of its mirror image add up to
    (`bench.data.stills.inputs.flow_tops`).
    """
    turned = flows.flip(axis)
    turned[:, channel] = tops[:, None, None] - turned[:, channel]
    return turned


def _warped(batch: int, frames: int, jitter: int, generator: torch.Generator) -> Tensor:
    """Per clip the source frame of each frame, (B, T)."""
    import torch

    if not jitter:
        return torch.arange(frames).repeat(batch, 1)
    start, end = torch.randint(-jitter, jitter + 1, (2, batch, 1), generator=generator)
    part = torch.linspace(0, 1, frames)
    index = (start + part * (frames - 1 + end - start)).round().long().clamp(0, frames - 1)
    index[:, 0] = 0
    return index


def _shifted(batch: int, size: int, shift: int, generator: torch.Generator) -> Tensor:
    """Per clip the source of each row or column, (B, size)."""
    import torch

    index = torch.arange(size).repeat(batch, 1)
    if not shift:
        return index
    offset = torch.randint(-shift, shift + 1, (batch, 1), generator=generator)
    return (index + offset).clamp(0, size - 1)


def _check_reach(name: str, value: int, most: int, clips: str) -> None:
    if not 0 <= value <= most:
        raise UsageError(f"{name} is {value}; expected 0 to {most} for clips of {clips}.")
