"""What installed packages bring to the harness: the values of an entry-point group.

A plug-in that cannot be used stops nothing but itself: listings leave it out with one line on
stderr, and to ask for it by name is an error.
"""

from __future__ import annotations

import io
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint
from itertools import groupby
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from bench.errors import FAILURES, BenchError, printable, unknown_name
from bench.system.installed import registered
from bench.system.libraries import replacing, unreplaced
from bench.system.package_code import imported_names
from bench.system.packages import distribution_of, is_ours, remembered, say_once

NAME = re.compile(r"\w[\w-]*", re.ASCII)
"""What a name may look like: it becomes part of paths, options and globs."""

LONGEST_REASON = 300
"""Characters of a reason that a message shows."""

T = TypeVar("T")


class Unfit(Exception):
    """A value that a group cannot take; the message says what was expected."""


class PluginError(BenchError):
    """What a package brought has failed; the message names it, the cause is the error itself."""


@dataclass(frozen=True)
class Refusal:
    """An entry point that is left out, and why."""

    name: str
    where: str
    reason: str


@dataclass(frozen=True)
class Door(Generic[T]):
    """One entry-point group, as the harness reads it.

    what: what its values are, for messages; take: from name and value of an entry point to what
    the harness uses, raises where it is none (`Unfit` with the reason); taken: names that mean
    something else, so that no plug-in may bear them.
    """

    group: str
    what: str
    take: Callable[[str, Any], T]
    taken: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Sorted names of what is registered. Nothing is imported, so some may not load."""
        admitted, refused = _admitted(self)
        _warn(refused)
        return tuple(admitted)

    def values(self) -> Mapping[str, T]:
        """All values by name; what cannot be used is left out with a warning."""
        outcomes = {name: _outcome(self, name) for name in self.names()}
        _warn(found for found in outcomes.values() if isinstance(found, Refusal))
        return MappingProxyType(
            {name: found for name, found in outcomes.items() if not isinstance(found, Refusal)}
        )

    def load(self, name: str) -> T:
        """The value of a name; nothing else is imported.

        UsageError that suggests the nearest name where there is none, BenchError where the one
        that there is cannot be used.
        """
        if name not in _admitted(self)[0]:
            self.raise_refusal(name)
            raise unknown_name(self.what, name, _admitted(self)[0])
        found = _outcome(self, name)
        if isinstance(found, Refusal):
            raise _error(found)
        return found

    def made(self, name: str, *arguments: Any, **options: Any) -> Any:
        """What the function or class of a name returns for these arguments.

        Raises as `load` does, and as `answering`.
        """
        make: Any = self.load(name)
        with self.answering(name):
            return make(*arguments, **options)

    @contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """Says whose fault an error in the block is, where what the name stands for is at work.

        Raises PluginError that names package and entry point in place of any error of Python's of a
        package's, and of its `exit()`; BenchErrors, and what the harness's own raise, come through.
        """
        try:
            yield
        except BenchError:
            raise
        except FAILURES as error:
            if self.is_own(name):
                raise
            what = _one_line(traceback.format_exception_only(error)[-1])
            raise PluginError(f"{self.origin(name)} failed: {what}") from error

    def is_own(self, name: str) -> bool:
        """Whether the harness brings what the name stands for, or nothing does."""
        entry = _admitted(self)[0].get(name)
        return entry is None or is_ours(entry)

    def origin(self, name: str) -> str:
        """What a name stands for, of a package's with its entry point, for messages."""
        where = printable(name) if self.is_own(name) else _where(_admitted(self)[0][name])
        return f"{self.what} {where}"

    def raise_refusal(self, name: str) -> None:
        """Raises BenchError where the only entry points of that name cannot be used."""
        admitted, refused = _admitted(self)
        found = _outcome(self, name) if name in admitted else None
        for refusal in (*refused, found):
            if isinstance(refusal, Refusal) and refusal.name == name:
                raise _error(refusal)


@remembered
def _admitted(door: Door) -> tuple[Mapping[str, EntryPoint], tuple[Refusal, ...]]:
    """Entry points whose names can be used, by name, and refusals of the others."""
    every = sorted(registered(door.group), key=lambda entry: entry.name)
    admitted = {entry.name: entry for entry in every if is_ours(entry)}
    refused: list[Refusal] = []
    theirs = [entry for entry in every if not is_ours(entry)]
    for name, entries in groupby(theirs, key=lambda entry: entry.name):
        alike = list(entries)
        reason = _misnamed(door, name, name in admitted, alike)
        if reason:
            refused += [Refusal(name, _where(entry), reason) for entry in alike]
        else:
            admitted[name] = alike[0]
    return dict(sorted(admitted.items())), tuple(refused)


def _misnamed(door: Door, name: str, built_in: bool, alike: list[EntryPoint]) -> str:
    """Why no plug-in may have this name, empty where it may."""
    if built_in:
        return f"the harness has its own {door.what} of that name"
    if not NAME.fullmatch(name):
        return "the name must consist of letters, digits, _ and -"
    if name in door.taken:
        return "the name has another meaning here"
    packages = sorted({distribution_of(entry) for entry in alike})
    if len(alike) > 1:
        return f"it is registered more than once, by {' and '.join(packages)}"
    return ""


@remembered
def _outcome(door: Door, name: str) -> Any:
    """The value of an admitted name, or the Refusal that says why there is none."""
    entry = _admitted(door)[0][name]
    try:
        return door.take(name, entry.load() if is_ours(entry) else _load_quietly(entry))
    except KeyboardInterrupt:
        raise
    except Unfit as error:
        return Refusal(name, _where(entry), _one_line(str(error)))
    except BaseException as error:  # a plug-in may fail in any way, SystemExit included
        what = _one_line(traceback.format_exception_only(error)[-1])
        return Refusal(name, _where(entry), what + _line_of(error, entry.module))


def _line_of(error: BaseException, module: str) -> str:
    """Where in the module, since the value at fault may be that of another entry point."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_globals.get("__name__") == module]
    return f" (line {lines[-1]} of {module})" if lines else ""


def _load_quietly(entry: EntryPoint) -> Any:
    """The value; Unfit where its module prints, since stdout is for what was asked for.

    And where it replaces what all others use, too.
    """
    oddity = _oddity(entry.module)
    if oddity:
        raise Unfit(oddity)
    return entry.load()


@remembered
def _oddity(module: str) -> str:
    """What a module does that it may not when it is imported; empty where nothing."""
    names = imported_names(module)
    with redirect_stdout(io.StringIO()) as out, unreplaced(names) as replaced, _as_before(module):
        import_module(module)
    if replaced:
        return replacing(replaced)
    return f"it prints when it is imported: {out.getvalue()!r:.60}" if out.getvalue() else ""


def _as_before(module: str) -> AbstractContextManager[None]:
    """Sets back what the block changes of the process, where torch is in use."""
    if "torch" not in sys.modules:
        return nullcontext()
    from bench.system.guarding import PROCESS, undisturbed

    return undisturbed(f"the module {module} of a package", PROCESS)


def _where(entry: EntryPoint) -> str:
    return printable(
        f"{entry.name} of {entry.group}, package {distribution_of(entry)} ({entry.value})"
    )


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:LONGEST_REASON]


def _warn(refusals: Iterable[Refusal]) -> None:
    for refusal in refusals:
        say_once(f"warning: {refusal.where} is left out: {refusal.reason}")


def _error(refusal: Refusal) -> BenchError:
    return BenchError(
        f"{refusal.where} cannot be used: {refusal.reason}; fix or uninstall the package"
    )
