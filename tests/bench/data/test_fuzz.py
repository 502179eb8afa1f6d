"""Damaged trees: every clip is read as it was, or named; nothing hangs, nothing is a traceback.

What no reader can know is not asked for: SMIC lists no frames, so that its first or last frame can
vanish unseen, and a manifest is itself the list of its clips, under whatever names it gives them.
Where no list of the challenge tells the clips of a set, each row that gives none has to be named.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from damage import DAMAGES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_runs import Bench
from tiny_sets import LAYOUTS, Layout

from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.inspect.check import check_report
from bench.data.sets.catalogue import load_clips
from bench.errors import BenchError

CASES = 120
"""In all, over the layouts."""

LONGEST = 60
"""Seconds after which a case is said to hang."""

COMMANDS_EVERY = 8
"""One case in so many goes through the command line as well."""


@dataclass(frozen=True)
class Seen:
    """What a reader makes of a clip: `frames` are the bytes of each frame's pixels."""

    clip: Clip
    frames: tuple[bytes, ...]


@dataclass(frozen=True)
class Reading:
    """Clips that were read, and everything that was said: problems and errors, a line each."""

    seen: tuple[Seen, ...]
    said: tuple[str, ...]
    stopped: bool
    rows_named: int


def read(layout: Layout, root: Path) -> Reading:
    """All that can be read below `root`; only BenchErrors may come."""
    dataset = layout.source(root)
    try:
        clip_set = load_clips(dataset, root, subjects_of(layout))
        report = check_report(clip_set, subjects_of(layout))
    except BenchError as error:
        return Reading((), (str(error),), True, 0)
    problems = report["problems"]
    said = [f"{p['kind']}: {p['where']}: {p['what']}" for p in problems]
    seen = []
    for clip in clip_set.clips:
        try:
            video = decode(clip, read_frames(clip))
        except BenchError as error:
            said.append(str(error))
        else:
            seen.append(Seen(clip, tuple(map(pixels, video))))
    rows = sum(problem["fatal"] for problem in problems)
    return Reading(tuple(seen), tuple(said), False, rows)


def pixels(frame: np.ndarray) -> bytes:
    return np.broadcast_to(frame, (*frame.shape[:2], 3)).tobytes()


def subjects_of(layout: Layout) -> list[str] | None:
    """Those of the tree where the challenge has more, else all."""
    return list(layout.subjects) if layout.in_challenge else None


@cache
def whole(layout: Layout) -> tuple[Path, Mapping[tuple[str, str], Seen]]:
    """The undamaged tree and its clips, by subject and name."""
    root = Path(tempfile.mkdtemp(prefix="whole-")) / "root"
    root.mkdir()
    layout.write(root)
    reading = read(layout, root)
    assert not [said for said in reading.said if not said.startswith("class: ")], reading.said
    return root, {(seen.clip.subject, seen.clip.name): seen for seen in reading.seen}


@contextmanager
def damaged(layout: Layout, damages: list[str], seed: int) -> Iterator[Path]:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        shutil.copytree(whole(layout)[0], root)
        for name in sorted(damages, key=list(DAMAGES).index):
            DAMAGES[name](root, rng)
        yield root


class Hung(Exception):
    """No BenchError, so that nothing takes it for one."""


@contextmanager
def no_hang() -> Iterator[None]:
    def stop(*_):
        raise Hung(f"still at it after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def unnamed(layout: Layout, reading: Reading) -> list[str]:
    """Clips of the whole tree that are gone or changed without a word of it."""
    if reading.stopped:
        return []
    text = "\n".join(reading.said).lower()
    if layout.dataset == "manifest" and "row 1: " in text:  # a title that nobody knows
        return []
    here = {(seen.clip.subject, seen.clip.label, seen.frames) for seen in reading.seen}
    pictures = {(label, frames) for _, label, frames in here}
    lost = []
    for (subject, name), seen in whole(layout)[1].items():
        if layout.dataset == "manifest":
            is_here = (seen.clip.label, seen.frames) in pictures
        else:
            is_here = (subject, seen.clip.label, seen.frames) in here
        recording = f" {name.split('_')[0]})".lower()  # of CAS(ME)^3, as a row has it
        if is_here or name.lower() in text or recording in text or unseen_loss(seen, reading):
            continue
        if f"{seen.clip.dataset} {subject}:" in text:  # the counts differ, and say of whom
            continue
        lost.append(f"{subject} {name}")
    # A row that is no clip is named by its number, whatever its cells have become.
    return lost if layout.in_challenge else lost[reading.rows_named :]


def unseen_loss(seen: Seen, reading: Reading) -> bool:
    """Whether a clip of SMIC has only lost frames at its ends: nothing there says how many."""
    if seen.clip.dataset != "smic":
        return False
    key = (seen.clip.subject, seen.clip.name)
    left = next((s.frames for s in reading.seen if (s.clip.subject, s.clip.name) == key), None)
    runs = {seen.frames[i:j] for i in range(3) for j in range(i + 1, 4)}
    return left in runs


def check_commands(layout: Layout, root: Path, reading: Reading, cache: Path) -> None:
    """`bench data check`, the same with --deep, and `bench run --dry-run` on the tree.

    One line of error, code 1 or 2.
    """
    source = ["--dataset", layout.source(root), "--data-root", root]
    if subjects := subjects_of(layout):
        source += ["--subjects", ",".join(subjects)]
    check = ("data", "check", *source, "--format", "json")
    code, out, err = run(cache, *check)
    deep_code, deep_out, deep_err = run(cache, *check, "--deep", "--jobs", 1)
    if reading.stopped:
        assert code in (1, 2) and out == ""
        assert len(err.splitlines()) == 1 and err.startswith("error: "), err
        assert (deep_code, deep_out, deep_err) == (code, out, err)
    else:
        report, deep = json.loads(out), json.loads(deep_out)
        assert code == (0 if report["complete"] else 1) and err == ""
        assert deep_code == (0 if deep["complete"] else 1)
        assert "error: " not in deep_err and "Traceback" not in deep_err, deep_err
        found = report["problems"]
        assert deep["problems"][: len(found)] == found and deep["clips"] == report["clips"]
        spoilt = {p["where"] for p in deep["problems"] if p["kind"] in ("unreadable", "size")}
        assert len(reading.seen) == report["clips"] - len(spoilt)
    sizes = ["--set", "data.frames=2", "--set", "data.size=8"]
    asked = ["run", "--variant", "random_rnas_mer", "--preset", "smoke", "--dry-run", *sizes]
    code, _, err = run(cache, *asked, *source, "--runs", cache / "runs")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in err and len(errors) == (0 if code == 0 else 1), err
    assert code in (0, 1, 2)
    if code == 0:
        assert not reading.stopped


def run(cache: Path, *arguments: object) -> tuple[int, str, str]:
    """Code, output and errors of `bench ...` in this process."""
    outcome = Bench(cache)(*arguments)
    return outcome.code, outcome.out, outcome.err


def check_case(layout: Layout, damages: list[str], seed: int) -> None:
    if not layout.in_challenge and len(set(damages)) > 1:
        # A clip whose row and whose folder are both gone leaves nothing that could name it.
        damages = [name for name in damages if name != "delete_row"]
    with damaged(layout, damages, seed) as root, no_hang():
        reading = read(layout, root)
        for line in reading.said:
            assert len(line.splitlines()) == 1 and line.isprintable(), repr(line)
        assert unnamed(layout, reading) == []
        for seen in reading.seen:
            for path in seen.clip.frames:
                assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        if seed % COMMANDS_EVERY == 0:
            check_commands(layout, root, reading, root.parent / "cache")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@settings(
    max_examples=-(-CASES // len(LAYOUTS)),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    damages=st.lists(st.sampled_from(list(DAMAGES)), min_size=1, max_size=3),
    seed=st.integers(0, 2**16),
)
def test_each_clip_is_read_as_it_was_or_named(layout, damages, seed):
    check_case(layout, damages, seed)


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_does_something(damage):
    """Guards the test above: a damage that changes nothing would prove nothing."""

    def state(root: Path) -> list:
        return [
            (path.relative_to(root), path.is_symlink() or path.is_dir(), _stamp(path))
            for path in sorted(root.rglob("*"))
        ]

    for layout in (layout for layout in LAYOUTS if layout.name in ("casme2", "manifest")):
        with damaged(layout, [], 0) as root:
            before = state(root)
            for seed in range(5):
                DAMAGES[damage](root, random.Random(seed))
                if state(root) != before:
                    return
    pytest.fail("nothing changed")


def _stamp(path: Path) -> object:
    if path.is_symlink() or not path.is_file():
        return path.lstat().st_mode
    return path.stat().st_size, path.read_bytes()[:100_000] if path.stat().st_size < 1e6 else b""
