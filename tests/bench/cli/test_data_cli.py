"""`bench data check` and `bench data synth` as a person types them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bench.cli.data import data
from bench.data.sets.challenge import expected_counts
from bench.data.sources import resolve_source
from bench.errors import DataError, UsageError


def invoke(*arguments, **environment):
    """The result of `bench data ...`; errors for people are raised, as the commands raise them."""
    environment.setdefault("BENCH_DATA", None)
    result = CliRunner().invoke(data, [str(a) for a in arguments], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def smic(tmp_path, trees):
    """A data root with every clip of SMIC that the challenge lists."""
    codes = {"negative": "ne", "positive": "po", "surprise": "sur"}
    clips = [
        f"{subject}/micro/{name}/{subject}_{codes[name]}_{index + 1:02d}"
        for subject, counts in expected_counts()["smic"].items()
        for name, count in counts.items()
        for index in range(count)
    ]
    trees.smic(tmp_path / "root" / "SMIC_all_cropped" / "HS", clips, (1, 2))
    return tmp_path / "root"


def test_check_of_a_complete_set_exits_with_0(smic):
    result = invoke("check", "--dataset", "smic", "--data-root", smic)
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert ["smic", "negative", "70", "70"] in rows
    assert ["smic", "clips", "164", "164"] in rows
    assert ["smic", "subjects", "16", "16"] in rows
    assert result.output.endswith("0 problem(s): complete\n")


def test_check_takes_the_root_from_the_environment(smic):
    assert invoke("check", "--dataset", "smic", BENCH_DATA=str(smic)).exit_code == 0


def test_check_of_an_incomplete_set_exits_with_1_and_names_it(smic):
    (smic / "SMIC_all_cropped/HS/s19").rename(smic / "away")
    result = invoke("check", "--dataset", "smic", "--data-root", smic)
    assert result.exit_code == 1
    assert "missing: smic s19: no clip of this subject, 1 positive, 1 surprise" in result.output
    assert "1 problem(s): not the challenge's set" in result.output


def test_check_reads_the_landmarks_and_weights_that_the_settings_name(smic, tmp_path):
    command = ("check", "--dataset", "smic", "--data-root", smic, "--set")
    boxes = tmp_path / "boxes.csv"
    named = (*command, f"data.landmarks={boxes}")
    with pytest.raises(UsageError, match="there is no such file"):
        invoke(*named, "--set", "data.crop=landmarks")
    boxes.write_text("subject,clip,left,top,right,bottom\ns05,s05_sur_01,1,1,9,9\n")
    assert invoke(*named).exit_code == 0
    result = invoke(*named, "--set", "data.crop=landmarks")
    assert result.exit_code == 1
    assert "landmarks: 163 times: smic s01/s01_ne_01" in result.stdout
    with pytest.raises(DataError, match="cannot be read as tensors"):
        invoke(*command, "data.magnify=learned", "--magnifier-weights", boxes)


def test_check_as_json_is_the_contract(smic):
    result = invoke("check", "--dataset", "smic", "--data-root", smic, "--format", "json")
    report = json.loads(result.output)
    assert (report["dataset"], report["clips"], report["subjects"]) == ("smic", 164, 16)
    assert report["classes"] == {"negative": 70, "positive": 51, "surprise": 43}
    assert report["slices"]["smic"]["clips"] == 164
    assert report["problems"] == []


def test_check_of_some_subjects_compares_those_only(smic):
    (smic / "SMIC_all_cropped/HS/s19").rename(smic / "away")
    arguments = ("check", "--dataset", "smic", "--data-root", smic, "--subjects")
    assert invoke(*arguments, "s1, s20").exit_code == 0
    result = invoke(*arguments, "s1,s19")
    assert result.exit_code == 1
    assert ["smic", "subjects", "1", "2"] in [line.split() for line in result.output.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["check", "--dataset", "smic"], UsageError, "University of Oulu.*--surrogate.*synth"),
        (
            ["check", "--dataset", "smik"],
            UsageError,
            "unknown data set 'smik'. Did you mean 'smic'",
        ),
        (["synth", "--dataset", "smik", "--out", "x"], UsageError, "Did you mean 'smic'"),
        (["check", "--dataset", "smic", "--data-root", "nowhere"], DataError, "does not exist"),
        (
            ["check", "--dataset", "smic", "--subjects", " , "],
            UsageError,
            "--subjects names nobody",
        ),
        (
            ["synth", "--dataset", "smic", "--out", "x", "--subjects", "s7"],
            UsageError,
            "unknown smic subject 's7'",
        ),
        (
            ["synth", "--dataset", "smic", "--out", "x", "--difficulty", "extreme"],
            UsageError,
            "difficulty",
        ),
    ],
)
def test_misuse_is_one_line(tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as raised:
        invoke(*arguments)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_synth_never_touches_a_folder_of_other_files(tmp_path, force):
    (tmp_path / "thesis.tex").write_text("irreplaceable")
    with pytest.raises(UsageError, match=r"not empty|no surrogate"):
        invoke("synth", "--dataset", "smic", "--out", tmp_path, "--subjects", "s05", *force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_synth_then_check(tmp_path):
    out = tmp_path / "generated"
    synth = ("synth", "--dataset", "smic", "--out", out, "--subjects", "s5,s19", "--size", 16)
    result = invoke(*synth)
    assert result.exit_code == 0
    assert result.stdout.startswith("clips 4, subjects 2, ")
    assert len(result.stdout.splitlines()) == 1
    arguments = ("check", "--dataset", "smic", "--data-root", out)
    assert invoke(*arguments, "--subjects", "s05,s19").exit_code == 0
    assert invoke(*arguments).exit_code == 1
    with pytest.raises(UsageError, match=r"not empty.*--force"):
        invoke(*synth)
    assert invoke(*synth, "--force", "--difficulty", "0.9").exit_code == 0


def test_synth_draws_flow_images_of_new_people(tmp_path):
    out = tmp_path / "flows"
    result = invoke("synth", "--people", 2, "--clips", 6, "--out", out)
    assert result.exit_code == 0
    manifest = result.stdout.split()[-1]
    assert invoke("check", "--dataset", manifest).exit_code == 0
    assert resolve_source(manifest, None, False, tmp_path).surrogate
    for wrong, told in (
        (("--people", 2), "--people and --clips"),
        (("--people", 2, "--clips", 6, "--dataset", "smic"), "either --dataset"),
        (("--people", 2, "--clips", 6, "--size", 16), "--size is for frames"),
        (("--dataset", "smic", "--without", "head"), "--without is for flow images"),
        (("--dataset", "smic", "--shares", "2,1,1"), "--shares is for flow images"),
    ):
        with pytest.raises(UsageError, match=told):
            invoke("synth", *wrong, "--out", tmp_path / "none")


def test_a_deep_check_decodes_every_frame(tmp_path):
    out = tmp_path / "generated"
    invoke("synth", "--dataset", "smic", "--out", out, "--subjects", "s05,s19", "--size", 32)
    command = ("check", "--dataset", "smic", "--data-root", out, "--subjects", "s05,s19")
    whole = invoke(*command, "--deep", "--jobs", 1, "--format", "json")
    report = json.loads(whole.stdout)
    assert (whole.exit_code, report["problems"]) == (0, [])
    frames = sorted(out.rglob("*.jpg"))
    assert report["frames"] == len(frames)
    frames[4].write_bytes(frames[4].read_bytes()[:200])
    frames[-2].unlink()
    assert invoke(*command).exit_code == 0  # the listing alone does not see the first
    deep = invoke(*command, "--deep", "--jobs", 1, "--format", "json")
    assert deep.exit_code == 1
    assert {p["kind"] for p in json.loads(deep.stdout)["problems"]} == {"unreadable", "frames"}
    text = invoke(*command, "--deep", "--jobs", 1)
    assert f"{len(frames) - 2} frames decoded" in text.stdout
    assert "2 problem(s): some clips cannot be used" in text.stdout
