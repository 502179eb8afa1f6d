"""The clip cache: preprocessed clips on disk, found again by what is in their files.

An entry is named by a hash over the bytes of the clip's frames and the preprocessing settings, so
a file that changes, or a setting, leads to another entry and nothing stale is ever served. Reading
every frame to hash it would cost more than the entry saves; the file `digests` remembers the hash
of a clip under the path, size and times of its files. Entries and memory are written under a
temporary name and renamed: a killed process leaves no half file, and processes may share a cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from bench.data.clips import Clip
from bench.data.preprocess import Preprocessing, preprocess_frames, read_frames, unreadable
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[int, int], None]

MEMORY = "digests"

_SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again without its times showing it."""


def default_cache() -> Path:
    """$BENCH_CACHE, else rnas-mer-bench in $XDG_CACHE_HOME, else in ~/.cache."""
    if named := os.environ.get("BENCH_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rnas-mer-bench"


def load_videos(
    clips: Sequence[Clip],
    settings: Preprocessing,
    cache: Path,
    progress: Progress | None = None,
) -> np.ndarray:
    """The clips preprocessed, uint8 (N, T, S, S, 3), from the cache where it has them.

    `progress` is called with (clips done, clips in all). Raises DataError for frames that cannot
    be read (see `preprocess_clip`) and for a cache that cannot be written.
    """
    import numpy as np

    shape = (settings.frames, settings.size, settings.size, 3)
    videos = np.empty((len(clips), *shape), np.uint8)

    def load(position: int, known: str | None) -> str:
        clip = clips[position]
        if known and _read_entry(_entry(cache, known, settings, clip), videos[position]):
            return known
        return _load_from_frames(clip, settings, cache, videos[position])

    _with_digests(clips, cache, load, progress)
    return videos


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
) -> list[str]:
    """Runs `work(position, remembered digest or None) -> digest` for every clip, in threads.

    Decoding, scaling and hashing release the interpreter lock. What was learnt is remembered.
    """
    memory = _read_memory(cache)
    learnt: dict[str, str] = {}

    def one(position: int) -> tuple[str | None, str]:
        stamp = _stamp(clips[position])
        return stamp, work(position, memory.get(stamp) if stamp else None)

    digests = []
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for stamp, digest in pool.map(one, range(len(clips))):
            digests.append(digest)
            if stamp and stamp not in memory:
                learnt[stamp] = digest
            if progress:
                progress(len(digests), len(clips))
    if learnt:
        _write_memory(cache, learnt)
    return digests


def _load_from_frames(clip: Clip, settings: Preprocessing, cache: Path, video: np.ndarray) -> str:
    """Fills `video` by the clip's files themselves; returns their digest.

    Each file is read once, so that the digest and the pixels belong to the same bytes.
    """
    contents = read_frames(clip)
    digest = _digest(clip, contents)
    entry = _entry(cache, digest, settings, clip)
    if not _read_entry(entry, video):
        video[...] = preprocess_frames(clip, contents, settings)
        _write_entry(entry, video, cache)
    return digest


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


def _entry(cache: Path, digest: str, settings: Preprocessing, clip: Clip) -> Path:
    key = hashlib.sha256(f"{digest} {settings.clip_key(clip)}".encode()).hexdigest()
    return cache / "clips" / key[:2] / f"{key}.npz"


def _read_entry(entry: Path, video: np.ndarray) -> bool:
    """Fills `video` with the entry; False if there is none, or none that is whole.

    An .npz file is a zip archive: its checksum is compared as it is read.
    """
    import numpy as np

    try:
        with np.load(entry, allow_pickle=False) as saved:
            kept = saved["video"]
    except Exception:  # a damaged archive fails in many ways, and all mean: make it anew
        return False
    if kept.shape != video.shape or kept.dtype != video.dtype:
        return False
    video[...] = kept
    return True


def _write_entry(entry: Path, video: np.ndarray, cache: Path) -> None:
    import numpy as np

    with _replacing(entry, cache) as file:
        np.savez(file, video=video)


def _read_memory(cache: Path) -> dict[str, str]:
    """stamp -> digest; empty if nothing is remembered, or not what the file's first line sums."""
    try:
        checksum, _, body = (cache / MEMORY).read_bytes().partition(b"\n")
    except OSError:
        return {}
    return json.loads(body) if _checksum(body) == checksum else {}


def _write_memory(cache: Path, learnt: dict[str, str]) -> None:
    """Adds to what is remembered. What two processes write at once may be lost and hashed again."""
    body = json.dumps(_read_memory(cache) | learnt, indent=0).encode()
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
