"""The table of search health, from real searches of a few clips."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from statistics import fmean, stdev

import pytest
from click.testing import CliRunner
from real_runs import BY_FOLD, CONTROL, SEARCHED, change, folder_of, keep_only
from tiny_runs import Run, without_seals

from bench.methods.registry import variants
from bench.runs.folder import RunFolder
from bench.runs.record import find_runs
from bench.system.files import read_json
from reports.cli.tables import tables
from reports.reading.groups import gather, latest
from reports.reading.searches import COSTS, MEASURES, read_searches
from reports.tables.build import build_table
from reports.tables.health import COLUMNS, OPTIONAL, health_table
from reports.tables.html import table_html
from reports.tables.render import STYLES, render


def table_of(runs):
    records, unreadable = find_runs(runs)
    assert not unreadable
    return health_table(read_searches(records), variants())


def row_of(table, name):
    (row,) = (row for row in table.rows if row.variant == name.split("/")[1])
    return row


def values(row):
    return {column: cell.value if cell else None for column, cell in row.measured.items()}


def again(folder, seed):
    """A second seed of a run: the same searches under another name."""
    other = shutil.copytree(folder, folder.with_name(f"seed{seed}"))
    change(other / "run.json", lambda run: run.update(seed=seed))
    return other


@pytest.fixture
def invoke(runs):
    def run(*arguments):
        return CliRunner().invoke(tables, ["--runs", str(runs), *arguments], catch_exceptions=False)

    return run


def test_entropies_are_those_that_the_search_measured_each_as_a_share_of_its_largest(made_runs):
    found = values(row_of(table_of(made_runs), SEARCHED))
    run = read_json(folder_of(made_runs, SEARCHED) / "run.json")
    health = read_json(RunFolder(folder_of(made_runs, SEARCHED)).genotype())["health"]
    largest = math.log(len(run["space"]["operations"]))
    assert found["entropy_alpha"] == pytest.approx(health["operation_entropy"] / largest, abs=1e-6)
    assert run["space"]["nodes"] == 1  # its one node has two edges
    assert found["entropy_eta"] == pytest.approx(health["edge_entropy"] / math.log(2), abs=1e-6)
    assert found["none_mass"] == pytest.approx(health["none_mass"], abs=1e-6)
    assert found["skip_share"] == health["skip_share"]
    assert found["supernet_acc"] == health["supernet_acc"]
    assert found["gap"] == health["supernet_acc"] - health["discretised_acc"]
    assert found["entropy_beta"] == pytest.approx(1, abs=0.01)  # two epochs decide nothing
    assert found["loss_b"] == health["loss_b"] > 0


def test_a_decided_search_has_no_entropy_and_a_row_that_cannot_choose_counts_for_none(runs):
    def decide(genotype):
        genotype["operation_weights"] = [
            [1.0, *[0.0] * (len(row) - 1)] for row in genotype["operation_weights"]
        ]
        for entry in genotype["beta"]:
            stays = entry["from"] == entry["to"]
            if entry["layer"] == 1:  # no search can identify it
                entry["probability"] = 0.5
            elif entry["from"] < 16:  # at 16 a search can only stay
                entry["probability"] = float(stays)

    change(RunFolder(folder_of(runs, SEARCHED)).genotype(), decide)
    found = values(row_of(table_of(runs), SEARCHED))
    assert (found["entropy_alpha"], found["entropy_beta"]) == (0, 0)


def test_the_share_of_trained_folds_stands_beside_the_score(made_runs):
    row = row_of(table_of(made_runs), SEARCHED)
    assert row.measured["uar"] is not None
    assert [mark for mark in row.marks if "trained: " in mark]


def test_decodings_that_differ_are_a_count_and_a_mark_and_older_searches_say_nothing(runs):
    folder = folder_of(runs, SEARCHED)
    file = RunFolder(folder).genotype()

    def row_with(path):
        change(file, lambda genotype: genotype.update(gauge_free_path=path))
        return row_of(table_of(runs), SEARCHED)

    path = read_json(file)["path"]
    other = [*path[:-1], 16] if path[-1] != 16 else [2] * len(path)
    same, different = row_with(path), row_with(other)
    assert (same.measured["same_decoding"].text, "decodings differ" in same.marks) == ("yes", False)
    assert different.measured["same_decoding"].text == "no"
    assert "decodings differ" in different.marks
    assert any(note.startswith("decodings differ: ") for note in table_of(runs).notes)
    change(file, lambda genotype: genotype["health"].pop("loss_b"))
    older = row_with(None)
    assert (older.measured["same_decoding"], older.measured["loss_b"]) == (None, None)
    assert "decodings differ" not in older.marks


def test_a_search_per_fold_is_a_mean_over_folds_with_their_agreement_beside_chance(made_runs):
    table = table_of(made_runs)
    row = row_of(table, BY_FOLD)
    folder = RunFolder(folder_of(made_runs, BY_FOLD))
    folds = read_json(folder.run)["folds"]
    shares = [read_json(folder.genotype(fold))["health"]["skip_share"] for fold in folds]
    cell = row.measured["skip_share"]
    assert (cell.value, cell.sd, cell.seeds) == (fmean(shares), stdev(shares), len(folds))
    summary = read_json(folder.search_summary)
    assert row.measured["path_folds"].value == summary["agreement"]["path"]
    assert row.measured["cell_chance"].value == summary["by_chance"]["cell"]
    uniform = row.measured["uniform_path"]
    assert uniform.text == f"{summary['uniform_path']} of {len(folds)}"
    assert uniform.value == summary["uniform_path"] / len(folds)
    assert row.source == "search per fold"
    assert "path_seeds" not in row.measured  # every run has one seed
    assert row_of(table, SEARCHED).measured["path_folds"] is None


def test_without_a_search_per_fold_no_column_is_about_folds(runs):
    keep_only(runs, SEARCHED)
    table = table_of(runs)
    assert not {column.name for column in table.columns} & set(OPTIONAL)
    assert not any("pairs of folds" in note for note in table.notes)


def test_seeds_share_a_row(runs):
    folder = folder_of(runs, SEARCHED)
    again(folder, 1)
    change(
        RunFolder(folder.with_name("seed1")).genotype(),
        lambda genotype: genotype["health"].update(supernet_acc=0.25),
    )
    first = read_json(RunFolder(folder).genotype())["health"]["supernet_acc"]
    row = row_of(table_of(runs), SEARCHED)
    assert (row.measured["seeds"].value, row.measured["searches"].value) == (2, 2)
    assert row.measured["supernet_acc"].value == pytest.approx((first + 0.25) / 2)
    assert len(row.runs) == 2
    assert "one search seed" not in row.marks


def test_two_seeds_have_an_agreement_beside_chance(runs):
    other = RunFolder(again(folder_of(runs, SEARCHED), 1))
    keep_only(runs, SEARCHED)
    same = values(row_of(table_of(runs), SEARCHED))
    assert (same["path_seeds"], same["cell_seeds"]) == (1, 1)
    assert 0 < same["path_chance"] < 0.1
    change(other.genotype(), lambda genotype: genotype.update(path=[2, 2, 2, 2, 2, 4]))
    assert values(row_of(table_of(runs), SEARCHED))["path_seeds"] == 0


def test_a_row_shows_score_cost_and_reach(made_runs):
    table = table_of(made_runs)
    found = values(row_of(table, SEARCHED))
    folder = RunFolder(folder_of(made_runs, SEARCHED))
    search = read_json(folder.genotype())
    assert {name: found[name] for name in COSTS} == search["cost"]
    assert found["uar"] == read_json(folder.metrics)["uar"]
    assert found["reach"] == search["reach"] < 1
    assert found["lowest_alpha"] == pytest.approx(1, abs=1e-4)
    assert {"cannot decide", "one search seed"} <= set(row_of(table, SEARCHED).marks)
    control = row_of(table, CONTROL)
    assert [control.measured[name].value for name in COSTS] == [0, 0, 0, 0]
    assert control.measured["reach"].text == "n/a" and control.source == "drawn"
    assert "random control" in control.marks and "one search seed" not in control.marks


def test_what_an_earlier_version_did_not_record_is_not_guessed(runs):
    def forget(genotype):
        for name in ("strategy", "reach", "cost"):
            del genotype[name]

    change(RunFolder(folder_of(runs, SEARCHED)).genotype(), forget)
    row = row_of(table_of(runs), SEARCHED)
    assert {row.measured[name].text for name in ("reach", *COSTS)} == {"not recorded"}
    assert "cannot decide" not in row.marks


def test_strategies_stand_apart_and_only_their_own_numbers_are_shown(runs):
    folder = folder_of(keep_only(runs, SEARCHED), SEARCHED)
    home = folder.parent.with_name("smoke-ffff0000") / "seed0"
    shutil.copytree(folder, home)

    def evolved(run):
        run.update(config_hash="ffff0000")
        run["config"]["search"]["strategy"] = "single_path"

    def without_weights(genotype):
        for name in ("health", "beta", "operation_weights", "edge_weights", "path_probability"):
            del genotype[name]
        genotype.update(strategy="single_path", reach=None)

    change(home / "run.json", evolved)
    change(RunFolder(home).genotype(), without_weights)
    first, second = table_of(runs).rows
    assert first.measured["seeds"].value == second.measured["seeds"].value == 1
    assert "strategy single_path" in second.marks
    assert not any(mark.startswith(("strategy", "gap", "no gap")) for mark in first.marks)
    assert not any(mark in second.marks for mark in ("gap not recorded", "cannot decide"))
    assert (second.measured["entropy_alpha"], second.measured["reach"].text) == (None, "n/a")
    records, _ = find_runs(runs)
    marked = [row for row in build_table(4, records, variants()).rows if row.source == "measured"]
    assert ["strategy single_path" in row.marks for row in marked] == [False, True]
    names = [group.name for group in latest(gather(records))[0]]
    assert names == ["rnas_mer_3", "rnas_mer_3 (single_path)"]


def test_what_is_not_searched_is_named_with_its_reason(runs):
    given = again(folder_of(runs, SEARCHED), 1)
    change(RunFolder(given).genotype(), lambda genotype: genotype.update(given="x"))
    waiting = again(folder_of(runs, SEARCHED), 2)
    RunFolder(waiting).genotype().unlink()
    table = table_of(runs)
    searched = {row.variant for row in table.rows if row.source != "drawn"}
    assert searched == {"rnas_mer_3", "rnas_mer_4"}
    notes = [note for note in table.notes if note.startswith("Not listed")]
    assert notes == [
        "Not listed: rnas_mer_3 (given genotypes).",
        "Not listed: rnas_mer_3 (search not finished).",
    ]


def test_a_fixed_network_is_not_listed(runs):
    keep_only(runs, CONTROL)
    change(folder_of(runs, CONTROL) / "run.json", lambda run: run.update(kind="fixed"))
    table = table_of(runs)
    assert table.rows == ()
    assert table.notes == ("Not listed: random_rnas_mer_3 (fixed networks).",)


@pytest.mark.parametrize(
    ("edit", "mark"),
    [
        (lambda genotype: genotype.pop("health"), "gap not recorded"),
        (
            lambda genotype: genotype["health"].update(
                discretised_acc=None, discretisation_gap=None
            ),
            "no gap",
        ),
    ],
)
def test_a_gap_that_is_missing_says_why(runs, edit, mark):
    change(RunFolder(folder_of(runs, SEARCHED)).genotype(), edit)
    table = table_of(runs)
    row = row_of(table, SEARCHED)
    assert row.measured["gap"] is None and mark in row.marks
    assert any(note.startswith(f"{mark}: ") for note in table.notes)


def test_folds_that_have_not_searched_yet_are_counted(runs):
    folder = RunFolder(folder_of(keep_only(runs, BY_FOLD), BY_FOLD))
    first, *others = read_json(folder.run)["folds"]
    folder.genotype(first).unlink()
    folder.search_summary.unlink()  # it is written with the last of them
    table = table_of(runs)
    (row,) = table.rows
    assert row.measured["searches"].value == len(others)
    assert f"incomplete {len(others)}/{len(others) + 1} searches" in row.marks
    assert row.measured["path_folds"] is not None  # of the two that are left


def test_conditions_stand_as_marks(made_runs):
    table = table_of(made_runs)
    assert {"surrogate", "leaky: search_scope=all"} <= set(row_of(table, SEARCHED).marks)
    assert not any("leaky" in mark for mark in row_of(table, BY_FOLD).marks)
    assert "surrogate, easy, version 2 (preset smoke)" in table.caption


def test_both_scopes_of_one_method_are_shown(runs):
    source = folder_of(runs, BY_FOLD)
    home = runs / "smic-surrogate" / "rnas_mer_4" / "smoke-ffff0000" / "seed0"
    shutil.copytree(folder_of(runs, SEARCHED), home)
    change(
        home / "run.json",
        lambda run: run.update(
            variant="rnas_mer_4",
            config_hash="ffff0000",
            space=read_json(source / "run.json")["space"],
        ),
    )
    change(RunFolder(home).genotype(), lambda genotype: genotype.update(space="rnas_mer_4"))
    rows = [row for row in table_of(runs).rows if row.variant == "rnas_mer_4"]
    assert [row.source for row in rows] == ["one search", "search per fold"]


@pytest.mark.parametrize("style", STYLES)
def test_every_format_has_a_line_per_row(made_runs, style):
    table = table_of(made_runs)
    text = render([table], style)
    assert "rnas" in text
    if style == "csv":
        lines = list(csv.DictReader(io.StringIO(text)))
        assert [line["variant"] for line in lines] == [row.variant for row in table.rows]
        assert float(lines[0]["none_mass"]) == table.rows[0].measured["none_mass"].value
    if style == "json":
        read = json.loads(text)
        columns = [column.name for column in table.columns]
        assert read["table"] == "health" and read["columns"] == columns
        assert [each["measured"] for each in read["rows"]] == [values(row) for row in table.rows]
    if style == "md":
        assert sum(line.startswith("| rnas_mer_") for line in text.splitlines()) == 2
        assert text.startswith("**Search health. ")
    if style == "latex":
        assert text.isascii() and r"\multicolumn{3}{c}{Entropy}" in text
    if style == "html":
        assert 'id="table-health"' in text and "<h3" in text


def test_html_sorts_measures_as_numbers(made_runs):
    html = table_html(table_of(made_runs))
    columns = len(COLUMNS) - sum(column.endswith("_seeds") for column in OPTIONAL)
    assert html.count('data-kind="number"') == columns - 1  # all but the data set


def test_the_report_has_it(made_report):
    assert 'id="table-health"' in made_report.html
    assert '<a href="#health">' in made_report.html


def test_the_command_prints_it_alone_or_after_tables(invoke):
    alone = invoke("--health", "--format", "json")
    assert (alone.exit_code, alone.stderr) == (0, "")
    assert json.loads(alone.stdout)["table"] == "health"
    both = json.loads(invoke("--table", "4", "--health", "--format", "json").stdout)
    assert [each["table"] for each in both] == [4, "health"]
    assert [each["table"] for each in json.loads(invoke("--format", "json").stdout)] == [2, 3, 4, 5]


def test_a_finished_search_is_shown_before_its_folds_are(invoke, runs):
    folder = folder_of(keep_only(runs, SEARCHED), SEARCHED)
    without_seals(Run(folder))
    for name in ("metrics.json", "profile.json"):
        (folder / name).unlink()
    result = invoke("--health", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    (row,) = json.loads(result.stdout)["rows"]
    assert set(row["measured"]) >= set(MEASURES) and "leaky: search_scope=all" in row["marks"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_text('{"path": '),
        lambda file: file.write_text("[]"),
        lambda file: change(file, lambda genotype: genotype.update(operation_weights=[["a"]])),
        lambda file: change(file, lambda genotype: genotype.update(edge_weights=[])),
        lambda file: change(file, lambda genotype: genotype["operation_weights"][0].pop()),
        lambda file: change(file, lambda genotype: genotype.update(health=[1])),
        lambda file: change(file, lambda genotype: genotype["beta"].pop()),
    ],
)
def test_a_corrupt_search_is_named_and_the_others_are_shown(invoke, runs, spoil):
    file = RunFolder(folder_of(runs, SEARCHED)).genotype()
    spoil(file)
    result = invoke("--health", "--format", "json")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert str(file.parent) in line
    shown = [row["variant"] for row in json.loads(result.stdout)["rows"]]
    assert [name for name in shown if not name.startswith("random_")] == ["rnas_mer_4"]


def test_without_a_run_it_says_what_to_do(tmp_path):
    result = CliRunner().invoke(tables, ["--health", "--runs", str(tmp_path)])
    assert result.exit_code == 0
    assert "No run has a finished search" in result.stdout
    assert "bench run --variant" in result.stderr
