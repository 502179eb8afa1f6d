import json
import re
import shutil

import pytest
from click.testing import CliRunner
from markupsafe import escape
from real_runs import CONTROL, SEARCHED, change, folder_of, keep_only

from bench.runs.record import find_runs
from reports.compare.entries import make_entries
from reports.html.templating import script_digest
from reports.page.clips import disagreements
from reports.reading.groups import gather

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"


def test_the_same_runs_give_the_same_page(runs, report_of):
    keep_only(runs, SEARCHED)
    assert report_of(runs).html == report_of(runs).html


def test_the_page_asks_for_nothing_from_outside(made_report):
    html = made_report.html
    assert not re.search(r"(?:src|action|srcset)=", html)
    links = set(re.findall(r"href=\"([^\"]*)\"", html))
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert "@import" not in html and not re.search(r"url\((?!#)", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    assert f"{policy}script-src '{script_digest(script)}'" in html


def test_every_link_and_every_id_is_sound(made_report):
    html = made_report.html
    ids = re.findall(r"\bid=\"([^\"]*)\"", html)
    assert len(ids) == len(set(ids))
    links = {link for link in re.findall(r"href=\"#([^\"]*)\"", html) if link}
    assert links <= set(ids)
    assert [view.anchor for view in made_report.views] == [
        i for i in ids if i in links and i.startswith("run-")
    ]


def test_every_run_is_listed_and_has_its_page(made_report):
    assert len(made_report.views) == 4
    for view in made_report.views:
        assert made_report.html.count(f'<section class="page run" id="{view.anchor}">') == 1
        assert f'<a href="#{view.anchor}">{view.record.variant}</a>' in made_report.html
    assert "nothing converged" in made_report.html
    assert made_report.troubles == ()


def test_a_path_of_uniform_beta_is_said_to_be_no_finding(made_report):
    uniform = [s for view in made_report.views if view.origin == "searched" for s in view.searches]
    says = {"equals": True, "differs from": False}
    for word, is_uniform in says.items():
        said = made_report.html.count(f"The path {word} the one that uniform β decodes to")
        assert said == sum(search.is_uniform == is_uniform for search in uniform)


def test_methods_are_compared_as_the_command_compares_them(made_report, made_runs):
    from reports.cli.compare import compare

    folders = [str(folder_of(made_runs, name)) for name in (SEARCHED, CONTROL)]
    told = CliRunner().invoke(compare, [*folders, "--format", "json"])
    (comparison,) = json.loads(told.stdout)["comparisons"]
    board = board_of(made_report.html, "rnas_mer_3")
    for entry in comparison["entries"]:
        found = entry["scores"]["uar"]["interval"]
        assert f"{entry['scores']['uar']['mean']:.3f}" in board[entry["name"]]
        assert f"[{found['low']:.3f}, {found['high']:.3f}]" in board[entry["name"]]
    (pair,) = comparison["pairs"]
    (cells,) = (cells for cells in pairs(made_report.html) if "rnas_mer_4" not in cells[0])
    for cell, found in zip(cells[1:4], pair["differences"].values(), strict=True):
        assert abs(float(cell.split()[0])) == pytest.approx(abs(found["estimate"]), abs=1e-4)
    for cell, test in zip(cells[4:], (pair["permutation"], pair["mcnemar"]), strict=True):
        p, _, corrected = cell.split()
        assert float(p) == pytest.approx(test["p"], abs=1e-4)
        assert float(corrected) == pytest.approx(test["p_holm"], abs=1e-4)


def board_of(html, name):
    """Name of a method -> the text of its row, in the leaderboard that has this one."""
    for table in re.findall(r'<table class="leaders">(.*?)</table>', html, re.S):
        rows = re.findall(r"<tr>\s*<th scope=.row.*?</tr>", table, re.S)
        found = {re.search(r'"method">([^<]*)<', row)[1]: row for row in rows}
        if name in found:
            return found
    raise AssertionError(f"no leaderboard has {name}")


def pairs(html):
    """The texts of the cells of each pair."""
    found = re.findall(r"<tr data-places=.*?</tr>", html, re.S)
    cells = (re.findall(r"<t[hd].*?</t[hd]>", row, re.S) for row in found)
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


def test_what_differs_in_clips_or_protocol_is_on_another_leaderboard(made_report):
    assert set(board_of(made_report.html, "rnas_mer_3")) == {"rnas_mer_3", "random_rnas_mer_3"}
    assert set(board_of(made_report.html, "rnas_mer_4")) == {"rnas_mer_4", "random_rnas_mer_3"}
    assert set(board_of(made_report.html, "random_automer_3d")) == {"random_automer_3d"}


def test_an_unfinished_run_is_on_no_leaderboard(runs, report_of):
    keep_only(runs, SEARCHED, CONTROL)
    (folder_of(runs, CONTROL) / "folds" / "s05.json").unlink()
    html = report_of(runs).html
    assert set(board_of(html, "rnas_mer_3")) == {"rnas_mer_3"}
    assert "No two configurations" in html and pairs(html) == []


def test_clips_that_methods_differ_on_are_shown(made_report, made_runs, monkeypatch):
    """The clips are where the runs found them; the report that was made did not look there."""
    records = [r for r in find_runs(made_runs)[0] if "rnas_mer_3" in r.variant]
    entries = make_entries(gather(records))
    one, two = (entry.predictions[0].answers for entry in entries)
    differ = {
        a.key for a, b in zip(one, two, strict=True) if (a.pred == a.true) != (b.pred == b.true)
    }
    monkeypatch.setenv("BENCH_CACHE", str(made_runs.parent / "cache"))
    shown = disagreements(entries, faces=False)
    assert {row.key for row in shown.rows} == differ != set()
    assert all(row.picture.startswith("data:image/jpeg;base64,") for row in shown.rows)
    monkeypatch.setenv("BENCH_CACHE", str(made_runs / "nowhere"))
    without = disagreements(entries, faces=False)
    assert "not at hand" in without.note and {row.picture for row in without.rows} == {None}


def test_hostile_names_stay_text(runs, report_of):
    folder = folder_of(keep_only(runs, SEARCHED), SEARCHED)
    shutil.move(folder.parents[1], runs / "smic-surrogate" / HOSTILE.replace("/", "_"))
    folder = folder_of(runs, f"smic-surrogate/{HOSTILE.replace('/', '_')}")
    change(folder / "run.json", lambda run: run.update(variant=HOSTILE, marks=[HOSTILE]))

    def rename(fold):
        fold["subject"] = HOSTILE
        fold["clips"][0]["clip"] = HOSTILE

    change(folder / "folds" / "s05.json", rename)
    failures = [{"phase": "fold", "fold": HOSTILE, "reason": HOSTILE, "traceback": HOSTILE}]
    (folder / "failures.json").write_text(json.dumps(failures))
    made = report_of(runs, HOSTILE, [HOSTILE])
    html = made.html
    assert len(re.findall(r"<script", html)) == 1 and "<img" not in html
    assert html.count(str(escape(HOSTILE))) > 3


def test_nothing_to_show_is_a_page_with_the_published_tables(tmp_path, report_of):
    made = report_of(tmp_path)
    assert made.views == ()
    assert "bench run --variant rnas_mer" in made.html and "0.9029" in made.html


def test_what_was_left_out_is_on_the_page(tmp_path, report_of):
    assert "<li>a folder: why</li>" in report_of(tmp_path, skipped=["a folder: why"]).html
