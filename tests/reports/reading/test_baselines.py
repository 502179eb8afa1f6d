"""Rows below the best classical baseline on the same clips say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from built_tables import rows_of, table

from bench.runs.record import DataRecord
from reports.reading.baselines import beside_baselines
from reports.reading.groups import gather

MARK = "below linear baseline: SMIC"


@pytest.fixture
def baseline(record):
    def make(uar, clips="one", **more):
        own = {"variant": "linear_flow", "kind": "estimator", "config_hash": "cccc3333"} | more
        return record(uar=uar, data=DataRecord(fingerprint=clips), **own)

    return make


@pytest.fixture
def marked(record):
    """Whether a run of UAR 0.5 (or of several seeds) is marked beside other runs."""

    def ask(*others, uars=(0.5,), clips="one", **more):
        own = [
            record(seed=seed, uar=uar, data=DataRecord(fingerprint=clips), kind="search", **more)
            for seed, uar in enumerate(uars)
        ]
        records = beside_baselines([*own, *others], [*own, *others])
        (group,) = (each for each in gather(records) if each.key.variant == "rnas_mer")
        return MARK in group.conditions

    return ask


def test_only_what_is_below_the_best_of_them_is_marked(marked, baseline):
    worse = baseline(0.4, variant="majority")
    assert marked(worse, baseline(0.6))
    assert not marked(worse)
    assert not marked(baseline(0.5))
    assert not marked()


def test_the_settings_of_a_baseline_do_not_matter_its_clips_do(marked, baseline):
    assert marked(baseline(0.6, preset="paper"))
    assert not marked(baseline(0.6, clips="others"))
    assert not marked(baseline(0.6, clips=None), clips=None)  # not recorded, so not known


def test_seeds_count_by_their_mean(marked, baseline):
    assert not marked(baseline(0.6), uars=(0.5, 0.7))
    assert marked(baseline(0.6), uars=(0.5, 0.6))
    assert not marked(*(baseline(0.1, seed=seed) for seed in range(3)), uars=(0.1, 0.1, 0.1))


def test_controls_are_neither_marked_nor_a_mark_for_others(marked, baseline):
    shuffled = {"config": {"data": {"shuffle_labels": True}}}
    assert not marked(baseline(0.6), **shuffled)
    assert not marked(baseline(0.6, **shuffled))


def test_a_table_shows_and_explains_the_mark(record, baseline):
    own = record(data=DataRecord(fingerprint="one"))
    built = table(2, *beside_baselines([own, baseline(0.6)], [own, baseline(0.6)]))
    (row,) = rows_of(built, "rnas_mer")
    assert MARK in row.marks
    assert any(note.startswith("below linear baseline: a classical") for note in built.notes)
    (best,) = rows_of(built, "linear_flow")
    assert MARK not in best.marks


@pytest.mark.parametrize(
    ("others", "settings", "differ"),
    [
        ({"clips": "one"}, {}, False),
        ({"clips": "another"}, {}, True),
        ({"clips": "another", "dataset": "samm"}, {}, False),
        ({"clips": None}, {}, False),
        ({"clips": "another"}, {"data": {"subject_count": 3}}, False),
    ],
)
def test_the_same_choice_of_other_clips_is_marked(record, baseline, others, settings, differ):
    own = record(uar=0.5, data=DataRecord(fingerprint="one"))
    other = baseline(0.4, **others)
    other = replace(other, config={**other.config, **settings})
    beside = beside_baselines([own, other], [own, other])
    (group,) = (each for each in gather(beside) if each.key.variant == own.variant)
    assert ("clips differ" in group.conditions) is differ


@pytest.mark.parametrize("what", ["fingerprint", "apexes"])
def test_the_same_choice_of_clips_with_others_in_it_is_marked(record, what):
    one, other = (record(seed=n, data=DataRecord(**{what: f"{n}"})) for n in (0, 1))
    older = record(seed=2)
    assert [each.clips_differ for each in beside_baselines((one, other), (one, other))] == [
        True
    ] * 2
    assert not any(each.clips_differ for each in beside_baselines((one, older), (one, older)))
