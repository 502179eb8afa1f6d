"""A search step, readable against fast: forward and backward for w, then for α, η and β.

Figures only: nothing is asserted about time. `make benchmarks` runs the sizes of the table in
`docs/performance.md`; plain pytest runs every step once, on a small size.
"""

import pytest
import torch
import torch.nn.functional as F

from ablations import RNAS_MER, RNAS_MER_1, RNAS_MER_4
from rnas.fast import FastSupernet
from rnas.supernet import Supernet

CLASSES = 3
SPACES = {
    "rnas_mer": RNAS_MER,
    "rnas_mer, shared kernels": RNAS_MER.resized(kernels="shared"),
    "rnas_mer_1": RNAS_MER_1,
    "rnas_mer_4": RNAS_MER_4.resized(channels=4),
}
EVALUATIONS = {"reference": Supernet, "fast": FastSupernet}
SIZES = [(4, 3, 8, 32, 32), (2, 3, 16, 56, 56)]
SMALL = (2, 3, 2, 8, 8)


def step(network, clips, labels):
    """Gradients for w and for the architecture, each of its own forward pass, as a search does."""
    gradients = []
    for parameters in (network.weight_parameters(), network.architecture_parameters()):
        loss = F.cross_entropy(network(clips), labels)
        gradients += torch.autograd.grad(loss, parameters, allow_unused=True)
    return gradients


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_step(benchmark, size, name, evaluation):
    if not benchmark.enabled:
        if size is not SIZES[0]:
            pytest.skip("the larger size: only with --benchmark-enable")
        size = SMALL
    torch.manual_seed(0)
    space = SPACES[name] if benchmark.enabled else SPACES[name].resized(nodes=1)
    network = EVALUATIONS[evaluation](space, CLASSES)
    clips, labels = torch.randn(size), torch.arange(size[0]) % CLASSES
    benchmark.group = f"search step, {name}, {'x'.join(map(str, size))}"
    benchmark.extra_info.update(
        evaluation=evaluation,
        space=name,
        size=size,
        threads=torch.get_num_threads(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    gradients = benchmark.pedantic(
        step, (network, clips, labels), rounds=3, iterations=1, warmup_rounds=1
    )
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)
