"""Whether the fields of what a package gives hold what their annotations say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.system.entry_points import Unfit

NUMBERS: Mapping[Any, type] = {int: Integral, float: Real}
"""What may stand for a number: NumPy's, too, and a whole one for any; True and False may not."""


def require_types(value: Any) -> None:
    """Unfit where a field of a data class, or of one within it, is of another type than annotated.

    What is annotated by names that only type checkers import is not looked at.
    """
    for name, found, hint in _wrong(value):
        wanted = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
        raise Unfit(f"its {name} is {found!r:.60}, expected {wanted}")


def _wrong(value: Any, within: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(Name, value, annotation) of fields of other types."""
    kind: Any = type(value)
    for name, hint in _hints(kind).items():
        found = getattr(value, name)
        if not _fits(found, hint):
            yield within + name, found, hint
        elif is_dataclass(found) and not isinstance(found, type):
            yield from _wrong(found, f"{within}{name}.")


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """Field -> annotation, of those that can be resolved."""
    found: dict[str, Any] = {}
    for field in fields(kind):
        homes = [each for each in kind.__mro__ if _own_fields(each).get(field.name) is field]
        alone = {"__annotations__": {field.name: field.type}, "__module__": homes[-1].__module__}
        try:
            found |= get_type_hints(type("Alone", (), alone))
        except Exception:  # names that only type checkers import; text that is no type
            if str(field.type).startswith("Callable["):
                found[field.name] = Callable
    return found


def _own_fields(kind: type) -> Mapping[str, Any]:
    """Its fields and those it inherits, which are the very ones of where they are annotated."""
    return getattr(kind, "__dataclass_fields__", {})


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin, parts = get_origin(hint), get_args(hint)
    if hint in NUMBERS:
        return isinstance(value, NUMBERS[hint]) and not isinstance(value, bool)
    if origin is Literal:
        return value in parts
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        parts = (
            parts[:1] * len(value) if parts[1:] == (...,) and isinstance(value, tuple) else parts
        )
        return (
            isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
        )
    if Callable in (hint, origin):
        return callable(value)
    try:
        return not isinstance(hint, type) or isinstance(value, hint)
    except TypeError:  # a protocol or typed dictionary, of which no value can be told
        return True
