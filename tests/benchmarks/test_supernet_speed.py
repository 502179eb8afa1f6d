"""A search step, readable against fast: forward and backward for w, then for α, η and β.

Each figure carries what a forward pass keeps in memory for its backward pass, the step's time over
that of its convolutions alone (what torch calls so: depthwise kernels on few voxels are matrix
products, which do not count), and the bytes that its operations read and write a second, beside
those of a copy, and how many operations these are.
"""

import time

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from ablations import RNAS_MER, RNAS_MER_1, RNAS_MER_4
from baselines import AUTODEEPLAB_3D
from rnas.fast.supernet import FastSupernet
from rnas.supernet import Supernet
from rnas.trellis import Trellis

aten = torch.ops.aten
CLASSES = 3
MEGABYTE = 10**6
NETWORKS = {"reference": Supernet, "fast": FastSupernet}
SHARED = RNAS_MER.resized(kernels="shared")
SPACES = {"rnas_mer": RNAS_MER, "rnas_mer_1": RNAS_MER_1, "rnas_mer_4": RNAS_MER_4}
VARIANTS = [
    *((name, network, space) for name, space in SPACES.items() for network in NETWORKS),
    # Shared kernels stand beside the reference with kernels of their own, too.
    ("rnas_mer", "fast, shared kernels", SHARED),
    ("rnas_mer shared", "reference", SHARED),
    ("rnas_mer shared", "fast", SHARED),
]
IDS = [f"{group}, {evaluation}" for group, evaluation, _ in VARIANTS]
FULL = [(4, 3, 8, 32, 32), (2, 3, 16, 56, 56)]
WIDTHS = (4, 8, 16, 32)
MATRIX = 2048
GIGA = 10**9


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


class Counted(TorchDispatchMode):
    """The seconds that torch's convolutions and their gradients take; bytes read and written.

    Tensors that an operation reads, writes or returns count once each, views of them not.
    """

    convolutions = 0.0
    moved = 0
    calls = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        started = time.perf_counter()
        result = function(*args, **(kwargs or {}))
        if function in (aten.convolution.default, aten.convolution_backward.default):
            self.convolutions += time.perf_counter() - started
        if not function.is_view:
            self.calls += 1
            leaves = tree_leaves((args, kwargs, result))
            tensors = {id(leaf): leaf for leaf in leaves if isinstance(leaf, torch.Tensor)}
            self.moved += sum(tensor.nbytes for tensor in tensors.values())
        return result


def measure(benchmark, group, evaluation, space, size, rounds=3):
    torch.manual_seed(0)
    network = NETWORKS[evaluation.partition(",")[0]](space, CLASSES)
    clips, labels = torch.randn(size), torch.arange(size[0]) % CLASSES
    benchmark.group = f"search step, {group}, {' x '.join(map(str, size))}"
    gradients = benchmark.pedantic(
        step, (network, clips, labels), rounds=rounds, warmup_rounds=rounds // 2
    )
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)
    benchmark.extra_info["threads"] = torch.get_num_threads()
    if benchmark.enabled:
        with Counted() as counted:
            step(network, clips, labels)
        median = benchmark.stats.stats.median
        benchmark.extra_info["step / convolutions"] = median / counted.convolutions
        benchmark.extra_info["GB/s"] = counted.moved / median / GIGA
        benchmark.extra_info["calls"] = counted.calls
        benchmark.extra_info["kept MB"] = kept_for_backward(network, clips) / MEGABYTE


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("group", "evaluation", "space"), VARIANTS, ids=IDS)
def test_small_step(benchmark, group, evaluation, space):
    """The same on few states, one hidden node and small clips, for a quick look."""
    small = space.resized(nodes=1, outer=Trellis(3, (2, 4, 8), ("stay", "shrink")))
    measure(benchmark, group, evaluation, small, (2, 3, 4, 16, 16))


@pytest.mark.slow
@pytest.mark.parametrize("size", FULL, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize(("group", "evaluation", "space"), VARIANTS, ids=IDS)
def test_step(benchmark, size, group, evaluation, space):
    if space is RNAS_MER_4 and size != FULL[0]:
        pytest.skip("the reference with 226 M weights takes minutes a step at this size")
    measure(benchmark, group, evaluation, space, size)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_autodeeplab_step(benchmark, network):
    """The space with most states and arrows; a step of the reference takes minutes."""
    measure(benchmark, "autodeeplab_3d", network, AUTODEEPLAB_3D, (8, 3, 8, 24, 24), rounds=1)


@pytest.mark.slow
@pytest.mark.benchmark(group=f"matrix product, {MATRIX} x {MATRIX}")
def test_matrix_product(benchmark):
    """What the machine's arithmetic can do: a step cannot go beyond."""
    matrix = torch.randn(MATRIX, MATRIX)
    result = benchmark(torch.mm, matrix, matrix)
    assert result.isfinite().all()
    if benchmark.enabled:
        benchmark.extra_info["GFLOP/s"] = 2 * MATRIX**3 / benchmark.stats.stats.median / GIGA


@pytest.mark.slow
@pytest.mark.benchmark(group="copy of 256 MB")
def test_copy(benchmark):
    """What the machine's memory can do: bytes read and written a second."""
    source = torch.zeros(64 * MEGABYTE)
    target = torch.empty_like(source)
    benchmark(target.copy_, source)
    assert target.equal(source)
    if benchmark.enabled:
        benchmark.extra_info["GB/s"] = 2 * source.nbytes / benchmark.stats.stats.median / GIGA


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kernels", ["per_op", "shared"])
@pytest.mark.benchmark(group="search step of rnas_mer by width F, 2 x 3 x 8 x 32 x 32")
def test_width(benchmark, kernels, width):
    """Where convolutions bound the step: their FLOPs a second beside those of a matrix product."""
    torch.manual_seed(0)
    network = FastSupernet(RNAS_MER.resized(kernels=kernels, channels=width), CLASSES)
    clips, labels = torch.randn(2, 3, 8, 32, 32), torch.arange(2)
    benchmark.pedantic(step, (network, clips, labels), rounds=3, warmup_rounds=1)
    with Counted() as counted:
        step(network, clips, labels)
    with FlopCounterMode(display=False) as counter:
        step(network, clips, labels)
    median = benchmark.stats.stats.median
    benchmark.extra_info["step / convolutions"] = median / counted.convolutions
    benchmark.extra_info["GFLOP/s"] = counter.get_total_flops() / median / GIGA
