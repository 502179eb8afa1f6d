"""`docs/performance.md`: `python -m reports.docs.performance benchmarks.json ...`.

`make benchmarks` writes such a file. Ratios compare with the reference of the same group and run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.system.files import read_json, write_text
from reports.docs.tables import table
from reports.gpu.page import PAGE, RESULTS, gpu_section, read_records

REFERENCE = "reference"
"""The benchmark with this word in its name is the baseline of its group."""

EXPLAINED = """
Median and interquartile range of the rounds. "Speed-up" is the median of the group's reference over
this one's, measured in the same run; `-` where the group has no reference. A search step is forward
and backward for w, then for α, η and β. "step / convolutions" is its time over that of its
convolutions alone: where it comes near 1, the step is bound by their arithmetic (FLOPs) and no
evaluation of the same convolutions could be faster. "kept MB" is what a forward pass leaves in
memory for its backward pass. "GFLOP/s" beside that of the matrix product says how near a step comes
to what the machine's arithmetic allows, "GB/s" beside that of a copy how near to its memory: what
lies in a cache can be read faster than that. Where all three are far from their bounds, the step is
bound by its number of operations ("calls"): each costs some microseconds whatever its size.
""".strip()

SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def performance_page(*files: dict[str, Any]) -> str:
    """The text of docs/performance.md from files of pytest-benchmark.

    Raises DataError where one is no such file.
    """
    try:
        benchmarks = [entry for measured in files for entry in measured["benchmarks"]]
        groups = list(dict.fromkeys(_group(entry) for entry in benchmarks))
        tables = [
            f"## {group}\n\n{_table([e for e in benchmarks if _group(e) == group])}"
            for group in groups
        ]
        conditions = " ".join(dict.fromkeys(map(_conditions, files)))
    except (KeyError, TypeError) as error:
        raise DataError(
            f"this is no benchmark file of pytest-benchmark ({error!r} is missing); make one with "
            "`make benchmarks`"
        ) from None
    return (
        "\n\n".join(
            [
                "# Performance",
                "This page says how long search steps, decoding and training take.",
                conditions,
                EXPLAINED,
                *tables,
                gpu_section(read_records(RESULTS)),
                "Written by `make benchmarks` and "
                "`python -m reports.docs.performance benchmarks.json`.",
            ]
        )
        + "\n"
    )


def _conditions(measured: dict[str, Any]) -> str:
    machine, extra = measured["machine_info"], measured["benchmarks"][0]["extra_info"]
    counts = sorted({entry["extra_info"]["threads"] for entry in measured["benchmarks"]})
    threads = " or ".join(map(str, counts))
    return (
        f"Measured {measured['datetime'][:10]} on {machine['cpu']['brand_raw']}, "
        f"{threads} threads of {machine['cpu']['count']} cores, torch {extra['torch']}, "
        f"Python {machine['python_version']}, float32."
    )


def _group(entry: dict[str, Any]) -> str:
    return entry["group"] or "one by one"


def _table(entries: Sequence[dict[str, Any]]) -> str:
    references = [e["stats"]["median"] for e in entries if REFERENCE in e["name"]]
    reference = references[0] if len(references) == 1 else None
    details = list(dict.fromkeys(key for e in entries for key in _details(e)))
    rows = [
        [
            f"`{entry['name']}`",
            _seconds(entry["stats"]["median"]),
            _seconds(entry["stats"]["iqr"]) if entry["stats"]["rounds"] > 1 else "",
            f"{reference / entry['stats']['median']:.2f}" if reference else "-",
            *(_shown(entry["extra_info"].get(key)) for key in details),
        ]
        for entry in entries
    ]
    return table(["benchmark", "median", "IQR", "speed-up", *details], rows)


def _details(entry: dict[str, Any]) -> Iterator[str]:
    return (key for key in entry["extra_info"] if key not in ("threads", "torch"))


def _seconds(value: float) -> str:
    scale, unit = next((s for s in SCALES if value >= s[0]), SCALES[-1])
    return f"{value / scale:.3g} {unit}"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


if __name__ == "__main__":
    write_text(PAGE, performance_page(*(read_json(Path(name)) for name in sys.argv[1:])))
