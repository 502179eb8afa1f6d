import copy
import io
from math import cos, log, pi

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from method_cases import CLIMBING, MICRO, SPACES, batch, shallow, softmax

from rnas.errors import LossDiverged, MethodError
from rnas.search import Searcher, SearchSettings, health
from rnas.supernet import Supernet
from rnas.trellis import Trellis

CLIPS = (4, 3, 2, 12, 12)
SPACES_SHALLOW = {
    **{name: shallow(space).resized(kernels="shared") for name, space in SPACES.items()},
    "rnas_mer": shallow(SPACES["rnas_mer"]),
    "climbing": CLIMBING,
}


def searcher(space=MICRO, seed=0, **changes):
    torch.manual_seed(seed)
    settings = SearchSettings(**{"epochs": 4, "warmup": 0.0, **changes})
    return Searcher(Supernet(space, classes=3), settings)


def pairs(epoch=0, steps=2):
    """(batch of Train B, batch of Train A) for an epoch, the same each time it is asked for."""
    seeds = range(100 * epoch, 100 * epoch + 2 * steps, 2)
    return [(batch(*CLIPS, seed=seed), batch(*CLIPS, seed=seed + 1)) for seed in seeds]


def snapshot(parameters):
    return [parameter.detach().clone() for parameter in parameters]


def same(before, parameters):
    return [torch.equal(a, b) for a, b in zip(before, parameters, strict=True)]


# One step


@pytest.mark.parametrize("name", SPACES_SHALLOW)
def test_each_step_moves_its_own_group_and_leaves_the_other(name):
    search = searcher(SPACES_SHALLOW[name])
    clips, labels = batch(4, 3, 2, 16, 16)
    weights, architecture = snapshot(search.weights), snapshot(search.architecture)

    search.step_weights(clips, labels)
    assert all(same(architecture, search.architecture))
    assert all(parameter.grad is None for parameter in search.architecture)
    used = [k for k, parameter in enumerate(search.weights) if parameter.grad is not None]
    stuck = [k for k in used if torch.equal(weights[k], search.weights[k])]
    assert used and not stuck

    weights = snapshot(search.weights)
    search.step_architecture(clips, labels)
    assert all(same(weights, search.weights))
    assert not any(same(architecture, search.architecture))


def test_a_weight_step_is_clipped_sgd_on_the_whole_loss():
    """Against plain torch, three steps on."""
    search = searcher(weight_lr=0.05, clip=0.5)
    twin = copy.deepcopy(search.supernet)
    weights = twin.weight_parameters()
    sgd = torch.optim.SGD(weights, lr=0.05, momentum=0.9, weight_decay=3e-4)
    for seed in range(3):
        clips, labels = batch(*CLIPS, seed=seed)
        loss = search.step_weights(clips, labels)
        assert not loss.requires_grad
        twin.zero_grad()
        expected = F.cross_entropy(twin(clips), labels)
        expected.backward()
        norm = torch.nn.utils.clip_grad_norm_(weights, 0.5)
        assert float(norm) > 0.5  # or the test would not see the clipping
        sgd.step()
        torch.testing.assert_close(loss, expected.detach())
    for ours, theirs in zip(search.weights, weights, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_architecture_step_is_first_order_adam():
    search = searcher()
    twin = copy.deepcopy(search.supernet)
    parameters = twin.architecture_parameters()
    adam = torch.optim.Adam(parameters, lr=6e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    for seed in range(3):
        clips, labels = batch(*CLIPS, seed=seed)
        search.step_architecture(clips, labels)
        twin.zero_grad()
        F.cross_entropy(twin(clips), labels).backward()
        adam.step()
    for ours, theirs in zip(search.architecture, parameters, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_weights_are_frozen_in_an_architecture_step_alone():
    """A compiled backward pass would compute their gradients else, and throw them away."""
    search, seen = searcher(), []

    def evaluate(clips):
        seen.append({parameter.requires_grad for parameter in search.weights})
        if len(seen) == 3:
            raise RuntimeError("out of memory")
        return search.supernet(clips)

    search.evaluate = evaluate
    search.step_architecture(*batch(*CLIPS))
    search.step_weights(*batch(*CLIPS))
    with pytest.raises(RuntimeError):
        search.step_architecture(*batch(*CLIPS))
    assert seen == [{False}, {True}, {False}]
    assert all(parameter.requires_grad for parameter in search.weights)


def test_weight_steps_on_one_batch_lower_its_loss():
    search = searcher()
    clips, labels = batch(6, 3, 2, 12, 12)
    losses = [float(search.step_weights(clips, labels)) for _ in range(8)]
    assert losses[-1] < 0.8 * losses[0]


def test_architecture_steps_on_one_batch_lower_its_loss():
    search = searcher(architecture_lr=0.1)
    clips, labels = batch(6, 3, 2, 12, 12)
    losses = [float(search.step_architecture(clips, labels)) for _ in range(8)]
    assert losses[-1] < losses[0]


def test_the_loss_alone_moves_nothing():
    search = searcher()
    before = snapshot(search.supernet.parameters())
    clips, labels = batch(*CLIPS)
    loss = search.loss_only(clips, labels)
    assert all(same(before, search.supernet.parameters()))
    torch.testing.assert_close(loss, F.cross_entropy(search.supernet(clips), labels).detach())


# Epochs


@given(epochs=st.integers(1, 200))
def test_the_architecture_is_frozen_for_the_first_30_percent(epochs):
    settings = SearchSettings(epochs=epochs)
    learns = [settings.learns_architecture(epoch) for epoch in range(epochs)]
    frozen = learns.count(False)
    assert learns == [False] * frozen + [True] * (epochs - frozen)
    assert abs(frozen - 0.3 * epochs) <= 0.5
    assert learns[-1]


def test_frozen_then_moving():
    """Of ten epochs three are frozen, then every epoch moves α, η and β; w moves in all."""
    search = searcher(epochs=10, warmup=0.3)
    for epoch in range(5):
        architecture, weights = snapshot(search.architecture), snapshot(search.weights)
        search.run_epoch(epoch, pairs(epoch, steps=1))
        assert same(architecture, search.architecture) == [epoch < 3] * 3
        assert not all(same(weights, search.weights))


@given(epochs=st.integers(1, 100), data=st.data())
def test_the_learning_rate_follows_a_cosine(epochs, data):
    epoch = data.draw(st.integers(0, epochs - 1))
    settings = SearchSettings(epochs=epochs, weight_lr=0.1)
    assert settings.cosine_lr(epoch) == pytest.approx(0.05 + 0.05 * cos(pi * epoch / epochs))
    assert settings.cosine_lr(0) == pytest.approx(0.1)
    assert settings.cosine_lr(epochs) == pytest.approx(0)


def test_an_epoch_uses_its_learning_rate_and_logs_its_means():
    search = searcher(epochs=4)
    twin = copy.deepcopy(search)
    log_ = search.run_epoch(1, pairs(1))
    assert log_.epoch == 1
    assert log_.weight_lr == search.weight_optimiser.param_groups[0]["lr"]
    assert log_.weight_lr == search.settings.cosine_lr(1) < 0.1
    twin.weight_optimiser.param_groups[0]["lr"] = search.settings.cosine_lr(1)
    on_b, on_a = [], []
    for batch_b, batch_a in pairs(1):
        on_b.append(float(twin.step_architecture(*batch_b)))
        on_a.append(float(twin.step_weights(*batch_a)))
    assert log_.architecture_loss == pytest.approx(sum(on_b) / 2)
    assert log_.weight_loss == pytest.approx(sum(on_a) / 2)
    assert log_.genotype == search.supernet.architecture.decode()
    assert all(map(torch.equal, search.supernet.parameters(), twin.supernet.parameters()))


def test_an_epoch_trains_a_supernet_left_in_evaluation_mode():
    search = searcher()
    search.supernet.eval()
    search.run_epoch(0, pairs(steps=1))
    assert search.supernet.training


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("warmup", [0.0, 1.0], ids=["learning", "frozen"])
@pytest.mark.parametrize("which", ["architecture", "weight"])
def test_a_loss_that_is_no_number_stops_the_search(which, warmup, value):
    broken = (torch.full(CLIPS, value), torch.arange(4) % 3)
    sound = batch(*CLIPS)
    pair = (broken, sound) if which == "architecture" else (sound, broken)
    search = searcher(epochs=4, warmup=warmup)
    if which == "architecture" and not warmup:
        search.settings = SearchSettings(epochs=4, warmup=1.0)  # keep w's own loss finite
    with pytest.raises(LossDiverged, match=f"{which} loss of search epoch 3"):
        search.run_epoch(2, [pair])
    assert issubclass(LossDiverged, MethodError)


# Repetition and resumption


def final_state(search, epochs):
    logs = [search.run_epoch(epoch, pairs(epoch, steps=1)) for epoch in epochs]
    return logs, {name: p.detach().clone() for name, p in search.supernet.named_parameters()}


def assert_identical(first, second):
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys()
    assert all(torch.equal(first[1][name], second[1][name]) for name in first[1])


def test_same_seed_same_search():
    assert_identical(*(final_state(searcher(seed=3), range(2)) for _ in range(2)))


def test_another_seed_is_another_search():
    first, second = (final_state(searcher(seed=seed), range(1)) for seed in (3, 4))
    assert first[0] != second[0]


def test_a_resumed_search_goes_on_bit_for_bit():
    """Through a file, into a searcher that started elsewhere."""
    straight = searcher(epochs=4, warmup=0.25)
    final_state(straight, range(2))
    file = io.BytesIO()
    torch.save(straight.state_dict(), file)
    expected = final_state(straight, range(2, 4))

    file.seek(0)
    resumed = searcher(seed=99, epochs=4, warmup=0.25)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert_identical(final_state(resumed, range(2, 4)), expected)


# What is logged


def test_health_of_a_uniform_architecture():
    search = searcher()
    with torch.no_grad():
        for parameter in search.architecture:
            parameter.zero_()
    figures = health(search.supernet)
    assert figures["operation_entropy"] == pytest.approx(log(4))
    assert figures["edge_entropy"] == pytest.approx((log(2) + log(3)) / 2)
    assert figures["path_entropy"] == pytest.approx(log(2))
    assert figures["none_mass"] == pytest.approx(1 / 4)
    assert figures["skip_mass"] == pytest.approx(1 / 4)


def test_health_by_hand():
    search = searcher()
    with torch.no_grad():
        for parameter in search.architecture:
            parameter.normal_()
    architecture = search.supernet.architecture
    rows = [softmax(row) for row in architecture.operation_logits.tolist()]
    figures = health(search.supernet)
    entropies = [-sum(p * log(p) for p in row) for row in rows]
    assert figures["operation_entropy"] == pytest.approx(sum(entropies) / len(rows), rel=1e-5)
    none, skip = (MICRO.operations.index(name) for name in ("none", "skip"))
    assert figures["none_mass"] == pytest.approx(sum(r[none] for r in rows) / len(rows), rel=1e-5)
    assert figures["skip_mass"] == pytest.approx(sum(r[skip] for r in rows) / len(rows), rel=1e-5)


def test_health_without_what_a_space_lacks():
    space = MICRO.resized(
        edge_norm=False, operations=("conv_1", "max_1_3"), outer=Trellis(2, (2,), ("stay",))
    )
    figures = health(searcher(space).supernet)
    assert figures["edge_entropy"] is None
    assert (figures["none_mass"], figures["skip_mass"], figures["path_entropy"]) == (0, 0, 0)


def test_a_search_on_a_single_path_steps():
    """No β to learn: α and η move all the same."""
    search = searcher(MICRO.resized(outer=Trellis(2, (2,), ("stay",))))
    before = snapshot(search.architecture)
    search.run_epoch(0, pairs(steps=1))
    assert same(before, search.architecture) == [False, False, True]


def test_an_architecture_that_is_no_number_is_not_decoded():
    search = searcher(epochs=1, warmup=0.0)

    def step(clips, labels):
        loss = search.loss_only(clips, labels)
        search.architecture[0].data[0, 0] = torch.nan  # as a last step with an endless gradient
        return loss

    search.step_weights = step
    with pytest.raises(LossDiverged, match="are no finite numbers after search epoch 1"):
        search.run_epoch(0, pairs(steps=1))


def test_an_epoch_without_a_batch_says_so():
    with pytest.raises(MethodError, match="search epoch 1 has no batch"):
        searcher(epochs=1).run_epoch(0, [])
