"""Realism: a set is like itself, and each measure answers to what it is named for."""

from __future__ import annotations

import numpy as np
import pytest

from bench.config.settings import DataConfig
from bench.data.sources import find_clips, resolve_source
from bench.data.surrogates.flows import FlowPlan
from bench.data.surrogates.writing import write_flows
from reports.surrogate.realism import (
    BANDS,
    REGIONS,
    class_means,
    measure_flows,
    measured,
    realism_text,
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> str:
    """A dozen generated flow images."""
    folder = tmp_path_factory.mktemp("flows") / "f"
    return f"manifest:{write_flows(folder, FlowPlan(people=4, clips=12))}"


def test_a_set_is_like_itself(manifest, tmp_path):
    one = measured(manifest, tmp_path)
    assert sum(one.counts) == 12
    assert sum(one.spectrum) == pytest.approx(1)
    text = realism_text(one, one)
    assert text.count("+1.00") >= 6
    assert all(region in text for region in REGIONS)
    panels = class_means(one, one).axes
    assert len(panels) == 3 * 4  # classes, and u and v of both sets
    assert np.array_equal(panels[0].images[0].get_array(), one.means[0, 0])


def test_measures_answer_to_roughness_direction_and_frequency(manifest, tmp_path):
    clips = find_clips(resolve_source(manifest, None, False, tmp_path), DataConfig())
    rows, columns = np.mgrid[:28, :28].astype(np.float32)
    smooth = np.zeros((12, 2, 28, 28), np.float32)
    smooth[:, 0] = np.where(columns < 14, -1, 1)  # outwards
    smooth[:, 1] = np.where(rows < 14, -1, 1)  # the upper half goes up
    found = measure_flows("made", clips, smooth)
    assert np.allclose(found.outward, 1)
    assert np.allclose(found.up[:, 0], 1)
    assert np.allclose(found.up[:, -1], -1)
    assert np.allclose(found.size, 2**0.5)
    waves = np.stack([np.cos(2 * np.pi * 9 * columns / 28)] * 2)[None].repeat(12, 0)
    finer = measure_flows("waves", clips, waves)
    assert finer.rough > 5 * found.rough
    assert np.argmax(finer.spectrum) == BANDS.index(7)
