"""The releases as data: which action units stand for which class."""

from __future__ import annotations

from bench.data.sets.challenge import CLASS_MAPS
from bench.data.surrogates.action_units import ACTION_UNITS
from bench.data.surrogates.releases import RELEASES


def test_positive_negative_and_surprise_use_their_own_units():
    signs = {"negative": {4, 9, 15}, "positive": {6, 12}, "surprise": {1, 2, 5, 26}}
    used: dict[str, set] = {name: set() for name in signs}
    for dataset, release in RELEASES.items():
        for word, sets in release.units.items():
            if word in CLASS_MAPS[dataset]:
                used[CLASS_MAPS[dataset][word]].update(sets)
    assert used["positive"] == {(6, 12)}
    for name, sets in used.items():
        assert set().union(*sets) == signs[name]


def test_every_unit_of_every_emotion_can_be_shown():
    sets = [
        units for release in RELEASES.values() for word in release.units.values() for units in word
    ]
    assert set().union(*sets) <= set(ACTION_UNITS)
