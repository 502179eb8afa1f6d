"""Functions and classes of torch, NumPy and the harness, which no package may replace for all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

LIBRARIES = (
    *("torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.linalg", "torch.fft"),
    *("torch.autograd", "torch.optim", "torch.optim.lr_scheduler", "torch.utils.data"),
    *("numpy", "numpy.linalg", "numpy.random", "numpy.fft"),
)
"""Modules whose functions, classes and methods are looked at, where they are imported."""

OURS = ("ablations", "baselines", "bench", "reports", "rnas")
"""Packages of the harness itself, all of whose modules are looked at."""

KNOWN = frozenset({"torch", "numpy", *OURS})

PARTS = ("__code__", "__defaults__", "__kwdefaults__")
"""What can be changed of a function that stays the same object."""

Parts = tuple[Any, Any, Any]

BY_DTYPE = ("torch", "Storage")
"""What torch replaces itself with the default dtype, which is watched elsewhere."""

DESCRIPTORS = (staticmethod, classmethod, property)

NOTHING = object()

Owner = ModuleType | type


@contextmanager
def unreplaced(names: Iterable[str] = ()) -> Iterator[list[str]]:
    """Sets back what the block replaces, of what was imported before; lists it after the block.

    names: what the block's code imports anywhere; that of `LIBRARIES` and `OURS` is imported now.
    An attribute that hides an inherited one counts as a replacement, an additional one does not,
    nor what a library replaces of its own.
    """
    for name in names:
        if _top(name) in KNOWN:
            with suppress(Exception):  # many names are of no module
                import_module(name)
    before = {owner: dict(vars(owner)) for owner in _owners()}
    inner = [*_inner(before)]
    replaced: list[str] = []
    try:
        yield replaced
    finally:
        for owner, kept in before.items():
            now = vars(owner).values()
            if len(now) != len(kept) or not all(map(is_, now, kept.values())):
                replaced.extend(_set_back(owner, kept))
        for name, function, parts in inner:
            if _parts(function) != parts:
                for part, own in zip(PARTS, parts, strict=True):
                    setattr(function, part, own)
                replaced.append(name)


def replacing(replaced: Sequence[str]) -> str:
    """What a message says of these."""
    more = f" and {len(replaced) - 1} more" if len(replaced) > 1 else ""
    return (
        f"it replaces {replaced[0]}{more} for all that runs in the process (set back): call or "
        "derive a function or class of your own instead"
    )


def _owners() -> list[Owner]:
    """The modules, their classes and what these inherit from."""
    modules = [
        module
        for name, module in [*sys.modules.items()]
        if module is not None and (name in LIBRARIES or _top(name) in OURS)
    ]
    classes = [each for module in modules for each in vars(module).values()]
    bases = [base for each in classes if isinstance(each, type) for base in each.__mro__]
    return [*dict.fromkeys(modules), *(each for each in dict.fromkeys(bases) if _is_known(each))]


def _inner(places: Mapping[Owner, Mapping[str, Any]]) -> Iterator[tuple[str, FunctionType, Parts]]:
    """The functions that are written in Python, with their names and parts, each once."""
    seen: set[FunctionType] = set()
    for owner, kept in places.items():
        for name, value in kept.items():
            function = value.__func__ if type(value) in (staticmethod, classmethod) else value
            if type(function) is FunctionType and function not in seen:
                seen.add(function)
                yield f"{_named(owner)}.{name}", function, _parts(function)


def _is_known(owner: type) -> bool:
    return _top(owner.__module__) in KNOWN


def _top(name: object) -> str:
    return str(name).partition(".")[0]


def _parts(function: FunctionType) -> Parts:
    words = function.__kwdefaults__
    return function.__code__, function.__defaults__, dict(words) if words else words


def _is_replaced(owner: Owner, name: str, old: Any, new: Any) -> bool:
    """Whether another value stands for what can be called."""
    if old is new or (owner.__name__, name) == BY_DTYPE:
        return False
    if old is NOTHING:
        hides = isinstance(owner, type) and any(name in vars(each) for each in owner.__mro__[1:])
        return hides and _is_called(new)
    library = _top(_named(owner))
    return _is_called(old) and (_home(new), _called(new)) != (library, _called(old))


def _is_called(value: Any) -> bool:
    return callable(value) or isinstance(value, DESCRIPTORS)


def _home(value: Any) -> str:
    """The top-level module that a function is written in, whatever it calls itself."""
    written = getattr(value, "__globals__", {}).get("__name__", getattr(value, "__module__", ""))
    return _top(written)


def _called(value: Any) -> str:
    return str(getattr(value, "__name__", ""))


def _named(owner: Owner) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__}"


def _set_back(owner: Owner, kept: Mapping[str, Any]) -> Iterator[str]:
    """The names of what was replaced of a module or class, each as it was again."""
    for name in [*dict.fromkeys((*kept, *vars(owner)))]:
        old = kept.get(name, NOTHING)
        if _is_replaced(owner, name, old, vars(owner).get(name, NOTHING)):
            if old is NOTHING:
                delattr(owner, name)
            else:
                setattr(owner, name, old)
            yield f"{_named(owner)}.{name}"
