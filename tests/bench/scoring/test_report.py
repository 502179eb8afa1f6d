"""The report on predictions made elsewhere: the three aggregates by hand, checks, claims."""

from __future__ import annotations

import json

import pytest
from made_logs import HAND, ststnet

from bench.errors import BenchError, DataError, UsageError
from bench.runs.predictions import Predictions
from bench.scoring.claims import Claim
from bench.scoring.logs import UNKNOWN, Log, Reading
from bench.scoring.report import read_scored, score_report, scored
from bench.scoring.writing import render_log


def report_of(path, claims=(), **options):
    return score_report(read_scored(path, Reading(**options)), claims, draws=200)


@pytest.fixture
def hand(tmp_path):
    file = tmp_path / "hand.txt"
    file.write_text(HAND)
    return file


def test_all_three_aggregates_by_hand(hand):
    found = report_of(hand)
    assert found["confusion"] == [[3, 1, 1], [0, 1, 0], [1, 0, 1]]
    assert (found["clips"], found["subjects"]) == (8, 3)
    assert found["uar"] == pytest.approx(0.7)
    assert found["uf1"] == pytest.approx(11 / 18)
    assert found["acc"] == pytest.approx(5 / 8)
    assert found["precision"] == pytest.approx(7 / 12)
    fold_mean = {"uar": 2 / 3, "uf1": 25 / 36, "acc": 2 / 3}
    assert found["aggregations"]["fold_mean"] == pytest.approx(fold_mean)
    casme2, samm = found["slices"]["casme2"], found["slices"]["samm"]
    assert (casme2["uar"], casme2["uf1"], casme2["acc"]) == pytest.approx((8 / 9, 37 / 45, 4 / 5))
    assert (samm["uar"], samm["uf1"], samm["acc"]) == pytest.approx((1 / 4, 1 / 4, 1 / 3))
    assert samm["absent"] == ["positive"]
    assert found["slices"]["smic"]["clips"] == 0


def test_keys_of_the_contract(hand):
    found = json.loads(json.dumps(report_of(hand), allow_nan=False))
    keys = {"uar", "uf1", "acc", "confusion", "classes", "clips", "subjects"}
    assert keys | {"slices", "protocol"} <= found.keys()
    assert all(keys <= part.keys() for part in found["slices"].values())
    protocol = {"aggregation", "search_scope", "selection", "leaky", "surrogate"}
    assert protocol <= found["protocol"].keys()


def test_the_interval_encloses_the_score_and_repeats(hand):
    found = report_of(hand)
    for name in ("uar", "uf1", "acc"):
        interval = found["intervals"][name]
        assert interval["estimate"] == pytest.approx(found[name])
        assert interval["low"] <= found[name] <= interval["high"]
    assert found == report_of(hand)


def test_the_score_stands_beside_chance(tmp_path, hand):
    few = report_of(hand)["chance"]["uar"]
    assert few["estimate"] == pytest.approx(0.7)
    assert few["p"] > 0.05
    file = tmp_path / "log.txt"
    file.write_text(render_log(Log(ststnet(), UNKNOWN), "megc2019", {}))
    many = report_of(file)["chance"]["uar"]
    assert many["p"] == pytest.approx(1 / 201)
    assert many["expected"] < 0.5 < many["estimate"]


def test_ststnet_whole(tmp_path):
    file = tmp_path / "log.txt"
    file.write_text(render_log(Log(ststnet(), UNKNOWN), "megc2019", {}))
    found = report_of(file, [Claim.parse("uar", t) for t in (".7605", "smic=.7013", ".7186")])
    assert found["complete"] is True
    assert (found["clips"], found["subjects"]) == (442, 68)
    assert (round(found["uar"], 4), round(found["uf1"], 4)) == (0.7186, 0.7353)
    first, second, third = found["claims"]
    assert first["equals"] == ["macro precision"]
    assert (second["part"], second["equals"]) == ("smic", ["macro precision"])
    assert third["verdict"] == "pooled"


def test_problems_make_it_incomplete(hand):
    found = report_of(hand)
    assert found["complete"] is False
    where = {problem["where"] for problem in found["problems"]}
    assert {"smic s01", "casme2 sub03", "samm 007"} <= where


def test_a_slice_that_is_not_there_cannot_be_claimed(hand):
    with pytest.raises(
        UsageError, match="no clip of data set 'smic' to score; there: casme2, samm"
    ):
        report_of(hand, [Claim.parse("uar", "smic=.5")])


def test_no_predictions_have_no_score():
    empty = scored(Log(Predictions(("a", "b"), ()), UNKNOWN))
    found = score_report(empty, draws=10)
    assert (found["uar"], found["clips"]) == (None, 0)
    with pytest.raises(DataError, match="no clip is answered"):
        score_report(empty, [Claim.parse("uar", ".5")], draws=10)


def test_a_metrics_file_is_scored_by_its_matrix(tmp_path):
    part = {"confusion": [[1, 0], [1, 0]], "clips": 2}
    content = {"uar": 0.99, "classes": ["a", "b"], "confusion": [[3, 1], [2, 2]]}
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps({**content, "subjects": 4, "slices": {"own": part}}))
    found = report_of(file, [Claim.parse("uar", "own=0.50")])
    assert found["uar"] == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert (found["clips"], found["subjects"], found["complete"]) == (8, 4, None)
    assert found["claims"][0]["verdict"] == "pooled"


def test_a_matrix_in_per_cent_is_told(tmp_path):
    file = tmp_path / "metrics.json"
    matrices = ([[80, 20], [5, 95]], 1), ([[67, 33], [0, 101]], 0), ([[9, 9], [4, 96]], 0)
    for matrix, notes in matrices:
        file.write_text(json.dumps({"classes": ["a", "b"], "confusion": matrix}))
        told = [note for note in report_of(file)["notes"] if "per cent" in note]
        assert len(told) == notes


def test_a_slice_is_claimed_by_its_own_name_whatever_its_case(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("dataset,subject,clip,true,pred\nLab,s1,a,0,0\nLab,s1,b,1,0\nsmic,s1,c,0,0\n")
    claims = [Claim.parse("acc", text) for text in ("Lab=.50", "lab=.50", "SMIC=1.0")]
    assert [c["verdict"] for c in report_of(file, claims)["claims"]] == ["pooled"] * 3


@pytest.mark.parametrize("matrix", [[[1, 2]], [[0.5, 1], [1, 1]], [[-1, 1], [1, 1]], "x", None])
def test_a_matrix_that_is_none_is_refused(tmp_path, matrix):
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps({"classes": ["a", "b"], "confusion": matrix}))
    with pytest.raises(DataError, match=r"metrics\.json: confusion is no square matrix"):
        report_of(file)


def test_an_absent_protocol_says_nothing_and_what_is_none_is_refused(tmp_path):
    file, matrix = tmp_path / "metrics.json", {"classes": ["a", "b"], "confusion": [[1, 0], [0, 1]]}
    file.write_text(json.dumps({**matrix, "protocol": None}))
    assert report_of(file)["protocol"]["leaky"] is None
    file.write_text(json.dumps({**matrix, "protocol": 1}))
    with pytest.raises(DataError, match="its protocol or source is none"):
        report_of(file)


def test_options_that_do_not_fit(hand, tmp_path):
    with pytest.raises(UsageError, match="leave out --selection"):
        report_of(hand, selection="last")
    with pytest.raises(UsageError, match="leave out --classes"):
        report_of(tmp_path, classes=("a", "b"))
    with pytest.raises(BenchError, match="is no run folder"):
        report_of(tmp_path)
