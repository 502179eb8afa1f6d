import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_runs import BY_FOLD, COMPOSITE, CONTROL, SEARCHED, change, folder_of, keep_only

from bench.runs.folder import RunFolder
from bench.runs.record import find_runs, read_run
from reports.page import runs as run_pages
from reports.page.runs import run_views, unique_anchors
from reports.page.views import RunView

PATH_OF_UNIFORM_BETA = "4 → 8 → 16 → 16 → 16 → 16"


@pytest.fixture
def view(runs):
    """The page of one run of the folder."""

    def make(name=SEARCHED) -> RunView:
        record = read_run(RunFolder(folder_of(runs, name)))
        return run_views([record], lambda done, total: None)[0]

    return make


@pytest.fixture
def shown(made_report):
    """The page of a run as `bench run` left it."""

    def find(name=SEARCHED) -> RunView:
        return next(v for v in made_report.views if name in str(v.record.folder.as_posix()))

    return find


def stored(runs, name, file):
    return json.loads((folder_of(runs, name) / file).read_text())


def test_scores_and_slices_are_those_of_the_metrics(shown, made_runs):
    metrics = stored(made_runs, COMPOSITE, "metrics.json")
    everything, *slices = shown(COMPOSITE).scores
    assert everything.values == {key: metrics[key] for key in ("uar", "uf1", "acc")}
    *slices, mean = slices
    assert [row.name for row in slices] == ["slice: SMIC", "slice: CASME II", "slice: SAMM"]
    assert mean.name == "fold mean, as some papers report"
    assert mean.values["uf1"] == metrics["aggregations"]["fold_mean"]["uf1"]
    assert slices[2].absent == tuple(metrics["slices"]["samm"]["absent"]) != ()


def test_subjects_add_up_to_the_confusion_matrix(shown):
    page = shown()
    (confusion,) = page.confusions
    hits = sum(confusion.counts[label][label] for label in range(3))
    assert hits == sum(subject.right for subject in page.subjects)
    clips = [each for subject in page.subjects for each in subject.predictions]
    for label, row in enumerate(confusion.counts):
        assert sum(row) == sum(clip.true == label for clip in clips)


def test_settings_of_the_command_line_come_first_then_those_of_the_preset(shown):
    settings = shown(BY_FOLD).settings
    origins = [setting.origin for setting in settings]
    assert sorted(set(origins), key=origins.index) == ["--set", "preset smoke"]
    assert origins == sorted(origins, key=["--set", "preset smoke"].index)
    by_key = {setting.key: setting for setting in settings}
    assert by_key["protocol.search_scope"].origin == "--set"
    assert by_key["protocol.search_scope"].default == "all"
    assert "search.momentum" not in by_key


def test_a_setting_of_another_version_is_shown_all_the_same(view, runs):
    file = folder_of(runs, CONTROL) / "run.json"
    change(file, lambda run: run["config"]["train"].update(of_old="x"))
    (setting,) = (s for s in view(CONTROL).settings if s.key == "train.of_old")
    assert setting.value == "x" and "another version" in setting.help


@pytest.mark.parametrize(
    ("code", "said"),
    [({"variant mine": "ab" * 32}, "variant mine abababababab"), (None, "not recorded")],
)
def test_code_that_packages_brought_is_named(view, runs, code, said):
    change(folder_of(runs, CONTROL) / "run.json", lambda run: run["provenance"].update(code=code))
    assert dict(view(CONTROL).provenance)["code of packages"] == said


def test_a_path_stands_beside_that_of_uniform_beta(shown, made_runs):
    (search,) = shown().searches
    genotype = stored(made_runs, SEARCHED, "search/genotype.json")
    assert search.path == " → ".join(map(str, genotype["path"]))
    assert search.probability == pytest.approx(genotype["path_probability"])
    assert (search.uniform_path, search.uniform_probability) == (PATH_OF_UNIFORM_BETA, 0.125)
    assert search.is_uniform == genotype["path_is_uniform"]
    assert [edge.operation for edge in search.edges] == genotype["operations"]


def test_every_fold_has_its_search(shown):
    page = shown(BY_FOLD)
    assert [search.fold for search in page.searches] == list(page.record.folds)
    assert not any("leaky" in mark.words for mark in page.marks)


def test_a_control_says_that_nothing_was_searched(shown):
    page = shown(CONTROL)
    assert page.origin == "random"
    assert page.searches[0].probability is None
    assert "random control" in [mark.text for mark in page.marks]
    assert "nothing was searched" in page.undrawn["search_curves"]


def test_marks_name_conditions_leaks_and_shortfalls(shown):
    texts = [mark.text for mark in shown().marks]
    own = [text for text in texts if text != "decodings differ"]
    assert own[:4] == ["surrogate", "smoke", "cannot decide", "leaky: search_scope=all"]
    assert "one search seed" in own
    assert "3 of 16 subjects (SMIC)" in texts
    assert "reconstruction" in [mark.text for mark in shown(COMPOSITE).marks]


def test_a_run_without_its_last_fold_says_which_and_shows_no_scores(view, runs):
    folder = folder_of(runs, SEARCHED)
    (folder / "folds" / "s15.json").unlink()
    (folder / "metrics.json").unlink()
    page = view()
    assert (page.missing, page.finished, page.scores) == (("s15",), False, ())
    assert any("leaky" in mark.words for mark in page.marks)
    assert len(page.subjects) == 2 and page.troubles == ()


def test_a_run_before_its_search_is_shown(view, runs):
    folder = folder_of(runs, SEARCHED)
    for file in folder.rglob("*.*"):
        if file.is_file() and file.name != "run.json":
            file.unlink()
    page = view()
    assert page.searches == page.subjects == page.drawings == page.troubles == ()
    assert set(page.undrawn) == {"network_path", "cell", "search_curves", "architecture"}


def test_failures_are_shown_with_their_traceback(view, runs):
    failures = [{"phase": "fold", "fold": "s15", "reason": "boom", "traceback": None}]
    (folder_of(runs, CONTROL) / "failures.json").write_text(json.dumps(failures))
    (failure,) = view(CONTROL).failures
    assert failure == {"phase": "fold", "fold": "s15", "reason": "boom", "traceback": ""}


@pytest.mark.parametrize(
    ("file", "content", "lost"),
    [
        ("folds/s05.json", '{"subject": ', "subjects"),
        ("folds/s05.json", "[]", "subjects"),
        ("folds/s05.json", '{"subject": "s05", "clips": [{"clip": "x"}]}', "subjects"),
        ("search/genotype.json", "{}", "searches"),
        ("search/genotype.json", "[1]", "searches"),
        ("search/history.csv", "epoch\nx\n", None),
        ("search/architecture.json", "nonsense", None),
        ("failures.json", "7", "failures"),
        ("failures.json", "[7]", "failures"),
    ],
)
def test_a_corrupt_file_is_named_and_costs_what_it_holds_alone(
    view, shown, runs, file, content, lost
):
    whole = shown()
    (folder_of(runs, SEARCHED) / file).write_text(content)
    page = view()
    assert page.troubles and all("seed0" in line and "\n" not in line for line in page.troubles)
    assert len(page.drawings) < len(whole.drawings) or lost in ("subjects", "failures")
    for piece in ("scores", "settings", "searches", "confusions"):
        assert getattr(page, piece) == (() if piece == lost else getattr(whole, piece))
    others = [each for each in whole.subjects if each.fold != "s05"]
    assert list(page.subjects) == (others if lost == "subjects" else list(whole.subjects))
    assert page.missing == ()


@pytest.mark.parametrize(
    "edit",
    [
        lambda run: run.update(config=[1]),
        lambda run: run.update(config={"data": 3}),
        lambda run: run.update(data="x"),
        lambda run: run.update(provenance=3, continued=[None]),
        lambda run: run.update(marks=3),
    ],
)
def test_a_run_json_of_another_shape_is_named(runs, edit):
    file = folder_of(runs, CONTROL) / "run.json"
    change(file, edit)
    (line,) = find_runs(runs)[1]
    assert line.startswith(f"{file}: no run of this harness ('") and "\n" not in line


def test_a_run_without_its_space_is_named_and_shown(view, runs):
    change(folder_of(runs, CONTROL) / "run.json", lambda run: run.pop("space"))
    page = view(CONTROL)
    assert page.troubles and "seed0" in page.troubles[0]
    assert page.scores


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_score_that_is_no_number_is_none(view, runs, value):
    change(folder_of(runs, CONTROL) / "metrics.json", lambda each: each.update(uar=value))
    assert view(CONTROL).scores[0].values["uar"] is None


def test_a_confusion_matrix_that_is_none_is_named(view, runs):
    change(folder_of(runs, CONTROL) / "metrics.json", lambda m: m.update(confusion=[[1, 2]]))
    page = view(CONTROL)
    assert page.confusions == () and "no square matrix" in page.troubles[0]


def test_pages_drawn_in_processes_are_those_drawn_in_one(runs, monkeypatch):
    monkeypatch.setattr(run_pages, "RUNS_A_PROCESS", 1)
    keep_only(runs, SEARCHED, CONTROL)
    (folder_of(runs, SEARCHED) / "search" / "genotype.json").write_text("{")
    records = find_runs(runs)[0]
    heard = []
    pages = []
    for cores in (1, 2):
        monkeypatch.setattr(run_pages, "usable_cores", lambda cores=cores: cores)
        pages.append(run_views(records, lambda *counts: heard.append(counts)))
    assert pages[0] == pages[1]
    assert any("genotype.json" in line for page in pages[1] for line in page.troubles)
    assert heard == [(done, len(records)) for done in range(1, len(records) + 1)] * 2


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), max_size=6))
def test_anchors_are_unique_and_need_no_escape(made_runs, names):
    record = read_run(RunFolder(folder_of(made_runs, SEARCHED)))
    records = [replace(record, folder=record.folder.parent / name) for name in names]
    anchors = unique_anchors(records)
    assert len(set(anchors)) == len(names)
    assert all(
        anchor.startswith("run-") and set(anchor) <= set(SAFE) and anchor.isascii()
        for anchor in anchors
    )


SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
