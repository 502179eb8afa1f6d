"""Time of inference, of a training step and of a search step: median and interquartile range.

Only the call itself is timed: on a CPU by time.perf_counter, on a GPU by CUDA events before and
after it. The clips are on the device, the network is warmed up, and Python's garbage collector is
disabled.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from bench.measuring.memory import MEGA
from bench.measuring.networks import INFERENCE, Target
from bench.measuring.workload import Call, Workload, inference, update
from bench.system.provenance import provenance
from bench.training.compute import float32_arithmetic

QUARTILES = (0.25, 0.5, 0.75)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Conditions:
    """How a table was measured; `shared`: whether other work was allowed at the same time."""

    device: str
    warmup: int
    repeats: int
    shared: bool = False


@dataclass(frozen=True)
class Spread:
    """Quartiles of repeated measurements, in ms."""

    q1_ms: float
    median_ms: float
    q3_ms: float

    @property
    def iqr_ms(self) -> float:
        """Interquartile range."""
        return self.q3_ms - self.q1_ms


@dataclass(frozen=True)
class Timing:
    """A row: what was timed, under which conditions, how long it took.

    clip: (C, T, H, W); clips_per_s: batch size divided by the median; peak_mb: peak memory of
    torch's allocator on the GPU meanwhile, None on a CPU.
    """

    variant: str
    network: str
    origin: str
    what: str
    batch: int
    clip: tuple[int, ...]
    precision: str
    memory_format: str
    compiled: str
    median_ms: float
    iqr_ms: float
    q1_ms: float
    q3_ms: float
    clips_per_s: float
    warmup: int
    repeats: int
    peak_mb: float | None
    machine: str
    marks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields, as in `bench time --format json`."""
        return asdict(self)


@dataclass(frozen=True)
class Timings:
    """A table: the machine it was measured on, and its rows."""

    machine: dict[str, Any]
    rows: tuple[Timing, ...]

    def to_dict(self) -> dict[str, Any]:
        """As in `bench time --format json`."""
        return {"machine": self.machine, "rows": [row.to_dict() for row in self.rows]}


def time_targets(
    targets: Sequence[Target],
    batches: Sequence[int],
    conditions: Conditions,
    progress: Progress,
) -> Timings:
    """Times inference at every batch size and a training step; of supernets, a search step."""
    planned = [(t, name, size, make) for t in targets for name, size, make in _plan(t, batches)]
    rows = []
    for target, name, size, make in planned:
        with float32_arithmetic(target.compute.precision):
            rows.append(_row(target, name, size, make, conditions))
        progress("measurements", len(rows), len(planned))
    return Timings(machine_record(conditions.device), tuple(rows))


def machine_record(device: str) -> dict[str, Any]:
    """Device, machine and versions, without which times mean nothing."""
    here = provenance(device)
    kept = ("device", "gpu", "cpu", "threads", "platform", "python", "git_commit", "git_dirty")
    return {
        **{key: here[key] for key in kept},
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.startswith("cuda") else None,
        "version": here["packages"]["rnas-mer-bench"],
    }


def measure(call: Call, device: str, warmup: int, repeats: int) -> Spread:
    """Times a call `repeats` times after `warmup` calls that are not timed."""
    for _ in range(warmup):
        call()
    with _without_garbage_collection():
        timed = _cuda_times if device.startswith("cuda") else _cpu_times
        times = torch.tensor(timed(call, repeats), dtype=torch.float64)
    return Spread(*times.quantile(torch.tensor(QUARTILES, dtype=torch.float64)).tolist())


def _plan(
    target: Target, batches: Sequence[int]
) -> Iterator[tuple[str, int, Callable[[Workload, int], Call]]]:
    for what, size in target.timed(batches):
        yield what, size, inference if what == INFERENCE else update


def _row(
    target: Target,
    what: str,
    size: int,
    make: Callable[[Workload, int], Call],
    conditions: Conditions,
) -> Timing:
    workload, compute = target.workloads(conditions.device)[0], target.compute
    gpu = conditions.device.startswith("cuda")
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    spread = measure(make(workload, size), conditions.device, conditions.warmup, conditions.repeats)
    return Timing(
        variant=target.variant,
        network=target.network_name,
        origin=_origin(target),
        what=what,
        batch=size,
        clip=target.input_shape,
        precision=compute.precision,
        memory_format=_memory_format(target),
        compiled=compute.compile,
        median_ms=spread.median_ms,
        iqr_ms=spread.iqr_ms,
        q1_ms=spread.q1_ms,
        q3_ms=spread.q3_ms,
        clips_per_s=1000 * size / spread.median_ms,
        warmup=conditions.warmup,
        repeats=conditions.repeats,
        peak_mb=torch.cuda.max_memory_allocated() / MEGA if gpu else None,
        machine="shared with other work" if conditions.shared else "alone",
        marks=target.marks,
    )


def _memory_format(target: Target) -> str:
    if not target.compute.channels_last:
        return "contiguous"
    return "channels_last_3d" if len(target.input_shape) == 4 else "channels_last"


def _origin(target: Target) -> str:
    networks = len(target.genotypes)
    return f"{target.origin}, first of {networks} networks" if networks > 1 else target.origin


def _cpu_times(call: Call, repeats: int) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return times


def _cuda_times(call: Call, repeats: int) -> list[float]:
    """Milliseconds of each call by the GPU's clock: between events before and after it."""
    pairs = [
        (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True))
        for _ in range(repeats)
    ]
    torch.cuda.synchronize()
    for start, end in pairs:
        start.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in pairs]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disables Python's garbage collector inside the block."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
