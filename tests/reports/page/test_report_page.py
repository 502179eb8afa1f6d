import json
import re
import shutil

from real_runs import CONTROL, SEARCHED, change, folder_of, keep_only

from reports.html.templating import script_digest

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"


def embedded(html):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    return json.loads(text)


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
    assert {link for link in links if not link.startswith("compare/")} <= set(ids)
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
    said = made_report.html.count("it is no finding.")
    assert said == sum(search.is_uniform for search in uniform)


def test_embedded_data_holds_what_decides_a_comparison(made_report, made_runs):
    data = {run["id"]: run for run in embedded(made_report.html)}
    view = next(v for v in made_report.views if v.record.variant == "rnas_mer_3")
    run = data[view.anchor]
    stored = json.loads((folder_of(made_runs, SEARCHED) / "metrics.json").read_text())
    assert run["scores"][0] == ["all clips", *(stored[k] for k in ("uar", "uf1", "acc", "clips"))]
    assert sum(len(subject["clips"]) for subject in run["subjects"]) == stored["clips"]
    assert run["protocol"]["search_scope"] == "all" and run["leaky"] is True


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
    assert len(re.findall(r"<script", html)) == 2 and "<img" not in html
    (hostile,) = embedded(html)
    assert hostile["settings"]["variant"] == HOSTILE
    names = [clip for subject in hostile["subjects"] for clip in subject["clips"]]
    assert HOSTILE in names


def test_nothing_to_show_is_a_page_with_the_published_tables(tmp_path, report_of):
    made = report_of(tmp_path)
    assert made.views == () and embedded(made.html) == []
    assert "bench run --variant rnas_mer" in made.html and "0.9029" in made.html


def test_what_was_left_out_is_on_the_page(tmp_path, report_of):
    assert "<li>a folder: why</li>" in report_of(tmp_path, skipped=["a folder: why"]).html


def test_numbers_that_json_lacks_do_not_reach_the_page(runs, report_of):
    keep_only(runs, CONTROL)
    change(folder_of(runs, CONTROL) / "metrics.json", lambda m: m.update(uf1=float("nan")))
    (run,) = embedded(report_of(runs).html)
    assert run["scores"][0][2] is None
