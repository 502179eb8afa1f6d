"""Results as JSON carry their own sum: an edit is seen by all that read them, and by `validate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.system.result_files import SEAL, is_edited, read_result, sealed

ROOT = Path(__file__).parents[3]
COMMITTED = sorted((ROOT / "results").glob("*.json"))
CONTENT = {"rows": [{"uar": 0.5, "n": 1.0, "p": 1e-05}], "seeds": {2: None, 10: True}, "é": "β"}


def test_layout_order_and_the_writing_of_numbers_are_no_edit():
    content = json.loads(json.dumps(sealed(CONTENT)))
    turned = dict(reversed(content.items()))
    text = json.dumps(turned, indent=4, ensure_ascii=False).replace("1.0,", "1,")
    assert not is_edited(json.loads(text.replace("1e-05", "0.00001")))
    assert sealed(content) == content


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content["rows"][0].update(uar=0.51),
        lambda content: content["rows"].append({}),
        lambda content: content.update(marks=[]),
        lambda content: content.pop("é"),
        lambda content: content.update({SEAL: None}),
    ],
)
def test_every_edit_is_seen(edit, tmp_path):
    content = json.loads(json.dumps(sealed(CONTENT)))
    edit(content)
    file = tmp_path / "study.json"
    file.write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"study\.json was edited"):
        read_result(file)


def test_older_files_are_read(tmp_path):
    (tmp_path / "old.json").write_text('{"rows": []}')
    assert read_result(tmp_path / "old.json") == {"rows": []}


def edited(file, folder):
    """A copy of a result with the first score of it raised."""
    text = file.read_text()
    place = text.index("0.", text.index('"uar"'))
    copy = folder / file.name
    copy.write_text(f"{text[:place]}0.9{text[place + 2 :]}")
    return copy


def test_validate_finds_committed_results_as_they_were_written(bench):
    outcome = bench("validate", *COMMITTED)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{len(COMMITTED)} of {len(COMMITTED)} files sealed and unchanged\n"


@pytest.mark.parametrize(
    "file", [file for file in COMMITTED if '"uar"' in file.read_text()], ids=lambda file: file.stem
)
def test_validate_finds_a_score_that_was_edited(bench, file, tmp_path):
    outcome = bench("validate", edited(file, tmp_path))
    assert outcome.code == 1
    assert f"changed: {file.name}: was edited" in outcome.out


def test_validate_says_what_has_no_seal_and_what_is_no_result(bench, tmp_path):
    (tmp_path / "old.json").write_text('{"rows": []}')
    outcome = bench("validate", tmp_path / "old.json")
    assert (outcome.code, outcome.out) == (0, "0 of 1 files sealed and unchanged\n")
    assert "not sealed" in outcome.err
    (tmp_path / "torn.json").write_text('{"rows": [')
    outcome = bench("validate", tmp_path / "torn.json")
    assert outcome.code == 1
    assert "unreadable: torn.json" in outcome.out


def test_files_of_a_run_belong_to_its_folder(bench, searched_runs):
    for file in (next(searched_runs.rglob("run.json")), next(searched_runs.rglob("folds/*.json"))):
        outcome = bench("validate", file)
        assert outcome.code == 2
        assert "give a folder that holds a run.json" in outcome.error


def test_documentation_refuses_an_edited_result(tmp_path):
    from reports.docs.overview import draw_overview

    for name in ("strategies-smic-surrogate.csv", "leakage-smic-surrogate-random_rnas_mer.json"):
        (tmp_path / name).write_bytes((ROOT / "results" / name).read_bytes())
    edited(ROOT / "results" / name, tmp_path)
    with pytest.raises(BenchError, match="was edited"):
        draw_overview(tmp_path)


def test_score_refuses_an_edited_export(bench, searched_runs, tmp_path):
    out = tmp_path / "answers.json"
    folder = next(searched_runs.rglob("run.json")).parent
    assert bench("export", folder, "--format", "json", "--out", out).code == 0
    assert bench("score", out).code == 0
    content = json.loads(out.read_text())
    clip = content["folds"][0]["clips"][0]
    clip["pred"] = (clip["pred"] + 1) % 3
    out.write_text(json.dumps(content))
    outcome = bench("score", out)
    assert outcome.code == 1
    assert "answers.json was edited" in outcome.error


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"x\n1\n"), ("a.png", b"\x89PNG\xff")])
def test_validate_says_which_files_have_seals(bench, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    outcome = bench("validate", tmp_path / name)
    assert outcome.code == 1
    assert f"{name}: is neither a result (JSON) nor a model file" in outcome.out
