"""The sheet of results, on real runs."""

import csv
import io

import pytest

from bench.errors import DataError
from bench.runs.record import find_runs
from reports.docs.results import main, results_sheet
from reports.reading.groups import RunGroup


def rows(text):
    return {row["variant"]: row for row in csv.DictReader(io.StringIO(text))}


def test_a_line_per_run_with_scores_costs_and_origin(made_runs, tmp_path):
    main(made_runs, tmp_path / "sheet.csv")
    found = rows((tmp_path / "sheet.csv").read_text())
    records = {record.variant: record for record in find_runs(made_runs)[0]}
    assert found.keys() == records.keys()
    for variant, row in found.items():
        record = records[variant]
        assert float(row["uar"]) == record.metrics["uar"]
        assert float(row["uar_fold_mean"]) == record.metrics["aggregations"]["fold_mean"]["uar"]
        assert row["uf1_oracle"] == ""
        assert float(row["uar_low"]) <= float(row["uar"]) <= float(row["uar_high"])
        assert 0 < float(row["p_chance"]) <= 1
        assert row["recipe"] == ("" if record.network is None else "own")
        assert row["epochs"] == str(record.config["train"]["epochs"])
        assert row["params"] == str((record.profile or {}).get("params", ""))
        assert row["git_commit"] == (record.provenance.git_commit or "")
        assert float(row["trained"]) == record.trained
        assert row["conditions"] == "; ".join(RunGroup((record,)).conditions) != ""
        assert row["data"].endswith("-surrogate") and row["difficulty"] == "easy"
    assert found["rnas_mer_3"]["leaks"] == "search_scope=all"
    assert found["random_rnas_mer_3"]["leaks"] == ""


def test_without_a_finished_run_there_is_no_sheet():
    with pytest.raises(DataError, match="no finished run"):
        results_sheet([])
