"""Files that are either whole or absent: written to a temporary name, then renamed."""

from __future__ import annotations

import csv
import errno
import glob
import io
import json
import math
import os
import re
import signal
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

from bench.errors import BenchError, printable, quoted

MOST_BYTES = 256 << 20
"""Largest file of text that is read whole: a larger one is something else."""

MOST_WEIGHT_BYTES = 8 << 30

PARTIAL = re.compile(r"\..+\.([0-9a-f]{32}|[a-z0-9_]{8})")
"""What `write_atomic` calls a file until it is complete."""

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names that systems write into folders they show, in lower case, beside hidden ones."""

CONFLICTED = re.compile(r"conflicted copy|\.sync-conflict-|\(\d+\)(?=\.\w+$)", re.IGNORECASE)
"""In the names that programs which synchronise folders give to a file that two machines wrote."""

ABANDONED = 3600.0
"""Seconds after which a file that is not complete has no writer any more."""

_UNFINISHED: set[Path] = set()
"""Temporary files that this process is writing."""

_WRITTEN: ContextVar[dict[Path, None] | None] = ContextVar("written", default=None)


@contextmanager
def written() -> Iterator[dict[Path, None]]:
    """The files that `write_atomic` completes in the block, in order, each once."""
    found: dict[Path, None] = {}
    token = _WRITTEN.set(found)
    try:
        yield found
    finally:
        _WRITTEN.reset(token)


def is_system_file(name: str) -> bool:
    """Whether a file or folder of that name is the system's own or hidden: nothing reads it."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def stray(name: str, otherwise: str) -> str:
    """What a file is that nobody wrote for its folder: a conflicted copy by its name, else what."""
    if not CONFLICTED.search(name):
        return otherwise
    return (
        "is by its name a conflicted copy, left by what synchronises or copies folders, and no "
        "score uses it: compare it with the original, then delete it or move it elsewhere"
    )


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a binary file that becomes `path` once it is complete.

    Raises BenchError where the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_left(path)
        with replacing(path, path.with_name(f".{path.name}.{uuid4().hex}")) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if (found := _WRITTEN.get()) is not None:
            found[path] = None
    except OSError as error:
        raise BenchError(f"cannot write {path}: {_reason(error)}") from error


@contextmanager
def replacing(path: Path, temporary: Path) -> Iterator[BinaryIO]:
    """A new file that becomes `path` when the block succeeds, and else is removed."""
    _UNFINISHED.add(temporary)
    try:
        with temporary.open("xb") as file:  # its mode is that of the umask
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _UNFINISHED.discard(temporary)


def tidy_when_terminated() -> None:
    """From now on SIGTERM removes the files that are being written before it ends the process.

    For the main thread of a process.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # else it is somebody else's
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: object) -> None:
    for temporary in list(_UNFINISHED):
        with suppress(OSError):
            temporary.unlink()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)  # the exit status says what ended it


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, whole or not at all; NaN and infinity are refused (ValueError)."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """A value as `write_json` writes it."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def sweep_partial(folder: Path) -> None:
    """Removes what killed calls of `write_atomic` left below a folder that nobody else writes."""
    for path in folder.rglob(".*"):
        if PARTIAL.fullmatch(path.name):
            with suppress(OSError):  # of a folder that may not be written
                path.unlink()


def sweep_left(file: Path) -> None:
    """Removes what killed calls of `write_atomic` left of one file, in a folder of the user's."""
    remove_abandoned(file.parent.glob(f".{glob.escape(file.name)}.{'[0-9a-f]' * 32}"))


def remove_abandoned(files: Iterable[Path]) -> None:
    """Removes those of the temporary files that no process is writing any more."""
    for path in files:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()


def real_place(path: Path) -> Path:
    """Where a path leads behind all symbolic links; of a circle of them, some place in it."""
    return Path(os.path.realpath(path))


def file_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file that a person named.

    Raises OSError for what is no regular file (opening a pipe waits for its writer, a device may
    never end) or is larger than `most` bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "this is no file")
    if found.st_size > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MB")
    return path.read_bytes()


def parsed_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError where it is none, or an object has a key twice."""
    return json.loads(text, object_pairs_hook=_each_once)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {quoted(printable(twice))} stands twice in one object")
    return found


def read_json(path: Path) -> Any:
    """Reads a JSON file; BenchError names the file where it is missing or corrupt."""
    try:
        return parsed_json(file_bytes(path))
    except FileNotFoundError:
        raise BenchError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(
            f"{path} cannot be read ({error}); move it elsewhere and repeat the command"
        ) from error


_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a text begins that spreadsheet programs would run as a formula, or that was escaped so."""


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as CSV: the columns' names, then a line a row; no cell is a formula.

    A text that begins as a formula gets an apostrophe before it (`escaped`), a number does not.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([escaped(cell) for cell in row] for row in [columns, *rows])
    return text.getvalue()


def escaped(cell: Any) -> Any:
    """A cell as it is written to a CSV file: what begins with = + - @ and is no number, quoted."""
    return f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell


def unescaped(cell: str) -> str:
    """What `escaped` was given."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def _is_formula(text: str) -> bool:
    if not _FORMULA.match(text):
        return False
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return True


def csv_of_records(records: Sequence[Mapping[str, Any]]) -> str:
    """Records as CSV, in the columns of the first; KeyError where another lacks one of them."""
    columns = list(records[0])
    return csv_text(columns, ([record[name] for name in columns] for record in records))


def _reason(error: OSError) -> str:
    elsewhere = "choose another folder with --runs or --out"
    advice = {
        errno.ENOSPC: "the disk is full; free some space and repeat the command, it resumes",
        errno.EDQUOT: "the disk quota is used up; free some space and repeat the command",
        errno.EACCES: f"no permission; {elsewhere}",
        errno.EPERM: f"no permission; {elsewhere}",
        errno.EROFS: f"the file system is read-only; {elsewhere}",
        errno.ENOTDIR: f"a file stands where a folder is needed; {elsewhere}",
        errno.EEXIST: f"a file stands where a folder is needed; {elsewhere}",
    }
    return advice.get(error.errno or 0, str(error))


def default_cache() -> Path:
    """$BENCH_CACHE, else rnas-mer-bench in $XDG_CACHE_HOME, else in ~/.cache."""
    if named := os.environ.get("BENCH_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rnas-mer-bench"
