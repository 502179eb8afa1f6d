"""The fast supernet against the readable one: the same numbers, by another way."""

import copy
from types import MappingProxyType

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from method_cases import CLIMBING, MICRO, SMALL_TRELLISES, SPACES, batch, shallow, tiny
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rnas import operations
from rnas.convolution import reachable
from rnas.errors import MethodError
from rnas.fast.convolutions import convolve, pointwise
from rnas.fast.mix import mix
from rnas.fast.supernet import FastSupernet
from rnas.operations import DERIVED_NORM, SEARCH_NORM, Norm, Operation, convolution
from rnas.search import Searcher, SearchSettings
from rnas.space import (
    ATTENTION_FORMS,
    DARTS_OPERATIONS,
    DILATED,
    HYBRID_OPERATIONS,
    KERNELS,
    REDUCTIONS,
    SearchSpace,
)
from rnas.supernet import Supernet
from rnas.trellis import Trellis

TOLERANCE = 1e-10
SINGLETONS = ("single_seq_3", "single_par_3", "single_seq_5", "single_par_5")
ALL_OPERATIONS = (*HYBRID_OPERATIONS, *DARTS_OPERATIONS, *SINGLETONS)
TWINS = Trellis(2, (2, 4), ("stay", "shrink"))


def pair(space, **options):
    """Reference and fast supernet in float64 with the same parameters; α, η, β far apart."""
    reference = Supernet(space, 3, **options).double()
    with torch.no_grad():
        for parameter in reference.architecture_parameters():
            parameter.normal_()
    fast = FastSupernet(space, 3, **options).double()
    fast.load_state_dict(reference.state_dict())
    return reference, fast


def gradients(network, clips, probe):
    """Logits, and the gradients of a random sum of them by clips and by every parameter."""
    clips = clips.double().requires_grad_()
    logits = network(clips)
    named = {"clips": clips, **dict(network.named_parameters())}
    found = torch.autograd.grad((logits * probe).sum(), list(named.values()), allow_unused=True)
    return logits, dict(zip(named, found, strict=True))


def rounding(network, clips, probe, expected):
    """By how much gradients move, at most, where the clips differ by a few units in the last place.

    Next to nothing, but for channels that are constant, as one that ReLU silences for good is: each
    batch norm that one passes multiplies what rounding leaves of its gradient by 1/√eps = 316.
    """
    largest = dict.fromkeys(expected, 0.0)
    for _ in range(4):
        _, moved = gradients(network, clips * (1 + 2**-49 * torch.randn_like(clips)), probe)
        for name, gradient in expected.items():
            if gradient is not None:
                change = float((moved[name] - gradient).abs().max())
                largest[name] = max(largest[name], change)
    return largest


def far(found, expected, allowed=0.0):
    """The elements that differ by more than TOLERANCE and so much of what is allowed."""
    return (found - expected).abs() > TOLERANCE * (1 + expected.abs()) + allowed


def assert_same(space, shape=(2, 3, 3, 10, 8), **options):
    reference, fast = pair(space, **options)
    clips = batch(*shape)[0].double()
    probe = torch.randn(shape[0], 3, dtype=torch.float64)
    logits, expected = gradients(reference, clips, probe)
    fast_logits, found = gradients(fast, clips, probe)
    torch.testing.assert_close(fast_logits, logits, rtol=TOLERANCE, atol=TOLERANCE)
    unused = [name for name, gradient in expected.items() if gradient is None]
    assert not [name for name in unused if found[name] is not None and found[name].any()]
    differ = [
        n for n, gradient in expected.items() if n not in unused and far(found[n], gradient).any()
    ]
    if differ:
        allowed = rounding(reference, clips, probe, expected)
        for name in differ:
            assert not far(found[name], expected[name], 10 * allowed[name]).any(), name


@st.composite
def spaces(draw):
    """Small search spaces of every kind."""
    partial = draw(st.sampled_from([1, 2, 4]))
    kernels = draw(st.sampled_from(KERNELS))
    names = st.lists(st.sampled_from(ALL_OPERATIONS), min_size=1, max_size=7, unique=True)
    return SearchSpace(
        name="drawn",
        summary="",
        operations=tuple(draw(names.filter(lambda found: found != ["none"]))),
        partial=partial,
        edge_norm=draw(st.booleans()),
        attention=draw(st.booleans()),
        attention_form=draw(st.sampled_from(ATTENTION_FORMS)),
        outer=draw(
            st.sampled_from(
                [
                    TWINS,
                    Trellis(3, (2, 4), ("up", "stay", "shrink")),
                    Trellis(3, (2, 4, 8), ("stay", "shrink"), band=0.5),
                    SMALL_TRELLISES["single path"],
                ]
            )
        ),
        nodes=draw(st.integers(1, 4)),
        channels=partial * draw(st.integers(1, 2)),
        reduction=draw(st.sampled_from(REDUCTIONS)),
        kernels=kernels,
        dilated=draw(st.sampled_from(DILATED)),
    )


SILENCED = SearchSpace(
    name="silenced",
    summary="One channel of one resolution: with some seeds ReLU silences it for good",
    operations=("skip", "max_pool_3", "none"),
    partial=1,
    outer=SMALL_TRELLISES["single path"],
    nodes=4,
    channels=1,
    edge_norm=False,
    attention=False,
    kernels="shared",
    dilated="full",
)


@settings(max_examples=20)
@given(
    space=spaces(), size=st.sampled_from([(1, 8, 8), (3, 9, 7), (2, 16, 4)]), seed=st.integers(0, 9)
)
@example(MICRO.resized(kernels="shared", operations=HYBRID_OPERATIONS), (3, 9, 7), 0)
@example(SILENCED, (2, 16, 4), 1)
@example(SILENCED, (2, 16, 4), 5)
@example(SILENCED, (2, 16, 4), 7)
def test_equals_the_reference(space, size, seed):
    torch.manual_seed(seed)
    assert_same(space, (3, 3, *size))


@pytest.mark.parametrize(("seed", "silent"), [(0, False), (7, True)])
def test_rounding_grows_where_a_batch_norm_sees_a_constant_channel(seed, silent):
    torch.manual_seed(seed)
    reference, variances = pair(SILENCED)[0], []
    for norm in (m for m in reference.modules() if isinstance(m, nn.BatchNorm3d)):
        norm.register_forward_pre_hook(
            lambda _, x: variances.append(x[0].detach().var((0, 2, 3, 4)))
        )
    clips, probe = batch(3, 3, 2, 16, 4)[0].double(), torch.randn(3, 3, dtype=torch.float64)
    _, expected = gradients(reference, clips, probe)
    least = float(torch.cat(variances).min())
    moved = max(rounding(reference, clips, probe, expected).values())
    assert (least < SEARCH_NORM.eps, moved > TOLERANCE) == (silent, silent)


@pytest.mark.parametrize("name", SPACES)
def test_registered_spaces_equal_the_reference(name):
    space = SPACES[name]
    assert_same(shallow(space))
    assert_same(shallow(space).resized(kernels="shared", partial=1, channels=6, nodes=1))


@pytest.mark.parametrize(
    "space", [tiny(SPACES["rnas_mer"]).resized(nodes=1), CLIMBING], ids=["open", "climbing"]
)
def test_whole_trellises_equal_the_reference(space):
    assert_same(space, (2, 3, 4, 16, 16))


def test_another_eps_and_clips_with_another_number_of_channels():
    assert_same(MICRO, (2, 2, 3, 8, 8), norm=Norm(affine=False, eps=0.1), in_channels=2)


class Scaled(nn.Module):
    """A candidate that no rule of the fast supernet knows."""

    def __init__(self, channels, norm):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(channels, 1, 1, 1))
        self.norm = norm(channels)

    def forward(self, x):
        return self.norm(torch.sin(self.scale * x))


def with_operation(monkeypatch, name, entry):
    known = MappingProxyType({**operations.OPERATIONS, name: entry})
    monkeypatch.setattr(operations, "OPERATIONS", known)


@pytest.mark.parametrize("others", [("conv_1", "none"), ()])
def test_an_operation_of_unknown_form_runs_as_it_is(monkeypatch, others):
    with_operation(monkeypatch, "scaled", Operation(Scaled, lambda channels: 3 * channels))
    assert_same(MICRO.resized(operations=("scaled", *others)))


def chain(*layers):
    """ReLU, some convolutions and a batch norm, as an entry of `OPERATIONS`."""
    return Operation(
        lambda c, norm: nn.Sequential(nn.ReLU(), *(layer(c) for layer in layers), norm(c)),
        lambda channels: 0,
    )


@pytest.mark.parametrize(
    "entry",
    [
        chain(lambda c: nn.Conv3d(c, c, 3, padding=1)),
        chain(lambda c: nn.Conv3d(c, c, 3, padding=1, bias=False, padding_mode="circular")),
        chain(lambda c: nn.Conv3d(c, c, 3, padding=1, bias=False, groups=2)),
        chain(
            lambda c: nn.Conv3d(c, c, 3, padding=2, bias=False),
            lambda c: nn.Conv3d(c, c, 3, padding=0, bias=False),
        ),
        chain(
            lambda c: nn.Conv3d(c, 2 * c, 3, padding=1, bias=False),
            lambda c: nn.Conv3d(2 * c, c, 1, bias=False),
        ),
        chain(
            lambda c: nn.Conv3d(c, 2 * c, 3, padding=1, bias=False, groups=c),
            lambda c: nn.Conv3d(2 * c, c, 1, bias=False),
        ),
        chain(
            lambda c: nn.Conv3d(c, c, 1, bias=False),
            lambda c: nn.MaxPool3d(3, stride=1, padding=1),
        ),
        chain(lambda c: nn.Conv3d(c, c, 1, bias=False), lambda c: nn.BatchNorm3d(c)),
        chain(
            lambda c: nn.Conv3d(c, c, 1, bias=False),
            Norm(affine=False, eps=0.5),
            lambda c: nn.ReLU(),
            lambda c: nn.Conv3d(c, c, 3, padding=1, bias=False),
        ),
        Operation(lambda c, norm: convolution(c, 1, Norm(affine=False, eps=0.5)), lambda c: 0),
        chain(SEARCH_NORM, lambda c: nn.Conv3d(c, c, 1, bias=False)),
        chain(lambda c: nn.Conv3d(c, c, 3, padding=1, bias=False, groups=min(c, 4))),
        Operation(lambda c, norm: nn.Identity() if c > 4 else convolution(c, 1, norm), lambda c: 0),
    ],
    ids=[
        "bias",
        "circular",
        "groups",
        "paddings",
        "wider",
        "deeper",
        "pool",
        "affine",
        "eps",
        "last eps",
        "norm",
        "depthwise where it is narrow",
        "without weights where it is wide",
    ],
)
def test_chains_of_other_forms(monkeypatch, entry):
    with_operation(monkeypatch, "odd", entry)
    assert_same(MICRO.resized(operations=("odd", "conv_3", "none"), channels=8), (3, 3, 3, 8, 8))


@pytest.mark.parametrize("kernels", KERNELS)
def test_an_unknown_way_to_join_branches(monkeypatch, kernels):
    joins = MappingProxyType({**operations.COMBINE, "min": torch.minimum})
    monkeypatch.setattr(operations, "COMBINE", joins)
    with_operation(monkeypatch, "min_1_3", operations._pair("min", 1, 3))
    space = MICRO.resized(operations=("min_1_3", "conv_1", "none"), kernels=kernels)
    if kernels == "per_op":
        assert_same(space)
        return
    with pytest.raises(MethodError, match="by 'min': expected one of add, avg, max"):
        FastSupernet(space, 3)


def test_a_search_moves_alike():
    ours, theirs = (Searcher(net, SearchSettings(epochs=1, warmup=0.0)) for net in pair(MICRO))
    clips, labels = batch(4, 3, 4, 8, 8)
    for _ in range(2):
        logs = [s.run_epoch(0, [((clips.double(), labels),) * 2]) for s in (ours, theirs)]
        assert logs[0].weight_loss == pytest.approx(logs[1].weight_loss, rel=1e-9)
    for name, value in ours.supernet.state_dict().items():
        torch.testing.assert_close(theirs.supernet.state_dict()[name], value, rtol=1e-8, atol=1e-8)


def test_checkpoints_are_interchangeable():
    reference, fast = pair(MICRO)
    assert list(fast.state_dict()) == list(reference.state_dict())
    names = [[name for name, _ in network.named_parameters()] for network in (reference, fast)]
    assert names[0] == names[1]


def test_taps_that_no_clip_reaches_are_left_out_and_nothing_changes():
    space = shallow(SPACES["autodeeplab_3d"]).resized(nodes=1, channels=2)
    clips, labels = batch(4, 3, 3, 10, 8)
    clips = clips.double()
    networks = [Supernet(space, 3), FastSupernet(space, 3, size=(3, 10, 8))]
    whole, fitted = (Searcher(network.double(), SearchSettings()) for network in networks)
    sizes = [sum(p.numel() for p in search.weights) for search in (whole, fitted)]
    assert sizes[1] < sizes[0] / 2
    whole.step_weights(clips, labels)
    # All taps with their momentum; a copy, since an optimiser would share what it loads.
    fitted.load_state_dict(copy.deepcopy(whole.state_dict()))
    for _ in range(3):
        ours, theirs = (search.step_weights(clips, labels) for search in (fitted, whole))
        assert float(ours) == pytest.approx(float(theirs), rel=1e-9)
    with pytest.raises(MethodError, match=r"\(4, 10, 8\).*built for \(3, 10, 8\)"):
        fitted.supernet(torch.zeros(2, 3, 4, 10, 8, dtype=torch.float64))


def test_a_copy_has_weights_of_its_own():
    fast = FastSupernet(MICRO, 3)
    clips, _ = batch(2, 3, 3, 8, 8)
    before = fast(clips)
    other = copy.deepcopy(fast)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    assert not torch.allclose(other(clips), before)
    torch.testing.assert_close(fast(clips), before)


class WeightGradients(TorchDispatchMode):
    """Counts convolutions whose weight gradient is computed."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.convolution_backward.default:
            self.count += args[-1][1]
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["rnas_mer", "rnas_mer_2"])
def test_the_architecture_pass_computes_no_weight_gradient(name):
    fast = FastSupernet(shallow(SPACES[name]), 3)
    clips, labels = batch(2, 3, 3, 8, 8)
    for parameters, computes in (
        (fast.architecture_parameters(), False),
        (fast.weight_parameters(), True),
    ):
        with WeightGradients() as weights:
            loss = F.cross_entropy(fast(clips), labels)
            torch.autograd.grad(loss, parameters, allow_unused=True)
        assert bool(weights.count) == computes


@pytest.mark.parametrize("name", ["rnas_mer", "rnas_mer_1", "autodeeplab_3d"])
def test_autocast_answers_near_the_exact_logits(name):
    """Not so its gradients on a CPU (`bench.training.compute.refuse_undefined`)."""
    reference, fast = pair(shallow(SPACES[name]).resized(channels=8))
    clips, _ = batch(4, 3, 4, 16, 16)
    with torch.no_grad():
        exact = reference(clips.double()).float()
        with torch.autocast("cpu", torch.bfloat16):
            logits = fast.float()(clips)
    torch.testing.assert_close(logits.float(), exact, rtol=0.2, atol=0.2)


def test_what_it_cannot_do_is_said_in_one_line():
    with pytest.raises(MethodError, match="without affine"):
        FastSupernet(MICRO, 3, norm=DERIVED_NORM)
    with pytest.raises(MethodError, match=r"\(2, 3, 8, 8\).*expected \(B, C, T, H, W\)"):
        FastSupernet(MICRO, 3)(torch.zeros(2, 3, 8, 8))


def written_out(branches, linear, differences, signs, eps):
    """`mix` from its definition."""
    y = torch.cat(branches, -2)
    mean = y.mean((0, -1), keepdim=True)
    variance = ((y - mean) ** 2).mean((0, -1), keepdim=True)
    normalised = (y - mean) / (variance + eps).sqrt()
    gaps = torch.einsum("qk,bacekv->baceqv", signs, normalised).abs()
    total = torch.einsum("ek,bacekv->bacev", linear, normalised)
    return total + torch.einsum("eq,baceqv->bacev", differences, gaps)


@given(
    shape=st.tuples(*(st.integers(1, 3) for _ in range(4)), st.integers(2, 5)),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    pairs=st.integers(0, 2),
)
def test_mix_is_its_definition(shape, sizes, pairs):
    *outer, voxels = shape
    edges, total = outer[-1], sum(sizes)
    generator = torch.Generator().manual_seed(0)

    def values(*size):
        return torch.randn(size, dtype=torch.float64, generator=generator).requires_grad_()

    branches = [values(*outer, size, voxels) for size in sizes]
    weights = [values(edges, total), values(edges, pairs)]
    signs = torch.zeros(pairs, total, dtype=torch.float64)
    for row in range(pairs):
        signs[row, row % total] += 1.0
        signs[row, -1] -= 1.0
    results = [f(branches, *weights, signs, 1e-3) for f in (mix, written_out)]
    torch.testing.assert_close(*results, rtol=TOLERANCE, atol=TOLERANCE)
    probe = values(*results[0].shape).detach()
    inputs = [*branches, *weights]
    ours, theirs = (
        torch.autograd.grad((r * probe).sum(), inputs, materialize_grads=True, allow_unused=True)
        for r in results
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_tie_of_a_maximum_goes_half_to_each_branch():
    """Two equal branches: |a - b| must add nothing, as torch.maximum splits the gradient."""
    branch = torch.randn(3, 1, 2, 1, 1, 4, dtype=torch.float64)
    first, second = branch.clone().requires_grad_(), branch.clone().requires_grad_()
    half, signs = torch.full((1, 2), 0.5).double(), torch.tensor([[1.0, -1.0]]).double()
    probe = torch.randn(3, 1, 2, 1, 4, dtype=torch.float64)
    result = mix([first, second], half, half[:, :1], signs, 1e-5)
    ours = torch.autograd.grad((result * probe).sum(), (first, second))

    def norm(y):
        return F.batch_norm(y.flatten(2), None, None, training=True)[:, :, None]

    first, second = (y[:, 0, :, 0, 0].clone().requires_grad_() for y in (first, second))
    joined = torch.maximum(norm(first), norm(second))
    theirs = torch.autograd.grad((joined * probe[:, 0]).sum(), (first, second))
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our[:, 0, :, 0, 0], their, rtol=TOLERANCE, atol=TOLERANCE)


@settings(max_examples=60)
@given(
    voxels=st.tuples(*(st.integers(1, 6) for _ in range(3))),
    taps=st.tuples(*(st.sampled_from([1, 3, 5]) for _ in range(3))),
    dilation=st.tuples(*(st.sampled_from([1, 2]) for _ in range(3))),
    channels=st.integers(1, 6),
    form=st.sampled_from(["all", "depthwise", "pairs"]),
)
def test_convolutions_equal_those_of_torch(voxels, taps, dilation, channels, form):
    channels = 2 * channels if form == "pairs" else channels
    groups = {"all": 1, "depthwise": channels, "pairs": channels // 2}[form]
    out = 3 if form == "all" else channels
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, channels, *voxels, dtype=torch.float64, generator=generator)
    weight = torch.randn(out, channels // groups, *taps, dtype=torch.float64, generator=generator)
    x, weight = x.requires_grad_(), weight.requires_grad_()
    padding = [d * (k // 2) for k, d in zip(taps, dilation, strict=True)]
    expected = F.conv3d(x, weight, None, 1, padding, dilation, groups)
    found = convolve(x, reachable(weight, voxels, dilation), dilation, groups)
    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    probe = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    ours, theirs = (
        torch.autograd.grad((result * probe).sum(), (x, weight)) for result in (found, expected)
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=TOLERANCE, atol=TOLERANCE)


def test_pointwise_is_a_convolution_a_group():
    x, weight = torch.randn(2, 6, 2, 3, 4), torch.randn(3, 5, 2, 1, 1, 1)
    expected = F.conv3d(x, weight.flatten(0, 1), groups=3)
    torch.testing.assert_close(pointwise(x, weight), expected, rtol=1e-4, atol=1e-5)
