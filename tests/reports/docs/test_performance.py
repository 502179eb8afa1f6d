"""The performance page: units, speed-ups within a group, and a clear error for other files."""

import pytest

from bench.errors import DataError
from reports.docs.performance import performance_page


def entry(name, group, median, **extra):
    info = {"threads": 2, "torch": "2.13.0", **extra}
    return {
        "name": name,
        "group": group,
        "stats": {"median": median, "iqr": median / 10, "rounds": 3},
        "extra_info": info,
    }


def measured(*entries):
    machine = {"cpu": {"brand_raw": "Some CPU", "count": 4}, "python_version": "3.11.7"}
    return {"machine_info": machine, "datetime": "2026-11-23T10:00:00", "benchmarks": entries}


def rows(page):
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_speed_up_is_over_the_reference_of_the_same_group():
    page = performance_page(
        measured(
            entry("step[reference]", "step", 3.0),
            entry("step[fast]", "step", 0.5, kept=12.345),
            entry("decode", None, 4e-5),
        )
    )
    assert "2 threads of 4 cores, torch 2.13.0" in page
    assert rows(page) == [
        ["`step[reference]`", "3 s", "300 ms", "1.00", ""],
        ["`step[fast]`", "500 ms", "50 ms", "6.00", "12.3"],
        ["`decode`", "40 µs", "4 µs", "-"],
    ]


@pytest.mark.parametrize("content", [{}, [], {"machine_info": {}, "benchmarks": [{}]}])
def test_another_file_is_refused(content):
    with pytest.raises(DataError, match="no benchmark file"):
        performance_page(content)
