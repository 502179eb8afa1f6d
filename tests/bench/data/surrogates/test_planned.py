"""What is planned is what is found once it has been written."""

from __future__ import annotations

import pytest

from bench.data.sets.catalogue import load_clips
from bench.data.surrogates.planned import planned_clips
from bench.data.surrogates.writing import write_surrogate


@pytest.mark.parametrize(
    ("dataset", "subject", "class_map", "left_out"),
    [
        ("casme2", "sub04", "challenge", ""),
        ("casme2", "sub04", "native", ""),
        ("casme2", "sub04", "disgust=low,repression=low,happiness=high,others=", "'others'"),
        ("smic", "s03", "negative=low,positive=high,surprise=", "'surprise'"),
    ],
)
def test_planned_clips_are_those_that_are_written(tmp_path, dataset, subject, class_map, left_out):
    write_surrogate(dataset, tmp_path / "s", size=16, subjects=[subject], workers=1)
    written = load_clips(dataset, tmp_path / "s", [subject], class_map)
    planned = planned_clips(dataset, 0, class_map, [subject])
    assert planned.classes == written.classes and planned.class_map == written.class_map
    names = [[(c.subject, c.name, c.label) for c in found.clips] for found in (planned, written)]
    assert names[0] == names[1] != []
    told = [each.what for each in written.problems if "leaves out" in each.what]
    assert bool(told) == bool(left_out) and all(left_out in what for what in told)
