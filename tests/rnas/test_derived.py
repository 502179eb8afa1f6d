import random
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from method_cases import CLIMBING, MICRO, SPACES, batch, shuffled

from rnas.derived import DerivedNetwork
from rnas.errors import MethodError
from rnas.genotype import Genotype, random_genotype
from rnas.resample import level_size
from rnas.space import Edge

POOLS = ("max_pool_3", "avg_pool_3")


def small(space):
    return space.resized(channels=space.partial * max(1, 4 // space.partial))


DERIVED = {name: small(space) for name, space in SPACES.items()} | {
    "climbing": CLIMBING,
    "partial channels": small(SPACES["rnas_mer"]).resized(derived_partial=True),
    "partial DARTS": small(SPACES["rnas_mer_2"]).resized(derived_partial=True, channels=8),
    "full dilation": small(SPACES["rnas_mer_1"]).resized(dilated="full"),
    "literal attention": small(SPACES["rnas_mer"]).resized(attention_form="literal"),
    "cbam attention": small(SPACES["rnas_mer_2"]).resized(attention_form="cbam"),
}
every_space = pytest.mark.parametrize("name", DERIVED)


def drawn(space, seed):
    return random_genotype(space, random.Random(seed))


@every_space
def test_logits_of_every_space(name):
    """Also with one frame, where the coarsest level is a single voxel."""
    space = DERIVED[name]
    for seed, shape in enumerate([(2, 3, 1, 8, 8), (2, 3, 3, 36, 28)]):
        net = DerivedNetwork(space, drawn(space, seed), classes=3)
        with torch.no_grad():
            assert net(batch(*shape)[0]).shape == (2, 3)
            net.eval()
            single = net(batch(*shape)[0][:1])
        assert single.shape == (1, 3)
        assert bool(single.isfinite().all())


@every_space
def test_any_random_genotype_learns_a_batch(name):
    """Along the gradient the loss falls, step after step, if the step is short enough."""
    space = DERIVED[name]
    net = DerivedNetwork(space, drawn(space, 10), classes=3).double()
    clips, labels = batch(4, 3, 2, 16, 16)
    losses = [F.cross_entropy(net(clips.double()), labels)]
    for _ in range(2):
        gradients = torch.autograd.grad(losses[-1], list(net.parameters()))
        losses.append(descend(net, gradients, losses[-1], clips.double(), labels))
    assert losses[0] > losses[1] > losses[2]


def descend(net, gradients, loss, clips, labels):
    """The loss after a step down the gradient, of the first length that lowers it."""
    norm = float(sum((gradient**2).sum() for gradient in gradients)) ** 0.5
    starts = [parameter.detach().clone() for parameter in net.parameters()]
    for length in (0.1, 0.01, 1e-3, 1e-4):
        with torch.no_grad():
            for parameter, start, slope in zip(net.parameters(), starts, gradients, strict=True):
                parameter.copy_(start - length * slope / norm)
        after = F.cross_entropy(net(clips), labels)
        if bool(after < loss):
            return after
    return after


def erased_biases(space, net):
    """Biases that a pool's own batch norm takes away: nothing but pools reads that input.

    A resampler ends in batch norm; a pool passes its bias on unchanged, to be subtracted again.
    Every other operation begins with ReLU or, like skip, hands its input on.
    """
    names = {}
    for layer, cell in enumerate(net.cells):
        for source, resampler in cell.inputs.items():
            readers = [
                name
                for edge, name in zip(net.genotype.edges, net.genotype.operations, strict=True)
                if edge in cell.edges and edge.source == int(source)
            ]
            bypassed = space.derived_partial  # the channels that go round the pool keep theirs
            if set(readers) <= set(POOLS) and not bypassed:
                last = len(resampler.layers) - 1
                names[f"cells.{layer}.inputs.{source}.layers.{last}.bias"] = readers
    return set(names)


@every_space
def test_no_parameter_is_dead(name):
    """Every tensor gets a gradient, but for the biases that a pool's batch norm erases."""
    space = DERIVED[name]
    for seed in range(2):
        check_gradients(space, drawn(space, seed))


def check_gradients(space, genotype):
    silent = None
    for start in range(6):  # a ReLU may be silent at one initialisation
        torch.manual_seed(start)
        net = DerivedNetwork(space, genotype, classes=3).double()
        clips, labels = batch(4, 3, 2, 32, 32, seed=start)
        F.cross_entropy(net(clips.double()), labels).backward()
        now = {key for key, p in net.named_parameters() if not _has_gradient(p)}
        silent = now if silent is None else silent & now
        if silent == erased_biases(space, net):
            break
    assert silent == erased_biases(space, net)


def _has_gradient(parameter):
    return parameter.grad is not None and bool((parameter.grad.abs() > 1e-10).any())


def by_hand(net, space, clips):
    """The network along its path: I^{l-1} and I^{l-2} are the last two outputs."""
    outer, genotype = space.outer, net.genotype
    levels = [0, *(outer.factors.index(factor) for factor in genotype.path)]
    outputs = [net.stem(clips)]
    finest = tuple(outputs[0].shape[2:])
    reachable = {(0, 0), *map(tuple, outer.states)}
    for layer, level in list(enumerate(levels))[1:]:
        cell, size = net.cells[layer - 1], level_size(finest, level)
        has_older = (layer - 2, level) in reachable
        chosen = [
            (edge, name)
            for edge, name in zip(genotype.edges, genotype.operations, strict=True)
            if edge.source != 1 or has_older
        ]
        features = {}
        for source in {edge.source for edge, _ in chosen} & {0, 1}:
            features[source] = cell.inputs[str(source)](outputs[layer - 1 - source], size)
        for node in range(space.nodes):
            total = 0
            for (edge, name), module in zip(chosen, cell.operations, strict=True):
                if edge.node == node:
                    total = total + _apply(space, name, module, features[edge.source])
            features[2 + node] = total
        nodes = [features[2 + node] for node in range(space.nodes)]
        joined = torch.cat(nodes, 1) if space.reduction == "concat" else sum(nodes[1:], nodes[0])
        outputs.append(cell.attention(joined) if space.attention else joined)
    return outputs[-1].flatten(2).mean(2) @ net.head.weight.T + net.head.bias


def _apply(space, name, module, x):
    if not space.derived_partial:
        return x if name == "skip" else module.operation(x)
    selected = x.shape[1] // space.partial
    parts = [module.operation(x[:, :selected]), x[:, selected:]]
    return shuffled(torch.cat(parts, dim=1), space.partial)


@every_space
def test_the_network_is_its_genotype(name):
    space = DERIVED[name]
    for seed in range(2):
        net = DerivedNetwork(space, drawn(space, seed), classes=3).double()
        clips = batch(3, 3, 3, 36, 28)[0].double()
        with torch.no_grad():
            torch.testing.assert_close(net(clips), by_hand(net, space, clips))


def test_an_input_that_the_supernet_lacked_is_absent():
    """No state two layers before at (1, 4), (2, 8), (3, 16); from there on there is one."""
    space = small(SPACES["rnas_mer"])
    both = (Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(1, 1), Edge(0, 2), Edge(1, 2))
    genotype = Genotype("rnas_mer", (4, 8, 16, 16, 16, 16), both, ("conv_3",) * 6)
    net = DerivedNetwork(space, genotype, classes=3)
    assert [sorted(cell.inputs) for cell in net.cells] == [["0"]] * 4 + [["0", "1"]] * 2
    assert [len(cell.operations) for cell in net.cells] == [3] * 4 + [6] * 2


def test_resamplers_of_an_older_input_two_levels_up_are_a_chain():
    space = small(SPACES["rnas_mer"])
    every_input = (Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(1, 1), Edge(0, 2), Edge(1, 2))
    genotype = Genotype("rnas_mer", (2, 2, 2, 4, 8, 8), every_input, ("conv_3",) * 6)
    net = DerivedNetwork(space, genotype, classes=3)
    strides = {
        (layer + 1, int(source)): [
            conv.stride[0] for conv in resampler.modules() if isinstance(conv, torch.nn.Conv3d)
        ]
        for layer, cell in enumerate(net.cells)
        for source, resampler in cell.inputs.items()
    }
    assert strides[5, 1] == [2, 2]
    assert strides[5, 0] == strides[4, 0] == strides[4, 1] == [2]
    assert strides[3, 0] == strides[3, 1] == [1]
    assert strides[6, 1] == [2]


def test_channels_double_when_the_resolution_halves():
    space = SPACES["rnas_mer"]
    genotype = drawn(space, 1)
    net = DerivedNetwork(space, genotype, classes=3)
    for before, after in pairwise(net.cells):
        assert space.width(after.level) == space.width(before.level) * 2 ** (
            after.level - before.level
        )
    assert net.head.in_features == 8 * genotype.path[-1] // 2


def test_a_derived_network_has_affine_norms_with_running_statistics():
    net = DerivedNetwork(MICRO, drawn(MICRO, 0), classes=3)
    norms = [layer for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm3d)]
    assert norms
    assert all(norm.affine and norm.track_running_stats for norm in norms)
    clips, _ = batch(4, 3, 2, 8, 8)
    net.train()(clips)
    with torch.no_grad():
        together = net.eval()(clips)
        alone = torch.cat([net(clip[None]) for clip in clips])
    torch.testing.assert_close(together, alone)


def test_same_seed_same_network():
    genotype = drawn(MICRO, 0)
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(DerivedNetwork(MICRO, genotype, classes=3).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_device_is_the_callers():
    net = DerivedNetwork(CLIMBING, drawn(CLIMBING, 0), classes=3).to("meta")
    assert net(torch.empty(2, 3, 2, 16, 16, device="meta")).device.type == "meta"


def test_what_is_no_genotype_of_the_space_or_no_clip_is_refused():
    with pytest.raises(MethodError, match="micro"):
        DerivedNetwork(SPACES["rnas_mer"], drawn(MICRO, 0), classes=3)
    with pytest.raises(MethodError, match=r"\(B, C, T, H, W\)"):
        DerivedNetwork(MICRO, drawn(MICRO, 0), classes=3)(torch.randn(2, 3, 8, 8))
