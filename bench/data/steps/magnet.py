"""Learning-based motion magnification (Oh et al., ECCV 2018), by weights that the user brings.

An encoder gives a texture and a shape representation of a frame, a non-linear manipulator enlarges
the difference of its shape to that of the onset, a decoder makes a frame of both (static mode: the
onset is the reference of every frame). Weights are those of this network under its own names:
docs/data.md says how to rename the entries of another implementation's.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.data.pixels import luminance
from bench.data.steps.keys import weights_digest
from bench.errors import DataError, UsageError
from bench.system.files import MOST_WEIGHT_BYTES, file_bytes

WIDTH = 32
SIDES = 4
"""Sides are padded to multiples of this: the texture has a quarter of a frame's resolution."""
SMALLEST = 8
"""Pixels of the shortest side; below, a padding that mirrors would be wider than the frame."""


class Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width, 3)
        self.second = _conv(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x + self.second(F.relu(self.first(x)))


class Branch(nn.Module):
    """One representation out of the encoder's trunk."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.enter = _conv(WIDTH, WIDTH, 3, stride)
        self.blocks = nn.Sequential(*(Block(WIDTH) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 32, H, W) -> (B, 32, H / stride, W / stride)."""
        return self.blocks(F.relu(self.enter(x)))


class Encoder(nn.Module):
    """(B, 3, H, W) -> texture (B, 32, H/4, W/4) and shape (B, 32, H/2, W/2)."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = _conv(3, WIDTH // 2, 7)
        self.halve = _conv(WIDTH // 2, WIDTH, 3, stride=2)
        self.blocks = nn.Sequential(*(Block(WIDTH) for _ in range(3)))
        self.texture = Branch(2)
        self.shape = Branch(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (B, 3, H, W) -> texture, shape."""
        trunk = self.blocks(F.relu(self.halve(F.relu(self.enter(x)))))
        return self.texture(trunk), self.shape(trunk)


class Manipulator(nn.Module):
    """The shape of a frame with its difference to the onset's enlarged: M_a + h(α g(M_b - M_a))."""

    def __init__(self) -> None:
        super().__init__()
        self.before = _conv(WIDTH, WIDTH, 3)
        self.after = _conv(WIDTH, WIDTH, 3)
        self.block = Block(WIDTH)

    def forward(self, onset: Tensor, frame: Tensor, alpha: float) -> Tensor:
        """Shapes (B, 32, H/2, W/2) of the onset and of frames -> theirs with more motion."""
        moved = alpha * F.relu(self.before(frame - onset))
        return onset + self.block(self.after(moved))


class Decoder(nn.Module):
    """Texture and shape -> a frame (B, 3, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(2 * WIDTH) for _ in range(9)))
        self.merge = _conv(2 * WIDTH, WIDTH, 3)
        self.leave = _conv(WIDTH, 3, 7)

    def forward(self, texture: Tensor, shape: Tensor) -> Tensor:
        """(B, 32, H/4, W/4) and (B, 32, H/2, W/2) -> (B, 3, H, W)."""
        x = self.blocks(torch.cat([F.interpolate(texture, scale_factor=2), shape], 1))
        return self.leave(F.relu(self.merge(F.interpolate(x, scale_factor=2))))


class MagNet(nn.Module):
    """Frames in -1..1 with sides that are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.manipulator = Manipulator()
        self.decoder = Decoder()

    def forward(self, onset: Tensor, frames: Tensor, alpha: float) -> Tensor:
        """Frames (B, 3, H, W) with their motion since `onset` (1, 3, H, W) made 1 + α times."""
        _, still = self.encoder(onset)
        texture, shape = self.encoder(frames)
        return self.decoder(texture, self.manipulator(still, shape, alpha))


def learned(video: np.ndarray, alpha: float, weights: str) -> np.ndarray:
    """`video` (n, H, W, C) as float32, 0..255, with its motion since frame 0 made 1 + α times.

    Every frame, the first included, is the network's: what it changes besides motion is the same
    in all. Raises UsageError where there is no such file, DataError where it does not fit.
    """
    network = load_magnifier(weights)
    frames = torch.from_numpy(np.ascontiguousarray(np.moveaxis(video, -1, 1)))  # (n, C, H, W)
    made = np.empty(video.shape, np.float32)
    with torch.inference_mode():
        onset = _to_input(frames[:1])
        for index in range(len(frames)):  # one at a time: memory for one frame
            output = network(onset, _to_input(frames[index : index + 1]), alpha)
            made[index] = _to_levels(output, video.shape[1:])
    return made


def load_magnifier(weights: str) -> MagNet:
    """The network with the weights of a file; errors as `learned`."""
    return _load(weights, weights_digest(weights))


@lru_cache(maxsize=1)
def _load(weights: str, digest: str) -> MagNet:
    network, state = MagNet(), read_state(Path(weights).expanduser())
    fault = next(_faults(state, network.state_dict()), None)
    if fault:
        raise DataError(
            f"magnifier weights {weights} {fault}: they are no state of the network of Oh et al. "
            "2018 as it is here; docs/data.md says how to rename the entries of others"
        )
    network.load_state_dict(state)
    return network.eval()


def _faults(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    for name, tensor in wanted.items():
        if name not in state:
            yield f"lack {name}"
        elif state[name].shape != tensor.shape:
            shapes = (tuple(each.shape) for each in (state[name], tensor))
            yield "have {} as {}, not {}".format(name, *shapes)
        elif not state[name].isfinite().all():
            yield f"have numbers in {name} that are not finite"
    for name in state.keys() - wanted.keys():
        yield f"have {name} besides"


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without running code that it may hold.

    A state within a checkpoint (`state_dict`, `model`) is found. DataError for any other file.
    """
    try:
        with warnings.catch_warnings():  # torch's advice on odd pickles: the error says enough
            warnings.simplefilter("ignore")
            content = io.BytesIO(file_bytes(path, MOST_WEIGHT_BYTES))
            state = torch.load(content, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UsageError(f"data.magnifier_weights={path}: there is no such file") from None
    except Exception as error:  # what torch.load raises for a bad file has no common class
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"magnifier weights {path} cannot be read as tensors ({type(error).__name__}: "
            f"{reason}); pickled networks are never loaded: save network.state_dict() instead"
        ) from error
    for name in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())) or not state:
        raise DataError(f"magnifier weights {path} hold no state of a network: names and tensors")
    return {str(name): tensor.float() for name, tensor in state.items()}


def _conv(channels: int, width: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, padding_mode="reflect")


def _to_input(frames: Tensor) -> Tensor:
    """uint8 (B, C, H, W) -> (B, 3, h, w) in -1..1, padded at the right and at the bottom."""
    height, width = frames.shape[-2:]
    pad = (0, _padded(width) - width, 0, _padded(height) - height)
    scaled = frames.float().expand(-1, 3, -1, -1) / 127.5 - 1
    return F.pad(scaled, pad, mode="replicate")


def _padded(side: int) -> int:
    return max(-(-side // SIDES) * SIDES, SMALLEST)


def _to_levels(output: Tensor, shape: tuple[int, int, int]) -> np.ndarray:
    """The network's frame (1, 3, h, w) as (H, W, C) in 0..255."""
    height, width, channels = shape
    levels = ((output[0, :, :height, :width] + 1) * 127.5).clamp_(0, 255)
    frame = levels.permute(1, 2, 0).numpy()
    return frame if channels == 3 else luminance(frame)[..., None]
