"""`--config`, presets by path, and `bench config show`."""

from __future__ import annotations

import json

import pytest

from bench.config.loading import load_config


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('extends = "smoke"\n[train]\nepochs = 3\nlr = 0.5\n')
    (tmp_path / "file.toml").write_text("nodes = 1\ntrain.lr = 0.4\ntrain.warmup = 0.3\n")
    return ["--preset", "mine.toml", "--config", "file.toml", "--set", "train.warmup=0.2"]


def test_show_says_where_each_value_comes_from(bench, mine):
    told = json.loads(bench("config", "show", *mine, "--format", "json").out)
    assert told["preset"] == "mine"
    found = {row["setting"]: (row["value"], row["origin"]) for row in told["settings"]}
    assert found["train.epochs"] == (3, "preset mine")
    assert found["train.lr"] == (0.4, "file.toml")
    assert found["train.warmup"] == (0.2, "--set")
    assert found["space.nodes"] == (1, "file.toml")
    assert found["data.size"] == (32, "preset smoke")
    assert found["train.momentum"] == (0.9, "default")


def test_what_show_prints_is_read_back(bench, mine, tmp_path):
    outcome = bench("config", "show", *mine, "--set", 'data.subjects=sé"\\', "--out", "all.toml")
    assert outcome.code == 0, outcome.err
    overrides = ["train.warmup=0.2", 'data.subjects=sé"\\']
    wanted = load_config("mine.toml", overrides, tmp_path / "file.toml")
    assert load_config("paper", (), tmp_path / "all.toml") == wanted
    assert "  # preset smoke\n" in (tmp_path / "all.toml").read_text()


def test_runs_are_named_by_the_preset_and_what_is_set(bench, mine, tmp_path):
    """Two presets of one name with other settings have other folders, with the same one."""
    (tmp_path / "other").mkdir()
    other = tmp_path / "other/mine.toml"
    other.write_text('extends = "smoke"\n[train]\nepochs = 4\n')
    same = tmp_path / "other/file.toml"
    need = ("--variant", "majority", "--dataset", "smic", "--surrogate", "--dry-run")

    def place(*options):
        outcome = bench("run", *need, *options)
        assert outcome.code == 0, outcome.err
        return outcome.out.partition(" -> ")[2]

    assert place("--preset", "mine.toml").startswith("runs/smic-surrogate/majority/mine-")
    assert place("--preset", "mine.toml") != place("--preset", other)
    same.write_text('[train]\nlr = "0.4"\nwarmup = 0.20\n[space]\nnodes = 1\n')
    assert place(*mine) == place("--preset", "mine.toml", "--config", same)
    assert place(*mine) == place("--preset", tmp_path / "mine.toml", "--config", same)


def test_a_preset_trains_single_methods_otherwise(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text(
        'extends = "smoke"\n[train]\nlr = 0.5\n[variants.rnas_mer.train]\nepochs = 3\nlr = 0.1\n'
    )
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[train]\nlr = 0.2\n')

    def shown(variant, *options):
        words = ("--preset", "mine.toml", "--variant", variant, *options, "--format", "json")
        rows = json.loads(bench("config", "show", *words).out)["settings"]
        found = {row["setting"]: (row["value"], row["origin"]) for row in rows}
        return found["train.epochs"], found["train.lr"][0]

    own = (3, "preset base for rnas_mer")
    assert shown("rnas_mer") == shown("random_rnas_mer") == (own, 0.2)
    assert shown("rnas_mer_1") == ((12, "preset smoke"), 0.2)
    assert shown("rnas_mer", "--set", "train.epochs=5")[0] == (5, "--set")

    def places(*options):
        both = ("--variant", "rnas_mer", "--variant", "random_rnas_mer", "--variant", "rnas_mer_1")
        words = (*both, "--dataset", "smic", "--surrogate", "--dry-run", "--preset", "mine.toml")
        out = bench("run", *words, *options).out
        return [line.partition("/mine-")[2][:8] for line in out.splitlines() if "/mine-" in line]

    first, control, other = places()
    assert first == control != other
    assert len(set(places("--set", "train.epochs=5"))) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "file.toml is no TOML file"),
        ("train.epoch = 1", "file.toml: unknown setting 'train.epoch'. Did you mean"),
        ("train = 1", "file.toml: unknown setting 'train'"),
        ("train.lr.low = 1", "file.toml: unknown setting 'train.lr.low'"),
        ("train.epochs = 1.5", "file.toml: train.epochs=1.5: expected a whole number"),
        ("train.epochs = true", "file.toml: train.epochs=true: expected a whole number"),
        ("data.flip = 'maybe'", "file.toml: data.flip=maybe: expected true or false"),
        ('extends = "small"', "file.toml is a preset: say --preset file.toml"),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_line(bench, mine, tmp_path, text, said):
    (tmp_path / "file.toml").write_text(text)
    outcome = bench("config", "show", *mine)
    assert said in outcome.error
    assert outcome.code == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("round.toml", 'extends = "round.toml"', "extends itself"),
        ("a.toml", 'extends = "smal"', "unknown preset 'smal'. Did you mean 'small'?"),
        ("a.toml", 'extends = "none.toml"', "none.toml cannot be read (No such file"),
        ("a.toml", "variants.rnas_me.train.lr = 1", "unknown variant 'rnas_me'. Did you mean"),
        (
            "a.toml",
            "variants.rnas_mer.data.size = 9",
            "a: expected settings of train in [",
        ),
        ("a.toml", "variants.train = 1", "a: expected settings of train in [variants.NAME.train]"),
        ("a.toml", "variants.ststnet.train.lr = 1", "variants.ststnet is no searched variant"),
        ("small.toml", "", "small is another preset's name; rename the file"),
        ("a b.toml", "", "name the file by letters, digits, _ and - alone"),
    ],
)
def test_a_preset_that_cannot_be_meant_is_one_line(bench, mine, tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    assert said in bench("config", "show", "--preset", name).error
