"""What a part of the GPU command finds out, written row by row: whatever ends it, they are kept."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.system.files import write_json
from bench.system.provenance import now
from bench.system.result_files import read_result, sealed

RUNNING, DONE, FAILED = "running", "done", "failed"

LONGEST_REASON = 300
"""Characters of an error's text that are kept; CUDA's go on for pages."""

Row = dict[str, Any]
"""Heading -> value: a line of a table. `reason`: why there is no figure."""


@dataclass(frozen=True)
class Settings:
    """How the command was called. tiny: toy sizes, which any CPU does in seconds.

    out: where the records go; work: where clips and runs go; commit: of the code, where its own git
    cannot tell.
    """

    device: str
    tiny: bool
    out: Path
    work: Path
    commit: str | None = None

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a CUDA GPU."""
        return self.device.startswith("cuda")


class Recorder:
    """The record of a part in the making: a JSON file that is whole after every row.

    begun: when its time began to run, as `time.monotonic` has it in every process; None for now.
    """

    def __init__(
        self, name: str, settings: Settings, limit_s: float, begun: float | None = None
    ) -> None:
        self.path = settings.out / f"{name}.json"
        self.begun = time.monotonic() if begun is None else begun
        self.limit_s = limit_s
        self.record: dict[str, Any] = {
            "part": name,
            "status": RUNNING,
            "reason": None,
            "started": now(),
            "limit_s": round(limit_s, 1),
            "seconds": 0.0,
            "tiny": settings.tiny,
            "machine": None,
            "rows": [],
        }
        self._write()

    @property
    def left_s(self) -> float:
        """Seconds until the part is ended."""
        return self.limit_s - self.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the part began."""
        return time.monotonic() - self.begun

    @property
    def rows(self) -> Sequence[Row]:
        """What was measured so far."""
        return self.record["rows"]

    def set_machine(self, machine: Mapping[str, Any]) -> None:
        """Keeps what the part was measured on."""
        self.record["machine"] = dict(machine)
        self._write()

    def add(self, row: Row) -> None:
        """Keeps a row, and says it."""
        self.record["rows"].append(row)
        self._write()
        self.say(", ".join(f"{key} {shown(value)}" for key, value in row.items()))

    def attempt(self, about: Row, measure: Callable[[], Row]) -> bool:
        """Adds `about` with what `measure` gives, or with the reason why it gives nothing."""
        try:
            found = measure()
        except Exception as error:  # one figure less: the others do not depend on it
            found = {"reason": one_line(error)}
        self.add({**about, **found})
        return "reason" not in found

    def say(self, what: str) -> None:
        """Prints a line, with the time left."""
        left = max(self.left_s, 0)
        print(f"  {self.record['part']}: {what} ({left:.0f} s left)", file=sys.stderr, flush=True)

    def close(self, status: str, reason: str | None = None) -> None:
        """Keeps how the part ended."""
        self.record |= {"status": status, "reason": reason}
        self._write()

    def _write(self) -> None:
        self.record["seconds"] = round(self.seconds, 1)
        write_json(self.path, sealed(self.record))


@dataclass(frozen=True)
class Part:
    """One thing to find out. limit_s: seconds it may take, None for all that are left."""

    name: str
    title: str
    limit_s: float | None
    work: Callable[[Settings, Recorder], None] = field(repr=False)


def end_record(settings: Settings, name: str, reason: str) -> None:
    """Says in the record of a part why it did not end by itself; its rows stay."""
    path = settings.out / f"{name}.json"
    record = read_result(path)
    write_json(path, sealed({**record, "status": FAILED, "reason": reason}))


def machine(settings: Settings) -> dict[str, Any]:
    """Device, driver, torch, CUDA, cuDNN and commit that every figure of a part belongs to."""
    import torch

    from bench.measuring.timing import machine_record

    found = machine_record(settings.device)
    if settings.commit and not found["git_commit"]:
        found["git_commit"] = settings.commit
    if not settings.on_gpu:
        return found
    card = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        **found,
        "driver": _driver(),
        "cudnn": torch.backends.cudnn.version(),
        "gpu_memory_gb": round(card.total_memory / 1e9, 1),
        "capability": f"{card.major}.{card.minor}",
    }


def one_line(error: BaseException) -> str:
    """An error as one line of bounded length."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"


def shown(value: Any) -> str:
    """A value as tables show it: three digits, or whole where it has more."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _driver() -> str | None:
    """The version of NVIDIA's driver, where nvidia-smi tells it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout.strip() else None
