"""How a call is timed on a GPU: warm, synchronised, alone or as a CUDA graph."""

from __future__ import annotations

import gc

import torch

from bench.measuring.memory import MEGA
from bench.measuring.timing import Spread, measure
from bench.measuring.workload import Call
from bench.training.compute import float32_arithmetic

WARM_UP = 3
"""Calls before a capture, on a stream of their own, as torch asks for: libraries choose their
kernels, and optimisers make their state."""

MOST_REPEATS, LEAST_REPEATS = 30, 3
TERA = 10**12


def on_gpu(device: str) -> bool:
    """Whether a torch device is a CUDA GPU."""
    return device.startswith("cuda")


def captured(call: Call, device: str) -> Call:
    """The call as a CUDA graph, on the tensors that it works on now; on a CPU the call itself.

    The call is made WARM_UP times first. It may neither wait for the device nor copy from pageable
    memory; RuntimeError where it does.
    """
    if not on_gpu(device):
        return call
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            call()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def timed(call: Call, device: str, seconds: float) -> Spread:
    """The call's time, repeated for about so many seconds after one call that does not count."""
    once = measure(call, device, warmup=1, repeats=1).median_ms / 1000
    repeats = round(seconds / once) if once else MOST_REPEATS
    return measure(call, device, 0, min(max(repeats, LEAST_REPEATS), MOST_REPEATS))


def forget_peaks(device: str) -> None:
    """Frees what nobody holds, and begins to watch the memory anew."""
    gc.collect()
    if on_gpu(device):
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_mb(device: str) -> float | None:
    """The most that torch's allocator handed out at once on the GPU since `forget_peaks`."""
    return torch.cuda.max_memory_allocated() / MEGA if on_gpu(device) else None


def product_flops(device: str, precision: str, size: int, seconds: float) -> float:
    """Operations a second of a square matrix product: what the card's arithmetic allows."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    matrix = torch.randn(size, size, device=device).to(kind)
    result = torch.empty_like(matrix)
    with float32_arithmetic(precision):
        spread = timed(lambda: torch.mm(matrix, matrix, out=result), device, seconds)
    return 2 * size**3 / (spread.median_ms / 1000)
