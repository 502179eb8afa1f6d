"""The rows of the releases: the real counts, the odd names."""

from __future__ import annotations

from collections import Counter

import pytest
from surrogate_rows import ROWS

from bench.data.sets.challenge import CLASS_MAPS, LEFT_OUT, expected_counts
from bench.data.surrogates.releases import COMPOSITE, RELEASES


@pytest.mark.parametrize("dataset", COMPOSITE)
def test_rows_have_the_challenge_counts_per_subject_and_class(dataset):
    found = {subject: Counter() for subject in expected_counts()[dataset]}
    for row in ROWS[dataset]:
        label = CLASS_MAPS[dataset].get(row.emotion)
        if label and (row.subject, row.name) not in LEFT_OUT.get(dataset, ()):
            found[row.subject][label] += 1
    expected = expected_counts()[dataset]
    assert found == {subject: Counter(counts) for subject, counts in expected.items()}


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        ("smic", 164),
        ("casme2", 255),
        ("samm", 159),
        ("casme3", 860),
        ("4dme", 267),
        ("mmew", 300),
    ],
)
def test_rows_have_the_release_counts_per_emotion(dataset, rows):
    quota = RELEASES[dataset].quota
    assert len(ROWS[dataset]) == rows
    assert not quota or Counter(row.emotion for row in ROWS[dataset]) == quota
    assert len({(row.subject, row.name) for row in ROWS[dataset]}) == rows


def test_casme2_has_the_odd_names_and_subjects_of_the_release():
    rows = {(row.subject, row.name): row.emotion for row in ROWS["casme2"]}
    assert {subject for subject, _ in rows} == {f"sub{number:02d}" for number in range(1, 27)}
    assert {"EP01_2", "EP09f", "EP06_02_01"} <= {name for _, name in rows}
    assert all(CLASS_MAPS["casme2"][rows[row]] == "negative" for row in LEFT_OUT["casme2"])
    unlisted = {rows[row] for row in rows if row[0] in ("sub10", "sub18")}
    assert unlisted
    assert not unlisted & set(CLASS_MAPS["casme2"])


@pytest.mark.parametrize("dataset", sorted(set(RELEASES) - set(COMPOSITE)))
def test_rows_of_sets_without_a_challenge_list_are_dealt_evenly(dataset):
    per_subject = Counter(row.subject for row in ROWS[dataset])
    assert set(per_subject) == set(RELEASES[dataset].subjects)
    assert max(per_subject.values()) - min(per_subject.values()) <= 1
