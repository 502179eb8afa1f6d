"""Real runs of a few clips, and reports made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from real_runs import make_runs
from shared import made_once
from tiny_runs import Run, without_seals

from bench.methods.registry import variants
from bench.runs.record import find_runs
from reports.page.build import Report, build_report


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory) -> Path:
    """A runs folder not to be changed."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield made_once(tmp_path_factory, "report", make_runs) / "runs"
    torch.set_num_threads(threads)


@pytest.fixture
def runs(made_runs, tmp_path) -> Path:
    """A copy of `made_runs` to spoil: as runs of a version that had no seals."""
    runs = shutil.copytree(made_runs, tmp_path / "runs")
    for path in runs.glob("*/*/*/seed*"):
        without_seals(Run(path))
    return runs


@pytest.fixture(scope="session")
def report_of():
    """Makes the report on a runs folder."""

    def make(runs: Path, title: str = "A report", skipped=()) -> Report:
        records, unreadable = find_runs(runs)
        return build_report(records, variants(), title, [*unreadable, *skipped])

    return make


@pytest.fixture(scope="session")
def made_report(made_runs, report_of) -> Report:
    """The report on `made_runs`."""
    return report_of(made_runs)
