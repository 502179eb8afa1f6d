import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from click.testing import CliRunner

from bench.errors import UsageError
from reports.audit import paper as auditing
from reports.audit.findings import (
    ALONE,
    LENIENT,
    MEMORY,
    RANKS,
    ROUNDED,
    STSTNET,
    STUDIES,
    TABLES,
    TEXT,
    TOPICS,
    WIDE,
    failed,
)
from reports.audit.matrices import confusion_scores
from reports.audit.paper import audit_paper, text_claims
from reports.audit.scores import audit_scores, class_counts, row_tolerance, ststnet_confusion
from reports.cli.audit import audit
from reports.docs.audit import page
from reports.published import published_table
from reports.reading.names import DATASETS

HALF = Fraction(1, 20_000)
"""Half a unit of the fourth decimal."""


@pytest.fixture(scope="module")
def findings():
    return audit_paper()


@pytest.fixture
def published(monkeypatch):
    """Changes cells of a published table for the audit: {(method, column): text}."""

    def change(number, cells):
        def changed(asked):
            table = published_table(asked)
            if asked != number:
                return table
            rows = tuple(
                replace(row, cells=MappingProxyType(row.cells | mine))
                for row in table.rows
                for mine in [{c: text for (m, c), text in cells.items() if m == row.method}]
            )
            return replace(table, rows=rows)

        monkeypatch.setattr(auditing, "published_table", changed)

    return change


@pytest.fixture
def claimed(monkeypatch):
    """Replaces what the text says: takes the fields of each claim that change, by its number."""

    def change(old, **fields):
        claims = [
            claim._replace(**fields) if claim.published == old else claim for claim in text_claims()
        ]
        monkeypatch.setattr(auditing, "text_claims", lambda: tuple(claims))

    return change


@pytest.fixture
def invoke():
    """Runs `bench audit`; errors for people are raised."""
    return lambda *arguments: CliRunner().invoke(audit, arguments, catch_exceptions=False)


def on(findings, topic, where=""):
    return [each for each in findings if each.topic == topic and where in each.where]


def failures(findings, topic):
    return [each for each in on(findings, topic) if each.failed]


# The text against the tables


def test_one_gain_of_the_text_is_wrong(findings):
    gains = [each for each in on(findings, TEXT) if each.claim.startswith("gain")]
    assert len(gains) == 16
    (wrong,) = (each for each in gains if each.failed)
    assert (wrong.published, wrong.recomputed) == (Decimal("0.1921"), Decimal("0.1838"))
    assert "AutoDeepLab" in wrong.claim and "UAR on CASME II" in wrong.claim


def test_the_wrong_gain_corrected_is_consistent(claimed):
    claimed("0.1921%", published="0.1838%")
    assert not [each for each in auditing._gains() if each.failed]
    claimed("0.1139%", published="0.1140%")  # one digit: from unrounded scores
    assert [each.published for each in auditing._gains() if each.failed] == [Decimal("0.1921")]
    claimed("0.1139%", published="0.1141%")
    assert len([each for each in auditing._gains() if each.failed]) == 2


def test_quoted_numbers_agree_until_a_table_is_changed(findings, published):
    quotes = [each for each in on(findings, TEXT) if not each.claim.startswith(("gain", "scores"))]
    assert len(quotes) == 12 and not any(each.failed for each in quotes)
    published(2, {("RNAS-MER", "smic_uar"): "0.7621"})
    (wrong,) = (each for each in auditing._quotes() if each.failed)
    assert wrong.where == "Abstract; Table 2" and wrong.recomputed == Decimal("0.7621")


def test_fractions_with_a_per_cent_sign_are_found_by_their_values(findings, claimed):
    signs = [each for each in on(findings, TEXT) if "per cent" in each.claim]
    assert [each.where for each in signs if each.failed] == ["Abstract", "Section 4.2"]
    assert (signs[0].published, signs[0].recomputed) == ("0.8511%", "85.11%")
    claimed("0.8511%", published="85.11%")
    (place, _) = auditing._percent_signs()
    assert place.failed and place.note.startswith("3 of 4")


def test_state_of_the_art_holds_where_the_columns_say_so(findings, published):
    held = {each.claim for each in on(findings, RANKS) if not each.failed}
    assert held == {
        "RNAS-MER has the highest UAR on CASME II",
        "RNAS-MER has the highest UF1 on CASME II",
        "RNAS-MER has the highest UAR on SAMM",
    }
    (composite,) = (each for each in on(findings, RANKS) if "UF1 on composite" in each.claim)
    assert composite.note == "better: MTMNet 0.8640, ICE-GAN 0.8450"
    published(2, {("MTMNet", "smic_uar"): None, ("ICE-GAN", "smic_uar"): "0.7620"})
    (smic,) = (each for each in auditing._ranks() if "UAR on SMIC" in each.claim)
    assert not smic.failed


def test_lower_costs_are_in_table_5(findings):
    parameters, memory = on(findings, RANKS, "Table 5")
    assert parameters.note == "better: RNAS-MER_3 1.46, LEARNet 1.8"
    assert memory.note == "better: AffectNet 8.30, RNAS-MER_3 11.90"
    assert parameters.failed and memory.failed


def test_study_4_removes_partial_connections_too(findings, published):
    study = {each.where: each for each in on(findings, STUDIES)}
    fourth = study["Section 4.3, study 4; Table 3"]
    assert fourth.failed and fourth.note == "confounded with partial connections"
    assert not study["Section 4.3, study 2; Table 3"].failed
    assert not study["Section 4.3, study 3; Table 3"].failed
    published(3, {("RNAS-MER_4", "pc"): "yes"})
    *_, corrected = auditing._studies()
    assert not corrected.failed


def test_repeated_cells_are_found_wherever_they_are(findings, published):
    (repeat,) = failures(findings, TABLES)
    assert (repeat.where, repeat.recomputed) == ("Table 4, RNAS-MER_3", "SAMM repeats SMIC")
    published(4, {("RNAS-MER_3", "samm_uf1"): "0.5930", ("RNAS-MER", "casme2_uar"): "0.7620"})
    assert not any(each.failed for each in auditing._repeated_cells())
    published(2, {("FR", "samm_uar"): "0.8873", ("FR", "samm_uf1"): "0.8915"})
    found = [each for each in auditing._repeated_cells() if each.failed]
    assert [each.where for each in found] == ["Table 2, FR", "Table 4, RNAS-MER_3"]


def test_tables_2_and_4_are_compared_cell_by_cell(published):
    (same,) = auditing._same_rows()
    assert not same.failed
    published(4, {("RNAS-MER", "samm_uf1"): "0.7881"})
    (differing,) = auditing._same_rows()
    assert differing.failed and differing.note == "UF1 on SAMM"


def test_memory_of_the_nas_rows_is_eight_bytes_per_parameter(findings, published):
    line, other = on(findings, MEMORY)
    assert not line.failed and line.recomputed == "MB = 8.01 M + 0.21"
    assert other.failed and "AffectNet" in other.where
    published(5, {("RNAS-MER_4", "memory_mb"): "20.00"})
    assert next(iter(auditing._memory())).failed
    published(5, {("AffectNet", "memory_mb"): "17.80"})
    assert not any(each.failed for each in auditing._memory())


# Scores


def test_most_printed_accuracies_are_no_number_of_clips(findings):
    alone = {each.where: each for each in on(findings, ALONE)}
    assert len(alone) == 8
    for each in alone.values():
        exact = [k for k in range(443) if abs(Fraction(k, 442) - Fraction(each.published)) <= HALF]
        assert each.failed == (not exact)
    held = [where for where, each in alone.items() if not each.failed]
    assert held == ["Table 2, STSTNet, composite", "Table 4, RNAS-MER_2, composite"]
    assert alone["Table 2, RNAS-MER, composite"].note == "399 of 442 clips"


def test_scores_that_no_confusion_matrix_has_even_leniently(findings):
    assert [each.where for each in failed(on(findings, WIDE))] == [
        "Table 2, RNAS-MER, composite",
        "Table 4, RNAS-MER_2, composite",
        "Table 4, RNAS-MER_1, composite",
    ]
    (rnas,) = on(findings, WIDE, "RNAS-MER, composite")
    assert rnas.uf1_range == pytest.approx((0.8441, 0.8924), abs=5e-5)
    assert rnas.gap > float(LENIENT) == rnas.tolerance


def test_rnas_mer_on_samm_fails_within_rounding_alone(findings):
    (rounded,) = on(findings, ROUNDED, "RNAS-MER, SAMM")
    (wide,) = on(findings, WIDE, "RNAS-MER, SAMM")
    assert rounded.failed and not wide.failed


def test_every_row_is_searched_once_and_again_where_it_fails(findings):
    rounded = on(findings, ROUNDED)
    assert len({each.where for each in rounded}) == len(rounded) == 18 * 4
    narrow = {each.where for each in rounded if each.failed and each.tolerance < float(LENIENT)}
    assert {each.where for each in on(findings, WIDE)} == narrow


def test_every_matrix_shown_has_the_scores_it_is_shown_with(findings):
    searched = [each for each in findings if each.counts]
    assert len(searched) > 80
    for each in searched:
        assert tuple(map(sum, each.confusion)) == each.counts
        scores = confusion_scores(each.confusion)
        claims = each.published if isinstance(each.published, dict) else {"acc": each.published}
        off = max(abs(float(scores[name] - Fraction(claim))) for name, claim in claims.items())
        if each.failed:
            assert off == pytest.approx(each.gap) and off > each.tolerance
        else:
            assert off <= each.tolerance + 1e-12 and each.gap == 0


@pytest.mark.parametrize("dataset", ["smic", "casme2", "samm"])
def test_real_counts_agree_with_plain_enumeration(findings, dataset):
    """UAR and UF1 of Table 2 on one set, over all diagonals and all their false positives."""
    counts = class_counts(dataset)
    grids = np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij")
    uar = sum(hits / n for hits, n in zip(grids, counts, strict=True)) / 3
    for each in on(findings, ROUNDED, f", {DATASETS[dataset]}")[::3]:
        claims = {name: float(value) for name, value in each.published.items()}
        half = each.tolerance + 1e-12
        near = np.argwhere(np.abs(uar - claims["uar"]) <= half)
        assert any(_has_uf1(counts, hits, claims["uf1"], half) for hits in near) != each.failed


def _has_uf1(counts, hits, uf1, half):
    errors = np.array(counts) - hits
    one, two = np.meshgrid(*(np.arange(errors.sum() + 1),) * 2, indexing="ij")
    wrong = (one, two, errors.sum() - one - two)
    valid = np.all(
        [(f >= 0) & (f + e <= errors.sum()) for f, e in zip(wrong, errors, strict=True)], axis=0
    )
    parts = (2 * h / (n + h + f) for h, n, f in zip(hits, counts, wrong, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):  # splits that are not valid
        return bool((valid & (np.abs(sum(parts) / 3 - uf1) <= half)).any())


def test_rows_count_with_the_digits_that_they_use():
    rows = {row.method: row for row in published_table(2).rows}
    assert row_tolerance(rows["RNAS-MER"]) == HALF
    assert row_tolerance(rows["MTMNet"]) == Fraction(1, 2000)
    assert row_tolerance(rows["CLFM"]) == Fraction(1, 200)


def test_ststnet_is_compared_with_its_own_predictions(findings):
    wrong = failures(findings, STSTNET)
    assert [each.claim for each in wrong] == [f"UAR of STSTNet on {n}" for n in DATASETS.values()]
    assert wrong[0].recomputed == Decimal("0.7186")
    assert all(each.note == f"macro precision is {each.published}" for each in wrong)


def test_the_published_predictions_are_those_of_the_challenge():
    matrices = {name: np.array(rows) for name, rows in ststnet_confusion().items()}
    assert list(matrices) == list(DATASETS)
    for name, matrix in matrices.items():
        assert tuple(matrix.sum(axis=1)) == class_counts(name)
    parts = sum(matrices[name] for name in DATASETS if name != "composite")
    assert (matrices["composite"] == parts).all()
    assert class_counts("composite") == (250, 109, 83)


# What a reader and a machine get


def test_json_keeps_the_contract(findings):
    for each in findings:
        value = json.loads(json.dumps(each.as_dict(), allow_nan=False))
        assert {"claim", "where", "published", "recomputed", "verdict"} <= value.keys()
        assert value["verdict"] in ("consistent", "inconsistent", "unattainable", "attainable")
        assert each.topic in TOPICS


def test_the_command_lists_what_fails_and_all_on_request(invoke, findings, monkeypatch):
    monkeypatch.setattr(auditing, "audit_paper", lambda: findings)
    short, full = invoke(), invoke("--all")
    assert short.exit_code == full.exit_code == 0
    assert "0.1921" in short.output and "0.1139 " not in short.output
    assert "0.1139 " in full.output and "attainable" in full.output
    assert "250/109/83" in short.output
    for topic in TOPICS:
        assert topic in short.output
    marked = invoke("--format", "md").output
    assert "| Table 4, RNAS-MER_3" in marked and "**" in marked
    values = json.loads(invoke("--format", "json").output)
    assert [each["claim"] for each in values] == [each.claim for each in findings]


def test_the_page_in_the_documents_is_what_the_audit_says(findings, monkeypatch):
    monkeypatch.setattr("reports.docs.audit.audit_paper", lambda: findings)
    written = Path(__file__).parents[3] / "docs" / "audit.md"
    assert written.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_own_scores_that_no_matrix_has(invoke):
    result = invoke(
        "--counts", "250,109,83", "--acc", ".90", "--uar", ".85", "--uf1", ".83", "--format", "json"
    )
    assert result.exit_code == 0
    acc, uar, together = json.loads(result.output)
    assert (acc["verdict"], uar["verdict"]) == ("attainable", "attainable")
    assert together["verdict"] == "unattainable"
    assert together["published"] == {"acc": 0.9, "uar": 0.85, "uf1": 0.83}
    assert together["tolerance"] == 0.005 < together["gap"] < 0.01
    text = invoke("--counts", "composite", "--acc", ".90", "--uar", ".85", "--uf1", ".83").output
    assert "unattainable" in text and "The nearest confusion matrix" in text


@pytest.mark.parametrize("style", ["table", "md"])
def test_own_scores_with_an_example(invoke, style):
    result = invoke("--counts", "5,3", "--acc", ".5", "--uar", "0.53", "--format", style)
    assert "For example" in result.output and "class 2" in result.output
    assert "4 of 8 clips" in result.output and "discrete values" in result.output


@pytest.mark.parametrize("style", ["table", "json"])
def test_what_is_not_decided_in_time_is_said(invoke, style):
    scores = ("--counts", "9,5,3,3", "--acc", ".75", "--uf1", ".90", "--format", style)
    hurried = invoke(*scores, "--minutes", "0.000001").output
    assert "undecided" in hurried and "not decided within 1e-06 minutes (--minutes)" in hurried
    assert "impossible" not in hurried and "no matrix has" not in hurried
    assert "undecided" not in invoke(*scores).output


def test_the_tolerance_given_replaces_that_of_the_digits():
    typed = {"acc": "0.9", "uar": "0.9", "uf1": "0.5"}
    assert audit_scores((5, 5), typed)[-1].tolerance == 0.05
    (*_, last) = audit_scores((5, 5), typed, Fraction(1, 2))
    assert last.tolerance == 0.5 and not last.failed


def test_one_score_is_one_finding():
    (finding,) = audit_scores((2, 2, 2), {"uar": "0.8"})
    assert (finding.published, finding.verdict) == (Decimal("0.8"), "attainable")
    assert confusion_scores(finding.confusion)["uar"] == Fraction(5, 6)


@pytest.mark.parametrize("name", ["casme2", "CASME2", "CASME II", "casme-ii"])
def test_a_data_set_is_known_by_any_spelling_of_its_name(invoke, name):
    result = invoke("--counts", name, "--acc", "86.2%", "--format", "json")
    (finding,) = json.loads(result.output)
    assert (finding["published"], finding["tolerance"]) == (0.862, 0.0005)
    assert finding["verdict"] == "attainable" and "125 of 145 clips" in finding["note"]


def test_accuracy_alone_asks_for_no_search_of_any_number_of_classes(invoke):
    counts = "64,250,86,57,55,187,161"
    result = invoke("--counts", counts, "--acc", ".5", "--tolerance", ".0001", "--format", "json")
    (finding,) = json.loads(result.output)
    assert (finding["verdict"], finding["recomputed"]) == ("attainable", 0.5)
    (odd,) = audit_scores((2, 2, 2, 1), {"acc": "0.450"})
    assert (odd.verdict, odd.recomputed) == ("unattainable", Decimal("0.4286"))


def test_five_and_seven_classes_are_searched_for_all_scores(invoke):
    five = ("--counts", "63,27,32,25,99", "--acc", "76.02%", "--uar", "73%", "--uf1", "74%")
    (*_, together) = json.loads(invoke(*five, "--format", "json").output)
    assert together["verdict"] == "attainable"
    (*_, far) = audit_scores((3, 2, 2, 2, 3, 2, 2), {"acc": "0.75", "uar": "0.75", "uf1": "0.2"})
    assert far.failed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--acc", ".5"], "scores need --counts"),
        (["--tolerance", ".01"], "scores need --counts"),
        (["--counts", "5,5"], "nothing to check"),
        (["--counts", "99999999999,5", "--acc", ".5"], "at most 1000000000 in all"),
        (["--counts", "5,5", "--acc", "85"], "write a fraction, or 85%"),
        (["--counts", "5,5", "--acc", "120%"], "above 1: write a fraction$"),
        (["--counts", "5,5", "--acc", "-.1"], "below 0"),
        (["--counts", "5,5", "--acc", "high"], "no number"),
        (["--counts", "5,5", "--acc", "nan"], "no number"),
        (["--counts", "5,5", "--acc", "1e-99999999"], "no score"),
        (["--counts", "5,5", "--uar", "0e99999999"], "no score"),
        (["--counts", "5,5", "--acc", ".5", "--tolerance", "1e99999999"], "no score"),
        (["--counts", "five", "--acc", ".5"], "no list of clips per class"),
        (["--counts", "5,0", "--acc", ".5"], "every class needs a clip"),
        (["--counts", "5", "--acc", ".5"], "one class"),
        (["--counts", "99991,99989,99971,99961", "--uar", ".5"], "too many"),
        (["--counts", "1000000000,2,3", "--acc", ".5", "--uar", ".5"], "too many"),
        (["--counts", "1000000000,2,3", "--uf1", ".5"], "too many"),
        (["--counts", "5,5", "--acc", ".5", "--tolerance", "0"], "--tolerance 0"),
        (["--counts", "5,5", "--acc", ".5", "--tolerance", "2"], "--tolerance 2"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(invoke, arguments, words):
    with pytest.raises(UsageError, match=words) as error:
        invoke(*arguments)
    assert "\n" not in str(error.value)


def test_a_fraction_with_a_per_cent_sign_is_told(invoke):
    outcome = invoke("--counts", "5,3", "--acc", ".5%", "--uar", "50%")
    (line,) = (each for each in outcome.stderr.splitlines() if "leave out" in each)
    assert line == "--acc .5% is 0.005; leave out the % if .5 is meant"


def test_the_output_goes_to_a_file(invoke, tmp_path):
    result = invoke("--counts", "5,5", "--acc", ".5", "--out", str(tmp_path / "mine" / "audit.txt"))
    assert (result.exit_code, result.output) == (0, "")
    assert "attainable" in (tmp_path / "mine" / "audit.txt").read_text()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        invoke("--counts", "5,5", "--acc", ".5", "--out", str(tmp_path / "file" / "audit.txt"))
