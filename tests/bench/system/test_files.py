"""Files are whole or absent, whatever stops the writing."""

from __future__ import annotations

import csv
import errno
import io
import os
import resource
import signal
import stat
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.system.files import (
    ABANDONED,
    csv_of_records,
    csv_text,
    escaped,
    read_json,
    sweep_left,
    unescaped,
    write_atomic,
    write_json,
    write_text,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "value.json"


@given(value=values | st.text())
def test_json_comes_back_as_it_went(shared, value):
    write_json(shared, value)
    assert read_json(shared) == value
    assert [path.name for path in shared.parent.iterdir()] == [shared.name]


def test_a_key_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "f.json").write_text('[{"pred": 0, "a": {"pred": 1}}, {"pred": 0, "pred": 1}]')
    with pytest.raises(BenchError, match=r"f\.json cannot be read .the key 'pred' stands twice"):
        read_json(tmp_path / "f.json")


def test_folders_are_made_and_text_is_utf_8(tmp_path):
    write_text(tmp_path / "a/b/c.txt", "α, η, β\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "α, η, β\n".encode()


@pytest.mark.parametrize(
    "error", [RuntimeError("torch"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")]
)
@pytest.mark.parametrize("existing", [True, False])
def test_a_failing_write_leaves_what_was_there_and_nothing_else(tmp_path, error, existing):
    path = tmp_path / "file"
    if existing:
        path.write_text("before")

    def write(file):
        file.write(b"half")
        raise error

    expected = BenchError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write_atomic(path, write)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == (
        {"file": "before"} if existing else {}
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "no permission; choose another folder with --runs or --out"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_the_reason_is_said_with_what_to_do(tmp_path, code, advice):
    def write(file):
        raise OSError(code, os.strerror(code))

    with pytest.raises(BenchError, match=f"cannot write .*file: .*{advice}"):
        write_atomic(tmp_path / "file", write)


def test_a_file_too_large_for_the_system_leaves_nothing(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(BenchError, match="cannot write"):
            write_text(tmp_path / "file", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(BenchError, match="a file stands where a folder is needed"):
        write_json(tmp_path / "runs/smic/run.json", {})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_has_not_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "value.json", {"uar": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"uar": 0.', b"\xff\xfe", b"{]", b"[" * 100_000])
def test_corrupt_json_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(
        BenchError, match=r"metrics\.json cannot be read .*move it elsewhere"
    ) as raised:
        read_json(path)
    assert "\n" not in str(raised.value)


def test_missing_json_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"metrics\.json is missing"):
        read_json(tmp_path / "metrics.json")


@given(
    st.lists(
        st.lists(st.text(alphabet=st.characters(exclude_characters="\r\0")), min_size=2, max_size=2)
    )
)
def test_csv_comes_back_as_it_went(rows):
    text = csv_text(["a", "b"], rows)
    read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert [list(map(unescaped, row)) for row in read] == [["a", "b"], *rows]
    assert csv_of_records([{"a": 0, "b": 0}, *({"b": b, "a": a} for a, b in rows)]) == csv_text(
        ["a", "b"], [[0, 0], *rows]
    )


def test_csv_of_records_takes_no_record_without_a_column():
    with pytest.raises(KeyError):
        csv_of_records([{"a": 0, "b": 0}, {"a": 1}])


@given(st.text("'=+-@1e.\t"))
def test_what_is_escaped_comes_back(text):
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("text", ["=1+2", "@SUM(A1)", "+cmd|' /C calc'!A0", "-a1", "--1", "-inf"])
def test_no_cell_is_a_formula(text):
    (row,) = csv.reader(io.StringIO(csv_text([text], [])))
    assert row == [f"'{text}"]


@pytest.mark.parametrize("number", ["-1", "+0.5", "-1e-3", -2, -0.25])
def test_numbers_stay_numbers(number):
    assert csv_text(["x"], [[number]]) == f"x\n{number}\n"


@pytest.mark.parametrize(("mask", "mode"), [(0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_mode_of_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_what_killed_writers_left_of_a_file_is_swept_and_nothing_else(tmp_path):
    out, old = tmp_path / "n[1].safetensors", time.time() - 2 * ABANDONED
    names = [f".{out.name}.{'a' * 32}", f".{out.name}.{'b' * 32}", f".{out.name}.settings"]
    for name in (out.name, *names, f".n1.safetensors.{'a' * 32}"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / names[1])  # its writer may be at work
    sweep_left(out)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {out.name, names[1], names[2], f".n1.safetensors.{'a' * 32}"}


def test_a_file_that_is_written_again_loses_what_killed_writers_left_of_it(tmp_path):
    out, left = tmp_path / "table.csv", tmp_path / f".table.csv.{'a' * 32}"
    for age in (0, 2 * ABANDONED):
        left.write_text("")
        os.utime(left, (time.time() - age,) * 2)
        write_text(out, "anew")
        assert left.exists() == (age == 0)
    assert out.read_text() == "anew"


WRITER = """
import sys, time
from pathlib import Path
from bench.data import cache
from bench.system.files import tidy_when_terminated, write_atomic

def wait(file):
    print("writing", flush=True)
    time.sleep(60)

place = Path(sys.argv[2])
tidy_when_terminated()
if sys.argv[1] == "cache":
    with cache._replacing(place / "clips" / "aa" / "entry.npz", place) as file:
        wait(file)
write_atomic(place / "out.csv", wait)
"""


@pytest.mark.parametrize("what", ["file", "cache"])
def test_sigterm_leaves_no_file_that_is_not_complete(tmp_path, what):
    command = [sys.executable, "-c", WRITER, what, tmp_path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    assert list(tmp_path.rglob(".*"))
    writer.terminate()
    assert writer.wait(timeout=60) == -signal.SIGTERM
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    writer.stdout.close()
