"""JSON as frozen records: a key that is missing, unknown or of the wrong kind is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

from bench.errors import BenchError, DataError
from bench.system.files import read_json


class Recorded(Protocol):
    """A dataclass whose fields are the keys of a file; fields with a default may be absent."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    what: ClassVar[str]
    """What the file holds, for messages."""
    cure: ClassVar[str]
    """What to do about a file that holds something else."""


ANEW = "move it elsewhere and repeat the command"

Found = TypeVar("Found", bound=Recorded)


MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Errors that reading JSON of an unexpected structure raises."""


def lost_form(error: Exception) -> str:
    """Why JSON that no record describes could not be used, for readers who know no Python."""
    if isinstance(error, KeyError):
        return f"the key {str(error.args[0])!r} is missing"
    return "a value is of the wrong kind"


def read_object(file: Path, *keys: str) -> dict[str, Any]:
    """What a JSON file without a record holds; BenchError where it is no object with these keys."""
    content = read_json(file)
    if not isinstance(content, dict):
        raise BenchError(f"{file} holds no results (not a JSON object); {ANEW}")
    for key in keys:
        if key not in content:
            raise BenchError(f"{file} holds no results ({key!r} is missing); {ANEW}")
    return content


class _Unfit(Exception):
    """Why a value is not what was expected."""


def read_as(kind: type[Found], content: Any, where: object) -> Found:
    """The content of a JSON file as a record; DataError, with `where`, names the first bad key."""
    try:
        return _record(kind, content, "")
    except _Unfit as error:
        raise DataError(f"{where}: no {kind.what} of this harness ({error}); {kind.cure}") from None


def _record(kind: Any, content: Any, key: str) -> Any:
    if not isinstance(content, Mapping):
        raise _Unfit(f"{key!r} is of the wrong kind" if key else "not a JSON object")
    hints, known = _hints(kind), {field.name: field for field in fields(kind)}
    for name in content:
        if name not in known:
            raise _Unfit(f"{_below(key, name)!r} is unknown")
    for name, field in known.items():
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if name not in content and not optional:
            raise _Unfit(f"{_below(key, name)!r} is missing")
    return kind(
        **{name: _value(hints[name], each, _below(key, name)) for name, each in content.items()}
    )


def _value(hint: Any, value: Any, key: str) -> Any:
    """The value as its type hint says; lists become tuples."""
    if hint is Any or type(value) is hint:
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        (other,) = (each for each in arguments if each is not NoneType)
        return None if value is None else _value(other, value, key)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], each, f"{key}[{n}]") for n, each in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {name: _value(arguments[1], each, _below(key, name)) for name, each in value.items()}
    if is_dataclass(hint):
        return _record(hint, value, key)
    if hint is float and type(value) is int:
        return value
    raise _Unfit(f"{key!r} is of the wrong kind")


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
