import json
import re
import shutil

import pytest
from click.testing import CliRunner
from markupsafe import escape
from real_runs import CONTROL, SEARCHED, change, folder_of, keep_only

from reports.html.templating import script_digest

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


def test_runs_are_compared_as_the_command_compares_them(made_report, made_runs):
    from reports.cli.compare import compare

    folders = [str(folder_of(made_runs, name)) for name in (SEARCHED, CONTROL)]
    told = CliRunner().invoke(compare, [*folders, "--format", "json"])
    (comparison,) = json.loads(told.stdout)["comparisons"]
    (pair,) = comparison["pairs"]
    names = [pair["second"], pair["first"]]
    row = next(row for row in rows(compared(made_report.html)) if row[:2] == names)
    for cell, found in zip(row[2:5], pair["differences"].values(), strict=True):
        assert float(cell.split()[0]) == pytest.approx(-found["estimate"], abs=1e-4)
    assert float(row[5]) == pytest.approx(pair["permutation"]["p"], abs=1e-4)
    assert float(row[7]) == pytest.approx(pair["mcnemar"]["p"], abs=1e-4)


def test_what_differs_in_clips_or_protocol_is_not_compared(made_report):
    said = compared(made_report.html)
    names = {cell for row in rows(said) for cell in row}
    assert not names & {"rnas_mer_4", "random_automer_3d"}
    assert said.count("<h2") == 1


def test_one_run_alone_is_compared_with_nothing(runs, report_of):
    keep_only(runs, SEARCHED)
    assert "No two configurations" in compared(report_of(runs).html)


def compared(html):
    (text,) = re.findall(r'<section class="page" id="compare">(.*?)</section>', html, re.S)
    return text


def rows(html):
    found = re.findall(r"<tr>((?:<td>.*?</td>)+)</tr>", html)
    return [re.findall(r"<td>(.*?)</td>", row) for row in found]


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
