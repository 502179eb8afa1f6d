"""Where a result comes from: code, packages, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "rnas-mer-bench",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "pillow",
    "av",
    "fvcore",
    "ptflops",
)
"""Packages whose version may change a number: clips and flows as well as networks and scores."""


def provenance(device: str) -> dict[str, Any]:
    """Commit, versions, machine and command line of this process, working on a torch device."""
    import torch

    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": _dirty(),
        "packages": {name: installed_version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": processor(),
        "threads": torch.get_num_threads(),
        "device": device,
        "gpu": _gpu(device),
        "argv": sys.argv[1:],
    }


def machine(device: str, threads: int) -> dict[str, Any]:
    """Where a unit was done: host, processor, torch device, GPU, and threads of torch."""
    return {
        "host": host(),
        "cpu": processor(),
        "device": device,
        "gpu": _gpu(device),
        "threads": threads,
    }


def host() -> str:
    """The name of this machine."""
    return platform.node() or "here"


def _gpu(device: str) -> str | None:
    """The card of a torch device; None where it is none, or stands on another machine."""
    import torch

    if not device.startswith("cuda") or not torch.cuda.is_available():
        return None
    if int(device[len("cuda:") :] or 0) >= torch.cuda.device_count():
        return None
    return torch.cuda.get_device_name(device)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(*arguments: str) -> str | None:
    """Output of git in the harness's own checkout, None where it is installed without one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # installed: a repository further up is another project's
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _dirty() -> bool | None:
    status = _git("status", "--porcelain")
    return None if status is None else bool(status)


@cache
def installed_version(name: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def processor() -> str:
    """The processor's model name, or the closest description that the system gives."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or f"{os.cpu_count()} cores"
