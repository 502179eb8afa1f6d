"""Settings: presets, `--set`, ranges, the hash of what is set, and the way back from `run.json`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config import settings
from bench.config.loading import (
    config_from_dict,
    load_config,
    load_settings,
    means_the_same,
    preset_names,
    preset_summary,
)
from bench.config.settings import Config, recorded_hash, setting_fields, settings_hash
from bench.data.surrogates.writing import resolve_difficulty
from bench.errors import UsageError

FIELDS = dict(setting_fields())


def type_of(key):
    section, name = key.split(".")
    return get_type_hints(type(getattr(Config(), section)))[name]


def value_of(config, key):
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def another_value(key, value):
    """A valid value of the setting that is not `value`; None where it has only one."""
    kind = type_of(key)
    if get_origin(kind) is not None:
        return next((choice for choice in get_args(kind) if choice != value), None)
    if kind is bool:
        return not value
    if key == "protocol.rules":
        return "last,oracle"
    if kind is str:
        return value + "1"
    if value == FIELDS[key].metadata["high"]:
        return value - 1
    return value / 2 if kind is float and value else value + 1


class TestPresets:
    def test_are_those_of_the_specification(self):
        assert set(preset_names()) >= {"smoke", "small", "paper"}

    def test_load_and_say_what_they_are_for(self):
        for name in preset_names():
            assert isinstance(load_config(name), Config)
            assert preset_summary(name)
            assert "\n" not in preset_summary(name)

    def test_paper_has_the_papers_sizes(self):
        config = load_config("paper")
        assert (config.data.frames, config.data.size) == (16, 112)
        assert (config.search.epochs, config.train.epochs) == (50, 100)

    def test_smoke_is_the_plumbing_of_the_specification(self):
        config = load_config("smoke")
        assert (config.space.nodes, config.space.channels, config.space.kernels) == (2, 8, "shared")
        assert (config.data.frames, config.data.size, config.data.subject_count) == (8, 32, 4)
        assert (config.data.representation, config.data.difficulty) == ("onset_difference", "easy")

    @pytest.mark.parametrize("steps", [1, 4, 8, 11, 28])
    @pytest.mark.parametrize("preset", ["small", "paper"])
    def test_a_search_can_decide_however_few_clips_there_are(self, preset, steps):
        """4 batches of 8 clips are Train A of the smallest sets, 28 that of the composite."""
        assert load_config(preset).search.reached(steps) >= 3

    def test_unknown_names_the_nearest(self):
        with pytest.raises(UsageError, match=r"unknown preset 'papre'\. Did you mean 'paper'\?"):
            load_config("papre")


class TestEverySetting:
    def test_has_help_and_a_default_of_its_kind(self):
        for key, item in FIELDS.items():
            help = item.metadata["help"]
            assert help.strip() == help, key
            assert len(help) > 10, key
            kind = type_of(key)
            assert item.default == value_of(Config(), key), key
            assert (
                item.default in get_args(kind) if get_origin(kind) else type(item.default) is kind
            ), key

    def test_is_set_by_its_key_and_changes_the_hash(self):
        for key, item in FIELDS.items():
            other, values = item.metadata.get("needs") or (None, ())
            needed = [f"{other}={values[0]}"] if other else []
            before = load_config("smoke", needed)
            value = another_value(key, value_of(before, key))
            after = load_config("smoke", [*needed, f"{key}={value}"])
            assert value_of(after, key) == value, key
            assert after.hash != before.hash, key
            back = load_config("smoke", [*needed, f"{key}={value_of(before, key)}"])
            assert back == before, key
            assert back.hash == before.hash, key

    def test_has_its_default_within_its_range_and_takes_nothing_outside(self):
        numbers = [key for key in FIELDS if type_of(key) in (int, float)]
        assert len(numbers) > 20
        for key in numbers:
            low, high = (FIELDS[key].metadata[end] for end in ("low", "high"))
            assert low <= FIELDS[key].default <= high, key
            for value in (low - 1, high * 2, -math.inf, math.nan):
                with pytest.raises(UsageError, match=rf"{key}.*expected .* number"):
                    load_config("paper", [f"{key}={value}"])

    def test_refuses_a_value_of_another_kind(self):
        for key in FIELDS:
            if type_of(key) is str:
                continue
            with pytest.raises(UsageError, match=rf"{key}.*expected "):
                load_config("smoke", [f"{key}=ten"])
            section, name = key.split(".")
            with pytest.raises(UsageError, match=rf"{key}.*expected "):
                config_from_dict({section: {name: ["8"]}})


class TestOverrides:
    def test_a_bare_name_is_enough_where_one_section_has_it(self):
        assert load_config("smoke", ["nodes=3"]) == load_config("smoke", ["space.nodes=3"])

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("search.epochs", "expected key=value"),
            ("epochs=3", r"ambiguous: say search\.epochs or train\.epochs"),
            ("search.epoch=3", r"unknown setting 'search\.epoch'\. Did you mean 'search\.epochs'"),
            ("nodse=3", "unknown setting 'nodse'. Did you mean 'nodes'"),
            ("xyzzy=3", "unknown setting 'xyzzy'. Known: "),
            ("=3", "unknown setting ''"),
            ("search.epochs=2.5", "expected a whole number"),
            ("search.epochs=", "expected a whole number"),
            ("search.warmup=1.1", "expected a number from 0 to 1"),
            ("shift=32", r"data\.shift=32: expected at most 31 for clips of 8 frames of 32×32"),
            ("jitter=4", r"data\.jitter=4: expected at most 3 for clips of 8 frames"),
            ("data.gain=0", r"data\.gain=0: networks would see nothing"),
            ("kernels=both", r"space\.kernels='both': expected one of own, per_op, shared"),
        ],
    )
    def test_what_is_wrong_is_said_in_one_line(self, override, message):
        with pytest.raises(UsageError, match=message) as raised:
            load_config("smoke", [override])
        assert "\n" not in str(raised.value)
        assert raised.value.exit_code == 2

    @pytest.mark.parametrize("band", [("0.3", "0.1"), ("0.1", "0.1"), ("0.4", "0.25")])
    def test_a_band_upside_down_is_refused_before_a_run(self, band):
        low, high = f"magnify_low={band[0]}", f"magnify_high={band[1]}"
        with pytest.raises(UsageError, match=rf"data\.{low} is not below data\.{high}"):
            load_config("smoke", ["magnify=eulerian", low, high])

    def test_a_record_with_such_settings_stays_readable(self):
        assert config_from_dict({"data": {"gain": 0.0}}).data.gain == 0

    def test_a_rate_that_the_reach_would_override_is_refused(self):
        with pytest.raises(UsageError, match=r"architecture_lr=0\.02 .* search\.reach=0"):
            load_config("small", ["architecture_lr=0.02"])
        assert load_config("small", ["architecture_lr=0.02", "reach=0"]).search.reach == 0

    @given(st.text(max_size=30))
    def test_no_text_gets_through_as_anything_else_than_a_usage_error(self, text):
        try:
            config = load_config("smoke", [text])
        except UsageError:
            return
        assert isinstance(config, Config)


class TestHash:
    @pytest.mark.parametrize(
        "spellings",
        [
            ["train.lr=0.001", "lr=1e-3", " train.lr = 0.0010 "],
            ["flip=false", "flip=NO", "data.flip=0"],
            ["data.gain=3", "gain=3.0", "gain=+3"],
            ["subjects=s01,s02", "subjects=S02,s01,s01", "subjects= s02 , s01 ,"],
            ["difficulty=hard", "difficulty=0.45", "difficulty=.450"],
            ["difficulty=easy", "difficulty=0.15", "jitter=0"],
            ["rules=last,oracle", "rules=oracle,last,oracle", "rules=oracle"],
        ],
    )
    def test_spelling_does_not_change_it(self, spellings):
        configs = [load_config("smoke", [spelling]) for spelling in spellings]
        assert len({config.hash for config in configs}) == 1
        assert all(means_the_same(config, configs[0].to_dict()) for config in configs)

    @pytest.mark.parametrize(
        "spellings",
        [
            ["subjects=s01", "subjects=s02", "subjects=s01,s02", "subjects=1"],
            ["difficulty=hard", "difficulty=easy", "difficulty=0.4", "difficulty=0"],
            ["rules=oracle", "rules=inner_val", "rules=oracle,inner_val", "rules="],
        ],
    )
    def test_another_meaning_does(self, spellings):
        assert len({load_config("smoke", [each]).hash for each in spellings}) == len(spellings)

    def test_names_of_difficulties_mean_what_the_generator_makes_of_them(self):
        for name in settings.DIFFICULTIES:
            assert settings.difficulty_spelled(name) == str(resolve_difficulty(name))

    def test_is_of_the_settings_that_have_not_their_default(self):
        assert Config().changed == {}
        assert load_config("smoke", ["data.subject_count=0"]).changed.keys() < {
            *load_config("smoke").changed
        }

    def test_over_all_settings_is_that_of_earlier_versions(self):
        """A setting that is added must be marked as later, or old runs cannot be validated."""
        assert recorded_hash(Config().to_dict()) == "0c494f62"


class TestANewSetting:
    """One that a later version adds, with a default that leaves everything as it was."""

    @pytest.fixture
    def old(self):
        return load_config("small", ["train.lr=0.01"]).to_dict()

    @pytest.fixture
    def new(self, old, monkeypatch):
        @dataclass
        class Added:
            dropout: float = settings.setting(0.0, "share of features left out", later=True)

        grown = {**setting_fields(), "train.dropout": fields(Added)[0]}
        monkeypatch.setattr(settings, "setting_fields", lambda: grown)
        return lambda dropout: {**old, "train": {**old["train"], "dropout": dropout}}

    def test_leaves_the_hash_of_every_run(self, old, new):
        assert settings_hash(new(0.0)) == settings_hash(old)
        assert settings_hash(new(0.5)) != settings_hash(old)

    def test_leaves_the_hash_over_all_settings_too(self, old, new):
        assert recorded_hash(new(0.0)) == recorded_hash(old)
        assert recorded_hash(new(0.5)) != recorded_hash(old)


@given(
    st.integers(1, 10**6),
    st.floats(0, 1e9),
    st.booleans(),
    st.sampled_from(["per_op", "shared"]),
    st.text(max_size=10),
)
def test_the_way_through_json_and_back_keeps_every_setting(epochs, rate, flip, kernels, subjects):
    config = load_config("small")
    config = replace(
        config,
        data=replace(config.data, flip=flip, subjects=subjects),
        space=replace(config.space, kernels=kernels),
        search=replace(config.search, epochs=epochs, weight_lr=rate),
    )
    recorded = json.loads(json.dumps(config.to_dict()))
    assert config_from_dict(recorded) == config
    assert settings_hash(recorded) == config.hash
    assert means_the_same(config, recorded)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": {"colour": 1}}, r"run\.json: no setting data\.colour"),
        ({"date": {"frames": 1}}, r"run\.json: no setting date\.frames"),
        ({"hash": {"upper": 1}}, r"run\.json: no setting hash\.upper"),
        ({"data": {"frames": "8"}}, r"data\.frames='8': expected int"),
        ({"data": {"frames": True}}, r"data\.frames=True: expected int"),
        ({"data": {"flip": 1}}, r"data\.flip=1: expected bool"),
    ],
)
def test_a_record_that_is_no_configuration_is_refused(values, message):
    with pytest.raises(UsageError, match=message):
        config_from_dict(values)
    assert not means_the_same(Config(), values)


@pytest.mark.parametrize("recorded", [None, 3, "data", [], {"data": 3}, {"data": None}])
def test_what_has_lost_its_form_means_no_configuration(recorded):
    assert not means_the_same(load_config("smoke"), recorded)


@pytest.mark.parametrize(("package", "detector"), [(object(), "centerface"), (None, "cascade")])
def test_faces_are_detected_by_the_best_that_is_installed_unless_one_is_named(
    package, detector, monkeypatch
):
    monkeypatch.setattr("bench.config.loading.find_spec", lambda name: package)
    assert load_config("smoke").data.detector == "cascade"  # no face is looked for
    assert load_config("smoke", ["data.crop=detect"]).data.detector == detector
    named = ["data.detector=cascade", "data.crop=detect"]
    assert load_config("smoke", named).data.detector == "cascade"
    recorded = load_config("smoke", named).to_dict()
    assert config_from_dict(recorded).data.detector == "cascade"


class TestAFileInSomeEncoding:
    TEXT = 'summary = "mine, \u00e9"\nextends = "smoke"\n[train]\nepochs = 7\n'

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
    def test_is_read(self, tmp_path, encoding):
        (tmp_path / "mine.toml").write_bytes(self.TEXT.encode(encoding))
        (tmp_path / "file.toml").write_bytes("train.lr = 0.5".encode(encoding))
        found = load_config(str(tmp_path / "mine.toml"), file=tmp_path / "file.toml")
        assert (found.train.epochs, found.train.lr) == (7, 0.5)

    @pytest.mark.parametrize("content", [b"PK\x03\x04\x00", b"\x00\x01\x02\xff" * 9, b"\xff\xfea"])
    def test_that_is_no_text_is_one_line(self, tmp_path, content):
        (tmp_path / "mine.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"mine.toml is no TOML file: .*") as error:
            load_config(str(tmp_path / "mine.toml"))
        assert "\n" not in str(error.value)


def test_two_spellings_of_a_setting_in_one_place_are_refused(tmp_path):
    (tmp_path / "file.toml").write_text("train.lr = 0.1\n")
    assert load_config("smoke", ["lr=0.2", "lr=0.2"], tmp_path / "file.toml").train.lr == 0.2
    for one, two in (("train.lr=0.2", "lr=0.2"), ("lr=0.2", "lr=0.3")):
        with pytest.raises(UsageError, match=rf"train\.lr is set twice, as {one} and as {two}"):
            load_config("smoke", [one, two])
    (tmp_path / "file.toml").write_text("lr = 0.1\n[train]\nlr = 0.2\n")
    with pytest.raises(UsageError, match=r"train\.lr is set twice, as lr=0.1 and as train\.lr"):
        load_config("smoke", file=tmp_path / "file.toml")


@pytest.mark.parametrize(
    ("without", "needed"),
    [
        ("protocol.folds=2", "protocol.split=kfold"),
        ("protocol.test_sets=samm", "protocol.split=lodo"),
        ("data.crop_margin=0.1", "data.crop=landmarks"),
        ("data.magnify_alpha=5.5", "data.magnify=learned"),
        ("data.magnifier_weights=w.pt", "data.magnify=learned"),
    ],
)
def test_a_setting_without_effect_is_refused(without, needed):
    with pytest.raises(UsageError, match=rf"{without} has no effect with .*, or add --set"):
        load_config("smoke", [without])
    assert load_config("smoke", [without, needed])


def test_what_a_command_sets_counts_less_than_a_file_or_more_than_an_option(tmp_path):
    (tmp_path / "file.toml").write_text("train.lr = 0.1\n")
    found = load_settings(
        "smoke",
        ["train.epochs=3"],
        tmp_path / "file.toml",
        defaults=["train.lr=0.2", "train.batch=7"],
        fixed=["train.epochs=4"],
    )
    assert (found.config.train.lr, found.config.train.batch, found.config.train.epochs) == (
        0.1,
        7,
        4,
    )
    assert found.origins["train.batch"] == found.origins["train.epochs"] == "the command"
