"""What a network may answer: finite logits, a row per clip and a column per class."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.engine.fold import Parts, Watch
from bench.errors import BenchError
from bench.system.packages import forget
from bench.training.answers import check_answer, check_training_answer
from bench.training.tensors import StillTensors
from rnas.errors import LossDiverged

STILLS = StillTensors(torch.rand(5, 1, 4, 4), labels=torch.tensor([0, 1, 2, 0, 1]), classes=3)


class Answering(nn.Module):
    """Answers as it is told, from the logits of a linear layer."""

    def __init__(self, answer, outputs=3):
        super().__init__()
        self.answer, self.layer = answer, nn.Linear(16, outputs)

    def forward(self, images):
        return self.answer(self.layer(images.flatten(1)))


def check(answer, outputs=3):
    check_answer(Answering(answer, outputs), STILLS, (4, 2))


def test_logits_pass_and_change_nothing():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    check_answer(network, STILLS, range(5))
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert torch.random.get_rng_state().equal(state)


@pytest.mark.parametrize(
    ("answer", "outputs", "said"),
    [
        (lambda x: x, 7, r"gives \(2, 7\), expected logits \(2, 3\)"),
        (lambda x: x, 2, r"gives \(2, 2\), expected logits \(2, 3\)"),
        (lambda x: x[:1], 3, r"gives \(1, 3\)"),
        (lambda x: x.T, 3, r"gives \(3, 2\)"),
        (lambda x: x.sum(), 3, r"gives \(\), expected"),
        (lambda x: x[..., None], 3, r"gives \(2, 3, 1\)"),
        (lambda x: (x, x), 3, "gives a tuple, expected a tensor"),
        (lambda x: {"logits": x}, 3, "gives a dict"),
        (lambda x: x.detach().numpy(), 3, "gives a ndarray"),
        (lambda x: x / 0 * 0, 3, "not finite"),
        (lambda x: x.argmax(1, keepdim=True).expand(2, 3), 3, "floating type"),
        (lambda x: x - x.mean(0), 3, "changes with the other clips"),
        (lambda x: x / x.norm(), 3, "changes with the other clips"),
        (lambda x: x[:1].expand_as(x), 3, "changes with the other clips"),
        (lambda x: x.sort(0).values, 3, "changes with the other clips"),
        (lambda x: x + torch.rand(3), 3, "from call to call"),
        (lambda x: x + x.abs().max() * 3e-4 * torch.randn(3), 3, "from call to call"),
        (lambda x: 1e-6 * (x - x.mean(0)), 3, "changes with the other clips"),
        (lambda x: x @ x, 3, r"cannot take clips \(2, 1, 4, 4\): RuntimeError"),
    ],
)
def test_other_answers_are_refused_in_one_line(answer, outputs, said):
    with pytest.raises(BenchError, match=said) as error:
        check(answer, outputs)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x - x.mean(0) if len(x) > 2 else x,
        lambda x: x + 1e-3 * torch.arange(len(x))[:, None],
    ],
)
def test_what_larger_batches_do_and_a_place_in_them(answer):
    with pytest.raises(BenchError, match="changes with the other clips"):
        check_answer(Answering(answer), STILLS, range(5))


class Stacked(nn.Module):
    """Three heads behind a batch norm and dropout, stacked along an axis; their mean in the end."""

    def __init__(self, axis):
        super().__init__()
        self.seen = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Dropout(0.5))
        self.heads = nn.ModuleList(nn.Linear(16, 3) for _ in range(3))
        self.axis = axis

    def forward(self, images):
        features = self.seen(images)
        found = torch.stack([head(features) for head in self.heads], self.axis)
        return found if self.training else found.mean(self.axis)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (Answering(lambda x: x.softmax(1)), "cross-entropy would take the softmax again"),
        (Answering(lambda x: (9 * x).softmax(1)[..., None].expand(5, 3, 2)), "softmax again"),
        (Answering(lambda x: x.softmax(1)[:, [2, 0, 1]]), "leave out the last softmax"),
        (Answering(lambda x: x[:, None].expand(5, 2, 3)), r"training mode .*\(5, 2, 3\), expected"),
        (Answering(lambda x: x, outputs=7), r"\(5, 7\), expected logits \(5, 3\)"),
        (Stacked(1), r"\(5, 3, 3\), .* stack them along axis 2"),
    ],
)
def test_what_cross_entropy_does_not_take_is_refused(network, said):
    with pytest.raises(BenchError, match=said) as error:
        check_training_answer(network, STILLS, range(5))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "network",
    [
        Answering(lambda x: x),
        Answering(lambda x: x.log_softmax(1)),
        Answering(lambda x: x.sigmoid()),
        Answering(lambda x: 0 * x),
        Stacked(2),
        nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 3)),
    ],
)
def test_logits_in_training_mode_pass(network):
    state = torch.random.get_rng_state()
    check_answer(network, STILLS, range(5))
    check_training_answer(network, STILLS, range(5))
    assert torch.random.get_rng_state().equal(state)


class Deaf(nn.Dropout):
    """Goes on in evaluation mode."""

    def train(self, mode=True):
        return super().train(True)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (nn.Sequential(nn.Flatten(), Deaf(), nn.Linear(16, 3)), "its part 1 is still in training"),
        (Deaf(), "the network is still in training"),
    ],
)
def test_every_part_goes_into_evaluation_mode(network, said):
    with pytest.raises(BenchError, match=said):
        check_answer(network, STILLS, range(5))


def test_what_it_changes_of_the_process_is_set_back_and_said(capsys):
    threads = torch.get_num_threads()

    def busy(x):
        torch.set_num_threads(threads + 1)
        return x

    forget()
    check_answer(Answering(busy), STILLS, range(5))
    assert torch.get_num_threads() == threads
    assert "network Answering changed the number of threads" in capsys.readouterr().err


@pytest.mark.parametrize(("clips", "advice"), [(1, "look in its forward"), (2, "train.recipe_lr")])
def test_an_answer_that_is_not_finite_after_a_sound_training(clips, advice):
    parts, logits = Parts(train=(0,), test=(1, 2)), torch.zeros(2, 3)
    logits[:clips, 0] = torch.inf
    watch = Watch(nn.Linear(1, 3), STILLS, parts, ("last",), test={1: logits})
    with pytest.raises(
        LossDiverged, match=f"losses are finite.* to {clips} of 2.*{advice}"
    ) as said:
        watch.logits()
    assert ("lower the learning rate" in str(said.value)) == (clips == 2)
