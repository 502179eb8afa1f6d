"""The directions of β that no loss sees: as computed, against gradients in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from method_cases import MICRO, SPACES, batch

from rnas.decode import gauge_free
from rnas.identify import keep_still, null_directions, seen_slopes
from rnas.operations import Norm
from rnas.search import Searcher, SearchSettings
from rnas.supernet import Architecture, Supernet
from rnas.trellis import OPEN, State, Trellis

TRELLISES = {
    "four layers": Trellis(4, (2, 4, 8), ("stay", "shrink")),
    "moves up": Trellis(3, (2, 4), ("up", "stay", "shrink")),
    "one layer": Trellis(1, (2, 4), ("stay", "shrink")),
    "no choice": Trellis(3, (2, 4), ("stay",)),
}
EPS = 1e-14
"""Of the norm: what is left of a scale that ReLU-Conv-BN removes is in this proportion."""


def at(trellis, scale, start="path_uniform"):
    """A point of β."""
    architecture = Architecture(MICRO.resized(outer=trellis), start).double()
    with torch.no_grad():
        architecture.path_logits.normal_(std=scale)
    return architecture


def gradients(space, logits, losses):
    """Gradients of β's logits at one point: (losses, logits), each of other weights and clips."""
    found = []
    for seed in range(losses):
        torch.manual_seed(seed)
        net = Supernet(space, 3, norm=Norm(affine=False, eps=EPS)).double()
        with torch.no_grad():
            net.architecture.path_logits.copy_(logits)
        clips, labels = batch(4, 3, 1, 8, 8, seed=seed)
        loss = F.cross_entropy(net(clips.double()), labels)
        found += torch.autograd.grad(loss, net.architecture.path_logits)
    return torch.stack(found)


@pytest.mark.parametrize("name", ["four layers", "moves up", "one layer"])
def test_gradients_span_all_but_the_null_directions(name):
    space = MICRO.resized(outer=TRELLISES[name])
    point = at(TRELLISES[name], 1.0, "uniform")
    null, slopes = null_directions(point), seen_slopes(point)
    rank = int(torch.linalg.matrix_rank(slopes))
    assert rank == len(point.path_logits) - len(point.space.outer.choices) - len(null)
    found = gradients(space, point.path_logits.detach(), rank + 4)
    found = found / torch.linalg.vector_norm(found, dim=1, keepdim=True)
    assert float((found @ null.T).abs().sum()) < 1e-9
    sizes = torch.linalg.svdvals(found)
    assert float(sizes[rank - 1]) > 1e-5
    assert float(sizes[rank:].abs().sum()) < 1e-9


@pytest.mark.parametrize(("name", "rows"), [("rnas_mer", 15), ("autodeeplab_3d", 63)])
@pytest.mark.parametrize("scale", [0.0, 1e-3, 2.0])
@pytest.mark.parametrize("start", ["uniform", "path_uniform"])
def test_three_directions_of_the_published_trellises_are_null(name, rows, scale, start):
    """12 of 15 change a loss in OPEN, 60 of 63 in Auto-DeepLab's, at the start and elsewhere."""
    point = at(SPACES[name].outer, scale, start)
    null = null_directions(point)
    assert len(point.path_logits) - len(point.space.outer.choices) == rows
    assert len(null) == 3
    torch.testing.assert_close(null @ null.T, torch.eye(3, dtype=torch.float64))
    assert float((null @ seen_slopes(point).T).abs().max()) < 1e-12


def test_how_many_are_null_depends_on_the_point():
    """Where both states of a layer send half to each, the next layer's shares are tied."""
    assert len(null_directions(at(TRELLISES["moves up"], 1.0))) == 1
    assert len(null_directions(at(TRELLISES["moves up"], 0.0, "uniform"))) == 2


def test_a_head_that_reads_the_only_layer_sees_all_and_one_path_has_nothing_to_see():
    assert len(null_directions(at(TRELLISES["one layer"], 1.0))) == 0
    assert null_directions(at(TRELLISES["no choice"], 1.0)).shape == (0, 0)


def test_along_a_null_direction_beta_moves_and_its_shares_do_not():
    point = at(OPEN, 1.0)
    before = point.beta_values()
    shares = OPEN.shares(before)
    for direction in null_directions(point):
        with torch.no_grad():
            point.path_logits.add_(1e-6 * direction)
            after = point.beta_values()
            point.path_logits.sub_(1e-6 * direction)
        assert max(abs(after[arrow] - before[arrow]) for arrow in after) > 1e-8
        assert OPEN.shares(after) == pytest.approx(shares, abs=1e-11)
        assert gauge_free(OPEN, after, point.start) == gauge_free(OPEN, before, point.start)


def stepped(architecture, still, steps=5):
    """The logits after Adam's steps on gradients that no null direction has a part in."""
    optimiser = torch.optim.Adam([architecture.path_logits], lr=0.1, weight_decay=1e-2)
    if still:
        keep_still(architecture, optimiser)
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        slopes = seen_slopes(architecture)
        along = torch.randn(len(slopes), dtype=torch.float64, generator=generator)
        architecture.path_logits.grad = along @ slopes
        null, before = null_directions(architecture), architecture.path_logits.detach().clone()
        optimiser.step()
        yield null @ (architecture.path_logits.detach() - before)


def test_a_step_has_no_part_in_the_null_directions():
    drifting = torch.stack(list(stepped(at(OPEN, 1.0), still=False)))
    kept = torch.stack(list(stepped(at(OPEN, 1.0), still=True)))
    assert float(drifting.abs().max()) > 1e-2
    assert float(kept.abs().max()) < 1e-12


def test_what_a_loss_sees_moves_as_the_step_says():
    plain, still = at(OPEN, 1.0), at(OPEN, 1.0)
    with torch.no_grad():
        still.path_logits.copy_(plain.path_logits)
    slopes, before = seen_slopes(plain), plain.path_logits.detach().clone()
    for architecture, kept in ((plain, False), (still, True)):
        list(stepped(architecture, kept, steps=1))
    moved = [slopes @ (each.path_logits.detach() - before) for each in (plain, still)]
    torch.testing.assert_close(*moved)


@pytest.mark.parametrize("setting", ["still", "drift"])
def test_a_row_that_is_null_as_a_whole_stays_in_a_search(setting):
    outer = TRELLISES["four layers"]
    torch.manual_seed(0)
    net = Supernet(MICRO.resized(outer=outer), classes=3, start="path_uniform")
    settings = SearchSettings(epochs=1, warmup=0.0, null_directions=setting)
    search = Searcher(net, settings)
    logits = net.architecture.path_logits
    before = logits.detach().clone()
    for seed in range(3):
        search.step_architecture(*batch(4, 3, 2, 12, 12, seed=seed))
    unseen = torch.tensor([a.source in outer.unidentifiable for a in net.architecture.free_arrows])
    assert {a.source for a in net.architecture.free_arrows} >= outer.unidentifiable == {State(0, 0)}
    assert torch.equal(before[unseen], logits[unseen]) == (setting == "still")
    assert not torch.equal(before[~unseen], logits[~unseen])


def test_a_trellis_of_one_path_has_nothing_to_keep():
    net = Supernet(MICRO.resized(outer=TRELLISES["no choice"]), classes=3)
    search = Searcher(net, SearchSettings(null_directions="still", warmup=0.0))
    assert search.step_architecture(*batch(4, 3, 2, 12, 12)).isfinite()
