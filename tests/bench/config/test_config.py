"""Settings: presets, `--set`, the hash over them, and the way back from `run.json`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.loading import config_from_dict, load_config, preset_names, preset_summary
from bench.config.settings import Config, settings_table
from bench.errors import UsageError

SETTINGS = tuple(settings_table())
KEYS = tuple(key for key, *_ in SETTINGS)


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
    return value / 2 if kind is float and value else value + 1


class TestPresets:
    def test_are_those_of_the_specification(self):
        assert set(preset_names()) >= {"smoke", "small", "paper"}

    @pytest.mark.parametrize("name", preset_names())
    def test_load_and_say_what_they_are_for(self, name):
        assert isinstance(load_config(name), Config)
        summary = preset_summary(name)
        assert summary
        assert "\n" not in summary

    def test_paper_has_the_papers_sizes(self):
        config = load_config("paper")
        assert (config.data.frames, config.data.size) == (16, 112)
        assert (config.search.epochs, config.train.epochs) == (50, 100)

    def test_smoke_is_the_plumbing_of_the_specification(self):
        config = load_config("smoke")
        assert (config.space.nodes, config.space.channels, config.space.kernels) == (2, 8, "shared")
        assert (config.data.frames, config.data.size, config.data.subject_count) == (8, 32, 4)
        assert (config.data.representation, config.data.difficulty) == ("onset_difference", "easy")

    def test_unknown_names_the_nearest(self):
        with pytest.raises(UsageError, match=r"unknown preset 'papre'\. Did you mean 'paper'\?"):
            load_config("papre")


class TestSettings:
    @pytest.mark.parametrize("setting", SETTINGS, ids=KEYS)
    def test_have_help_and_a_default_of_their_kind(self, setting):
        key, default, published, help = setting
        assert help.strip() == help
        assert len(help) > 10
        assert isinstance(published, bool)
        assert default == value_of(Config(), key)
        kind = type_of(key)
        assert default in get_args(kind) if get_origin(kind) else type(default) is kind

    @pytest.mark.parametrize("key", KEYS)
    def test_are_set_by_their_key_and_change_the_hash(self, key):
        before = load_config("smoke")
        value = another_value(key, value_of(before, key))
        if value is None:
            pytest.skip("a setting with one value so far")
        after = load_config("smoke", [f"{key}={value}"])
        assert value_of(after, key) == value
        assert after.hash != before.hash
        unchanged = load_config("smoke", [f"{key}={value}", f"{key}={value_of(before, key)}"])
        assert unchanged == before
        assert unchanged.hash == before.hash

    def test_are_set_by_their_bare_name_where_one_section_has_it(self):
        assert load_config("smoke", ["nodes=3"]) == load_config("smoke", ["space.nodes=3"])

    def test_the_last_one_wins(self):
        assert load_config("smoke", ["nodes=3", "nodes=1"]).space.nodes == 1

    @pytest.mark.parametrize(
        "spellings",
        [
            ["train.lr=0.001", "lr=1e-3", " train.lr = 0.0010 "],
            ["flip=true", "flip=YES", "data.flip=1"],
            ["data.gain=3", "gain=3.0", "gain=+3"],
        ],
    )
    def test_spelling_does_not_change_the_hash(self, spellings):
        assert len({load_config("smoke", [spelling]).hash for spelling in spellings}) == 1

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("search.epochs", "expected key=value"),
            ("epochs=3", r"ambiguous: say search\.epochs or train\.epochs"),
            ("search.epoch=3", r"unknown setting 'search\.epoch'\. Did you mean 'search\.epochs'"),
            ("nodse=3", "unknown setting 'nodse'. Did you mean 'nodes'"),
            ("xyzzy=3", "unknown setting 'xyzzy'. Known: "),
            ("=3", "unknown setting ''"),
            ("search.epochs=ten", r"search\.epochs=ten: expected a whole number"),
            ("search.epochs=2.5", "expected a whole number"),
            ("search.epochs=", "expected a whole number"),
            ("search.epochs=0", r"search\.epochs=0: expected a number from 1 to"),
            ("search.epochs=-3", "expected a number from 1 to"),
            ("train.batch=1", "expected a number from 2 to"),
            ("search.warmup=1.1", "expected a number from 0 to 1"),
            ("space.nodes=9", "expected a number from 0 to 8"),
            ("train.lr=high", r"train\.lr=high: expected a number"),
            ("train.lr=nan", "expected a number from 0"),
            ("train.lr=inf", "expected a number from 0"),
            ("train.lr=-0.1", "expected a number from 0"),
            ("shift=32", r"data\.shift=32: expected at most 31 for clips of 8 frames of 32×32"),
            ("jitter=4", r"data\.jitter=4: expected at most 3 for clips of 8 frames"),
            ("flip=maybe", r"data\.flip=maybe: expected true or false"),
            ("kernels=both", r"space\.kernels='both': expected one of own, per_op, shared"),
        ],
    )
    def test_what_is_wrong_with_a_setting_is_said_in_one_line(self, override, message):
        with pytest.raises(UsageError, match=message) as raised:
            load_config("smoke", [override])
        assert "\n" not in str(raised.value)
        assert raised.value.exit_code == 2

    @given(st.text(max_size=30))
    def test_no_text_gets_through_as_anything_else_than_a_usage_error(self, text):
        try:
            config = load_config("smoke", [text])
        except UsageError:
            return
        assert isinstance(config, Config)


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
    back = config_from_dict(json.loads(json.dumps(config.to_dict())))
    assert back == config
    assert back.hash == config.hash


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
