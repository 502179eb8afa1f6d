"""The clip cache: what was made of clips, on disk, found again by what is in their files.

An entry is one array, named by a hash over the bytes of the clip's frames and the settings that
it was made with, so a file that changes, or a setting, leads to another entry and nothing stale is
ever served. Reading every frame to hash it would cost more than the entry saves; the file `digests`
remembers the hash of a clip under the path, size and times of its files. Entries and memory are
written under a temporary name and renamed: a killed process leaves no half file, and processes may
share a cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from uuid import uuid4

from bench.data.clips import Clip
from bench.data.disk.images import read_frames, unreadable
from bench.errors import DataError
from bench.system.processes import process_pool

if TYPE_CHECKING:
    import numpy as np


Progress = Callable[[int, int], None]

Make = Callable[[Clip, "Product", Path, "np.ndarray"], tuple[str, bool]]
"""Fills the array with the product of a clip whose entry is not known; returns the clip's digest,
and whether there was none."""

MEMORY = "digests"

REMEMBERED_EVERY = 64
"""Clips after which what was learnt is written, so that a killed process loses little."""

_SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again without its times showing it."""


class Product(Protocol):
    """What is made of a clip and kept: an array of one shape and kind, by its settings."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...

    def clip_key(self, clip: Clip) -> str:
        """Names the settings, the version of the code, and what they say of this very clip."""

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The array, from the bytes of the clip's files; DataError where they do not allow it."""


def load_arrays(
    clips: Sequence[Clip],
    product: Product,
    cache: Path,
    progress: Progress | None = None,
    workers: int = 1,
    made: list[Clip] | None = None,
) -> np.ndarray:
    """The product of every clip, (N, *product.shape), from the cache where it has them.

    `progress` is called with (clips done, clips in all). What is absent is made by threads of this
    process, or with two `workers` or more by so many processes: for products that hold the
    interpreter lock. Clips whose product was absent are added to `made`. Raises DataError for
    frames that cannot be read (see `preprocess_clip`) and for a cache that cannot be written.
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
    """Runs `work(position, remembered digest or None) -> digest` for every clip, in threads.

    Decoding, scaling and hashing release the interpreter lock. What was learnt is remembered, even
    where the work ends early.
    """
    memory = _read_memory(cache)
    learnt: dict[str, str] = {}

    def one(position: int) -> str:
        stamp = _stamp(clips[position])
        digest = work(position, memory.get(stamp) if stamp else None)
        if stamp and stamp not in memory:
            learnt[stamp] = digest
        return digest

    digests, remembered = [], 0
    pool = ThreadPoolExecutor(max_workers=workers or min(4, os.cpu_count() or 1))
    try:
        for digest in pool.map(one, range(len(clips))):
            digests.append(digest)
            if len(learnt) >= remembered + REMEMBERED_EVERY:
                remembered = len(learnt)
                _write_memory(cache, dict(learnt))
            if progress:
                progress(len(digests), len(clips))
    finally:
        pool.shutdown(cancel_futures=True)
        if len(learnt) > remembered:
            _write_memory(cache, learnt)
    return digests


def _load_from_frames(
    clip: Clip, product: Product, cache: Path, array: np.ndarray
) -> tuple[str, bool]:
    """Fills `array` by the clip's files themselves; see `Make`.

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
    """As `_load_from_frames`, made by a process of the pool."""
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
        total.update(len(content).to_bytes(8, "little"))  # where one frame ends is content, too
        total.update(content)
    return total.hexdigest()


def _span(clip: Clip) -> bytes:
    """Two clips may be parts of one file."""
    return str(clip.span).encode() if clip.span else b""


def _stamp(clip: Clip) -> str | None:
    """Names the present state of the clip's files without reading them; None if too fresh to tell.

    The change time is part of it: a file of the same size whose modification time was set back
    (by a copying tool, say) still differs in it.
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
    """Fills `array` with the entry; False if there is none, or none that is whole.

    An .npz file is a zip archive: its checksum is compared as it is read.
    """
    import numpy as np

    try:
        with np.load(entry, allow_pickle=False) as saved:
            kept = saved["array"]
    except Exception:  # a damaged archive fails in many ways, and all mean: make it anew
        return False
    if kept.shape != array.shape or kept.dtype != array.dtype:
        return False
    array[...] = kept
    return True


def _write_entry(entry: Path, array: np.ndarray, cache: Path) -> None:
    import numpy as np

    with _replacing(entry, cache) as file:
        np.savez(file, array=array)


def _read_memory(cache: Path) -> dict[str, str]:
    """stamp -> digest; empty if nothing is remembered, or not what the file's first line sums."""
    try:
        checksum, _, body = (cache / MEMORY).read_bytes().partition(b"\n")
    except OSError:
        return {}
    return json.loads(body) if _checksum(body) == checksum else {}


def _write_memory(cache: Path, learnt: dict[str, str]) -> None:
    """Adds to what is remembered. What two processes write at once may be lost and hashed again."""
    body = json.dumps(_read_memory(cache) | learnt, indent=0, sort_keys=True).encode()
    with _replacing(cache / MEMORY, cache) as file:
        file.write(_checksum(body) + b"\n" + body)


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@contextmanager
def _replacing(path: Path, cache: Path) -> Iterator[BinaryIO]:
    """A file that becomes `path` when the block ends well, and vanishes when it does not."""
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"the clip cache {cache} cannot be written ({error.strerror or error}); expected a "
            "folder with free space. Make room there, or set BENCH_CACHE to another folder."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
