"""Functions and classes of torch, NumPy and the harness, which no package may replace for all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
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

BY_DTYPE = ("torch", "Storage")
"""What torch replaces itself with the default dtype, which is watched elsewhere."""

DESCRIPTORS = (staticmethod, classmethod, property)

Owner = ModuleType | type
Place = tuple[Owner, str]
Look = tuple[Any, tuple[Any, ...]]
"""What stands at a place, and its parts."""


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
    owners = _owners()
    before = _looks(owners)
    replaced: list[str] = []
    try:
        yield replaced
    finally:
        after = _looks(owners)
        for place in [*before, *(each for each in after if each not in before)]:
            if _is_replaced(place, before.get(place), after.get(place)):
                _set_back(place, before.get(place))
                replaced.append(f"{_named(place[0])}.{place[1]}")


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


def _looks(owners: Sequence[Owner]) -> dict[Place, Look]:
    """What stands where."""
    return {
        (owner, name): (value, _parts(value))
        for owner in owners
        for name, value in [*vars(owner).items()]
        if (callable(value) or isinstance(value, DESCRIPTORS))
        and (owner.__name__, name) != BY_DTYPE
    }


def _is_known(owner: type) -> bool:
    return _top(owner.__module__) in KNOWN


def _top(name: object) -> str:
    return str(name).partition(".")[0]


def _parts(value: Any) -> tuple[Any, ...]:
    """The `PARTS` of what is written in Python; of nothing else can they be changed."""
    function = _function(value)
    if not isinstance(function, FunctionType):
        return ()
    words = function.__kwdefaults__
    return function.__code__, function.__defaults__, dict(words) if words else words


def _function(value: Any) -> Any:
    """What a static or class method calls; of others themselves."""
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


def _is_replaced(place: Place, before: Look | None, after: Look | None) -> bool:
    owner, name = place
    if before is None:
        return isinstance(owner, type) and any(name in vars(each) for each in owner.__mro__[1:])
    if after is None:
        return True
    (old, parts), (new, others) = before, after
    if old is new:
        return parts != others
    library = _top(_named(owner))
    return (_home(new), _called(new)) != (library, _called(old))


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


def _set_back(place: Place, before: Look | None) -> None:
    owner, name = place
    if before is None:
        delattr(owner, name)
        return
    value, parts = before
    for part, kept in zip(PARTS, parts, strict=False):  # none of what is no function
        setattr(_function(value), part, kept)
    setattr(owner, name, value)
