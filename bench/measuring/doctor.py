"""What is installed and found on this machine, and what is missing for which command.

The checks are independent: one that fails is reported, and the others are made all the same.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from bench.data.disk.tree import Tree
from bench.data.inspect.check import check_report
from bench.data.sets.base import SingleSet
from bench.data.sets.catalogue import DATASETS, load_clips
from bench.errors import BenchError, DataError, printable
from bench.system.files import default_cache
from bench.system.processes import usable_cores
from bench.system.provenance import installed_version, processor

OK, MISSING, NOTE = "ok", "missing", "note"
DISTRIBUTION = "rnas-mer-bench"
OLDEST_PYTHON = (3, 11)
GIGA = 10**9

LITTLE_MEMORY, LITTLE_DISK = 2 * GIGA, 2 * GIGA
"""Free bytes below which a finding is a note."""

FEW_CORES = 4
"""With at most so many cores, a second thread slows small clips down beside any other work."""

TOOLS = {
    "git": ("git",),
    "pdflatex": ("pdflatex",),
    "headless Chromium": ("chromium", "chromedriver"),
}
TOOL_USES = {
    "git": "run.json then names the commit of the code",
    "pdflatex": "only to typeset `bench tables --format latex` "
    "(Debian: apt install texlive-latex-recommended)",
    "headless Chromium": "only for the browser tests (Debian: apt install chromium-driver)",
}


@dataclass(frozen=True)
class Finding:
    """One line of the report: `state` is ok, missing or note; `advice` says what to do.

    required: whether every `bench run` needs it, so that it is a failure if it is missing.
    """

    topic: str
    name: str
    state: str
    found: str
    advice: str = ""
    required: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The fields, as in `bench doctor --format json`."""
        return asdict(self)


@dataclass(frozen=True)
class Need:
    """A command, the findings that it needs, and what to do if it lacks data or a GPU."""

    command: str
    names: tuple[str, ...] = field(default=())
    otherwise: str = ""


def examine(data_root: Path | None, runs: Path) -> list[Finding]:
    """All findings on this machine; takes seconds."""
    findings = [
        *_python(),
        *_packages(),
        *_torch(),
        *_machine(),
        _folder("runs folder", runs, "--runs"),
        _folder("cache folder", default_cache(), "BENCH_CACHE"),
        *_data(data_root),
        _surrogates(default_cache()),
        *map(_tool, TOOLS),
    ]
    return [*findings, *_commands({finding.name: finding for finding in findings})]


def broken(findings: Sequence[Finding]) -> bool:
    """Whether something is missing that every run needs."""
    return any(finding.required and finding.state == MISSING for finding in findings)


# Software


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    state = OK if sys.version_info >= OLDEST_PYTHON else MISSING
    advice = "" if state == OK else f"use Python {oldest} or newer"
    yield Finding("software", "Python", state, f"{found}, {sys.executable}", advice, required=True)


def _packages() -> Iterator[Finding]:
    """A finding for every package that the harness declares."""
    try:
        declared = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        advice = "install the harness: pip install --editable ."
        yield Finding("software", DISTRIBUTION, MISSING, "not installed", advice)
        return
    yield Finding("software", DISTRIBUTION, OK, str(installed_version(DISTRIBUTION)))
    by_name: dict[str, Finding] = {}
    for line in declared:
        finding = package_finding(line)
        by_name.setdefault(finding.name, finding)  # two extras may declare the same package
    yield from by_name.values()


def package_finding(line: str) -> Finding:
    """The finding on a line such as `monai>=1.4; extra == "peers"`."""
    name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
    least = match[1] if (match := re.search(r">=\s*([0-9][^,;\s]*)", line)) else "0"
    extra = match[1] if (match := re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)) else ""
    version = installed_version(name)
    install = f"pip install '{name}>={least}'"
    purpose = f" (extra {extra!r}, not needed to run)" if extra else ""
    if version is None:
        found = f"not installed{purpose}"
    elif release(version) < release(least):
        found = f"{version}, older than {least}{purpose}"
    else:
        return Finding("software", name, OK, version)
    return Finding("software", name, MISSING, found, install, required=not extra)


def release(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` -> (2, 13, 0): the release segment of a version."""
    numbers = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def _torch() -> Iterator[Finding]:
    """Whether torch can be imported, what it computes with, and whether it sees a GPU."""
    try:
        import torch
    except Exception as error:  # a broken library may raise anything; the others are still checked
        what = " ".join(f"{type(error).__name__}: {error}".split())
        advice = "install torch anew (pip install --force-reinstall torch)"
        yield Finding("software", "import torch", MISSING, what, advice, required=True)
        yield threads_finding(None, usable_cores(), os.getloadavg()[0])
        yield Finding("machine", "GPU", MISSING, "not known without torch", "see: import torch")
        return
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    yield Finding("software", "import torch", OK, f"built with {built}", required=True)
    yield threads_finding(torch.get_num_threads(), usable_cores(), os.getloadavg()[0])
    yield _gpu(torch)


# Machine


def threads_finding(threads: int | None, cores: int, load: float) -> Finding:
    """The finding on torch's threads (None: unknown), given the usable cores and the load."""
    named = os.environ.get("OMP_NUM_THREADS")
    setting = f"OMP_NUM_THREADS={named}" if named else "OMP_NUM_THREADS not set"
    found = f"{threads if threads is not None else 'unknown'} of {cores} cores, {setting}"
    if threads is None or threads == 1 or cores > FEW_CORES:
        return Finding("machine", "threads", OK, found)
    busy = f", and the load is {load:.1f} now" if load > cores - threads + 0.5 else ""
    advice = (
        f"small clips gain little from a second thread and lose much beside other work{busy}: "
        "export OMP_NUM_THREADS=1"
    )
    return Finding("machine", "threads", NOTE, found, advice)


def _gpu(torch: Any) -> Finding:
    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(0)
        count = torch.cuda.device_count()
        more = f", {count} of them, the first is used" if count > 1 else ""
        found = (
            f"{device.name}, {device.total_memory / GIGA:.0f} GB, CUDA {torch.version.cuda}{more}"
        )
        return Finding("machine", "GPU", OK, found)
    if shutil.which("nvidia-smi"):
        found = f"torch {torch.__version__} sees none, but nvidia-smi is here"
        advice = "install a CUDA build of torch that fits the driver (https://pytorch.org)"
    else:
        found = "none"
        advice = "`--preset paper` needs one in practice; smoke and small run without"
    return Finding("machine", "GPU", MISSING, found, advice)


def _machine() -> Iterator[Finding]:
    yield Finding("machine", "processor", OK, f"{processor()}, {usable_cores()} cores usable")
    total, available = _memory()
    found = f"{available / GIGA:.1f} of {total / GIGA:.1f} GB free"
    if available >= LITTLE_MEMORY:
        yield Finding("machine", "memory", OK, found)
    else:
        advice = "close other programs, or take a smaller train.batch and search.batch"
        yield Finding("machine", "memory", NOTE, found, advice)


def _memory() -> tuple[int, int]:
    """Total and free bytes, within the limit of a container where there is one."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = free = page * os.sysconf("SC_PHYS_PAGES")
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = {name: value.split()[0] for name, value in (x.split(":") for x in lines)}
        free = int(kilobytes["MemAvailable"]) * 1024
    except (OSError, KeyError, ValueError):
        pass  # not Linux: the free memory is unknown, and all counts as free
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        total, free = min(total, limit), min(free, limit - used)
    except (OSError, ValueError):
        pass  # no container, or no limit ("max")
    return total, free


# Folders


def _folder(name: str, folder: Path, option: str) -> Finding:
    """Whether a file can be written in a folder, and how much space is left."""
    place = folder.expanduser().absolute()
    try:
        existing = next(each for each in (place, *place.parents) if each.exists())
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        found = f"{place} cannot be written ({error.strerror or error})"
        advice = f"name another folder with {option}"
        return Finding("folders", name, MISSING, found, advice, required=True)
    new = "" if place.exists() else ", not there yet"
    found = f"{place}{new}, {free / GIGA:.1f} GB free"
    if free >= LITTLE_DISK:
        return Finding("folders", name, OK, found, required=True)
    advice = f"free some space, or name another folder with {option}"
    return Finding("folders", name, NOTE, found, advice, required=True)


# Data


def _data(root: Path | None) -> Iterator[Finding]:
    single = [dataset for dataset in DATASETS.values() if isinstance(dataset, SingleSet)]
    if root is None:
        advice = "name the folder of the licensed sets with --data-root or BENCH_DATA"
        yield Finding("data", "data root", MISSING, "none given", advice)
        tree = None
    else:
        try:
            tree = Tree.at(root)
            yield Finding("data", "data root", OK, printable(tree.root))
        except DataError as error:
            yield Finding("data", "data root", MISSING, printable(root), str(error))
            tree = None
    for dataset in single:
        yield _dataset(dataset, tree)


def _dataset(dataset: SingleSet, tree: Tree | None) -> Finding:
    """Clips found compared with the challenge's: `bench data check` in one line."""
    name = f"data set {dataset.name}"
    if tree is None:
        return Finding("data", name, MISSING, "no data root", dataset.how_to_get)
    try:
        home = dataset.find_home(tree)
        report = check_report(load_clips(dataset.name, tree.root))
    except (BenchError, ImportError, OSError) as error:
        return Finding("data", name, MISSING, " ".join(str(error).split()), dataset.how_to_get)
    listed = report["expected"] or {}
    of = {key: f" of {count}" for key, count in listed.items()}
    counts = (f"{report[key]}{of.get(key, '')} {key}" for key in ("clips", "subjects"))
    found = f"{', '.join(counts)} in {printable(home)}"
    if report["complete"]:
        return Finding("data", name, OK, found)
    problems = len(report["problems"])
    advice = (
        f"{problems} problem(s): bench data check --dataset {dataset.name} --data-root {tree.root}"
    )
    return Finding("data", name, NOTE, found, advice)


def _surrogates(cache: Path) -> Finding:
    """Generated clips that exist already; others are made on demand."""
    folder = cache / "surrogate"
    try:
        names = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    except OSError:
        names = []
    found = ", ".join(names) or "none yet"
    advice = "" if names else "made on demand by `bench run --surrogate`"
    return Finding("data", "surrogate clips", OK if names else NOTE, found, advice)


# Tools and commands


def _tool(name: str) -> Finding:
    found = {program: shutil.which(program) for program in TOOLS[name]}
    missing = [program for program, path in found.items() if path is None]
    if not missing:
        return Finding("tools", name, OK, ", ".join(map(str, found.values())))
    return Finding("tools", name, NOTE, f"no {' and no '.join(missing)}", TOOL_USES[name])


RUNNING = ("Python", "torch", "import torch", "numpy", "scipy", "scikit-learn", "pillow")
READING = ("Python", "numpy", "pandas", "tabulate")
DRAWING = ("matplotlib", "networkx")
COUNTING = ("fvcore", "ptflops")
WRITING = ("runs folder", "cache folder")

LICENSED = "needs --data-root, or --surrogate for generated clips"
PARTS = tuple(f"data set {name}" for name in ("smic", "casme2", "samm"))

NEEDS = (
    Need("bench run --surrogate", (*RUNNING, *COUNTING, *WRITING)),
    Need("bench run --dataset smic", (*RUNNING, *COUNTING, *WRITING, PARTS[0]), LICENSED),
    Need(
        "bench run --dataset casme2",
        (*RUNNING, *COUNTING, *WRITING, "openpyxl", PARTS[1]),
        LICENSED,
    ),
    Need(
        "bench run --dataset samm", (*RUNNING, *COUNTING, *WRITING, "openpyxl", PARTS[2]), LICENSED
    ),
    Need(
        "bench run --dataset composite",
        (*RUNNING, *COUNTING, *WRITING, "openpyxl", *PARTS),
        LICENSED,
    ),
    Need("bench run --device cuda", (*RUNNING, "GPU"), "use --device cpu"),
    Need("bench profile", (*RUNNING, *COUNTING)),
    Need("bench time", RUNNING),
    Need("bench tables", READING),
    Need("bench figures", (*READING, *DRAWING)),
    Need("bench report", (*READING, *DRAWING, "jinja2")),
    Need("bench audit", ("Python", "numpy", "tabulate")),
)


def _commands(findings: Mapping[str, Finding]) -> Iterator[Finding]:
    """Per command what it lacks. A name without a finding does not count as missing."""
    for need in NEEDS:
        lacking = [n for n in need.names if n in findings and findings[n].state == MISSING]
        if not lacking:
            yield Finding("commands", need.command, OK, "ready")
            continue
        data = need.otherwise if any(_is_choice(name) for name in lacking) else ""
        named = [name for name in lacking if not (data and name.startswith("data set "))]
        advice = "; ".join((*([data] if data else []), *(f"see {name}" for name in named)))
        yield Finding("commands", need.command, MISSING, f"lacks {', '.join(lacking)}", advice)


def _is_choice(name: str) -> bool:
    """Whether the command has another option that does not need it."""
    return name == "GPU" or name.startswith("data set ")
