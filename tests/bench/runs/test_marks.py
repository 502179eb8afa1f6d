"""Marks of a run: what its settings supply in place of what its variant lacks, and sizes."""

from __future__ import annotations

import pytest

from baselines.peers import LEI_GRAPH_CNN, NMER
from bench.config.settings import DataConfig
from bench.data.clips import Clip
from bench.errors import DataError
from bench.runs.marks import DEAD_WEIGHTS, SUPPLIED, run_marks, size_marks
from reports.reading.marks import MARK_MEANINGS

CLIPS = [Clip("smic", "s01", name, 0, (), None, "negative", 100.0) for name in ("a", "b")]


@pytest.fixture
def landmarks(tmp_path):
    """Writes a file of landmarks and returns the settings that name it."""

    def write(text):
        path = tmp_path / "landmarks.csv"
        path.write_text(text)
        return DataConfig(landmarks=str(path))

    return write


def test_what_can_be_supplied_is_a_mark_and_both_are_explained():
    assert set(SUPPLIED) <= {*LEI_GRAPH_CNN.marks, *NMER.marks}
    assert {*SUPPLIED, *SUPPLIED.values()} <= set(MARK_MEANINGS)


def test_a_run_carries_those_of_its_variant():
    assert run_marks(LEI_GRAPH_CNN.marks, DataConfig(), CLIPS) == LEI_GRAPH_CNN.marks
    eulerian = DataConfig(magnify="eulerian")
    assert "no MagNet" in run_marks(LEI_GRAPH_CNN.marks, eulerian, CLIPS)


def test_landmarks_and_magnet_are_told_where_they_are_given(landmarks):
    config = landmarks("subject,clip,x1,y1,x2,y2\ns01,a,1,1,9,9\ns01,b,1,1,9,9\n")
    given = ("no MagNet", "landmarks given", "no AU labels")
    assert run_marks(LEI_GRAPH_CNN.marks, config, CLIPS) == given
    learned = DataConfig(magnify="learned", magnifier_weights="w.pt")
    assert run_marks(LEI_GRAPH_CNN.marks, learned, CLIPS)[0] == "learned magnification"


def test_flow_that_is_published_magnified_says_whether_it_is():
    assert run_marks(NMER.marks, DataConfig(), CLIPS) == NMER.marks
    assert run_marks(NMER.marks, DataConfig(magnify="eulerian"), CLIPS)[-1] == "magnified"


def test_boxes_are_no_landmarks(landmarks):
    config = landmarks("subject,clip,left,top,right,bottom\ns01,a,0,0,9,9\ns01,b,0,0,9,9\n")
    assert run_marks(LEI_GRAPH_CNN.marks, config, CLIPS) == LEI_GRAPH_CNN.marks


def test_a_clip_without_a_row_is_named(landmarks):
    config = landmarks("subject,clip,x1,y1,x2,y2\ns01,a,1,1,9,9\n")
    with pytest.raises(DataError, match="no row for clip smic s01/b"):
        run_marks(LEI_GRAPH_CNN.marks, config, CLIPS)
    assert run_marks(("from scratch",), config, CLIPS) == ("from scratch",)


@pytest.mark.parametrize(
    ("share", "marks"), [(0.699, (DEAD_WEIGHTS,)), (0.7, ()), (None, ()), ("absent", ())]
)
def test_sizes_of_which_too_few_can_learn_are_marked(share, marks):
    """Old profiles, and networks without parameters, say nothing."""
    profile = {} if share == "absent" else {"live_share": share}
    assert size_marks([profile, {"live_share": 1.0}]) == marks
    assert DEAD_WEIGHTS in MARK_MEANINGS
