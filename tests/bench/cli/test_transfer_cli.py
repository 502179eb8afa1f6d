"""`bench pretrain`, runs that start from its model file, and `bench transfer`."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_runs import SIZES, only_run

from bench import load_clips
from bench.data.surrogates.flows import FlowPlan
from bench.data.surrogates.writing import write_flows
from bench.models.file import read_model, write_model
from bench.runs.marks import PRETRAINED_GENERATED, SHUFFLED
from bench.runs.record import find_runs
from reports.reading.marks import unusual_settings

SHORT = ("--preset", "smoke", "--set", "train.recipe_epochs=2")


@pytest.fixture(scope="module")
def model(bench, tmp_path_factory) -> Path:
    """STSTNet, trained on a dozen generated flow images."""
    out = tmp_path_factory.mktemp("model") / "net.safetensors"
    drawn = ("--people", 4, "--clips", 12, "--generator-version", 3)
    outcome = bench("pretrain", "--variant", "ststnet", *drawn, *SHORT, "--out", out)
    assert outcome.code == 0, outcome.err
    return out


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> str:
    """Flow images of people of another seed."""
    folder = tmp_path_factory.mktemp("flows") / "flows"
    return f"manifest:{write_flows(folder, FlowPlan(people=3, clips=9, seed=1))}"


def test_a_pretrained_model_says_what_it_was_trained_on(model):
    record, weights = read_model(model)
    assert record.marks == (PRETRAINED_GENERATED,)
    assert record.run.surrogate
    assert record.run.settings.data.surrogate_version == 3
    assert record.trained_on == tuple(f"generated/s0-{person:05d}" for person in range(4))
    assert weights


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--variant", "linear_flow"), "no weights to keep"),
        (("--variant", "peers"), "peers"),
        (("--variant", "ststnet", "--set", "train.nothing=1"), "train.nothing"),
        (
            ("--variant", "ststnet", "--shares", "2,1"),
            "expected 3 numbers from 1 to 99 with commas",
        ),
        (("--variant", "ststnet", "--shares", "2,0,1"), "expected 3 numbers from 1 to 99"),
    ],
)
def test_what_cannot_be_pretrained_is_said_before_clips_are_drawn(bench, options, told, tmp_path):
    outcome = bench("pretrain", *options, "--out", tmp_path / "x", BENCH_CACHE=tmp_path / "cache")
    assert outcome.code == 2
    assert told in outcome.error
    assert not (tmp_path / "cache").exists()


def test_a_run_starts_from_the_weights_and_says_so(bench, model, others, tmp_path):
    still = ("--set", "train.recipe_lr=1e-12", "--set", "save.weights=last")
    command = ("run", "--variant", "ststnet", "--dataset", others, *SHORT, *still)
    outcome = bench(*command, "--set", f"train.pretrained={model}", "--runs", tmp_path)
    assert outcome.code == 0, outcome.err
    (record,), _ = find_runs(tmp_path)
    assert record.pretrained.generated
    assert PRETRAINED_GENERATED in unusual_settings(record)
    _, given = read_model(model)
    kept = sorted((only_run(tmp_path).path / "models").glob("*"))
    after, weights = read_model(kept[0])
    assert str(model.parent) not in json.dumps(after.run.config)
    names = [name for name in given if name.endswith("weight")]
    assert all(torch.allclose(weights[name], given[name], atol=1e-4) for name in names)


def test_a_fit_starts_from_the_file_that_the_run_started_from(bench, model, others, tmp_path):
    start = tmp_path / "start.safetensors"
    shutil.copy(model, start)
    runs, again = tmp_path / "runs", (*SHORT, "--set", f"train.pretrained={start}")
    command = ("run", "--variant", "ststnet", "--dataset", others, *again, "--runs", runs)
    assert bench(*command).code == 0
    fit = ("fit", only_run(runs).path, "--out", tmp_path / "fit.safetensors")
    assert bench(*fit).code == 0
    before, weights = read_model(model)
    write_model(start, before, {name: weight + 1 for name, weight in weights.items()})
    assert "train.pretrained: the file that its settings name is another" in bench(*fit).error
    told = bench("validate", runs)
    assert told.code == 0 and f"train.pretrained={start}: the file is another" in told.err
    start.unlink()
    assert "start.safetensors is not there" in bench(*fit).error


def test_pretraining_on_whom_a_run_tests_is_refused(bench, model, tmp_path):
    own = f"manifest:{write_flows(tmp_path / 'flows', FlowPlan(people=4, clips=12, seed=0))}"
    command = ("run", "--variant", "ststnet", "--dataset", own, *SHORT, "--runs", tmp_path / "runs")
    outcome = bench(*command, "--set", f"train.pretrained={model}")
    assert outcome.code == 1
    assert "whom it would be tested on" in outcome.error
    assert "would be tested on" in bench("transfer", "--train", model, "--test", own).error
    other = bench(*command, "--set", f"train.pretrained={model}", "--variant", "off_apexnet")
    assert other.code == 1


@pytest.mark.parametrize("renamed", ["dataset", "subject", "stored otherwise"])
def test_clips_by_another_name_are_known_again(bench, model, tmp_path, renamed):
    own = write_flows(tmp_path / "flows", FlowPlan(people=4, clips=12, seed=0))
    table = pd.read_csv(own, dtype=str)
    if renamed == "dataset":
        table["dataset"] = "other"
    else:
        table["subject"] += "x"
    shutil.copytree(own.parent, tmp_path / "copy")
    if renamed == "stored otherwise":
        for file in table["frames"]:
            picture = tmp_path / "copy" / file
            Image.open(picture).save(picture, compress_level=0)
    table.to_csv(tmp_path / "copy" / "mine.csv", index=False)
    mine = f"manifest:{tmp_path / 'copy' / 'mine.csv'}"
    told = "was trained on clip"
    assert told in bench("transfer", "--train", model, "--test", mine).error
    command = ("run", "--variant", "ststnet", "--dataset", mine, *SHORT, "--runs", tmp_path)
    assert told in bench(*command, "--set", f"train.pretrained={model}").error


@pytest.mark.parametrize("damage", ["images", "labels", "list of units"])
def test_generated_flow_that_was_changed_is_told(bench, model, tmp_path, damage):
    own = write_flows(tmp_path / "flows", FlowPlan(people=3, clips=9, seed=1))
    if damage == "images":
        one, other = sorted(own.parent.rglob("*.png"))[:2]
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    elif damage == "labels":
        own.write_text(own.read_text().replace("negative", "surprise", 1))
    else:
        (own.parent / "units.csv").unlink()
    runs = ("--runs", tmp_path, "--variant", "ststnet", *SHORT)
    elsewhere = tmp_path / "elsewhere.csv"
    table = pd.read_csv(own, dtype=str)
    table["frames"] = [f"flows/{place}" for place in table["frames"]]
    table.to_csv(elsewhere, index=False)
    for command in (
        ("data", "show", "--dataset", f"manifest:{own}", "--out", tmp_path / "s.png"),
        ("data", "export-manifest", "--dataset", f"manifest:{own}", "--out", tmp_path / "m.csv"),
        ("data", "prepare", "--dataset", f"manifest:{own}", "--jobs", 1, "--inputs", "flow"),
        ("data", "manifest", "--from", own, "--out", tmp_path / "n.csv"),
        ("predict", model, own),
        ("transfer", "--train", model, "--test", f"manifest:{own}"),
        ("data", "check", "--dataset", f"manifest:{own}"),
        ("data", "check", "--dataset", f"manifest:{elsewhere}"),
        ("run", "--dataset", f"manifest:{own}", *runs),
    ):
        outcome = bench(*command)
        told = "generated clips are not as they were written (sha256.txt)"
        assert told in " ".join((outcome.out + outcome.err).split()), command
    with pytest.warns(UserWarning, match="not as they were written"):
        load_clips(f"manifest:{own}", settings={"data.representation": "flow"})


@pytest.mark.parametrize("gone", [(), ("sha256.txt",)])
def test_generated_flow_without_its_note_is_refused(bench, model, tmp_path, gone):
    own = write_flows(tmp_path / "flows", FlowPlan(people=3, clips=9, seed=1))
    for name in ("SURROGATE.txt", *gone):
        (own.parent / name).unlink()
    outcome = bench("transfer", "--train", model, "--test", f"manifest:{own}")
    assert outcome.code == 1
    assert "no SURROGATE.txt, which says so: put it back" in outcome.error


def test_a_model_has_seen_what_its_weights_began_from_has_seen(bench, model, others, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    run = bench("run", "--variant", "ststnet", "--dataset", others, *SHORT, "--runs", tmp_path)
    assert run.code == 0, run.err
    assert bench("fit", only_run(tmp_path).path, "--out", first).code == 0
    start = ("--set", f"train.pretrained={first}", "--set", "data.shuffle_labels=true")
    made = ("pretrain", "--variant", "ststnet", "--people", 4, "--clips", 12, *SHORT)
    assert bench(*made, *start, "--out", second).code == 0
    record, _ = read_model(second)
    assert SHUFFLED in record.marks
    assert len(record.trained_on) == len({*record.trained_on}) == 4 + 3
    outcome = bench("transfer", "--train", second, "--test", others)
    assert "whom it would be tested on" in outcome.error


def test_transfer_scores_both_controls_beside_the_answers(bench, model, others, tmp_path):
    second, (record, weights) = tmp_path / "other.safetensors", read_model(model)
    write_model(second, record, {name: value * 2 for name, value in weights.items()})
    command = ("transfer", "--train", model, "--train", second, "--test", others)
    outcome = bench(*command, "--format", "json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["marks"] == ["surrogate", PRETRAINED_GENERATED]
    assert [(row["model"], row["flow"]) for row in found["rows"]] == [
        *[(name, flow) for name in ("net", "other") for flow in ("as it is", "upside down")],
        *[("mean of 2", flow) for flow in ("as it is", "upside down")],
    ]
    for row in found["rows"]:
        assert row["clips"] == 9
        assert row["shuffled"]["estimate"] == row["uar"]
        assert sum(map(sum, row["confusion"])) == 9
    assert "upside down" in bench(*command).out


def test_transfer_says_what_is_odd_about_the_clips(bench, model, others, tmp_path):
    listed = Path(others.partition(":")[2])
    shutil.copytree(listed.parent, tmp_path / "flows")
    table = tmp_path / "flows" / listed.name
    picture = table.parent / pd.read_csv(table)["frames"][0]
    Image.new("RGB", (28, 28), (128, 128, 128)).save(picture)
    outcome = bench("transfer", "--train", model, "--test", f"manifest:{table}")
    assert outcome.code == 0, outcome.err
    assert "blank: " in outcome.out and "nothing moves in what networks see" in outcome.out
    rows = pd.read_csv(table, dtype=str)
    rows[rows["label"] != "surprise"].to_csv(table, index=False)
    outcome = bench("transfer", "--train", model, "--test", f"manifest:{table}")
    assert "no clip of the class(es) 'surprise'" in outcome.out


@pytest.mark.parametrize("same_person", [True, False], ids=["one person", "two people"])
def test_clips_that_show_the_same_are_told(bench, model, others, tmp_path, same_person):
    """By `transfer` and `predict`, as by `run`, but without the folds that neither has."""
    listed = Path(others.partition(":")[2])
    shutil.copytree(listed.parent, tmp_path / "flows")
    table = tmp_path / "flows" / listed.name
    rows = pd.read_csv(table, dtype=str)
    alike = rows["subject"].eq(rows["subject"][0]).eq(same_person)
    other = rows[alike & (rows.index > 0)].iloc[0]
    shutil.copy(table.parent / rows["frames"][0], table.parent / other["frames"])
    said = "its frames are copies of those of"
    outcome = bench("transfer", "--train", model, "--test", f"manifest:{table}")
    assert outcome.code == 0 and said in outcome.out and "a fold trains" not in outcome.out
    outcome = bench("predict", model, table, "--format", "csv")
    assert outcome.code == 0 and outcome.err.count(said) == outcome.out.count(said) == 1
    assert "a fold trains" not in outcome.err


def test_transfer_reads_the_tested_set_by_its_own_class_map(bench, model, others, tmp_path):
    listed = Path(others.partition(":")[2])
    shutil.copytree(listed.parent, tmp_path / "flows")
    table = tmp_path / "flows" / listed.name
    words = {"negative": "sad", "positive": "happy", "surprise": "surprise"}
    rows = pd.read_csv(table, dtype=str)
    rows.assign(label=rows["label"].map(words)).to_csv(table, index=False)
    command = ("transfer", "--train", model, "--test", f"manifest:{table}")
    outcome = bench(*command)
    assert outcome.code == 1 and "--set data.class_map=" in outcome.error
    pairs = ",".join(f"{word}={name}" for name, word in words.items())
    outcome = bench(*command, "--set", f"data.class_map={pairs}")
    assert outcome.code == 0, outcome.err
    for setting in ("data.size=16", "train.epochs=3"):
        outcome = bench(*command, "--set", setting)
        assert outcome.code == 2 and "as it saw its own" in outcome.error


def test_one_model_is_no_two(bench, model, others, tmp_path):
    renamed, (record, weights) = tmp_path / "renamed.safetensors", read_model(model)
    write_model(renamed, replace(record, marks=("scored later",)), weights)
    for second, said in ((model, "have one name"), (renamed, "hold the same weights")):
        outcome = bench("transfer", "--train", model, "--train", second, "--test", others)
        assert outcome.code == 2
        assert said in outcome.error


def test_transfer_to_one_person_has_no_interval(bench, model, others):
    (subject,) = {
        line.split(",")[1] for line in Path(others.partition(":")[2]).read_text().splitlines()[1:2]
    }
    outcome = bench("transfer", "--train", model, "--test", others, "--subjects", subject)
    assert outcome.code == 0, outcome.err
    assert "[" not in outcome.out.splitlines()[2]


def test_an_architecture_searched_on_generated_people_leaks_nothing(bench, short, others, tmp_path):
    small = [word for size in SIZES for word in ("--set", size)]
    options = ("--variant", short, "--preset", "smoke", *small)
    model = tmp_path / "searched.safetensors"
    made = bench("pretrain", *options, "--people", 4, "--clips", 12, "--out", model)
    assert made.code == 0, made.err
    start = ("--genotype", model, "--set", f"train.pretrained={model}")
    runs = tmp_path / "runs"
    outcome = bench("evaluate", *options, "--dataset", others, "--runs", runs, *start)
    assert outcome.code == 0, outcome.err
    protocol = only_run(runs).json("metrics.json")["protocol"]
    assert protocol["genotype"] == "generated"
    assert "architecture given, searched on generated clips" in outcome.out
    assert not protocol["leaky"]


@pytest.mark.parametrize("begun", [True, False])
def test_a_file_to_start_from_that_is_gone_is_put_back(bench, model, others, tmp_path, begun):
    start = shutil.copy(model, tmp_path / "start.safetensors")
    command = ("run", "--variant", "ststnet", "--dataset", others, *SHORT, "--runs", tmp_path)
    command = (*command, "--set", f"train.pretrained={start}")
    if begun:
        assert bench(*command).code == 0
        next(tmp_path.rglob("folds/*.json")).unlink()
    Path(start).unlink()
    outcome = bench(*command)
    assert outcome.code == 2
    assert f"train.pretrained={start} is not there; put it back" in outcome.error
    if begun:
        shutil.copy(model, start)
        assert bench(*command).code == 0
