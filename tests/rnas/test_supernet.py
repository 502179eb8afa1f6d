import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import (
    CLIMBING,
    MICRO,
    SMALL_TRELLISES,
    SPACES,
    batch,
    row_softmax,
    shallow,
    softmax,
    tiny,
)

from rnas.decode import decode_cell, viterbi
from rnas.errors import MethodError
from rnas.genotype import check_genotype
from rnas.operations import Norm
from rnas.resample import level_size
from rnas.space import SearchSpace
from rnas.supernet import Architecture, Supernet
from rnas.trellis import OPEN, State, Trellis

BASELINES = ("autodeeplab_3d", "automer_3d")
SHALLOW = {**{name: shallow(space) for name, space in SPACES.items()}, "climbing": CLIMBING}
NETWORKS = {
    **{name: space.resized(kernels="shared") for name, space in SHALLOW.items()},
    **{name: tiny(SPACES[name]).resized(kernels="shared") for name in BASELINES},
    "rnas_mer": tiny(SPACES["rnas_mer"]),
}
"""Whole trellises, each once: ablations have that of RNAS-MER. Shared kernels are quicker, and the
same to α, η and β; the method itself keeps its own."""
every_network = pytest.mark.parametrize("name", NETWORKS)


@every_network
def test_logits_of_every_space(name):
    """At odd sizes, and with one frame where the coarsest level is a single voxel."""
    net = Supernet(NETWORKS[name], classes=3)
    for voxels in ((3, 20, 12), (1, 8, 8)):
        clips, _ = batch(2, 3, *voxels)
        with torch.no_grad():
            logits = net(clips)
        assert logits.shape == (2, 3)
        assert bool(logits.isfinite().all())


def test_in_channels_and_classes_are_the_callers():
    net = Supernet(MICRO, classes=5, in_channels=1)
    assert net(torch.randn(2, 1, 2, 8, 8)).shape == (2, 5)


def test_clips_without_a_time_axis_are_refused():
    with pytest.raises(MethodError, match=r"\(B, C, T, H, W\)"):
        Supernet(MICRO, classes=3)(torch.randn(2, 3, 8, 8))


# β


@settings(max_examples=50)
@given(values=st.lists(st.floats(-8, 8), min_size=30, max_size=30))
def test_beta_of_a_state_sums_to_one_and_is_one_where_it_can_only_stay(values):
    architecture = Architecture(tiny(SPACES["rnas_mer"])).double()
    with torch.no_grad():
        architecture.path_logits.copy_(torch.tensor(values))
    beta = architecture.beta_values()
    assert set(beta) == set(OPEN.arrows)
    for source in {arrow.source for arrow in OPEN.arrows}:
        shares = [beta[arrow] for arrow in OPEN.out_of(source)]
        assert sum(shares) == pytest.approx(1)
        assert all(share >= 0 for share in shares)  # Eq. 8
        if source.level == 3:
            assert shares == [1.0]
    assert sum(OPEN.probability(path, beta) for path in OPEN.paths()) == pytest.approx(1)
    by_hand = row_softmax(OPEN, _logits_by_arrow(architecture))
    assert beta == pytest.approx(by_hand)


def _logits_by_arrow(architecture):
    logits = dict(zip(architecture.free_arrows, architecture.path_logits.tolist(), strict=True))
    return [logits.get(arrow, 0.0) for arrow in architecture.space.outer.arrows]


@pytest.mark.parametrize("trellis", SMALL_TRELLISES)
def test_rows_of_any_length_are_normalised(trellis):
    """Two or three ways on in one trellis, or no choice at all."""
    space = MICRO.resized(outer=SMALL_TRELLISES[trellis])
    architecture = Architecture(space).double()
    with torch.no_grad():
        architecture.path_logits.normal_()
    expected = row_softmax(space.outer, _logits_by_arrow(architecture))
    assert architecture.beta_values() == pytest.approx(expected)


@every_network
def test_beta_has_a_parameter_for_every_choice_and_no_other(name):
    architecture = Architecture(NETWORKS[name])
    outer = architecture.space.outer
    assert architecture.path_logits.numel() == sum(len(outer.out_of(s)) for s in outer.choices)
    for arrow, value in architecture.beta().items():
        chosen = arrow.source in outer.choices
        assert isinstance(value, torch.Tensor) == chosen
        assert chosen or value == 1.0


def test_the_open_trellis_has_15_rows():
    assert Architecture(SPACES["rnas_mer"]).path_logits.shape == (30,)


# Decoding


@given(seed=st.integers(0, 2**31), edge_norm=st.booleans())
def test_decoding_reads_the_softmax_of_every_parameter(seed, edge_norm):
    space = SPACES["rnas_mer"].resized(edge_norm=edge_norm)
    torch.manual_seed(seed)
    architecture = Architecture(space).double()
    with torch.no_grad():
        for parameter in architecture.parameters():
            parameter.normal_(std=2)
        architecture.operation_logits[:, space.operations.index("none")] += 5
    edge_weights = [1.0] * 9
    if edge_norm:
        eta = architecture.edge_logits.tolist()
        edge_weights = [share for part in (eta[:2], eta[2:5], eta[5:]) for share in softmax(part)]
    rows = [softmax(row).tolist() for row in architecture.operation_logits.tolist()]
    genotype = architecture.decode()
    assert (genotype.edges, genotype.operations) == decode_cell(space, rows, edge_weights)
    assert genotype.path == viterbi(OPEN, row_softmax(OPEN, _logits_by_arrow(architecture)))[0]
    assert "none" not in genotype.operations
    assert check_genotype(genotype, space) is genotype


# Evaluation


def equation_6(net, space, clips):
    """The supernet, level by level; β by hand."""
    outer, architecture = space.outer, net.architecture
    beta = row_softmax(outer, _logits_by_arrow(architecture))
    rows = [softmax(row) for row in architecture.operation_logits.tolist()]
    weights = torch.from_numpy(np.stack(rows))
    features = {(0, 0): net.stem(clips)}
    finest = tuple(features[0, 0].shape[2:])
    for layer in range(1, outer.layers + 1):
        for level in range(len(outer.factors)):
            arriving = [a for a in outer.arrows if tuple(a.target) == (layer, level)]
            if not arriving:
                continue
            name, size = f"{layer}_{level}", level_size(finest, level)
            older = None
            if (layer - 2, level) in features:
                older = net.older[name](features[layer - 2, level], size)
            total = 0
            for arrow in arriving:
                way = f"{arrow.source.layer}_{arrow.source.level}->{name}"
                previous = net.previous[way](features[tuple(arrow.source)], size)
                cell = net.cells[name]((previous, older), weights, architecture.edge_logits)
                total = total + beta[arrow] * cell
            features[layer, level] = total
    logits = 0
    for level in range(len(outer.factors)):
        if (outer.layers, level) in features:
            pooled = features[outer.layers, level].flatten(2).mean(2)
            head = net.heads[f"{outer.layers}_{level}"]
            logits = logits + pooled @ head.weight.T + head.bias
    return logits


@pytest.mark.parametrize("case", ["micro", "open", "climbing"])
def test_equation_6(case):
    space = {
        "micro": MICRO,
        "open": MICRO.resized(outer=OPEN, operations=("conv_1", "skip", "none")),
        "climbing": CLIMBING,
    }[case]
    net = Supernet(space, classes=3).double()
    _spread(net)
    clips = batch(3, 3, 2, 24, 20)[0].double()
    torch.testing.assert_close(net(clips), equation_6(net, space, clips))


def _spread(net):
    """Architecture parameters far from uniform."""
    with torch.no_grad():
        for parameter in net.architecture_parameters():
            parameter.normal_()


def test_a_certain_path_leaves_the_others_silent():
    """With all weight on one path, no other state of the last layer has a say."""
    net = Supernet(MICRO, classes=3)
    with torch.no_grad():
        for k, arrow in enumerate(net.architecture.free_arrows):
            stays = arrow.source.level == arrow.target.level
            net.architecture.path_logits[k] = 60.0 if stays else -60.0
    clips, labels = batch(3, 3, 2, 12, 12)
    F.cross_entropy(net(clips), labels).backward()
    assert float(net.heads["3_1"].weight.grad.abs().max()) < 1e-12
    assert float(net.heads["3_0"].weight.grad.abs().max()) > 1e-6


# Gradients of the architecture


def _row_gradients(net, gradient):
    """State -> size of the gradient of each logit in its row of β."""
    rows, start = {}, 0
    for state in net.space.outer.choices:
        stop = start + len(net.space.outer.out_of(state))
        rows[state] = gradient[start:stop].abs()
        start = stop
    return rows


def _architecture_gradients(space, eps):
    torch.manual_seed(0)
    net = Supernet(space, classes=3, norm=Norm(affine=False, eps=eps)).double()
    _spread(net)
    clips, labels = batch(4, 3, 2, 16, 16, seed=1)
    loss = F.cross_entropy(net(clips.double()), labels)
    gradients = torch.autograd.grad(loss, net.architecture_parameters())
    names = [name for name, _ in net.architecture.named_parameters()]
    return net, dict(zip(names, gradients, strict=True))


@every_network
def test_every_identifiable_parameter_has_a_gradient_that_survives_eps(name):
    """Element by element, of α, η and β; with eps = 1e-12 an artefact of eps is below 1e-7."""
    space = NETWORKS[name]
    net, gradients = _architecture_gradients(space, eps=1e-12)
    assert gradients["operation_logits"].shape == (len(space.edges), len(space.operations))
    assert bool((gradients["operation_logits"].abs() > 1e-7).all())
    assert ("edge_logits" in gradients) == space.edge_norm
    if space.edge_norm:
        assert gradients["edge_logits"].shape == (len(space.edges),)
        assert bool((gradients["edge_logits"].abs() > 1e-7).all())
    for state, row in _row_gradients(net, gradients["path_logits"]).items():
        seen = bool((row > 1e-7).all())
        assert seen == (state not in space.outer.unidentifiable), (state, row)


def test_the_gradient_of_the_first_row_is_an_artefact_of_eps():
    """It shrinks with eps, while the 14 other rows keep theirs."""
    space = MICRO.resized(outer=OPEN, nodes=1)
    coarse, fine = (
        _row_gradients(net, gradients["path_logits"])
        for net, gradients in (_architecture_gradients(space, eps) for eps in (1e-5, 1e-12))
    )
    first = State(0, 0)
    assert float(coarse[first].max()) > 1e4 * float(fine[first].max())
    others = [state for state in OPEN.choices if state != first]
    assert len(others) == 14
    for state in others:
        assert float(fine[state].max()) > 0.05 * float(coarse[state].max())


# What public ports get wrong


@every_network
def test_weights_and_architecture_are_disjoint_and_complete(name):
    net = Supernet(SHALLOW[name], classes=3)
    weights = {id(p) for p in net.weight_parameters()}
    architecture = {id(p) for p in net.architecture_parameters()}
    assert not weights & architecture
    assert weights | architecture == {id(p) for p in net.parameters()}
    assert len(net.weight_parameters()) == len(weights)
    assert len(architecture) == (3 if net.space.edge_norm else 2)


@every_network
def test_no_parameter_or_buffer_is_left_uninitialised(name):
    """Two networks of one seed agree in every value, and none is out of bounds."""
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        net = Supernet(SHALLOW[name], classes=3)
        states.append({**dict(net.named_parameters()), **dict(net.named_buffers())})
    assert states[0].keys() == states[1].keys()
    for key, tensor in states[0].items():
        assert torch.equal(tensor, states[1][key]), key
        assert bool(tensor.isfinite().all()), key
        limit = 10 if tensor.is_floating_point() else 1000
        assert bool((tensor.abs() <= limit).all()), key


def test_search_keeps_no_running_statistics():
    net = Supernet(MICRO, classes=3)
    assert not [name for name, _ in net.named_buffers() if "running" in name]
    clips, _ = batch(3, 3, 2, 8, 8)
    with torch.no_grad():
        trained, evaluated = net.train()(clips), net.eval()(clips)
    assert torch.equal(trained, evaluated)


@pytest.mark.parametrize("case", ["micro", "climbing"])
def test_the_device_is_the_callers(case):
    """On torch's data-free device: no `.cuda()`, no CPU tensor made on the way, no value read."""
    space = {"micro": MICRO, "climbing": CLIMBING.resized(nodes=1)}[case]
    net = Supernet(space, classes=3).to("meta")
    logits = net(torch.empty(2, 3, 2, 16, 16, device="meta"))
    assert logits.device.type == "meta"
    assert net.architecture.edge_weights().device.type == "meta"


def test_the_architecture_starts_near_uniform():
    """DARTS's 1e-3 · N(0, 1): no operation is favoured at the start."""
    architecture = Architecture(SPACES["rnas_mer"])
    for parameter in architecture.parameters():
        assert 0 < float(parameter.detach().abs().max()) < 0.01


def test_a_space_of_one_path_works():
    space = SearchSpace(
        name="fixed",
        summary="a cell search on a fixed path",
        operations=("conv_1", "skip"),
        partial=1,
        outer=Trellis(2, (2,), ("stay",)),
        nodes=1,
        channels=2,
    )
    net = Supernet(space, classes=3)
    assert net.architecture.path_logits.numel() == 0
    assert net(torch.randn(2, 3, 1, 4, 4)).shape == (2, 3)
    assert net.architecture.decode().path == (2, 2)
