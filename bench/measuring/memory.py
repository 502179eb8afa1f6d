"""Peak memory of inference and training, measured in a separate process.

On a GPU it is torch.cuda.max_memory_allocated: all that torch's allocator handed out at once, from
the weights to the workspaces of cuDNN, without the CUDA context. On a CPU it is the peak resident
set of the process minus its resident set before the network was built, when torch was loaded and
warmed up. Both include weights, gradients, momentum, the batch and all activations.
MB = 10^6 bytes.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import bench.methods.operations  # noqa: F401 - networks that come pickled may hold a package's own
from bench.measuring.workload import Call, Workload, inference, update
from bench.system.processes import end_with
from bench.training.compute import current_card, float32_arithmetic

MEGA = 10**6
OFF = "BENCH_PEAKS"
"""Environment variable; `off` disables the measurement: figures are null, with a reason."""

RETURNED_AT_ONCE = 1 << 16
"""Block size in bytes from which glibc returns freed memory to the system at once."""

STEPS = 2
"""Updates per measurement: momentum buffers exist from the second one on."""

PATIENCE = 600
"""Timeout of a measurement in seconds."""

PROGRAM = ("-m", "bench.measuring.memory")
"""Arguments of Python that start the measuring process."""

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")
RESET_PEAK = "5"

PROBE = 64 * MEGA
"""Bytes that are touched and freed to see whether the peak can be reset. The kernel's counts are
approximate: two readings may differ by some MB."""


@dataclass(frozen=True)
class Peaks:
    """Peak memory in MB at a batch size; None where it was not measured, for the given reason."""

    infer_mb: float | None
    train_mb: float | None
    batch: int
    device: str
    threads: int
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `profile.json`."""
        record = {
            "peak_train_mb": self.train_mb,
            "peak_infer_mb": self.infer_mb,
            "peak_batch": self.batch,
            "peak_device": self.device,
            "peak_threads": self.threads,
            "peak_measured_by": _method(self.device),
        }
        return record | ({"peak_reason": self.reason} if self.reason else {})


def measure_peaks(workload: Workload, batch: int) -> Peaks:
    """Peak memory of inference and of an update at a batch size, measured in a new process.

    Networks are not compiled, since the compiler's own memory is not the network's.
    """
    threads = torch.get_num_threads()
    if os.environ.get(OFF) == "off":
        return Peaks(None, None, batch, workload.device, threads, f"{OFF}=off")
    config = workload.config
    plain = replace(config, compute=replace(config.compute, compile="off"))
    request = pickle.dumps((os.getpid(), replace(workload, config=plain), batch, threads))
    found, reason = _ask(request)
    return Peaks(
        found.get("infer_mb"), found.get("train_mb"), batch, workload.device, threads, reason
    )


def _method(device: str) -> str:
    if device.startswith("cuda"):
        return "torch.cuda.max_memory_allocated in a process of its own"
    if STATUS.exists():
        return "resident set of a process of its own"
    return "ru_maxrss of a process of its own, above its start (a lower bound)"


def _ask(request: bytes) -> tuple[dict[str, float], str | None]:
    """The figures of the measuring process, and the reason if some are missing."""
    try:
        done = subprocess.run(
            [sys.executable, *PROGRAM],
            input=request,
            env=_environment(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, f"not measured within {PATIENCE} s"
    except OSError as error:
        return {}, f"no process to measure it in: {error}"
    found: dict[str, float] = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        with suppress(ValueError, TypeError):
            found |= json.loads(line)
    if done.returncode < 0:
        return found, f"killed by signal {-done.returncode}, perhaps out of memory"
    if done.returncode > 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return found, lines[-1] if lines else f"exit code {done.returncode}"
    return found, None


def _environment() -> dict[str, str]:
    """Makes the process find the same packages and return freed memory at once (glibc)."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {
        **os.environ,
        "PYTHONPATH": path,
        "MALLOC_MMAP_THRESHOLD_": str(RETURNED_AT_ONCE),
        "MALLOC_TRIM_THRESHOLD_": str(RETURNED_AT_ONCE),
    }


def main() -> None:
    """Reads a pickled request from stdin; prints each figure at once, as a JSON object."""
    parent, workload, batch, threads = pickle.load(sys.stdin.buffer)
    end_with(parent)
    torch.set_num_threads(threads)
    gpu = workload.device.startswith("cuda")
    precise = float32_arithmetic(workload.config.compute.precision)
    with precise, current_card(workload.device):
        meter = _allocated if gpu else _resident_meter(workload)
        for name, build, times in (("infer_mb", inference, 1), ("train_mb", update, STEPS)):
            peak = meter(partial(_work, build, workload, batch, times))
            print(json.dumps({name: peak / MEGA}), flush=True)


def _work(
    build: Callable[[Workload, int], Call], workload: Workload, batch: int, times: int
) -> None:
    call = build(workload, batch)
    for _ in range(times):
        call()


def _allocated(work: Callable[[], None]) -> int:
    """Peak bytes of torch's allocator on the GPU during `work`."""
    gc.collect()
    torch.cuda.reset_peak_memory_stats()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def _resident_meter(workload: Workload) -> Callable[[Callable[[], None]], int]:
    """A function that measures by how much work raises the resident set above its present size.

    The network first runs on a small clip (a full-size one if it takes no other), so that what the
    libraries load or allocate only once is not counted. Where the system cannot reset the peak of a
    process, the result is a lower bound.
    """
    trial = workload
    if workload.resizable:
        small = tuple(min(axis, 8) for axis in workload.input_shape[1:])
        trial = replace(workload, input_shape=(workload.input_shape[0], *small))
    _work(inference, trial, 2, 1)
    _work(update, trial, 2, 1)
    _settle()
    resets = _resets()
    base = _resident() or _highest()

    def meter(work: Callable[[], None]) -> int:
        _settle()
        _reset()
        before = _highest()
        work()
        after = _highest()
        if after <= before and not resets:
            raise RuntimeError("this system does not tell the peak of a process anew")
        return max(after - base, 0)

    return meter


def _reset() -> None:
    with suppress(OSError):
        RESET.write_text(RESET_PEAK)


def _resets() -> bool:
    """Whether the system resets the peak of a process."""
    probe = torch.ones(PROBE, dtype=torch.uint8)
    high = _highest()
    del probe
    _settle()
    _reset()
    return high - _highest() > PROBE / 2


def _settle() -> None:
    """Collects garbage, and returns freed memory to the system where the C library can."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int | None:
    """Resident bytes now, None where the system does not report them."""
    return _status("VmRSS")


def _highest() -> int:
    """Peak resident bytes since the start of the process, or since the last reset."""
    import resource  # not on Windows, where this process ends, and its reason stands in the record

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status("VmHWM") or peak * (1 if sys.platform == "darwin" else 1024)


def _status(field: str) -> int | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), None)


if __name__ == "__main__":
    main()
