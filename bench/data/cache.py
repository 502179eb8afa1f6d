"""The clip cache: arrays made from clips, stored on disk under a hash of the clips' content.

An entry is one array. Its name is a hash over the bytes of the clip's frames and the settings that
it was made with, so a changed file or setting leads to another entry and nothing stale is ever
used. Reading every frame to hash it would cost more than the entry saves: the file `digests` maps
path, size and times of a clip's files to their hash. All files are written under a temporary name
and renamed, so that a killed process leaves no partial file and processes can share a cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Protocol
from uuid import uuid4

from bench.data.clips import Clip
from bench.data.disk.images import read_frames, unreadable
from bench.errors import DataError
from bench.system.files import remove_abandoned, replacing
from bench.system.processes import process_pool

if TYPE_CHECKING:
    import numpy as np


Progress = Callable[[int, int], None]

Make = Callable[[Clip, "Product", Path, "np.ndarray"], tuple[str, bool]]
"""Fills the array with a clip's product; returns its digest and whether the entry was missing."""

MEMORY = "digests"

REMEMBERED_EVERY, REMEMBERED_SHARE = 64, 8
"""New digests are written after so many clips, or an eighth of all if that is more."""

_SETTLED_NS = 2_000_000_000
"""A file modified more recently may be modified again without a change of its times."""


class Product(Protocol):
    """A kind of array that is made from a clip and cached."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array, the same for every clip."""

    @property
    def dtype(self) -> str:
        """The name of its numpy dtype."""

    def clip_key(self, clip: Clip) -> str:
        """Everything but the files that the array depends on: settings, version of the code, ..."""

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The array, from the bytes of the clip's files; DataError where it cannot be made."""


def load_arrays(
    clips: Sequence[Clip],
    product: Product,
    cache: Path,
    progress: Progress | None = None,
    workers: int = 1,
    made: list[Clip] | None = None,
) -> np.ndarray:
    """The product of every clip, (N, *product.shape), from the cache where possible.

    `progress` is called with (clips done, clips in all). Missing products are made by threads of
    this process, or with two or more `workers` by so many processes, which pays for products that
    hold the interpreter lock. Clips whose product was missing are added to `made`. Raises DataError
    for frames that cannot be read (see `preprocess_clip`) and for a cache that cannot be written.
    """
    import numpy as np

    arrays = np.empty((len(clips), *product.shape), product.dtype)

    def load(position: int, known: str | None, make: Make) -> str:
        clip, array = clips[position], arrays[position]
        if known and _read_entry(_entry(cache, known, product, clip), array):
            return known
        digest, absent = make(clip, product, cache, array)
        if absent and made is not None:
            made.append(clip)
        return digest

    if workers < 2:
        _with_digests(clips, cache, partial(load, make=_load_from_frames), progress)
        return arrays
    with process_pool(workers) as pool:
        elsewhere = partial(_load_elsewhere, pool)
        _with_digests(clips, cache, partial(load, make=elsewhere), progress, workers)
    return arrays


def content_digests(
    clips: Sequence[Clip], cache: Path, progress: Progress | None = None
) -> list[str]:
    """Per clip a hash over the bytes of its frames in order (64 hexadecimal digits)."""

    def digest(position: int, known: str | None) -> str:
        clip = clips[position]
        return known or _digest(clip, read_frames(clip))

    return _with_digests(clips, cache, digest, progress)


def data_fingerprint(clips: Sequence[Clip], digests: Sequence[str]) -> str:
    """One hash over data set, subject, name, label and content of the clips, in any order."""
    rows = [
        [clip.dataset, clip.subject, clip.name, clip.label, digest]
        for clip, digest in zip(clips, digests, strict=True)
    ]
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()


def _with_digests(
    clips: Sequence[Clip],
    cache: Path,
    work: Callable[[int, str | None], str],
    progress: Progress | None,
    workers: int = 0,
) -> list[str]:
    """Runs `work(position, known digest or None) -> digest` for every clip, in threads.

    Decoding, scaling and hashing release the interpreter lock. New digests are written even where
    the work ends early.
    """
    memory = _read_memory(cache)
    learnt: dict[str, str] = {}
    parsing = Lock()

    def one(position: int) -> str:
        stamp = _stamp(clips[position])
        known = memory.get(stamp) if stamp else None
        try:
            digest = work(position, known)
        except SystemError:  # Python before 3.11.8, where two threads parse at once (gh-106905)
            with parsing:
                digest = work(position, known)
        if stamp and stamp not in memory:
            learnt[stamp] = digest
        return digest

    digests, remembered = [], 0
    pool = ThreadPoolExecutor(max_workers=workers or min(4, os.cpu_count() or 1))
    try:
        for digest in pool.map(one, range(len(clips))):
            digests.append(digest)
            if _is_worth_writing(len(learnt) - remembered, len(memory) + len(learnt)):
                remembered = len(learnt)
                _write_memory(cache, dict(learnt))
            if progress:
                progress(len(digests), len(clips))
    finally:
        pool.shutdown(cancel_futures=True)
        if len(learnt) > remembered:
            _write_memory(cache, learnt)
    return digests


def _is_worth_writing(new: int, known: int) -> bool:
    """Whether so many new digests of so many in all are written now.

    Often enough that a killed process loses little. Each time all are written: after every few, the
    work would grow with the square of the clips.
    """
    return new >= max(REMEMBERED_EVERY, known // REMEMBERED_SHARE)


def _load_from_frames(
    clip: Clip, product: Product, cache: Path, array: np.ndarray
) -> tuple[str, bool]:
    """Fills `array` from the clip's files; see `Make`.

    Each file is read once, so that the digest and the pixels belong to the same bytes.
    """
    contents = read_frames(clip)
    digest = _digest(clip, contents)
    entry = _entry(cache, digest, product, clip)
    if _read_entry(entry, array):
        return digest, False
    array[...] = product.make(clip, contents)
    _write_entry(entry, array, cache)
    return digest, True


def _load_elsewhere(
    pool: ProcessPoolExecutor, clip: Clip, product: Product, cache: Path, array: np.ndarray
) -> tuple[str, bool]:
    """As `_load_from_frames`, in a process of the pool."""
    try:
        array[...], digest, absent = pool.submit(_loaded, clip, product, cache).result()
    except BrokenProcessPool:
        raise DataError(
            "a process that prepared clips died, perhaps for want of memory; repeat with fewer "
            "of them (--jobs 1): what is finished is kept"
        ) from None
    return digest, absent


def _loaded(clip: Clip, product: Product, cache: Path) -> tuple[np.ndarray, str, bool]:
    import numpy as np

    array = np.empty(product.shape, product.dtype)
    return array, *_load_from_frames(clip, product, cache, array)


def _digest(clip: Clip, contents: Sequence[bytes]) -> str:
    total = hashlib.sha256(_span(clip))
    for content in contents:
        total.update(len(content).to_bytes(8, "little"))  # so that frame boundaries count, too
        total.update(content)
    return total.hexdigest()


def _span(clip: Clip) -> bytes:
    """The part of the file that the clip is: two clips may be parts of one file."""
    return str(clip.span).encode() if clip.span else b""


def _stamp(clip: Clip) -> str | None:
    """Hash of paths, sizes and times of the clip's files; None if one was modified just now.

    The inode's change time is included: it differs even where a tool has set a file's modification
    time back.
    """
    settled = time.time_ns() - _SETTLED_NS
    total = hashlib.sha256(_span(clip))
    for path in clip.frames:
        try:
            found = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, 20,000 times
        except OSError as error:
            raise unreadable(clip, path, error) from error
        if max(found.st_mtime_ns, found.st_ctime_ns) > settled:
            return None
        name = os.path.abspath(path)  # noqa: PTH100 - as above
        times = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
        total.update(f"{name}\0{times}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def _entry(cache: Path, digest: str, product: Product, clip: Clip) -> Path:
    key = hashlib.sha256(f"{digest} {product.clip_key(clip)}".encode()).hexdigest()
    return cache / "clips" / key[:2] / f"{key}.npz"


def _read_entry(entry: Path, array: np.ndarray) -> bool:
    """Fills `array` with the entry; False if it is missing, damaged or another one's."""
    import numpy as np

    try:
        with np.load(entry, allow_pickle=False) as saved:
            kept, seal = saved["array"], str(saved["seal"])
    except Exception:  # a damaged archive raises many kinds of error: the entry is made again
        return False
    if kept.shape != array.shape or kept.dtype != array.dtype or seal != _seal(entry, kept):
        return False
    array[...] = kept
    return True


def _seal(entry: Path, array: np.ndarray) -> str:
    """Ties an entry to its name and content: files that were swapped are not read."""
    return hashlib.sha256(entry.stem.encode() + array.tobytes()).hexdigest()


def _write_entry(entry: Path, array: np.ndarray, cache: Path) -> None:
    import numpy as np

    with _replacing(entry, cache) as file:
        np.savez(file, array=array, seal=_seal(entry, array))


def _read_memory(cache: Path) -> dict[str, str]:
    """The known digests, by stamp; none where the file is missing or its checksum is wrong."""
    try:
        checksum, _, body = (cache / MEMORY).read_bytes().partition(b"\n")
    except OSError:
        return {}
    return json.loads(body) if _checksum(body) == checksum else {}


def _write_memory(cache: Path, learnt: dict[str, str]) -> None:
    """Adds digests to the file; of two processes that write at once one may lose its own."""
    body = json.dumps(_read_memory(cache) | learnt, indent=0, sort_keys=True).encode()
    with _replacing(cache / MEMORY, cache) as file:
        file.write(_checksum(body) + b"\n" + body)


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@contextmanager
def _replacing(path: Path, cache: Path) -> Iterator[BinaryIO]:
    """A temporary file that is renamed to `path` when the block succeeds, else deleted."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        with replacing(path, path.with_name(f".{uuid4().hex}.tmp")) as file:
            yield file
    except OSError as error:
        raise DataError(
            f"the clip cache {cache} cannot be written ({error.strerror or error}); expected a "
            "folder with free space. Make room there, or set BENCH_CACHE to another folder."
        ) from error


@lru_cache(maxsize=4)
def _sweep(cache: Path) -> None:
    """Removes what killed processes left in the cache, when this process first writes there."""
    remove_abandoned([*cache.glob(".*.tmp"), *cache.glob("clips/*/.*.tmp")])
