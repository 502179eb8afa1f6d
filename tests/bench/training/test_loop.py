"""Batches, class weights, training and prediction of a small network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from baselines.fixed import Recipe, StillInput
from bench.config.settings import DataConfig, TrainConfig
from bench.training.loop import predict, train
from bench.training.procedure import procedure
from bench.training.tensors import (
    ClipTensors,
    StillTensors,
    appearances,
    batches,
    class_weights,
    repeated,
)
from rnas.errors import LossDiverged
from rnas.optimisers import SGD

pytestmark = pytest.mark.usefixtures("one_thread")

STILL = DataConfig(flip=False, shift=0, jitter=0)
MOVING = DataConfig(flip=True, shift=1, jitter=0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clips(labels, settings=STILL, classes=3):
    """Noise that is brighter the higher the label."""
    labels = torch.tensor(labels)
    noise = torch.randint(0, 60, (len(labels), 2, 4, 4, 3), generator=generator())
    videos = (noise + 80 * labels.view(-1, 1, 1, 1, 1)).to(torch.uint8)
    return ClipTensors(videos, labels, classes, settings)


def network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Flatten(), nn.Linear(128, 3))


def no_report(done, total):
    pass


class TestBatches:
    @given(st.sets(st.integers(0, 99), min_size=1), st.integers(2, 20), st.integers(0, 9))
    def test_hold_every_clip_once_but_a_last_single_one(self, indices, size, seed):
        found = [batch.tolist() for batch in batches(sorted(indices), size, generator(seed))]
        together = [index for batch in found for index in batch]
        assert len(together) == len(set(together))
        assert set(together) <= indices
        assert len(indices) - len(together) == (len(indices) % size == 1)
        assert all(len(batch) == size for batch in found[:-1])
        assert all(2 <= len(batch) <= size for batch in found)

    def test_are_shuffled_by_the_generator_alone(self):
        def order(seed):
            return [batch.tolist() for batch in batches(range(20), 5, generator(seed))]

        assert order(1) == order(1)
        assert order(1) != order(2)

    def test_go_class_by_class_where_nothing_is_shuffled(self):
        numbers = torch.arange(6.0).view(6, 1, 1, 1)
        stills = StillTensors(numbers, labels=torch.tensor([2, 0, 1, 0, 2, 1]), classes=3)
        seen = []

        class Watching(nn.Linear):
            def forward(self, images):
                seen.append(images.flatten().tolist())
                return super().forward(images.flatten(1))

        recipe = Recipe("sgd", 0.1, epochs=2, batch=3, shuffle=False)
        train(Watching(1, 3), stills, [5, 4, 3, 1, 0], recipe, 0, "s01", no_report)
        assert seen == [[3, 1, 5], [4, 0]] * 2


class TestBalanced:
    LABELS = (0,) * 12 + (1,) * 4 + (2,) * 2
    CLIPS = StillTensors(torch.zeros(18, 1, 1, 1), torch.tensor(LABELS), 3)

    def counts(self, indices, balance, seed=0):
        times = appearances(self.CLIPS, indices, balance)
        return torch.bincount(torch.tensor(repeated(indices, times, generator(seed))))

    def test_every_class_comes_to_so_many_times_the_rarest(self):
        counts = self.counts(range(18), 6)
        assert counts.tolist() == [1] * 12 + [3] * 4 + [6] * 2

    def test_a_fraction_is_drawn_by_lot(self):
        drawn = torch.stack([self.counts(range(12, 18), 5, seed) for seed in range(200)])
        assert set(drawn[:, 12].tolist()) == {2, 3}
        assert drawn[:, 12].float().mean() == pytest.approx(2.5, abs=0.15)
        assert (drawn[:, 16:] == 5).all()

    def test_no_clip_is_left_out_and_the_generator_decides(self):
        assert (self.counts(range(18), 1) >= 1).all()
        assert torch.equal(self.counts(range(18), 4, seed=3), self.counts(range(18), 4, seed=3))

    def test_training_sees_them_so_often(self):
        seen = []

        class Watching(nn.Linear):
            def forward(self, images):
                seen.append(len(images))
                return super().forward(images.flatten(1))

        recipe = Recipe("sgd", 0.1, epochs=2, batch=12, balance=6)
        train(Watching(1, 3), self.CLIPS, range(18), recipe, 0, "s01", no_report)
        assert seen == [12, 12, 12] * 2


class TestViews:
    VIEWS = torch.arange(8 * 5.0).view(8, 5, 1, 1, 1)  # 8 clips in 5 views
    WANTED = StillInput("landmark_patches", 1, amplifications=(0.5, 0.8, 1, 1.5, 2))
    STILLS = StillTensors.of(VIEWS, WANTED, torch.zeros(8), 3)
    CHOSEN = torch.tensor([6, 1, 3])

    def drawn(self, seed):
        draws = self.STILLS.augmented([self.CHOSEN] * 40, generator(seed))
        return torch.stack([images.flatten() for images, _ in draws])  # (40, 3)

    def test_training_draws_one_per_clip_and_epoch(self):
        drawn = self.drawn(0)
        assert (drawn // 5 == self.CHOSEN).all()
        assert set((drawn % 5).flatten().tolist()) == {0, 1, 2, 3, 4}
        assert torch.equal(drawn, self.drawn(0))
        assert not torch.equal(drawn, self.drawn(1))

    def test_tests_see_the_one_at_share_1(self):
        assert self.STILLS.evaluation_batch(self.CHOSEN).flatten().tolist() == [32, 7, 17]

    def test_without_any_training_sees_the_images(self):
        stills = StillTensors.of(self.VIEWS[:, 0], StillInput("apex", 1), torch.zeros(8), 3)
        before = (numbers := generator()).get_state()
        ((images, _),) = stills.augmented([self.CHOSEN], numbers)
        assert images.flatten().tolist() == [30, 5, 15]
        assert torch.equal(numbers.get_state(), before)


class TestClassWeights:
    def test_worked_out_by_hand(self):
        weights = class_weights(clips([0, 0, 0, 0, 1, 2]), range(6))
        assert weights.tolist() == pytest.approx([1 / 3, 4 / 3, 4 / 3])

    def test_count_only_the_training_clips(self):
        weights = class_weights(clips([0, 0, 0, 0, 1, 2]), [0, 4, 5])
        assert weights.tolist() == pytest.approx([1, 1, 1])

    @given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
    def test_give_every_class_that_occurs_the_same_say(self, labels):
        weights = class_weights(clips(labels), range(len(labels)))
        present = sorted(set(labels))
        say = [float(weights[label]) * labels.count(label) for label in present]
        assert say == pytest.approx([say[0]] * len(say), rel=1e-5)
        assert float(weights[present].mean()) == pytest.approx(1, rel=1e-5)
        assert all(weights[label] == 0 for label in range(3) if label not in labels)


class TestTraining:
    def run(self, seed=0, settings=MOVING, labels=(0, 1, 2) * 6, **changes):
        model, data = network(), clips(list(labels), settings)
        options = TrainConfig(**{"epochs": 4, "batch": 6, **changes})
        losses = train(model, data, range(12), options, seed, "s01", no_report)
        return losses, predict(model, data, range(12, len(labels)))

    def test_learns(self):
        losses, logits = self.run(epochs=20)
        assert len(losses) == 20
        assert losses[-1] < losses[0] / 2
        assert logits.argmax(1).tolist() == [0, 1, 2] * 2

    def test_the_same_seed_gives_the_same_predictions_whatever_ran_before(self):
        first, second = self.run(seed=1), None
        torch.rand(3)
        second = self.run(seed=1)
        assert first[0] == second[0]
        assert torch.equal(first[1], second[1])
        assert not torch.equal(first[1], self.run(seed=2)[1])

    def test_augments_in_training_only(self):
        data = clips([0, 1, 2] * 4, MOVING)
        every = torch.arange(12)
        still = data.evaluation_batch(every)
        assert torch.equal(still, data.evaluation_batch(every))
        [(inputs, labels)] = data.augmented([every], generator())
        assert inputs.shape == still.shape == (12, 3, 2, 4, 4)
        assert not torch.equal(inputs, still)
        assert torch.equal(labels, data.labels)
        [(same, _)] = clips([0, 1, 2] * 4, STILL).augmented([every], generator())
        assert torch.equal(same, still)

    def test_an_epoch_has_the_batches_asked_for(self):
        data = clips([0, 1, 2] * 4)
        asked = [torch.tensor([3, 1]), torch.tensor([1, 0, 11]), torch.tensor([5, 3])]
        given = list(data.augmented(asked, generator()))
        assert len(given) == 3
        for indices, (inputs, labels) in zip(asked, given, strict=True):
            assert torch.equal(inputs, data.evaluation_batch(indices))
            assert torch.equal(labels, data.labels[indices])
        assert list(data.augmented([], generator())) == []

    def test_weighted_loss_differs_where_classes_are_uneven(self):
        uneven = (0, 0, 0, 0, 1, 2) * 3
        plain = self.run(labels=uneven)
        weighted = self.run(labels=uneven, weighted_loss=True)
        assert plain[0] != weighted[0]

    def test_the_learning_rate_falls_as_a_cosine(self, monkeypatch):
        rates = []
        step = SGD.step

        def watched(self, *arguments, **options):
            rates.append(self.param_groups[0]["lr"])
            return step(self, *arguments, **options)

        monkeypatch.setattr(SGD, "step", watched)
        self.run(batch=12, lr=0.4)
        assert rates == pytest.approx([0.4, 0.2 + 0.2 * 2**-0.5, 0.2, 0.2 - 0.2 * 2**-0.5])

    def test_the_learning_rate_climbs_before_it_falls(self):
        way = procedure(TrainConfig(epochs=8, lr=0.3, warmup=0.25))
        assert [way.rate(epoch) for epoch in (0, 1, 2, 5)] == pytest.approx([0.1, 0.2, 0.3, 0.15])
        assert way.rate(7) > 0

    def test_the_learning_rate_of_a_recipe_may_fall_along_a_cosine(self):
        recipe = Recipe("adam", 0.4, epochs=4, batch=2, lr_step=2, lr_gamma=0.5)
        stepped = [procedure(recipe).rate(epoch) for epoch in range(4)]
        assert stepped == pytest.approx([0.4, 0.4, 0.2, 0.2])
        way = procedure(replace(recipe, lr_step=0, cosine=True))
        expected = [0.4, 0.2 + 0.2 * 2**-0.5, 0.2, 0.2 - 0.2 * 2**-0.5]
        assert [way.rate(epoch) for epoch in range(4)] == pytest.approx(expected)

    def test_reports_every_epoch(self):
        seen = []
        options = TrainConfig(epochs=3, batch=6)
        data = clips([0, 1, 2] * 4)
        train(network(), data, range(12), options, 0, "", lambda *now: seen.append(now))
        assert seen == [(1, 3), (2, 3), (3, 3)]

    def test_a_loss_that_is_no_number_is_named_with_its_epoch(self):
        model = network()
        model[3].bias.data.fill_(float("inf"))
        with pytest.raises(LossDiverged, match=r"training loss of epoch 1 is .*train\.lr"):
            train(model, clips([0, 1, 2] * 4), range(12), TrainConfig(epochs=2), 0, "", no_report)


class TestPrediction:
    def test_does_not_depend_on_the_other_clips(self):
        """Running statistics, not those of the batch."""
        data, model = clips([0, 1, 2] * 30), network()
        together = predict(model, data, range(90))
        alone = torch.cat([predict(model, data, [index]) for index in (0, 63, 64, 89)])
        assert together.shape == (90, 3)
        assert together.dtype == torch.float64
        assert torch.allclose(together[[0, 63, 64, 89]], alone, atol=1e-6)

    def test_leaves_weights_and_statistics_alone(self):
        data, model = clips([0, 1, 2] * 2), network()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        assert not predict(model, data, range(6)).requires_grad
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_is_in_exact_float32(self):
        """On a GPU torch rounds convolutions to TF32 unless told otherwise."""
        model, seen = network(), []
        convolutions = torch.backends.cudnn.conv
        model.register_forward_hook(lambda *_: seen.append(convolutions.fp32_precision))
        predict(model, clips([0, 1, 2]), range(3))
        assert seen == ["ieee"]


@given(st.integers(1, 30))
def test_a_set_of_one_clip_has_no_batch(size):
    assume(size >= 2)
    assert list(batches([7], size, generator())) == []
