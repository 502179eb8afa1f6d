"""Every benchmark records what its figure depends on."""

import pytest
import torch


@pytest.fixture(autouse=True)
def conditions(request):
    if "benchmark" in request.fixturenames:
        benchmark = request.getfixturevalue("benchmark")
        benchmark.extra_info["threads"] = torch.get_num_threads()
        benchmark.extra_info["torch"] = torch.__version__
