"""Every benchmark records what its figure depends on; slow ones run where they are timed."""

import pytest
import torch


def pytest_runtest_setup(item):
    if item.get_closest_marker("slow") and not item.config.getoption("--benchmark-enable"):
        pytest.skip("long: only with --benchmark-enable")


@pytest.fixture(autouse=True)
def conditions(request):
    if "benchmark" in request.fixturenames:
        benchmark = request.getfixturevalue("benchmark")
        benchmark.extra_info["threads"] = torch.get_num_threads()
        benchmark.extra_info["torch"] = torch.__version__
