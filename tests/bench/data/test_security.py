"""What a hostile file cannot do: lead outside the root, run code, fill the memory, hang."""

from __future__ import annotations

import ast
import io
import os
import re
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tiny_sets
from hypothesis import given, settings
from hypothesis import strategies as st
from image_clips import clip_of

from bench.data.cache import load_arrays
from bench.data.clips import ClipSet
from bench.data.disk.images import decode, read_frames
from bench.data.disk.limits import MAX_CLIP_BYTES, MAX_PIXELS
from bench.data.sets.catalogue import load_clips, require_root
from bench.data.sets.classes import ClassMap
from bench.data.sets.spreadsheet import read_rows
from bench.data.steps.landmarks import landmark_box
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.errors import BenchError, DataError

PROJECT = Path(__file__).parents[3]
PACKAGES = ("ablations", "baselines", "bench", "reports", "rnas")
MEMORY_PER_CASE = 128 << 20
COLUMNS = {"subject": "Subject", "clip": "Filename"}


class Planted:
    """Pickled, it makes a file as soon as it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path) -> Path:
    """What a pickle makes when it is run; it must not exist in the end."""
    path = tmp_path / "the pickle was run"
    yield path
    assert not path.exists()


def manifest(root: Path, frames: str, **cells: object) -> str:
    root.mkdir(parents=True, exist_ok=True)
    row = {"dataset": "mine", "subject": "a", "clip": "a1", "label": "negative", "frames": frames}
    row |= cells
    tiny_sets.write_csv(root / "clips.csv", [list(row), list(row.values())])
    return f"manifest:{root / 'clips.csv'}"


def load(name: str, **options) -> ClipSet:
    return load_clips(name, require_root(name, None), **options)


def real(path: Path) -> Path:
    return Path(os.path.realpath(path))


# ---------------------------------------------------------------- nothing outside is read


def outside(tmp_path: Path) -> Path:
    """A secret clip beside the data root, in every form that a cell could lead to."""
    secret = tmp_path / "secret"
    tiny_sets.frames(secret / "a1", range(5, 8), "img{}.png")
    np.save(secret / "a1.npy", np.zeros((3, 8, 8), np.uint8))
    return secret


STEPS = st.sampled_from(
    ["..", ".", "", "secret", "a1", "*", "**", "?*", "[.][.]", "a1.npy", "img*.png", "root", "~"]
)
ROOTS = st.sampled_from(["", "/", "//", "./", "../", "C:", "C:\\", "\\\\", "~/", "link/"])
SEPARATORS = st.sampled_from(["/", "\\", "//"])


@given(start=ROOTS, steps=st.lists(STEPS, max_size=5), separator=SEPARATORS)
@settings(max_examples=150)
def test_no_path_of_a_manifest_leaves_its_folder(tmp_path_factory, start, steps, separator):
    home = tmp_path_factory.getbasetemp() / "leaving"
    root = home / "root"
    if not home.exists():
        outside(home)
        tiny_sets.frames(root / "a1", range(5, 8), "img{}.png")
        (root / "link").symlink_to(home / "secret")
    found = load(manifest(root, start + separator.join(steps)))
    for clip in found.clips:
        assert all(real(path).is_relative_to(real(root)) for path in clip.frames)
    assert len(found.clips) + sum(problem.fatal for problem in found.problems) == 1


@pytest.mark.parametrize("absolute", [False, True])
def test_a_manifest_that_is_allowed_to_leaves_it(tmp_path, absolute):
    secret = outside(tmp_path)
    frames = str(secret / "a1") if absolute else "../secret/a1"
    name = manifest(tmp_path / "root", frames)
    (problem,) = load(name).problems
    assert problem.kind == "outside" and "--allow-outside" in problem.what
    (clip,) = load(name, allow_outside=True).clips
    assert {path.parent for path in clip.frames} == {secret / "a1"}


CELLS = ("../secret/a1", "/etc", "..", "a1\x00", "C:\\a1", "~root", "EP01_02/../../../secret/a1")


@pytest.mark.parametrize("layout", tiny_sets.LAYOUTS[1:3], ids=lambda layout: layout.name)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("column", [0, 1])
def test_no_cell_of_a_spreadsheet_leaves_the_root(tmp_path, layout, cell, column):
    import openpyxl

    root = tmp_path / "root"
    root.mkdir()
    outside(tmp_path)
    layout.write(root)
    book = openpyxl.load_workbook(root / layout.tables[0])
    clips = load_clips(layout.dataset, root).clips
    book.active.cell(book.active.max_row, column + 1, cell.replace("\x00", "%00"))
    book.save(root / layout.tables[0])
    found = load_clips(layout.dataset, root)
    assert len(found.clips) == len(clips) - 1
    assert sum(problem.fatal for problem in found.problems) == 1
    for clip in found.clips:
        assert all(real(path).is_relative_to(real(root)) for path in clip.frames)


@pytest.mark.parametrize("layout", tiny_sets.LAYOUTS[:3], ids=lambda layout: layout.name)
def test_no_link_leaves_the_root_at_any_level(tmp_path, layout):
    """Every folder and file in turn is moved away, and a link left in its place."""
    root = tmp_path / "root"
    root.mkdir()
    layout.write(root)
    read = 0
    for path in sorted(root.rglob("*")):
        away = tmp_path / "away"
        path.rename(away)
        path.symlink_to(away)
        try:
            clips = load_clips(layout.dataset, root).clips
        except DataError:
            clips = ()
        frames = [real(frame) for clip in clips for frame in clip.frames]
        assert not [frame for frame in frames if not frame.is_relative_to(real(root))]
        read += len(frames)
        path.unlink()
        away.rename(path)
    assert read  # the rest of the tree, so that something could have left it


def test_links_in_circles_do_not_multiply(tmp_path):
    """Two links to the root below it: 2^40 paths fit this glob, and all are the same folder."""
    root = tmp_path / "root"
    tiny_sets.frames(root / "a1", range(5, 8), "img{}.png")
    for name in ("up", "down"):
        (root / name).symlink_to(root)
    (clip,) = load(manifest(root, "*/" * 40 + "a1")).clips
    assert len(clip.frames) == 3


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {secret}\n",
        "ffconcat version 1.0\nfile 'file:{secret}'\n",
    ],
)
def test_a_playlist_that_names_another_video_is_no_video(tmp_path, playlist):
    av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")
    secret = tmp_path / "secret.mp4"
    with av.open(secret, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        for level in range(0, 200, 20):
            pixels = np.full((64, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    root = tmp_path / "root"
    root.mkdir()
    (root / "a1.mp4").write_text(playlist.format(secret=secret))
    (clip,) = load(manifest(root, "a1.mp4")).clips
    with pytest.raises(DataError, match="cannot be decoded"):
        decode(clip, read_frames(clip))


# ---------------------------------------------------------------- pickles


def test_a_pickle_in_an_array_is_not_run(tmp_path, mark):
    np.save(tmp_path / "a1.npy", np.array([Planted(mark)], object), allow_pickle=True)
    (clip,) = load(manifest(tmp_path, "a1.npy")).clips
    with pytest.raises(DataError, match="pickle, which is never loaded"):
        decode(clip, read_frames(clip))


def test_a_pickle_in_the_clip_cache_is_made_anew(tmp_path, mark):
    tiny_sets.frames(tmp_path / "clip", range(3), "img{}.png")
    clip = clip_of(sorted((tmp_path / "clip").iterdir()))
    wanted = Video(Preprocessing(frames=2, size=8))
    before = load_arrays([clip], wanted, tmp_path / "cache")
    entries = list((tmp_path / "cache").rglob("*.npz"))
    assert entries
    for entry in entries:
        np.savez(entry, video=np.array([Planted(mark)], object), allow_pickle=True)
    assert np.array_equal(load_arrays([clip], wanted, tmp_path / "cache"), before)


def calls(tree: ast.AST) -> dict[str, list[ast.Call]]:
    found: dict[str, list[ast.Call]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.setdefault(ast.unparse(node.func), []).append(node)
    return found


def test_every_load_in_the_project_says_that_it_loads_no_pickle():
    must_say = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
    never = (
        "pickle.load",
        "pickle.loads",
        "joblib.load",
        "pd.read_pickle",
        "np.lib.format.read_array",
    )
    own_children = {  # they read what their parent process sends, and no file
        PROJECT / "bench" / "measuring" / "memory.py",
        PROJECT / "bench" / "engine" / "apart.py",
    }
    seen = 0
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            found = calls(ast.parse(path.read_text()))
            if path in own_children:
                assert not re.search(r"torch\.load\((?!BytesIO)", path.read_text()), path
                continue
            for name, (keyword, value) in must_say.items():
                for call in found.get(name, ()):
                    said = {word.arg: ast.unparse(word.value) for word in call.keywords}
                    assert said.get(keyword) == str(value), f"{path}:{call.lineno}"
                    seen += 1
            assert not [name for name in never if name in found], path
    assert seen >= 2


# ---------------------------------------------------------------- memory


@contextmanager
def little_memory() -> Iterator[None]:
    """Fails where far more memory is taken than the file has."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_PER_CASE


def sparse(path: Path, size: int, head: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def png(width: int, height: int) -> bytes:
    """A picture of zeros, as small as it can be packed."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [4097, 11000, 30000, 2**31 - 1])
def test_a_giant_picture_is_refused_by_its_header(tmp_path, side):
    (tmp_path / "img1.png").write_bytes(png(side, side))
    clip = clip_of([tmp_path / "img1.png"])
    with (
        little_memory(),
        pytest.raises(DataError, match=rf"larger than {MAX_PIXELS} pixels|cannot be read"),
    ):
        decode(clip, read_frames(clip))


def test_many_large_pictures_are_refused_together(tmp_path):
    (tmp_path / "img1.png").write_bytes(png(4000, 4000))
    clip = clip_of([tmp_path / "img1.png"] * 100)
    with (
        little_memory(),
        pytest.raises(DataError, match="100 frames of 4000×4000 pixels, more than"),
    ):
        decode(clip, [png(4000, 4000)] * 100)


@pytest.mark.parametrize("name", ["img1.png", "a1.npy", "a1.mp4"])
def test_a_file_of_a_terabyte_is_refused_unread(tmp_path, name):
    clip = clip_of([sparse(tmp_path / name, 1 << 40)])
    with little_memory(), pytest.raises(DataError, match=r"MB"):
        read_frames(clip)


SHAPES = ("(9999999999, 999, 999)", "(10000, 1000, 1000, 3)", "(-1, 8, 8)", "(3, 8, -8)", "()")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["|u1", "|O", "<U99999999"])
def test_an_array_that_claims_more_than_the_file_holds(tmp_path, shape, kind):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    head = b"\x93NUMPY\x01\x00v\x00" + text.encode().ljust(117) + b"\n"
    (tmp_path / "a1.npy").write_bytes(head + bytes(1000))
    (clip,) = load(manifest(tmp_path, "a1.npy")).clips
    with little_memory(), pytest.raises(DataError) as error:
        decode(clip, read_frames(clip))
    assert "a1.npy" in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_zip_archive_is_no_array(tmp_path):
    with (tmp_path / "a1.npy").open("wb") as file:
        np.savez_compressed(file, video=np.zeros(1 << 20, np.uint8))
    clip = clip_of([tmp_path / "a1.npy"])
    with little_memory(), pytest.raises(DataError, match="cannot be read"):
        decode(clip, read_frames(clip))


def rewritten(path: Path, change) -> Path:
    """The spreadsheet with its first sheet's XML changed."""
    source = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name.endswith("sheet1.xml") else part)
    return path


@pytest.fixture
def sheet(tmp_path) -> Path:
    tiny_sets.write_sheet(tmp_path / "a.xlsx", [("Subject", "Filename"), (1, "EP01_02")])
    return tmp_path / "a.xlsx"


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused(sheet):
    rewritten(
        sheet, lambda part: part.replace(b"</sheetData>", b" " * (40 << 20) + b"</sheetData>")
    )
    with (
        little_memory(),
        pytest.raises(DataError, match="it unpacks to 40 MB, expected at most 32"),
    ):
        read_rows(sheet, COLUMNS)


def test_rows_numbered_absurdly_are_not_counted_up_to(sheet):
    rewritten(sheet, lambda part: part.replace(b'r="2"', b'r="999999999999999"'))
    with little_memory():
        assert read_rows(sheet, COLUMNS) == []


def test_rows_at_the_end_of_a_sheet_are_read(sheet):
    rewritten(sheet, lambda part: re.sub(rb'r="([A-Z]*)2"', rb'r="\g<1>1048576"', part))
    (row,) = read_rows(sheet, COLUMNS)
    assert (row.number, row.text("clip")) == (1048576, "EP01_02")


def test_entities_that_multiply_are_refused(sheet):
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    head = f'<!DOCTYPE worksheet [<!ENTITY a0 "aaaaaaaaaa">{entities}]>'.encode()
    rewritten(sheet, lambda part: head + part.replace(b"<v>1</v>", b"<v>&a11;</v>"))
    with little_memory(), pytest.raises(DataError, match=r"cannot be read as \.xlsx"):
        read_rows(sheet, COLUMNS)


# ---------------------------------------------------------------- what never ends


@pytest.mark.parametrize("kind", ["manifest", "class map", "landmarks"])
@pytest.mark.parametrize("broken", ["pipe", "folder", "huge"])
def test_a_table_that_is_no_plain_file_is_refused(tmp_path, kind, broken):
    path = tmp_path / "table.csv"
    if broken == "pipe":
        os.mkfifo(path)
    elif broken == "folder":
        path.mkdir()
    else:
        sparse(path, MAX_CLIP_BYTES, b"emotion,class\n")
    read = {
        "manifest": lambda: load(f"manifest:{path}"),
        "class map": lambda: ClassMap.named(str(path), "smic"),
        "landmarks": lambda: landmark_box(clip_of([path]), 8, 8, str(path), 0.0),
    }
    with little_memory(), pytest.raises(BenchError, match=r"no file|larger than"):
        read[kind]()


def test_warnings_of_libraries_are_not_added_to_our_one_line(tmp_path, monkeypatch):
    import bench.cli

    def warns(*_, **__):
        warnings.warn("Image size exceeds limit", UserWarning, stacklevel=1)
        raise DataError("this picture is too large")

    monkeypatch.setattr(bench.cli.cli, "main", warns)
    for arguments, count in ([], 0), (["--debug"], 1):
        with warnings.catch_warnings(record=True) as seen, pytest.raises(SystemExit):
            warnings.simplefilter("default")
            bench.cli.main(arguments)
        assert len(seen) == count
