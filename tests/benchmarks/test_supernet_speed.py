"""A search step, readable against fast: forward and backward for w, then for α, η and β.

Each figure carries what the step keeps in memory for its backward pass, and the step's time over
that of its convolutions alone (those that torch calls convolutions, by its profiler).
"""

import pytest
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from ablations import RNAS_MER, RNAS_MER_1, RNAS_MER_4
from rnas.fast import FastSupernet
from rnas.supernet import Supernet

CLASSES = 3
MEGABYTE = 10**6
CONVOLUTIONS = (
    "aten::mkldnn_convolution",
    "aten::slow_conv3d_forward",
    "aten::slow_conv_dilated3d",
    "aten::convolution_backward",
)
NETWORKS = {"reference": Supernet, "fast": FastSupernet}
SHARED = RNAS_MER.resized(kernels="shared")
SPACES = {"rnas_mer": RNAS_MER, "rnas_mer_1": RNAS_MER_1, "rnas_mer_4": RNAS_MER_4}
VARIANTS = [
    *((name, network, space) for name, space in SPACES.items() for network in NETWORKS),
    # Shared kernels stand beside the reference with kernels of their own, too.
    ("rnas_mer", "fast, shared kernels", SHARED),
    ("rnas_mer, shared kernels", "reference", SHARED),
    ("rnas_mer, shared kernels", "fast", SHARED),
]
FULL = [(4, 3, 8, 32, 32), (2, 3, 16, 56, 56)]


def step(network, clips, labels):
    """Gradients for w and for the architecture, each of its own forward pass, as a search does."""
    gradients = []
    for parameters in (network.weight_parameters(), network.architecture_parameters()):
        loss = F.cross_entropy(network(clips), labels)
        gradients += torch.autograd.grad(loss, parameters, allow_unused=True)
    return gradients


def kept_for_backward(network, clips):
    """Bytes of all tensors that a forward pass leaves for its backward pass, less the weights."""
    storages = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = network(clips)
    assert logits.requires_grad
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    return sum(size for pointer, size in storages.items() if pointer not in weights)


def over_convolutions(network, clips, labels):
    """Time of a step over that of its convolutions."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step(network, clips, labels)
    spent = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    return sum(spent.values()) / sum(spent.get(name, 0.0) for name in CONVOLUTIONS)


def measure(benchmark, group, evaluation, space, size, rounds):
    torch.manual_seed(0)
    network = NETWORKS[evaluation.partition(",")[0]](space, CLASSES)
    clips, labels = torch.randn(size), torch.arange(size[0]) % CLASSES
    benchmark.group = f"search step, {group}, {' x '.join(map(str, size))}"
    gradients = benchmark.pedantic(step, (network, clips, labels), rounds=rounds, warmup_rounds=1)
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)
    if benchmark.enabled:
        benchmark.extra_info["step / convolutions"] = over_convolutions(network, clips, labels)
        benchmark.extra_info["kept MB"] = kept_for_backward(network, clips) / MEGABYTE


@pytest.mark.parametrize(("group", "evaluation", "space"), VARIANTS, ids=lambda v: str(v)[:30])
def test_small_step(benchmark, group, evaluation, space):
    measure(benchmark, group, evaluation, space.resized(nodes=1), (2, 3, 2, 16, 16), rounds=3)


@pytest.mark.slow
@pytest.mark.parametrize("size", FULL, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize(("group", "evaluation", "space"), VARIANTS, ids=lambda v: str(v)[:30])
def test_step(benchmark, size, group, evaluation, space):
    if not benchmark.enabled:
        pytest.skip("minutes long: only with --benchmark-enable")
    measure(benchmark, group, evaluation, space, size, rounds=3)
