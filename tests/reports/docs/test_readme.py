"""README and docs say what the committed records say."""

import csv
import json
import re
from pathlib import Path

import pytest

from bench.config.settings import NUISANCES
from bench.scoring.statistics import holm
from reports.docs.leaderboard import leaderboard_table, row_cells
from reports.studies.ablation import statement

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
COMPARED = ROOT / "results" / "compare-smic-surrogate-smoke.json"
SCORES = ("uar", "uf1", "acc", "low", "high")
WIDEST = 110
"""Characters of a line of a table."""


def test_the_statement_of_the_ablation_is_that_of_its_record():
    record = json.loads((ROOT / "results" / "ablation-smic-surrogate.json").read_text())
    page = (ROOT / "docs" / "ablation.md").read_text()
    assert statement(record) in " ".join(page.split())
    factors, zero_line, _ = statement(record).partition(" Searches minus random search")
    assert zero_line
    assert factors in " ".join(README.read_text().split())


def test_what_the_leak_adds_is_what_its_record_says():
    file = ROOT / "results" / "leakage-smic-surrogate-random_rnas_mer.json"
    rules = [
        (each["of"]["selection"], each["over"]["selection"], each)
        for each in json.loads(file.read_text())["inflation"]
    ]
    (added,) = (each for of, over, each in rules if (of, over) == ("oracle", "last"))
    uar = added["uar"]["shuffled"]
    said = f"**{uar['mean']:.3f} UAR** ({uar['low']:.3f} to {uar['high']:.3f})"
    assert said in " ".join(README.read_text().split())


def test_the_two_runs_and_their_comparison_are_those_of_its_record():
    """What the commands of its first page print: runs, intervals, `bench compare`."""
    (found,) = json.loads(COMPARED.read_text())["comparisons"]
    (pair,) = found["pairs"]
    said = " ".join(README.read_text().split())
    for entry in found["entries"]:
        scores = {name: f"{score['mean']:.4f}" for name, score in entry["scores"].items()}
        line = "UAR {uar}, UF1 {uf1}, Acc {acc}".format(**scores)
        counted = f"{found['clips']} clips of {found['subjects']} subjects"
        assert f"{entry['name']} on smic (surrogate), seed 0: {line} over {counted}" in said
    uar = found["entries"][0]["scores"]["uar"]["interval"]
    rounded = {key: round(uar[key], 4) for key in ("estimate", "low", "high")}
    assert str(rounded).removesuffix("}") in said
    difference = pair["differences"]["uar"]
    values = "**{estimate:.2f}** ({low:.2f} to {high:.2f})".format(**difference)
    assert f"{values}, p = {pair['permutation']['p']:.3f}" in said


@pytest.mark.parametrize(("record", "headline"), [("transfer", True), ("transfer-six", False)])
def test_what_generated_clips_teach_is_what_its_record_says(record, headline):
    rows = json.loads((ROOT / "results" / f"{record}-flow442.json").read_text())["rows"]
    whole = [row for row in rows if row["part"] == "all" and row["flow"] == "as it is"]
    said = "**{estimate:.3f}** ({low:.3f} to {high:.3f})".format(**whole[-1]["intervals"]["uar"])
    assert (said in README.read_text()) == headline
    page = (ROOT / "docs" / "transfer.md").read_text()
    for row in whole:
        parts = [
            each
            for each in rows
            if (each["model"], each["flow"]) == (row["model"], "as it is") and each["part"] != "all"
        ]
        cells = [
            *(
                "{estimate:.3f} [{low:.3f}, {high:.3f}]".format(**row["intervals"][score])
                for score in ("uar", "uf1")
            ),
            *(f"{part['uar']:.3f}" for part in parts),
        ]
        assert len(parts) == 3
        assert f"| {' | '.join(cells)} |" in page


@pytest.mark.parametrize(("name", "count"), [("pretrained", 10), ("scratch", 4), ("fused", 7)])
def test_runs_that_start_from_generated_clips_score_what_their_record_says(name, count):
    record = json.loads((ROOT / "results" / f"{name}-flow442.json").read_text())
    page = (ROOT / "docs" / "transfer.md").read_text()
    entries = [entry for each in record["comparisons"] for entry in each["entries"]]
    shown = "flow_cnn|linear_flow|twice..|with_pretrained." if name == "fused" else "flow_cnn"
    own = [entry["scores"] for entry in entries if re.fullmatch(shown, entry["variant"])]
    assert len(own) == count
    for scores in own:
        intervals = (scores[name]["interval"] for name in ("uar", "uf1"))
        cells = ["{estimate:.3f} [{low:.3f}, {high:.3f}]".format(**each) for each in intervals]
        assert f"| {' | '.join(cells)} |" in page


def test_the_curve_over_generated_clips_is_what_its_records_say():
    record = json.loads((ROOT / "results" / "curve-flow442.json").read_text())
    entries = record["comparisons"][0]["entries"]
    page = " ".join((ROOT / "docs" / "transfer.md").read_text().split())
    means = []
    for clips, epochs in ((1_000, 30), (10_000, 4), (100_000, 1)):
        rows = json.loads((ROOT / "results" / f"transfer-{clips}-flow442.json").read_text())["rows"]
        *seeds, mean = (r for r in rows if (r["part"], r["flow"]) == ("all", "as it is"))
        own = [e for e in entries if e["folders"][0].startswith(f"clips{clips}/")]
        own = [e["scores"]["uar"]["interval"]["estimate"] for e in sorted(own, key=seeds_of)]
        means.append(sum(own) / len(own))
        zero, run = (", ".join(f"{x:.3f}" for x in each) for each in (uars(seeds), own))
        cells = f"{zero} | {mean['uar']:.3f}, {mean['uf1']:.3f} | {run}"
        assert len(seeds) == len(own) == 3
        assert f"| {clips:,} | {epochs} | {cells} |" in page
    said = re.search(r"on average ([\d.]+), [\d.]+, ([\d.]+) and ([\d.]+);", page).groups()
    assert said == tuple(f"{mean:.3f}" for mean in means)


def test_what_each_part_of_the_nuisance_teaches_is_what_its_record_says():
    page = (ROOT / "docs" / "transfer.md").read_text()
    means = {}
    for file in sorted((ROOT / "results" / "nuisance-flow442").glob("*.json")):
        rows = json.loads(file.read_text())["rows"]
        *seeds, mean = (row for row in rows if row["flow"] == "as it is")
        interval = "{estimate:.3f} [{low:.3f}, {high:.3f}]".format(**mean["intervals"]["uar"])
        seen = ", ".join(f"{uar:.3f}" for uar in uars(seeds))
        part = re.search(rf"^\| `?{file.stem}`?.*$", page, re.MULTILINE)
        assert part and part[0].endswith(f"| {seen} | {interval} | {mean['uf1']:.3f} |")
        means[file.stem] = (mean["uar"], sum(uars(seeds)) / len(seeds))
    assert set(means) == {"none", *NUISANCES}
    whole, average = means["none"]
    lost = {part: whole - mean for part, (mean, _) in means.items()}
    assert f"lose most (the mean {lost['noise']:.3f})" in page
    assert f"loses {lost['blink']:.2f} and {lost['texture']:.2f}." in " ".join(page.split())
    better = [means[part][1] - average for part in ("other", "head", "backdrop", "crop")]
    assert f"{min(better):.3f} to {max(better):.3f} better" in " ".join(page.split())
    record = json.loads((ROOT / "results" / "transfer-shares-flow442.json").read_text())
    (shared,) = (r for r in record["rows"] if (r["model"], r["flow"]) == ("mean of 3", "as it is"))
    said = f"has a UAR of {shared['uar']:.3f} and a UF1 of {shared['uf1']:.3f}, no more"
    assert said in " ".join(page.split())


def seeds_of(entry):
    return entry["seeds"]


def uars(rows):
    return [row["uar"] for row in rows]


def test_what_answers_together_gain_is_what_their_record_says():
    record = json.loads((ROOT / "results" / "fused-flow442.json").read_text())
    page = " ".join((ROOT / "docs" / "transfer.md").read_text().split())
    pairs = {(p["first"], p["second"]): p for each in record["comparisons"] for p in each["pairs"]}
    gains = [pairs[f"with_pretrained{seed}", f"scratch{seed}"] for seed in (0, 1, 2)]
    said = [
        "{estimate:+.3f} [{low:.3f}, {high:.3f}]".format(**g["differences"]["uar"]) for g in gains
    ]
    assert f"{said[0]}, {said[1]} and {said[2]}" in page


def test_the_scores_of_the_audit_are_as_far_off_as_it_says():
    composite = next(
        line
        for line in (ROOT / "docs" / "audit.md").read_text().splitlines()
        if line.startswith("| Table 2, RNAS-MER, composite") and "UF1 0.8302" in line
    )
    off = float(re.search(r"(0\.\d+) off", composite)[1])
    assert f"**{off:.3f}** off" in README.read_text()


@pytest.mark.parametrize("name", ["smic-surrogate", "flow442"])
def test_the_tables_of_results_are_those_of_their_files(name):
    table = leaderboard_table(ROOT / "results" / f"leaderboard-{name}.csv")
    assert table in README.read_text()


def test_the_page_of_results_says_what_the_record_of_real_flow_says():
    page = (ROOT / "docs" / "results.md").read_text()
    with (ROOT / "results" / "leaderboard-flow442.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            uar, uf1, acc, low, high = (f"{float(row[k]):.3f}" for k in SCORES)
            interval = f" [{low}, {high}]" * (row["method"] != "majority")
            name = row_cells(row)[0].replace(row["method"], f"`{row['method']}`", 1)
            found = re.search(rf"^\| {re.escape(name)}[, ].*$", page, re.MULTILINE)
            assert f"| {uar}{interval} | {uf1} | {acc} |" in found[0]
    with (ROOT / "results" / "runs-flow442.csv").open(newline="") as file:
        runs = {row["variant"]: row["uar"] for row in csv.DictReader(file)}
    with (ROOT / "results" / "leaderboard-flow442.csv").open(newline="") as file:
        assert runs == {row["method"]: row["uar"] for row in csv.DictReader(file)}


def test_readme_and_the_page_of_results_say_what_is_compared_on_real_flow():
    page, readme = (
        " ".join(file.read_text().split()) for file in (ROOT / "docs" / "results.md", README)
    )
    record = json.loads((ROOT / "results" / "compare-flow442.json").read_text())
    pairs = {pair["second"]: pair for pair in record["comparisons"][0]["pairs"]}
    assert list(pairs) == ["random_rnas_mer", "linear_flow", "ststnet"]
    for other, pair in pairs.items():
        found, p = pair["differences"]["uar"], pair["permutation"]["p_holm"]
        said = "{estimate:+.3f} ({low:+.3f} to {high:+.3f}; p ".format(**found) + f"{p:.2}"
        assert pair["first"] == "rnas_mer" and said in page
        assert said in readme or other == "ststnet"
    oracle = json.loads((ROOT / "results" / "oracle-ststnet-flow442.json").read_text())
    said = "{estimate:.3f} [{low:.3f}, {high:.3f}]".format(**oracle["intervals"]["uf1"])
    assert f"has a UF1 of {said} and a UAR of {oracle['uar']:.3f}" in page


def test_readme_and_the_page_of_results_say_what_the_record_of_the_ablations_says():
    page, readme = (
        " ".join(file.read_text().split()) for file in (ROOT / "docs" / "results.md", README)
    )
    record = json.loads((ROOT / "results" / "compare-nas-smic-surrogate.json").read_text())
    pairs = record["comparisons"][0]["pairs"]
    assert [pair["first"] for pair in pairs] == ["rnas_mer"] * 4
    for pair in pairs:
        found, p = pair["differences"]["uar"], pair["permutation"]["p_holm"]
        said = "{estimate:+.3f} ({low:+.3f} to {high:+.3f}; p ".format(**found) + f"{p:.2}"
        assert said in page and said in readme
    other = json.loads((ROOT / "results" / "compare-automer-smic-surrogate.json").read_text())
    (pair,) = other["comparisons"][0]["pairs"]
    said = "RNAS-MER minus AutoMER: {estimate:+.3f} ({low:+.3f} to {high:+.3f}; p "
    assert said.format(**pair["differences"]["uar"]) + f"{pair['permutation']['p_holm']:.2}" in page
    entries = record["comparisons"][0]["entries"]
    scores = {entry["name"]: entry["scores"]["uar"]["values"] for entry in entries}
    spread, name = max((max(values) - min(values), name) for name, values in scores.items())
    apart = max(abs(pair["differences"]["uar"]["estimate"]) for pair in pairs)
    assert name == "rnas_mer_4" and f"by up to {spread:.2f} in UAR (RNAS-MER_4" in page
    assert f"RNAS-MER and its ablations by {apart:.2f} at most" in page


def test_readme_and_the_page_of_results_say_what_a_search_gains_from_the_test_subjects():
    page, readme = (
        " ".join(file.read_text().split()) for file in (ROOT / "docs" / "results.md", README)
    )
    pairs, entries = [], []
    for name in ("rnas_mer", "rnas_mer_3"):
        file = ROOT / "results" / f"compare-scope-{name}-surrogate.json"
        (found,) = json.loads(file.read_text())["comparisons"]
        pairs += found["pairs"]
        entries += found["entries"]
    assert [pair["first"].split(" (")[1] for pair in pairs] == ["search all, last)"] * 2
    corrected = holm([pair["permutation"]["p"] for pair in pairs])
    for pair, p in zip(pairs, corrected, strict=True):
        said = "{estimate:+.3f} ({low:+.3f} to {high:+.3f}; ".format(**pair["differences"]["uar"])
        assert f"{said}p {p:.2}; [record]" in page
        assert said in readme or "rnas_mer_3" in pair["first"]
    scores = [entry["scores"]["uar"] for entry in entries]
    spread = [f"{score['sd']:.2f}" for score in scores]
    seen, unseen = scores[0]["values"], scores[1]["values"]
    assert f"deviation of {spread[0]} and {spread[2]} (RNAS-MER: " in page
    assert "(RNAS-MER: {:.2f}, {:.2f} and {:.2f})".format(*seen) in page
    assert f"that of a search in each fold {spread[1]} and {spread[3]}:" in page
    assert f"RNAS-MER has {seen[0] - unseen[0]:.2f} more with the leak" in page


def test_the_page_of_results_says_what_the_record_of_the_other_sets_says():
    page = " ".join((ROOT / "docs" / "results.md").read_text().split())
    record = json.loads((ROOT / "results" / "compare-nas-sets-surrogate.json").read_text())
    for other in ("random_rnas_mer", "linear_flow"):
        pairs = {
            found["dataset"]: pair
            for found in record["comparisons"]
            for pair in found["pairs"]
            if {pair["first"], pair["second"]} == {"rnas_mer", other}
        }
        assert pairs.keys() == {"casme2", "samm", "smic", "composite"}
        corrected = holm([pair["permutation"]["p"] for pair in pairs.values()])
        for pair, p in zip(pairs.values(), corrected, strict=True):
            said = "{estimate:+.3f} ({low:+.3f} to {high:+.3f}; p ".format(
                **pair["differences"]["uar"]
            )
            assert pair["first"] == "rnas_mer" and said + f"{p:.2})" in page
        if other == "random_rnas_mer":
            (worse,) = [name for name, p in zip(pairs, corrected, strict=True) if p < 0.05]
            found = pairs[worse]["differences"]["uar"]
            said = "{estimate:+.3f} ({low:+.3f} to {high:+.3f}; p 0.031".format(**found)
            assert worse == "composite" and said in " ".join(README.read_text().split())


def test_the_page_of_results_says_how_large_networks_are_and_how_they_do_on_the_composite():
    rows = []
    for name in ("nas-smic", "nas-sets"):
        with (ROOT / "results" / f"leaderboard-{name}-surrogate.csv").open(newline="") as file:
            rows += list(csv.DictReader(file))
    sizes = {
        method: [float(row["million_params"].split()[0]) for row in rows if row["method"] == method]
        for method in ("rnas_mer", "random_rnas_mer")
    }
    page = " ".join((ROOT / "docs" / "results.md").read_text().split())
    drawn, searched = (
        (min(sizes[method]), max(sizes[method])) for method in ("random_rnas_mer", "rnas_mer")
    )
    said = "({:.1f} and {:.1f} million parameters against {:.2f} to {:.2f})"
    assert said.format(*drawn, *searched) in page
    networks = [row for row in rows if row["million_params"] != "–"]
    few, many = (
        [float(row["uar"]) for row in networks if row["data"].startswith(sets)]
        for sets in (("CASME II", "SAMM"), "composite")
    )
    assert f"little of new people ({min(few):.2f} to {max(few):.2f});" in page
    assert f"with 151 clips, they have {min(many):.2f} to {max(many):.2f}." in page
    largest = {
        method: "{:.1f} and {:.1f}".format(
            *(
                float(row["million_params"].split()[0])
                for sets in ("SMIC", "composite")
                for row in networks
                if row["method"] == method and row["data"].startswith(sets)
            )
        )
        for method in ("automer_3d", "random_rnas_mer")
    }
    said = f"({largest['automer_3d']} million parameters) and the drawn ones"
    assert f"{said} ({largest['random_rnas_mer']})" in page


@pytest.mark.parametrize("name", ["nas-smic", "nas-sets"])
def test_the_tables_of_the_page_of_results_are_those_of_their_files(name):
    table = leaderboard_table(ROOT / "results" / f"leaderboard-{name}-surrogate.csv")
    assert table.strip() in (ROOT / "docs" / "results.md").read_text()


def test_readme_is_short_and_its_tables_are_narrow():
    lines = README.read_text().splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines if line.startswith("|")) <= WIDEST
