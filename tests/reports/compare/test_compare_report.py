"""Differences, tests, controls and ranks, on answers whose scores are known by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from compared_runs import CLIPS, PEOPLE, right_for, write_run, wrong_every

from bench.errors import BenchError, DataError, UsageError
from bench.protocol.metrics import uar
from bench.scoring.statistics import permutation_test
from reports.compare.entries import make_entries
from reports.reading.finished import sound_runs
from reports.reading.groups import gather

EVERY = 2 ** len(PEOPLE)
"""Assignments of the people's predictions to two sides."""


def only(report):
    (found,) = report["comparisons"]
    return found


def test_a_difference_by_hand(runs, report):
    """All 48 clips right against 36: six of eight people's."""
    first = write_run(runs, "rnas_mer")
    second = write_run(runs, "rnas_mer_3", right_for(*PEOPLE[:6]))
    found = only(report(first, second, "--draws", EVERY))
    (pair,) = found["pairs"]
    assert (found["clips"], found["subjects"]) == (len(PEOPLE) * CLIPS, len(PEOPLE))
    assert (pair["first"], pair["second"]) == ("rnas_mer", "rnas_mer_3")
    for metric in ("uar", "uf1", "acc"):
        assert pair["differences"][metric]["estimate"] == pytest.approx(0.25)
    assert pair["differences"]["uar"]["low"] <= 0.25 <= pair["differences"]["uar"]["high"]
    assert pair["mcnemar"]["p"] == pytest.approx(2 / 2**12)
    assert pair["permutation"]["p"] == pytest.approx(0.5)  # 2 of the 4 assignments of two people


def test_the_order_of_the_folders_is_kept(runs, report):
    folders = [write_run(runs, name) for name in ("rnas_mer_3", "rnas_mer", "rnas_mer_1")]
    names = [entry["name"] for entry in only(report(*folders))["entries"]]
    assert names == ["rnas_mer_3", "rnas_mer", "rnas_mer_1"]


def test_p_values_are_those_of_the_statistics_and_holm_counts_the_pairs(runs, report):
    steps = {"rnas_mer": 9, "rnas_mer_1": 3, "rnas_mer_3": 2}
    folders = [write_run(runs, name, wrong_every(step)) for name, step in steps.items()]
    pairs = only(report(*folders, "--draws", EVERY))["pairs"]
    assert len(pairs) == 3
    entries = {e.name: e.matrices for e in make_entries(gather(sound_runs(runs)[0]))}
    for pair in pairs:
        expected = permutation_test(
            entries[pair["first"]],
            entries[pair["second"]],
            uar,
            draws=EVERY,
            generator=np.random.default_rng(0),
        )
        assert pair["permutation"]["estimate"] == pytest.approx(expected.estimate)
        assert pair["permutation"]["p"] == pytest.approx(expected.p)
    raw = sorted(pair["permutation"]["p"] for pair in pairs)
    corrected = sorted(pair["permutation"]["p_holm"] for pair in pairs)
    assert corrected[0] == pytest.approx(min(1, 3 * raw[0]))


def test_a_reference_is_compared_with_each_other_and_holm_counts_those_pairs(runs, report):
    steps = {"rnas_mer_1": 3, "rnas_mer": 9, "rnas_mer_3": 2}
    folders = [write_run(runs, name, wrong_every(step)) for name, step in steps.items()]
    every = {(p["first"], p["second"]): p for p in only(report(*folders))["pairs"]}
    pairs = only(report(*folders, "--reference", "rnas_mer"))["pairs"]
    assert [(p["first"], p["second"]) for p in pairs] == [
        ("rnas_mer", "rnas_mer_1"),
        ("rnas_mer", "rnas_mer_3"),
    ]
    raw = [pair["permutation"]["p"] for pair in pairs]
    assert raw[1] == every["rnas_mer", "rnas_mer_3"]["permutation"]["p"]
    assert min(p["permutation"]["p_holm"] for p in pairs) == pytest.approx(min(1, 2 * min(raw)))
    with pytest.raises(UsageError, match=r"unknown reference 'rnas_mer_2'.*rnas_mer_1"):
        report(*folders, "--reference", "rnas_mer_2")


@pytest.mark.parametrize(("methods", "told"), [(3, False), (5, True)])
def test_that_nothing_can_be_significant_is_told(runs, compare, methods, told):
    """Of eight people p is at least 2/256: 3 pairs may be shown to differ, 10 may not."""
    names = ("rnas_mer", "rnas_mer_1", "rnas_mer_2", "rnas_mer_3", "rnas_mer_4")[:methods]
    found = compare(*(write_run(runs, name, wrong_every(4)) for name in names))
    assert ("no difference can be significant at 0.05" in found.stdout) == told
    assert not told or "p is at least 0.078 for the first of 10 pairs" in found.stdout


def test_seeds_are_averaged(runs, report):
    steps = (2, 3, 4)
    for seed, step in enumerate(steps):
        write_run(runs, answering=wrong_every(step), seed=seed)
        other = write_run(runs, "rnas_mer_3", wrong_every(6), seed=seed)
    folder = other.parent.parent.parent / "rnas_mer" / other.parent.name
    found = only(report(folder, other.parent))
    scores = found["entries"][0]["scores"]["acc"]
    assert scores["values"] == pytest.approx([1 / 2, 2 / 3, 3 / 4])
    assert scores["mean"] == pytest.approx(np.mean([1 / 2, 2 / 3, 3 / 4]))
    assert scores["sd"] == pytest.approx(np.std([1 / 2, 2 / 3, 3 / 4], ddof=1))
    (pair,) = found["pairs"]
    assert pair["seeds"] == [[0, 0], [1, 1], [2, 2]]
    assert pair["differences"]["acc"]["estimate"] == pytest.approx(scores["mean"] - 5 / 6)
    assert len(pair["mcnemar"]["seeds"]) == 3


def test_seeds_that_both_have_are_paired_and_that_is_said(runs, compare):
    one = [write_run(runs, seed=seed) for seed in (0, 1, 2)]
    two = [write_run(runs, "rnas_mer_3", seed=seed) for seed in (1, 2)]
    found = compare(*one, *two)
    assert "compared on the seeds that both have: 1, 2" in found.stdout
    found = compare(one[0], two[0])
    assert "share no seed: paired in order, 0 with 1" in found.stdout


def test_runs_of_one_configuration_are_compared_seed_by_seed(runs, report):
    folders = [write_run(runs, answering=wrong_every(2 + seed), seed=seed) for seed in (0, 1)]
    names = [entry["name"] for entry in only(report(*folders))["entries"]]
    assert names == ["rnas_mer (seed 0)", "rnas_mer (seed 1)"]


def test_leaky_and_clean_side_by_side_with_their_marks(runs, report, compare):
    leaky = write_run(runs)
    few = "8 of 16 subjects (SMIC)"
    clean = write_run(runs, answering=wrong_every(4), digest="bbbb2222", scope="fold")
    for arguments in ((leaky, clean), ("--variant", "rnas_mer", "--runs", runs)):
        found = only(report(*arguments, "--across-protocols"))
        entries = {entry["name"]: entry for entry in found["entries"]}
        first, second = "rnas_mer (search all, last)", "rnas_mer (search fold, last)"
        assert entries.keys() == {first, second}
        assert entries[first]["marks"] == ["leaky: search_scope=all", "surrogate", few]
        assert entries[second]["marks"] == ["surrogate", few]
        assert (entries[first]["leaky"], entries[second]["leaky"]) == (True, False)
    assert (
        "leaky: search_scope=all; surrogate" in compare(leaky, clean, "--across-protocols").stdout
    )


def test_the_rules_of_one_run_side_by_side(runs, report):
    """Twelve more clips right by the epoch that is best on the test subject: 12/48 of inflation."""
    folder = write_run(runs, answering=wrong_every(2), others={"oracle": wrong_every(4)})
    found = only(report(folder, "--selection", "last", "--selection", "oracle"))
    first, second = found["entries"]
    assert (first["name"], second["name"]) == (
        "rnas_mer (search all, last)",
        "rnas_mer (search all, oracle)",
    )
    assert "leaky: search_scope=all" in first["marks"]
    assert "leaky: search_scope=all, selection=oracle" in second["marks"]
    assert found["pairs"][0]["differences"]["acc"]["estimate"] == pytest.approx(-12 / 48)


def test_two_runs_by_a_rule_that_one_has_not_recorded(runs, compare):
    one = write_run(runs, others={"oracle": right_for(*PEOPLE)})
    with pytest.raises(DataError, match="has not recorded selection=oracle, only last"):
        compare(one, write_run(runs, "rnas_mer_3"), "--selection", "oracle")


def test_a_reconstruction_says_so(runs, report):
    folders = write_run(runs), write_run(runs, "automer_3d")
    assert "reconstruction" in only(report(*folders))["entries"][1]["marks"]


def test_a_control_made_before_a_setting_existed_counts(runs, report):
    folders = [write_run(runs, name) for name in ("rnas_mer", "rnas_mer_3")]
    write_run(runs, "random_rnas_mer", settings={"momentum": 0.9})  # its default
    write_run(runs, "random_rnas_mer_3", settings={"momentum": 0.5})
    (found,) = report(*folders)["comparisons"]
    assert [control["name"] for control in found["controls"]] == ["rnas_mer"]


def test_the_control_by_hand(runs, report):
    """Accuracy 5/6 beside random networks of 1/2 and 2/3: 3/14 more than their mean, 21.4 %."""
    folders = [write_run(runs, name, wrong_every(6)) for name in ("rnas_mer", "rnas_mer_3")]
    for seed, step in enumerate((2, 3)):
        write_run(runs, "random_rnas_mer", wrong_every(step), seed=seed, scope="all")
    found = only(report(*folders, "--metric", "acc"))
    (control,) = found["controls"]
    assert control["name"] == "rnas_mer"
    assert control["random_scores"] == pytest.approx([1 / 2, 2 / 3])
    assert control["random_mean"] == pytest.approx(7 / 12)
    assert control["relative"] == pytest.approx(100 * (5 / 6 - 7 / 12) / (7 / 12))
    assert control["better"] == 2
    assert control["difference"]["estimate"] == pytest.approx(1 / 4)
    assert any("no control for rnas_mer_3" in note for note in found["notes"])


def test_a_control_is_scored_by_the_same_rule(runs, report):
    others = {"oracle": wrong_every(6)}
    folder = write_run(runs, answering=wrong_every(2), others=others)
    write_run(runs, "random_rnas_mer", wrong_every(3), others={"oracle": wrong_every(4)})
    rules = ("--selection", "last", "--selection", "oracle", "--metric", "acc")
    last, oracle = only(report(folder, *rules))["controls"]
    assert (last["score"], last["random_mean"]) == pytest.approx((1 / 2, 2 / 3))
    assert (oracle["score"], oracle["random_mean"]) == pytest.approx((5 / 6, 3 / 4))


def test_a_control_of_other_settings_does_not_count(runs, report):
    folders = [write_run(runs, name) for name in ("rnas_mer", "rnas_mer_3")]
    write_run(runs, "random_rnas_mer", digest="cccc3333", settings={"epochs": 9})
    assert only(report(*folders))["controls"] == []
    write_run(runs, "random_rnas_mer", digest="dddd4444", scope="fold")
    assert len(only(report(*folders))["controls"]) == 1


def many(runs, datasets=("smic",), seeds=(0, 1, 2)):
    steps = {"rnas_mer": 9, "rnas_mer_1": 5, "rnas_mer_2": 3, "rnas_mer_3": 2}
    for dataset in datasets:
        for seed in seeds:
            for name, step in steps.items():
                write_run(runs, name, wrong_every(step, seed), seed=seed, dataset=dataset)
    return ("--variant", "rnas_mer*", "--runs", runs)


def test_ranks_that_never_change(runs, report):
    found = report(*many(runs))
    stability = only(found)["rank_stability"]
    assert (stability["kendall_w"], stability["mean_tau"]) == pytest.approx((1, 1))
    assert (stability["blocks"], stability["methods"]) == (3, 4)
    assert found["ranks"]["ranks"] == pytest.approx([1, 2, 3, 4])
    assert any("not independent blocks" in note for note in found["notes"])


def test_several_data_sets_are_blocks_of_one_ranking(runs, report):
    found = report(*many(runs, datasets=("casme2", "smic"), seeds=(0, 1)))
    assert [each["dataset"] for each in found["comparisons"]] == ["casme2", "smic"]
    assert found["ranks"]["blocks"] == 4


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_diagram_is_a_picture(runs, compare, tmp_path, kind):
    file = tmp_path / f"ranks.v1.{kind}"
    compare(*many(runs), "--diagram", file)
    beginning = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert file.read_bytes().startswith(beginning)


def test_the_diagram_shows_every_method_and_what_to_know_of_it(runs, tmp_path):
    from reports.compare.diagram import draw_ranks
    from reports.compare.report import Plan
    from reports.compare.report import compare as compare_entries

    many(runs)
    entries = make_entries(gather(sound_runs(runs)[0]))
    made = compare_entries(entries, Plan("uar", 100), lambda what, done, total: None)
    figure = draw_ranks(made)
    texts = [text.get_text() for text in (*figure.texts, *figure.axes[0].texts)]
    for entry in entries:
        assert any(text.startswith(f"{entry.name} (") for text in texts)
    assert any("surrogate: all methods" in text for text in texts)
    assert any("critical difference" in text for text in texts)


def test_two_methods_have_no_diagram(runs, compare, tmp_path):
    folders = [write_run(runs, name) for name in ("rnas_mer", "rnas_mer_3")]
    with pytest.raises(BenchError, match="takes three methods or more"):
        compare(*folders, "--diagram", tmp_path / "ranks.png")


def test_csv_has_a_row_per_pair_and_metric(runs, compare):
    arguments = many(runs, seeds=(0,))
    rows = list(csv.DictReader(io.StringIO(compare(*arguments, "--format", "csv").stdout)))
    assert len(rows) == 6 * 3
    tested = [row for row in rows if row["p_permutation"]]
    assert {row["metric"] for row in tested} == {"uar"}
    assert {row["metric"] for row in rows if row["p_mcnemar"]} == {"acc"}
    assert all("surrogate" in row["first_marks"] for row in rows)


@pytest.mark.parametrize("form", ["table", "md"])
def test_text_says_everything(runs, compare, form):
    found = compare(*many(runs), "--format", form).stdout
    for words in (
        "smic surrogate: 48 clips of 8 subjects",
        "Kendall's W 1.000",
        "leaky: search_scope=all; surrogate",
        "corrected for 6 pairs",
        "critical difference",
    ):
        assert words in found


def test_the_same_comparison_gives_the_same_figures(runs, report):
    folders = [
        write_run(runs, name, wrong_every(s)) for name, s in (("rnas_mer", 5), ("rnas_mer_3", 2))
    ]
    assert report(*folders) == report(*folders)
