"""Run folders that lack something: the figure says what, and the others are drawn."""

import json

import pytest
from drawn_runs import ONE_WAY

from ablations import RNAS_MER
from bench.runs.folder import RunFolder
from bench.runs.record import read_run
from bench.runs.searches import decoded, space_of
from reports.figures import run_figures

SEARCHED = {"network_path", "cell", "search_curves", "architecture"}


@pytest.fixture
def record(run):
    return run(ONE_WAY)


def again(record):
    return run_figures(read_run(RunFolder(record.folder)))


def test_the_space_is_that_of_the_run_and_not_of_the_registry(run):
    space = RNAS_MER.resized(nodes=2, channels=4)
    assert space_of(run(space)).edges == space.edges


def test_a_fresh_run_has_nothing_to_draw_yet(record):
    for name in ("search", "folds"):
        for file in (record.folder / name).iterdir():
            file.unlink()
    (record.folder / "metrics.json").unlink()
    drawn = again(record)
    assert dict(drawn.figures) == {} and drawn.broken == ()
    assert "the search has not finished" in drawn.missing["network_path"]
    assert "not finished an epoch" in drawn.missing["search_curves"]
    assert "0 of 4 folds" in drawn.missing["confusion"]
    assert "0 of 4 folds" in drawn.missing["subjects"]


def test_a_search_under_way_shows_its_curves(record):
    (record.folder / "search" / "genotype.json").unlink()
    drawn = again(record)
    assert set(drawn.missing) == {"network_path", "cell"}


def test_leaks_are_known_before_the_first_score(record):
    (record.folder / "metrics.json").unlink()
    drawn = again(record)
    assert any("leaky" in text.get_text() for text in drawn.figures["cell"].texts)


def test_a_search_of_an_earlier_version_has_no_heat_maps(record):
    (record.folder / "search" / "architecture.json").unlink()
    drawn = again(record)
    assert set(drawn.missing) == {"architecture"} and drawn.broken == ()
    assert "earlier version" in drawn.missing["architecture"]


def test_a_given_genotype_was_not_searched(record):
    search = record.folder / "search"
    genotype = json.loads((search / "genotype.json").read_text())
    del genotype["beta"]
    (search / "genotype.json").write_text(json.dumps(genotype | {"given": "mine.json"}))
    for name in ("history.csv", "architecture.json"):
        (search / name).unlink()
    drawn = again(record)
    assert set(drawn.missing) == {"search_curves", "architecture"} and drawn.broken == ()
    assert all("given by its user" in reason for reason in drawn.missing.values())


def test_folds_without_a_search_are_left_out(run):
    record = run(scope="fold")
    (record.folder / "search" / "s02" / "genotype.json").unlink()
    found = decoded(record, space_of(record))
    assert [one.fold for one in found] == ["s01", "s03", "s04"]


@pytest.mark.parametrize(
    ("file", "content", "lost"),
    [
        ("search/genotype.json", '{"path": [', {"network_path", "cell", "architecture"}),
        ("search/genotype.json", "[]", {"network_path", "cell", "architecture"}),
        ("search/genotype.json", "{}", {"network_path", "cell", "architecture"}),
        ("search/history.csv", "epoch,weight_loss\n0,much\n", {"search_curves"}),
        ("search/history.csv", "", {"search_curves"}),
        ("search/history.csv", "weight_loss\n0.5\n", {"search_curves"}),
        ("search/architecture.json", '{"epochs": [{"operation_weights": 3}]}', {"architecture"}),
        ("search/architecture.json", '{"epochs": [{}]}', {"architecture"}),
        ("folds/s01.json", "{}", {"subjects"}),
        ("folds/s01.json", '{"clips": [3]}', {"subjects"}),
    ],
)
def test_a_corrupt_file_costs_its_own_figures(record, file, content, lost):
    (record.folder / file).write_text(content)
    drawn = again(record)
    assert set(drawn.broken) == set(drawn.missing) == lost
    for name in lost:
        assert file in drawn.missing[name] and "\n" not in drawn.missing[name]


@pytest.mark.parametrize("key", ["confusion", "classes"])
def test_metrics_without_a_matrix_are_named(record, key):
    path = record.folder / "metrics.json"
    metrics = json.loads(path.read_text())
    del metrics[key]
    path.write_text(json.dumps(metrics))
    drawn = again(record)
    assert drawn.broken == ("confusion",) and "metrics.json" in drawn.missing["confusion"]


def test_a_run_that_records_no_space_is_named(record):
    path = record.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"space": {"nodes": 3}}))
    drawn = again(record)
    assert set(drawn.broken) == SEARCHED
    assert "run.json" in drawn.missing["cell"]
