"""Leave-one-subject-out and the halves of the search."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.config.settings import Config, DataConfig, ProtocolConfig
from bench.data.clips import Clip, ClipSet
from bench.data.sets.challenge import expected_counts
from bench.errors import DataError, UsageError
from bench.protocol.naming import split_title
from bench.protocol.splits import (
    absent_classes,
    fold_names,
    folds_by_data_set,
    folds_by_subject,
    folds_of,
    halve,
    hold_out,
    leave_one_subject_out,
)


def clip(dataset, subject, label=0, name="c") -> Clip:
    return Clip(dataset, subject, name, label, (), None, "", 100.0)


class TestFolds:
    CLIPS = tuple(clip("smic", subject) for subject in ("a", "a", "b", "c", "c-1"))

    def test_one_network_is_tested_on_all_new_people(self):
        (fold,) = folds_of(ClipSet("smic", ("x",), self.CLIPS, tested=2), ProtocolConfig())
        assert (fold.name, fold.train, fold.test) == ("fresh", (0, 1, 2), (3, 4))

    def test_without_new_people_each_is_left_out(self):
        found = folds_of(ClipSet("smic", ("x",), self.CLIPS), ProtocolConfig())
        assert found == leave_one_subject_out(self.CLIPS)
        assert [fold.subject for fold in found] == ["a", "b", "c", "c-1"]


people = st.tuples(st.sampled_from(["smic", "samm"]), st.sampled_from(["s1", "s2", "s3"]))
clip_lists = st.lists(people, min_size=3, max_size=20).map(lambda found: [clip(*p) for p in found])


def many(subjects, per_subject=3):
    """Clips of subjects 0, 1, ... of two data sets in turn, with all of three classes."""
    return [
        clip(("smic", "samm")[person % 2], f"p{person}", label % 3, f"c{label}")
        for person in range(subjects)
        for label in range(per_subject)
    ]


class TestFoldsBySubject:
    @given(st.integers(4, 30), st.integers(1, 4), st.integers(2, 6))
    def test_everyone_is_tested_once_and_nobody_is_on_both_sides(self, subjects, each, count):
        clips = many(subjects, each)
        assume(subjects >= count)
        folds = folds_by_subject(clips, count)
        assert len(folds) == count == len({fold.name for fold in folds})
        tested = sorted(index for fold in folds for index in fold.test)
        assert tested == list(range(len(clips)))
        for fold in folds:
            train, test = ({clips[i].subject for i in part} for part in (fold.train, fold.test))
            assert test and not train & test
            assert sorted(fold.train + fold.test) == list(range(len(clips)))
            assert abs(len(test) - subjects / count) < 2

    def test_more_folds_than_subjects_are_refused_with_the_most(self):
        with pytest.raises(DataError, match=r"5 folds of 4 subject.*K from 2 to 4"):
            folds_by_subject(many(4), 5)


class TestFoldsByDataSet:
    def test_each_set_is_tested_by_a_network_of_the_others(self):
        clips = [*many(4), clip("casme2", "x", 0)]
        folds = folds_by_data_set(clips)
        assert [fold.name for fold in folds] == ["smic", "samm", "casme2"]
        for fold in folds:
            assert {clips[index].dataset for index in fold.test} == {fold.name}
            assert sorted(fold.train + fold.test) == list(range(len(clips)))

    def test_train_on_some_and_test_on_another(self):
        clips = [*many(4), clip("casme2", "x"), clip("casme2", "y")]
        (fold,) = folds_by_data_set(clips, ["SAMM"], ["casme2", "samm"])
        assert fold.name == "samm"
        assert {clips[index].dataset for index in fold.train} == {"casme2"}

    def test_one_set_and_an_unknown_name_are_refused(self):
        with pytest.raises(DataError, match="the clips are of a alone; expected a composite"):
            folds_by_data_set([clip("a", "x"), clip("a", "y")])
        with pytest.raises(UsageError, match="Did you mean 'samm'"):
            folds_by_data_set(many(4), ["sam"])


def test_a_class_that_a_fold_trains_without_is_named():
    clips = (clip("a", "x", 0), clip("a", "y", 0), clip("a", "y", 1), clip("a", "z", 0))
    clip_set = ClipSet("a", ("no", "yes", "never"), clips)
    (problem,) = absent_classes(clip_set, folds_of(clip_set, ProtocolConfig()))
    assert (problem.where, problem.what) == ("yes", "1 of 3 folds train without a clip of it: y")


@pytest.mark.parametrize(
    ("config", "title"),
    [
        (Config(), "LOSO"),
        (Config(data=DataConfig(fresh_seed=2)), "fresh"),
        (Config(protocol=ProtocolConfig(split="kfold", folds=7)), "k folds: 7 by subject"),
        (Config(protocol=ProtocolConfig(split="lodo")), "data set left out"),
        (
            Config(protocol=ProtocolConfig(split="lodo", test_sets="samm", train_sets="smic")),
            "data set left out: trained on smic and tested on samm",
        ),
    ],
)
def test_every_split_has_a_name_of_its_own(config, title):
    assert split_title(config.to_dict()) == title


def test_runs_of_older_versions_left_one_subject_out():
    assert split_title({"protocol": {"selection": "last"}, "data": {}}) == "LOSO"


class TestLeaveOneSubjectOut:
    @given(clip_lists)
    def test_every_clip_is_tested_once_by_a_network_that_never_saw_its_subject(self, clips):
        owners = [(c.dataset, c.subject) for c in clips]
        assume(all(len(clips) - owners.count(owner) >= 2 for owner in owners))
        folds = leave_one_subject_out(clips)
        tested = sorted(index for fold in folds for index in fold.test)
        assert tested == list(range(len(clips)))
        for fold in folds:
            assert sorted(fold.train + fold.test) == list(range(len(clips)))
            assert len({owners[index] for index in fold.test}) == 1
            assert not {owners[index] for index in fold.train} & {owners[fold.test[0]]}
        assert len(folds) == len(set(owners)) == len({fold.name for fold in folds})

    def test_folds_are_named_by_subject_and_by_data_set_where_two_share_a_name(self):
        clips = [clip("smic", "s1"), clip("smic", "7"), clip("samm", "7"), clip("smic", "s1")]
        assert fold_names(clips) == {
            ("smic", "s1"): "s1",
            ("smic", "7"): "smic-7",
            ("samm", "7"): "samm-7",
        }
        assert [fold.name for fold in leave_one_subject_out(clips)] == ["s1", "smic-7", "samm-7"]

    def test_two_people_with_one_fold_name_are_refused(self):
        clips = [clip("a", "7"), clip("b", "7"), clip("c", "a-7"), clip("c", "8")]
        with pytest.raises(DataError, match="two people would share the fold a-7"):
            leave_one_subject_out(clips)

    @pytest.mark.parametrize("subjects", [["a", "a", "a"], ["a", "a", "b"]])
    def test_nobody_to_train_on(self, subjects):
        with pytest.raises(DataError, match=r"leaving out subject a leaves fewer than 2 clips"):
            leave_one_subject_out([clip("smic", subject) for subject in subjects])


labelled = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcde")), min_size=4, max_size=24)
seeds = st.integers(0, 2**63 - 1)


def both(pairs, seed, indices=None):
    classes, subjects = zip(*pairs, strict=True)
    chosen = range(len(pairs)) if indices is None else indices
    return halve(chosen, classes, subjects, seed)


def challenge_pairs(dataset):
    """(label, subject) of every clip of a data set in the challenge list."""
    return [
        (label, subject)
        for subject, counts in expected_counts()[dataset].items()
        for label, count in enumerate(counts.values())
        for _ in range(count)
    ]


class TestHalve:
    @given(labelled, seeds)
    def test_partitions_the_clips_with_two_on_each_side(self, pairs, seed):
        first, second = both(pairs, seed)
        assert sorted(first + second) == list(range(len(pairs)))
        assert min(len(first), len(second)) >= 2

    @given(labelled, seeds)
    def test_follows_from_the_seed(self, pairs, seed):
        assert both(pairs, seed) == both(pairs, seed)

    @given(labelled, seeds)
    def test_a_class_of_two_clips_or_more_is_on_both_sides(self, pairs, seed):
        classes = [label for label, _ in pairs]
        assume(min(classes.count(label) for label in set(classes)) >= 2)
        for half in both(pairs, seed):
            assert {classes[index] for index in half} == set(classes)

    @given(
        st.lists(st.tuples(*[st.integers(1, 4)] * 3), min_size=2, max_size=6),
        seeds,
    )
    def test_is_disjoint_by_subject_where_every_subject_shows_every_class(self, counts, seed):
        pairs = [
            (label, f"s{person}")
            for person, shown in enumerate(counts)
            for label, count in enumerate(shown)
            for _ in range(count)
        ]
        first, second = ({pairs[index][1] for index in half} for half in both(pairs, seed))
        assert not first & second

    @pytest.mark.parametrize("dataset", ["smic", "casme2", "samm"])
    @pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
    def test_of_the_challenges_sets_is_disjoint_and_balanced(self, dataset, seed):
        pairs = challenge_pairs(dataset)
        halves = both(pairs, seed)
        first, second = ({pairs[index][1] for index in half} for half in halves)
        assert not first & second
        shares = [
            [sum(pairs[index][0] == label for index in half) / len(half) for label in range(3)]
            for half in halves
        ]
        assert shares[0] == pytest.approx(shares[1], abs=0.2)

    def test_splits_by_class_alone_where_the_subjects_do_not_allow_more(self):
        pairs = [(0, "a")] * 4 + [(1, "b")] * 6
        halves = both(pairs, 0)
        counts = [[sum(pairs[i][0] == label for i in half) for label in (0, 1)] for half in halves]
        assert counts == [[2, 3], [2, 3]]

    def test_splits_only_the_clips_it_is_given(self):
        pairs = [(index % 2, "abcd"[index % 4]) for index in range(16)]
        indices = list(range(0, 12))
        first, second = both(pairs, 3, indices)
        assert sorted(first + second) == indices

    def test_depends_on_the_seed(self):
        pairs = [(index % 3, f"s{index // 6}") for index in range(48)]
        assert len({both(pairs, seed) for seed in range(10)}) > 1

    def test_needs_four_clips(self):
        with pytest.raises(DataError, match="only 3 clips to search on"):
            both([(0, "a"), (1, "b"), (0, "c")], 0)


def held_out(pairs, seed, share=0.2, indices=None):
    classes, subjects = zip(*pairs, strict=True)
    chosen = range(len(pairs)) if indices is None else indices
    return hold_out(chosen, classes, subjects, share, seed)


class TestHoldOut:
    @given(labelled, seeds, st.floats(0.05, 0.5))
    def test_partitions_the_clips_by_whole_subjects(self, pairs, seed, share):
        try:
            kept, held = held_out(pairs, seed, share)
        except DataError:
            assume(False)
        assert sorted(kept + held) == list(range(len(pairs)))
        assert len(kept) >= 2
        assert held
        assert not {pairs[index][1] for index in kept} & {pairs[index][1] for index in held}
        assert held_out(pairs, seed, share) == (kept, held)

    @pytest.mark.parametrize("dataset", ["smic", "casme2", "samm"])
    @pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
    def test_of_the_challenges_sets_is_a_fifth_with_every_class_on_both_sides(self, dataset, seed):
        pairs = challenge_pairs(dataset)
        parts = held_out(pairs, seed)
        assert all({pairs[index][0] for index in part} == {0, 1, 2} for part in parts)
        assert len(parts[1]) / len(pairs) == pytest.approx(0.2, abs=0.1)

    def test_leaves_every_class_in_training_where_that_can_be(self):
        pairs = [(0, "a"), (0, "b"), (0, "c"), (0, "d"), (1, "a"), (1, "b")]
        for seed in range(10):
            kept, _ = held_out(pairs, seed, 0.3)
            assert {pairs[index][0] for index in kept} == {0, 1}

    def test_splits_only_the_clips_it_is_given(self):
        pairs = challenge_pairs("smic")
        indices = list(range(10, 120))
        kept, held = held_out(pairs, 0, indices=indices)
        assert sorted(kept + held) == indices

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            ([(0, "a"), (1, "a"), (0, "a")], "3 clips of 1 subjects cannot be held out"),
            ([(0, "a"), (0, "b")], "fewer than 2 to train on"),
        ],
    )
    def test_says_where_nobody_can_be_spared(self, pairs, message):
        with pytest.raises(DataError, match=message):
            held_out(pairs, 0)
