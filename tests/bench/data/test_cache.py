"""The clip cache: never stale, never half written, and never in the way when damaged."""

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from image_clips import clip_of, noise, write_clip

from bench.data import cache as cache_module
from bench.data.cache import content_digests, data_fingerprint, load_arrays
from bench.data.steps.pipeline import Video, preprocess_clip
from bench.data.steps.settings import Preprocessing
from bench.errors import DataError
from bench.system.files import ABANDONED, default_cache

STEPS = Preprocessing(frames=3, size=4)
TARGET = Video(STEPS)


@pytest.fixture
def clips(tmp_path):
    return [
        write_clip(tmp_path / "set" / name, noise(seed=seed), name=name)
        for seed, name in enumerate(["a", "b", "c"])
    ]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def settled(clips, monkeypatch):
    """The clips' files count as old enough to be remembered by their times."""
    monkeypatch.setattr(cache_module, "_SETTLED_NS", 0)
    time.sleep(0.05)  # more than one tick of the file system's clock


def entries(cache):
    return sorted(cache.rglob("*.npz"))


def files(cache):
    return sorted(path for path in cache.rglob("*") if path.is_file())


def forbid(monkeypatch, name):
    def fail(*_):
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(cache_module, name, fail)


def test_the_first_load_is_the_preprocessed_clips(clips, cache):
    expected = np.stack([preprocess_clip(clip, STEPS) for clip in clips])
    found = load_arrays(clips, TARGET, cache)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_a_hit_is_identical_and_decodes_nothing(clips, cache, monkeypatch):
    first = load_arrays(clips, TARGET, cache)
    monkeypatch.setattr(Video, "make", None)
    np.testing.assert_array_equal(load_arrays(clips, TARGET, cache), first)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_clip_whose_thread_was_disturbed_is_read_once_more(clips, cache, monkeypatch, failures):
    """As by Python before 3.11.8, where two threads parse at once."""
    expected = load_arrays(clips, TARGET, cache.with_name("other"))
    make, left = Video.make, {clip.name: failures for clip in clips}

    def disturbed(self, clip, contents):
        if left[clip.name]:
            left[clip.name] -= 1
            raise SystemError("AST constructor recursion depth mismatch")
        return make(self, clip, contents)

    monkeypatch.setattr(Video, "make", disturbed)
    if failures == 1:
        np.testing.assert_array_equal(load_arrays(clips, TARGET, cache), expected)
    else:
        with pytest.raises(SystemError):
            load_arrays(clips, TARGET, cache)


@pytest.mark.parametrize("damage", ["swapped", "zeros"])
def test_an_entry_that_is_another_ones_is_made_again(clips, cache, damage):
    first = load_arrays(clips, TARGET, cache)
    one, two, _ = entries(cache)
    if damage == "swapped":
        content = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(content)
    else:
        np.savez(one, **{**np.load(one), "array": np.zeros_like(first[0])})
    made = []
    np.testing.assert_array_equal(load_arrays(clips, TARGET, cache, made=made), first)
    assert len(made) == (2 if damage == "swapped" else 1)


def test_settled_files_are_not_even_read(clips, cache, settled, monkeypatch):
    first = load_arrays(clips, TARGET, cache)
    digests = content_digests(clips, cache)
    forbid(monkeypatch, "read_frames")
    np.testing.assert_array_equal(load_arrays(clips, TARGET, cache), first)
    assert content_digests(clips, cache) == digests


def test_a_complete_cache_is_not_written_again(clips, cache, settled, monkeypatch):
    load_arrays(clips, TARGET, cache)
    forbid(monkeypatch, "_replacing")
    load_arrays(clips, TARGET, cache)


def test_fresh_files_are_not_trusted_by_their_times(clips, cache):
    load_arrays(clips, TARGET, cache)
    assert not (cache / cache_module.MEMORY).exists()


def rewrite_in_place(clip, seed):
    """Other pixels in a file of the same name, size and modification time."""
    path = clip.frames[2]  # the middle of five, which three frames meet exactly
    before = path.stat()
    other = write_clip(path.parent / "other", noise(1, seed=seed), suffix=".bmp").frames[0]
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("old", [False, True])
def test_changed_pixels_are_noticed_whatever_the_times_say(tmp_path, cache, monkeypatch, old):
    clip = write_clip(tmp_path / "clip", noise(), suffix=".bmp")
    if old:
        monkeypatch.setattr(cache_module, "_SETTLED_NS", 0)
        time.sleep(0.05)
    before = load_arrays([clip], TARGET, cache)
    digest = content_digests([clip], cache)
    assert (cache / cache_module.MEMORY).exists() == old
    rewrite_in_place(clip, seed=9)
    after = load_arrays([clip], TARGET, cache)
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(after[0], preprocess_clip(clip, STEPS))
    assert content_digests([clip], cache) != digest


def test_settings_do_not_share_entries(clips, cache):
    for steps in [STEPS, replace(STEPS, frames=4), replace(STEPS, size=5)]:
        found = load_arrays(clips, Video(steps), cache)
        np.testing.assert_array_equal(found[1], preprocess_clip(clips[1], steps))
    assert len(entries(cache)) == 9


def test_equal_clips_share_an_entry(clips, cache):
    found = load_arrays([clips[0]] * 8, TARGET, cache)
    assert np.all(found == found[:1])
    assert len(entries(cache)) == 1


@pytest.mark.parametrize("length", [0, 1, 40, 200, -1])
def test_a_truncated_entry_is_made_anew(clips, cache, length):
    first = load_arrays(clips, TARGET, cache)
    whole = {path: path.read_bytes() for path in entries(cache)}
    for path, content in whole.items():
        path.write_bytes(content[:length])
    np.testing.assert_array_equal(load_arrays(clips, TARGET, cache), first)
    assert {path: path.read_bytes() for path in entries(cache)} == whole


def test_no_flipped_bit_in_an_entry_reaches_the_videos(clips, cache):
    first = load_arrays(clips[:1], TARGET, cache)
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        entry.write_bytes(damaged)
        np.testing.assert_array_equal(load_arrays(clips[:1], TARGET, cache), first)


def test_an_entry_of_another_shape_is_made_anew(clips, cache):
    first = load_arrays(clips[:1], TARGET, cache)
    (entry,) = entries(cache)
    np.savez(entry, array=np.zeros((1, 4, 4, 3), np.uint8))
    np.testing.assert_array_equal(load_arrays(clips[:1], TARGET, cache), first)


def test_a_damaged_memory_is_not_believed(clips, cache, settled):
    digests = content_digests(clips, cache)
    memory = cache / cache_module.MEMORY
    whole = memory.read_bytes()
    for position in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        memory.write_bytes(damaged)
        assert content_digests(clips, cache) == digests
    memory.write_bytes(b"")
    assert content_digests(clips, cache) == digests
    assert memory.read_bytes() == whole


@pytest.mark.parametrize("clips", [1_000, 100_000])
def test_what_is_written_of_many_digests_grows_with_their_number(clips):
    written, at_once, longest = 0, 0, 0
    for known in range(1, clips + 1):
        longest = max(longest, known - at_once)
        if cache_module._is_worth_writing(known - at_once, known):
            written, at_once = written + known, known
    assert written <= 10 * clips
    assert longest <= max(64, clips // 8)  # what a killed process loses


def test_an_interrupted_write_leaves_nothing(clips, cache, monkeypatch):
    def interrupted(file, **_):
        file.write(b"half an entry")
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(np, "savez", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_arrays(clips[:1], TARGET, cache)
    assert files(cache) == []
    found = load_arrays(clips[:1], TARGET, cache)
    np.testing.assert_array_equal(found[0], preprocess_clip(clips[0], STEPS))


def test_a_full_disk_is_one_line(clips, cache, monkeypatch):
    def full(file, **_):
        file.write(b"a part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError) as caught:
        load_arrays(clips, TARGET, cache)
    message = str(caught.value)
    assert "\n" not in message
    assert str(cache) in message and "No space left" in message and "BENCH_CACHE" in message
    assert files(cache) == []


@pytest.mark.parametrize("work", ["load", "digests"])
def test_a_cache_that_cannot_be_a_folder_is_one_line(clips, tmp_path, settled, work):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(DataError, match="BENCH_CACHE"):
        if work == "load":
            load_arrays(clips, TARGET, blocked / "cache")
        else:
            content_digests(clips, blocked / "cache")


def test_a_bad_clip_is_named_and_the_others_are_kept(clips, cache):
    clips[2].frames[1].unlink()
    with pytest.raises(DataError, match="is missing"):
        load_arrays(clips, TARGET, cache)
    assert len(entries(cache)) == 2


def test_no_clips_are_an_empty_stack(cache):
    assert load_arrays([], TARGET, cache).shape == (0, 3, 4, 4, 3)
    assert content_digests([], cache) == []


def test_progress_counts_every_clip(clips, cache):
    seen = []
    load_arrays(clips, TARGET, cache, lambda *step: seen.append(step))
    content_digests(clips, cache, lambda *step: seen.append(step))
    assert seen == [(1, 3), (2, 3), (3, 3)] * 2


PROCESS = """
import sys
from pathlib import Path
from image_clips import clip_of
from bench.data.cache import load_arrays
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
root, cache = map(Path, sys.argv[1:])
clips = [clip_of(sorted(folder.iterdir())) for folder in sorted(root.iterdir())]
for _ in range(5):
    print(load_arrays(clips, Video(Preprocessing(3, 4)), cache).tobytes().hex())
"""


def test_processes_may_share_a_cache(clips, cache, tmp_path):
    expected = np.stack([preprocess_clip(clip, STEPS) for clip in clips]).tobytes().hex()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, tmp_path / "set", cache],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for process in processes:
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert set(printed.split()) == {expected}
    assert len(entries(cache)) == 3
    assert not list(cache.rglob("*.tmp"))


def test_what_killed_processes_left_is_swept_when_the_cache_is_written(clips, cache):
    old = time.time() - 2 * ABANDONED
    left = [cache / ".a.tmp", cache / "clips" / "ab" / ".b.tmp", cache / "clips" / "ab" / ".c.tmp"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for path in left[:2]:
        os.utime(path, (old, old))
    cache_module._sweep.cache_clear()
    load_arrays(clips, Video(STEPS), cache)
    assert [path.exists() for path in left] == [False, False, True]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"BENCH_CACHE": "/big/disk", "XDG_CACHE_HOME": "/x"}, "/big/disk"),
        ({"BENCH_CACHE": "~/clips", "HOME": "/home/me"}, "/home/me/clips"),
        ({"BENCH_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/rnas-mer-bench"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/rnas-mer-bench"),
    ],
)
def test_where_the_cache_is(monkeypatch, environment, folder):
    for name in ("BENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(default_cache()) == folder


def write_frames(folder, *contents):
    folder.mkdir()
    paths = [folder / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return clip_of(paths)


def test_digests_see_order_and_boundaries_of_frames_and_not_their_names(tmp_path, cache):
    clips = [
        write_frames(tmp_path / str(number), *contents)
        for number, contents in enumerate(
            [(b"ab", b"c"), (b"c", b"ab"), (b"a", b"bc"), (b"abc",), (b"abc", b"")]
        )
    ]
    assert len(set(content_digests(clips, cache))) == len(clips)
    copy = write_frames(tmp_path / "copy", b"ab", b"c")
    assert content_digests([copy], cache) == content_digests(clips[:1], cache)


def test_the_fingerprint_is_of_the_clips_and_not_of_their_order(clips):
    digests = ["1", "2", "3"]
    fingerprint = data_fingerprint(clips, digests)
    assert data_fingerprint(clips[::-1], digests[::-1]) == fingerprint
    moved = [replace(clip, frames=(), fps=200.0) for clip in clips]
    assert data_fingerprint(moved, digests) == fingerprint


@pytest.mark.parametrize(
    "change", [{"dataset": "samm"}, {"subject": "s02"}, {"name": "d"}, {"label": 1}]
)
def test_the_fingerprint_sees_every_change(clips, change):
    digests = ["1", "2", "3"]
    fingerprint = data_fingerprint(clips, digests)
    assert data_fingerprint([replace(clips[0], **change), *clips[1:]], digests) != fingerprint
    assert data_fingerprint(clips, ["1", "2", "4"]) != fingerprint
    assert data_fingerprint(clips[:2], digests[:2]) != fingerprint
