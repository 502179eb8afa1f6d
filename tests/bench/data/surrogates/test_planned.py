"""What is planned is what is found once it has been written."""

from __future__ import annotations

import pytest

from bench.data.sets.catalogue import load_clips
from bench.data.surrogates.planned import planned_clips
from bench.data.surrogates.writing import write_surrogate


@pytest.mark.parametrize("class_map", ["challenge", "native"])
def test_planned_clips_are_those_that_are_written(tmp_path, class_map):
    write_surrogate("casme2", tmp_path / "s", size=16, subjects=["sub04"], workers=1)
    written = load_clips("casme2", tmp_path / "s", ["4"], class_map)
    planned = planned_clips("casme2", 0, class_map, ["4"])
    assert planned.classes == written.classes and planned.class_map == written.class_map
    names = [[(c.subject, c.name, c.label) for c in found.clips] for found in (planned, written)]
    assert names[0] == names[1] != []
