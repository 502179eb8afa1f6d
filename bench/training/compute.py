"""How a network is computed in training: precision, memory format, compilation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from bench.config.settings import ComputeConfig
from bench.errors import UsageError
from rnas.fast.mix import mix

Evaluate = Callable[[Tensor], Tensor]
"""Clips (B, C, T, H, W), or stills (B, C, S, S) -> logits (B, classes)."""

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""Number of dimensions of a batch (and of the kernels applied to it) -> memory format."""


def accelerated(network: nn.Module, settings: ComputeConfig) -> Evaluate:
    """The network's forward pass under these settings. The parameters stay the network's own.

    A network with both 2D and 3D convolutions keeps torch's default memory format.
    """
    rank = in_channels_last(network) if settings.channels_last else None
    forward = network if settings.compile == "off" else _compiled(network, settings.compile)

    def evaluate(clips: Tensor) -> Tensor:
        if clips.dim() == rank:
            clips = clips.contiguous(memory_format=CHANNELS_LAST[rank])
        half = settings.precision == "bf16"
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=half):
            logits = forward(clips)
        return logits.float() if half else logits

    return evaluate


def refuse_undefined(network: nn.Module, settings: ComputeConfig) -> None:
    """UsageError for training 3D convolutions in bfloat16 on a CPU.

    There torch's gradients of their kernels read memory that nobody wrote (seen in torch 2.13 with
    oneDNN, on a processor with AVX512-BF16): finite or not, they mean nothing.
    """
    here = any(p.dim() == 5 and p.device.type == "cpu" for p in network.parameters())
    if here and settings.precision == "bf16":
        raise UsageError(
            "compute.precision=bf16: on a CPU torch's gradients of 3D convolutions in bfloat16 are "
            "undefined; take fp32, or --device cuda"
        )


def in_channels_last(network: nn.Module) -> int | None:
    """Puts a network into the memory format channels_last; returns the rank of its batches.

    One with both 2D and 3D convolutions, or none, is left as it is: None.
    """
    ranks = {p.dim() for p in network.parameters()} & set(CHANNELS_LAST)
    if len(ranks) != 1:
        return None
    rank = ranks.pop()
    # torch's stub of Module.to lacks the keyword memory_format.
    network.to(memory_format=CHANNELS_LAST[rank])  # type: ignore[call-overload]
    return rank


def _compiled(network: nn.Module, mode: str) -> Callable[..., Tensor]:
    torch.compiler.allow_in_graph(mix)  # Dynamo cannot trace it, and would break the graph there
    return torch.compile(network, mode=mode)


@contextmanager
def float32_arithmetic(precision: str) -> Iterator[None]:
    """Inside the block a GPU multiplies in full float32, or with `tf32` in TF32.

    torch's default allows TF32 in convolutions.
    """
    precise = "tf32" if precision == "tf32" else "ieee"
    before = [backend.fp32_precision for backend in _backends()]
    try:
        _set_precision([precise, precise])
        yield
    finally:
        _set_precision(before)


def _backends() -> tuple[Any, Any]:
    # torch puts `conv` into the module when it is imported, where no type checker sees it.
    return torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]


def _set_precision(values: Sequence[str]) -> None:
    """Sets the precision of matrix products and of convolutions on a GPU.

    torch's older switches are set to agree: it refuses to read them where they differ, and some
    versions of torch.compile do read them.
    """
    products, convolutions = (value == "tf32" for value in values)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*new API settings to control TF32")
        torch.backends.cuda.matmul.allow_tf32 = products
        torch.backends.cudnn.allow_tf32 = convolutions
    for backend, value in zip(_backends(), values, strict=True):
        backend.fp32_precision = value


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Sets torch's number of CPU threads inside the block; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]+)?")
"""What `--device` takes."""


def resolve_device(name: str) -> str:
    """The torch device on this machine that a choice of `--device` means.

    UsageError where it is no such choice, or this machine has no such device.
    """
    if not DEVICE.fullmatch(name):
        raise UsageError(f"--device {name}: expected auto, cpu, mps, cuda, or one card as cuda:1")
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda" if cards else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise UsageError("--device mps: torch sees no Apple GPU here; use --device cpu")
    if name.startswith("cuda") and not cards:
        raise UsageError(
            f"--device {name}: torch {torch.__version__} sees no CUDA GPU here; use --device cpu, "
            "or install a CUDA build of torch on a machine with a GPU"
        )
    if name.startswith("cuda:") and int(name[5:]) >= cards:
        raise UsageError(f"--device {name}: the cards here are cuda:0 to cuda:{cards - 1}")
    return name


def current_card(device: str) -> AbstractContextManager[None]:
    """Makes a card torch's current one inside the block; nothing for other devices."""
    return torch.cuda.device(device) if device.startswith("cuda:") else nullcontext()
