"""docs/results.md shows the hand-designed methods as the results say."""

import csv
import json
from pathlib import Path

import pytest

from baselines.peers import PEERS
from reports.docs.peers import conditions, other_runs, score_table, size_table

ROOT = Path(__file__).parents[3]


def cells(table):
    """The rows of a Markdown table without its headings."""
    rows = (line for line in table.splitlines()[2:] if line.startswith("|"))
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


@pytest.mark.parametrize("write", [score_table, other_runs, size_table])
def test_the_page_of_results_has_the_tables_of_the_results(write):
    page = (ROOT / "docs" / "results.md").read_text()
    assert write(ROOT / "results") in page, "put in what `python -m reports.docs.peers` prints"


def test_every_method_has_its_rows():
    for table in (score_table(ROOT / "results"), size_table(ROOT / "results")):
        assert all(f"`{entry.name}`" in table for entry in PEERS)


def test_the_protocol_page_has_what_selection_and_aggregation_do_to_a_score():
    page = (ROOT / "docs" / "protocol.md").read_text()
    with (ROOT / "results" / "peers-smic-surrogate.csv").open() as sheet:
        runs = [run for run in csv.DictReader(sheet) if run["uar_oracle"]]
    assert len(runs) >= 3
    for run in runs:
        scores = (f"{float(run[key]):.3f}" for key in ("uar", "uar_oracle", "uar_fold_mean"))
        named = ", ".join([f"`{run['variant']}`", *conditions(run), f"{int(run['epochs']):,}"])
        row = " | ".join([named, *scores])
        assert f"| {row} |" in page


def test_what_was_not_measured_is_left_empty_and_the_longest_run_counts(tmp_path):
    sheet = """variant,difficulty,magnify,recipe,epochs,uar,uf1,uar_low,uar_high,p_chance,macs
ststnet,hard,none,own,800,0.5,0.4,0.41,0.57,0.0004,390000
ststnet,hard,none,own,100,0.3,0.2,0.2,0.4,0.7,390000
ststnet,hard,none,harness,40,0.6,0.5,0.4,0.7,0.012,390000
off_apexnet,hard,none,own,90,0.2,0.2,,,0.9,
off_apexnet,hard,eulerian,own,20,0.6,0.5,,,0.012,
off_apexnet,easy,eulerian,own,90,0.9,0.9,,,0.001,
"""
    (tmp_path / "peers-smic-surrogate.csv").write_text(sheet)
    row = {"variant": "ststnet", "what": "training step", "batch": 256, "median_ms": 25.6}
    (tmp_path / "peers-time.json").write_text(json.dumps({"rows": [row]}))
    first, second, third, *_ = cells(score_table(tmp_path))
    assert first[1:] == ["800", "0.500 (0.41 to 0.57)", "0.400", "0.0004"]
    assert second[1:] == ["20 of 3,000", "0.600", "0.500", "0.01"]
    assert third[1:] == ["–"] * 4
    first, second, *_ = cells(size_table(tmp_path))
    assert first[1:] == ["1,683", "0.39", "–", "0.1"]
    assert second[2:] == ["–"] * 3
    verdict = score_table(tmp_path).splitlines()[-1]
    assert verdict.startswith("p < 0.05: 2 of 2 methods, 2 after Holm's correction")
    others = [[cell.strip("`") for cell in line[:3]] for line in cells(other_runs(tmp_path))]
    assert others == [
        ["off_apexnet", "easy, magnified", "90"],
        ["off_apexnet", "hard", "90"],
        ["ststnet", "hard", "100"],
        ["ststnet", "hard", "40"],
    ]


def test_a_run_that_was_given_landmarks_counts_before_others(tmp_path):
    sheet = """variant,difficulty,magnify,recipe,epochs,uar,uf1,p_chance,marks
lei_graph_cnn,hard,none,own,20,0.4,0.4,0.2,no MagNet; landmarks given; no AU labels
lei_graph_cnn,hard,eulerian,own,2000,0.3,0.3,0.4,no MagNet; no landmarks; no AU labels
lei_graph_cnn,easy,eulerian,own,20,0.5,0.5,0.1,no MagNet; landmarks given; no AU labels
"""
    (tmp_path / "peers-smic-surrogate.csv").write_text(sheet)
    (tmp_path / "peers-time.json").write_text('{"rows": []}')
    names = [line[0] for line in cells(score_table(tmp_path))]
    assert "`lei_graph_cnn` (no MagNet, landmarks given, no AU labels)" in names
    others = [line[1] for line in cells(other_runs(tmp_path))]
    assert others == ["easy, landmarks given, magnified", "hard, magnified"]


def test_what_is_lost_among_many_tests_is_named(tmp_path):
    """0.03 alone is below 0.05; of two tests it would have to be below 0.025."""
    sheet = """variant,difficulty,magnify,recipe,epochs,uar,uf1,p_chance
ststnet,hard,none,own,800,0.5,0.4,0.03
rcn_a,hard,none,own,100,0.5,0.4,0.4
"""
    (tmp_path / "peers-smic-surrogate.csv").write_text(sheet)
    (tmp_path / "peers-time.json").write_text('{"rows": []}')
    verdict = score_table(tmp_path).splitlines()[-1]
    assert verdict == (
        "p < 0.05: 1 of 2 methods, 0 after Holm's correction for multiple tests (not `ststnet`)."
    )
