"""Plans: lengths and frame numbers never depend on the emotion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from surrogate_rows import any_row, any_seed, other_emotions

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.challenge import CLASS_MAPS
from bench.data.surrogates.plans import plan_clip, plan_clips
from bench.data.surrogates.releases import COMPOSITE, RELEASES


@given(any_row, any_seed, st.sampled_from([2, 3]))
def test_only_the_units_of_a_plan_and_their_side_depend_on_the_emotion(row, seed, version):
    plans = [
        replace(plan_clip(other, seed, version), row=row, units=(), side="")
        for other in other_emotions(row)
    ]
    assert len(set(plans)) == 1


@given(any_row, any_seed)
def test_a_clip_has_its_apex_in_the_middle_third(row, seed):
    plan = plan_clip(row, seed)
    least, most = RELEASES[row.dataset].lengths
    assert least <= plan.length <= most
    assert (plan.length - 1) / 3 - 0.5 <= plan.apex <= 2 * (plan.length - 1) / 3 + 0.5
    names = plan.file_names()
    assert len(set(names)) == len(names) == plan.frames


def test_lengths_of_the_classes_are_drawn_alike():
    plans = plan_clips("composite", 0)
    for dataset in COMPOSITE:
        least, most = RELEASES[dataset].lengths
        deviation = (most - least + 1) / 12**0.5
        for name in CHALLENGE_CLASSES:
            words = [word for word, label in CLASS_MAPS[dataset].items() if label == name]
            lengths = [
                plan.length
                for plan in plans
                if plan.row.dataset == dataset and plan.row.emotion in words
            ]
            slack = 4 * deviation / len(lengths) ** 0.5
            assert abs(np.mean(lengths) - (least + most) / 2) < slack


def test_casme2_numbers_sort_otherwise_as_text_than_as_numbers():
    plans = plan_clips("casme2", 0)
    assert any(plan.file_names() != sorted(plan.file_names()) for plan in plans)
    assert any(plan.before and plan.after for plan in plans)
    assert not all(plan.before for plan in plans)


def test_a_few_samm_rows_have_the_apex_outside():
    plans = plan_clips("samm", 0)
    outside = [plan for plan in plans if not plan.onset <= plan.noted_apex <= plan.offset]
    assert 1 <= len(outside) <= len(plans) // 10
