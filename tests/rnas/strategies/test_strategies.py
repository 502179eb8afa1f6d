"""Laws of every registered strategy, and of each of the built-in ones."""

import copy
import io
import random
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from method_cases import MICRO, batch
from toy_search import TOY, ToyMaterial

from bench.measuring.profiling import macs_torch
from bench.methods.strategies import STRATEGIES
from rnas.derived import DerivedNetwork
from rnas.discretise import discretised_logits
from rnas.genotype import check_genotype, random_genotype
from rnas.search import Searcher
from rnas.strategies.base import Cost
from rnas.strategies.evolution import Member, children, first_generation, survivors
from rnas.strategies.first_order import FirstOrder
from rnas.strategies.macs import macs_of
from rnas.strategies.random_search import RandomSearch
from rnas.strategies.second_order import SecondOrder, SecondOrderSearcher
from rnas.strategies.single_path import SinglePath
from rnas.subnet import genotype_logits
from rnas.supernet import Supernet

EVERY = STRATEGIES.names()


def saved(search):
    file = io.BytesIO()
    torch.save(search.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# Every strategy


@pytest.mark.parametrize("name", EVERY)
def test_a_search_that_is_killed_after_every_step_ends_the_same(name):
    strategy = STRATEGIES.load(name)
    straight = strategy(ToyMaterial())
    logs = [straight.step(number) for number in range(straight.steps)]
    state = None
    for number in range(straight.steps):
        resumed = strategy(ToyMaterial())
        if state is not None:
            resumed.load_state_dict(state)
        assert resumed.step(number) == logs[number]
        state = saved(resumed)
    assert resumed.genotype() == straight.genotype()
    check_genotype(straight.genotype(), MICRO)


@pytest.mark.parametrize("name", EVERY)
def test_what_a_search_cost_and_logs(name):
    search = STRATEGIES.load(name)(ToyMaterial())
    steps = [search.step(number) for number in range(search.steps)]
    total = sum((step.cost for step in steps), Cost())
    assert total.clip_passes > 0 and total.macs > 0 and total.networks > 0
    assert {frozenset(step.row) for step in steps} == {frozenset(steps[0].row)}
    assert all((step.weights is not None) == search.by_gradient for step in steps)
    assert (search.searcher is not None) == search.by_gradient
    assert all(search.title(number).startswith("search ") for number in range(search.steps))


# First order


def test_first_order_is_the_searcher_and_nothing_else():
    material = ToyMaterial()
    search = FirstOrder(material)
    supernet, _ = material.supernet()
    plain = Searcher(supernet, TOY)
    for epoch in range(TOY.epochs):
        log = plain.run_epoch(epoch, material.pairs(epoch))
        step = search.step(epoch)
        assert step.weights == log.weights and step.row["weight_loss"] == log.weight_loss
    ours, theirs = search.searcher.supernet.state_dict(), supernet.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert search.genotype() == supernet.architecture.decode()


@pytest.mark.parametrize(("strategy", "learning"), [(FirstOrder, 4 + 4), (SecondOrder, 4 + 4 * 4)])
def test_passes_of_a_gradient_search(strategy, learning):
    """While α is frozen: 4 clips of Train A trained, 4 of Train B forward alone."""
    search = strategy(ToyMaterial())
    frozen, moving = (search.step(epoch).cost for epoch in range(2))
    assert frozen.clip_passes == pytest.approx(4 + 4 / 3)
    assert moving.clip_passes == learning
    assert (frozen.networks, moving.networks) == (1, 0)
    assert moving.macs == 3 * learning * search.macs


def test_the_rate_follows_from_the_reach():
    search = FirstOrder(ToyMaterial(replace(TOY, reach=3.0)))
    assert search.searcher.architecture_optimiser.param_groups[0]["lr"] == 3.0  # a single step


# Second order


def test_the_second_order_gradient_is_that_of_the_unrolled_step():
    """Against autograd through w' = w - ξ (μ m + g + λ w), in float64, after a step of momentum."""
    search = SecondOrderSearcher(_double(), replace(TOY, architecture_lr=0.0))
    search.radius = 1e-5
    batch_b, batch_a = _double_pair()
    search.step_weights(*batch_b)  # there is a momentum now
    twin = copy.deepcopy(search.supernet)
    buffers = [
        search.weight_optimiser.state[w]["momentum_buffer"]
        if w in search.weight_optimiser.state
        else None
        for w in search.weights
    ]
    before = [w.detach().clone() for w in search.weights]
    loss = search.move_architecture(batch_b, batch_a)
    assert all(torch.equal(w, kept) for w, kept in zip(search.weights, before, strict=True))

    named = dict(twin.named_parameters())
    weights = {n: p for n, p in named.items() if not n.startswith("architecture.")}
    group = search.weight_optimiser.param_groups[0]
    clips, labels = batch_a
    on_a = F.cross_entropy(torch.func.functional_call(twin, named, (clips,)), labels)
    gradients = torch.autograd.grad(
        on_a, list(weights.values()), create_graph=True, allow_unused=True
    )
    unrolled = {
        name: w
        if g is None
        else w
        - group["lr"]
        * (g + group["weight_decay"] * w + (group["momentum"] * m if m is not None else 0))
        for (name, w), g, m in zip(weights.items(), gradients, buffers, strict=True)
    }
    clips, labels = batch_b
    on_b = F.cross_entropy(torch.func.functional_call(twin, named | unrolled, (clips,)), labels)
    exact = torch.autograd.grad(on_b, twin.architecture_parameters())
    first_order = torch.autograd.grad(
        F.cross_entropy(twin(clips), labels), twin.architecture_parameters()
    )
    torch.testing.assert_close(loss, on_b.detach())
    for ours, theirs, plain in zip(search.architecture, exact, first_order, strict=True):
        torch.testing.assert_close(ours.grad, theirs, rtol=1e-4, atol=1e-7)
        assert not torch.allclose(plain, theirs, rtol=1e-2)  # or the test would see nothing


def _double():
    torch.manual_seed(1)
    return Supernet(MICRO, classes=3).double()


def _double_pair():
    (pair,) = ToyMaterial().pairs(0)
    return [(clips.double(), labels) for clips, labels in pair]


# Random search


def test_successive_halving_keeps_the_better_half_and_trains_it_longer():
    material = ToyMaterial()
    search = RandomSearch(material)
    drawn = list(search.left)
    rows = [search.step(number).row for number in range(search.steps)]
    assert [(row["rung"], row["network"], row["epochs"]) for row in rows] == [
        *((0, k, 2) for k in range(5)),
        *((1, k, 4) for k in range(2)),
    ]  # a third rung would have a single network
    shares = sorted((g.operations.count("conv_1") for g in drawn), reverse=True)
    found = [row["accuracy"] * 4 for row in rows]
    assert sorted(found[:5], reverse=True) == shares and found[5:] == shares[:2]
    assert search.genotype() == max(drawn, key=lambda g: g.operations.count("conv_1"))


def test_of_equal_accuracies_the_lower_loss_wins():
    class Material(ToyMaterial):
        def trial(self, genotype, epochs, name):
            return replace(super().trial(genotype, epochs, name), accuracy=0.5, loss=-int(name[2:]))

    search = RandomSearch(Material(replace(TOY, rungs=1)))
    drawn = list(search.left)
    for number in range(search.steps):
        search.step(number)
    assert search.genotype() == drawn[-1]


# Single path and evolution


def test_evolution_finds_what_a_toy_fitness_asks_for():
    generator = random.Random(0)
    wanted = random_genotype(MICRO, generator)

    def member(genotype):
        pairs = zip(genotype[1:], wanted[1:], strict=True)  # path, edges, operations
        return Member((sum(a == b for x, y in pairs for a, b in zip(x, y, strict=True)),), genotype)

    settings = replace(TOY, population=12)
    population = [member(g) for g in first_generation(MICRO, settings, generator)]
    first = max(population)
    for _ in range(15):
        born = children(population, MICRO, settings, generator)
        assert all(check_genotype(child, MICRO) for child in born)
        population = survivors([*population, *map(member, born)], settings.population)
        assert len(set(population)) == len(population) <= settings.population
    assert first.genotype != wanted and population[0].genotype == wanted


def test_without_mutation_children_have_parts_of_their_parents_alone():
    generator = random.Random(0)
    settings = replace(TOY, mutation=0.0)
    parents = first_generation(MICRO, settings, generator)
    population = [Member((number,), genotype) for number, genotype in enumerate(parents)]
    for child in children(population, MICRO, settings, generator):
        assert child.path in {parent.path for parent in parents}
        for slot, name in enumerate(child.operations):
            assert name in {parent.operations[slot] for parent in parents}


def test_a_path_step_trains_the_weights_of_its_genotype_alone():
    search = SinglePath(ToyMaterial())
    before = copy.deepcopy(search.supernet)
    search.step(0)
    moved = {
        name
        for (name, new), old in zip(
            search.supernet.named_parameters(), before.parameters(), strict=True
        )
        if not torch.equal(new, old)
    }
    assert any("mixed" in name for name in moved)
    assert not any(name.startswith("architecture.") for name in moved)
    everything = {name for name, _ in before.named_parameters() if "mixed" in name}
    assert not everything <= moved


@pytest.mark.parametrize("kernels", ["shared", "per_op"])
def test_one_genotype_alone_is_the_supernet_restricted_to_it(kernels):
    hybrid = ("add_1_3", "max_1_3", "conv_1", "skip", "none")
    space = MICRO.resized(
        partial=1, edge_norm=False, operations=hybrid, kernels=kernels, attention=True
    )
    torch.manual_seed(0)
    supernet = Supernet(space, classes=3)
    clips, _ = batch(4, 3, 2, 12, 12)
    generator = random.Random(0)
    for _ in range(6):
        genotype = random_genotype(space, generator)
        expected = discretised_logits(supernet, genotype, clips)
        torch.testing.assert_close(genotype_logits(supernet, genotype, clips).detach(), expected)


# Multiply-accumulates


def test_macs_are_those_of_the_profile():
    shape = (3, 2, 12, 12)
    supernet = Supernet(MICRO, classes=3)
    derived = DerivedNetwork(MICRO, random_genotype(MICRO, random.Random(0)), 3)
    for network in (supernet, derived):
        assert macs_of(network, shape) == macs_torch(network, shape) > 0
