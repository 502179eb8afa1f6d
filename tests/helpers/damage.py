"""What happens to data sets on their way to a researcher's disk, and what an attacker would try.

Each function damages one thing below a data root; a random generator picks which and how.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
from tiny_sets import write_csv

TEXTS = (
    "",
    "/",
    "n/a",
    "46.5",
    "-3",
    "1e9",
    "9" * 400,
    "١٢",
    "=1+1",
    "12 13",
    "two\nlines",
    "\udcff".encode(errors="surrogatepass").decode("latin-1"),
    "x" * 5000,
)
"""What stands in cells where a number or a word should be."""

LEAVING = (
    "../outside/EP01_02",
    "../../outside/s05_ne_01",
    "/etc",
    "..",
    ".",
    "C:\\secret",
    "clips/../../outside",
    "[.][.]/outside",
    "*/../../outside/*",
    "**",
    "~root",
    "file:///etc/passwd",
    "\\\\server\\share",
)
"""Cells that name places outside, or everything."""


def _pick(rng: random.Random, root: Path, wanted: Callable[[Path], bool]) -> Path | None:
    found = sorted(path for path in root.rglob("*") if wanted(path) and not path.is_symlink())
    return rng.choice(found) if found else None


def _image(path: Path) -> bool:
    return path.suffix in (".jpg", ".png", ".npy") and path.is_file()


def _table(path: Path) -> bool:
    return path.suffix in (".xlsx", ".csv") and path.is_file()


def _folder(path: Path) -> bool:
    return path.is_dir()


# ---------------------------------------------------------------- files and folders


def delete_file(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _image):
        path.unlink()


def delete_folder(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _folder):
        shutil.rmtree(path)


def truncate_image(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _image):
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content) + 1)])


def truncate_sheet(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.suffix == ".xlsx" and path.is_file()):
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content))])


def empty_file(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.is_file()):
        path.write_bytes(b"")


def rename_file(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _image):
        number = path.stem[-1]
        names = (
            f"picture{path.suffix}",
            path.stem + path.suffix.upper(),
            path.stem + ".txt",
            path.stem,
            f"{path.stem}000{path.suffix}",
            f".{path.name}",
            f"{path.name} ",
            f"two\nlines{path.name}",
            f"\x1b[31m{number}{path.suffix}",
            os.fsdecode(b"\xff\xfe" + os.fsencode(path.name)),
            "x" * 200 + path.name,
        )
        path.rename(path.with_name(rng.choice(names)))


def rename_folder(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _folder):
        names = (
            f"{path.name} copy",
            f".{path.name}",
            "unnamed",
            f"{path.name}\n",
            path.name.upper(),
            path.name + "9",
            "negative",
            os.fsdecode(os.fsencode(path.name) + b"\xff"),
            f"{path.name}.jpg",
        )
        target = path.with_name(rng.choice(names))
        if not target.exists():
            path.rename(target)


def copy_folder(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _folder):
        name = rng.choice((f"{path.name} (2)", path.name.upper(), f"copy of {path.name}"))
        if not path.with_name(name).exists():
            shutil.copytree(path, path.with_name(name), symlinks=True)


def folder_for_file(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.is_file()):
        path.unlink()
        path.mkdir()


def file_for_folder(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _folder):
        shutil.rmtree(path)
        path.write_bytes(b"no folder")


def pipe_for_file(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.is_file()):
        path.unlink()
        os.mkfifo(path)


def link_that_leaves(root: Path, rng: random.Random) -> None:
    """To a file or folder beside the root that holds what would be a valid clip or frame."""
    if path := _pick(rng, root, lambda path: path.is_file() or path.is_dir()):
        away = root.parent / "outside" / path.name
        away.parent.mkdir(exist_ok=True)
        if away.exists():
            return
        path.rename(away)
        target = os.path.relpath(away, path.parent) if rng.random() < 0.5 else away
        path.symlink_to(target)


def link_in_a_circle(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.is_file() or path.is_dir()):
        place, target = rng.choice(
            (
                (path.with_name(f"{path.name}7"), path.parent),  # beside it, to a folder above it
                (path, path),  # instead of it, to itself
                (path.with_name(f"gone{path.name}"), root / "nowhere"),
            )
        )
        if place == path:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not os.path.lexists(place):
            place.symlink_to(target)


def other_content(root: Path, rng: random.Random) -> None:
    """What is no picture, or claims to be an enormous one."""
    if path := _pick(rng, root, _image):
        png = b"\x89PNG\r\n\x1a\n" + _chunk(
            b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        )
        contents = (
            b"<html>404 Not Found</html>",
            png + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b""),
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            b"\x93NUMPY\x01\x00v\x00" + _npy_header("(99999999999, 9999, 9999)"),
            b"\x93NUMPY\x01\x00v\x00" + _npy_header("(-1, 8, 8)"),
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            rng.randbytes(300),
        )
        path.write_bytes(rng.choice(contents))


def absurd_size(root: Path, rng: random.Random) -> None:
    """A sparse file of 1 TB."""
    if path := _pick(rng, root, lambda path: path.is_file()):
        with path.open("r+b") as file:
            file.truncate(1 << 40)


def other_picture_size(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, lambda path: path.suffix in (".jpg", ".png") and path.is_file()):
        from PIL import Image

        mode, side = rng.choice((("RGB", (8, 9)), ("I;16", (8, 8)), ("F", (8, 8)), ("RGB", (1, 1))))
        with path.open("wb") as file:
            Image.new(mode, side).save(file, "TIFF")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _npy_header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return text.encode().ljust(117) + b"\n"


# ---------------------------------------------------------------- tables


def _edit(root: Path, rng: random.Random, change: Callable[[list[list]], None]) -> None:
    """Changes the rows of a table, the line of the titles first."""
    path = _pick(rng, root, _table)
    if path is None:
        return
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        change(rows)
        write_csv(path, rows)
        return
    try:
        book = openpyxl.load_workbook(path)
    except Exception:  # an earlier damage has made it no spreadsheet
        return
    rows = [list(cells) for cells in book.active.iter_rows(values_only=True)]
    above = next((i for i, cells in enumerate(rows) if _titles(cells)), 0)
    below = rows[above:]
    change(below)
    fresh = openpyxl.Workbook()
    for cells in [*rows[:above], *below]:
        fresh.active.append([_legal(cell) for cell in cells])
    fresh.save(path)


def _titles(cells: list) -> bool:
    return sum(isinstance(cell, str) for cell in cells) >= 5


def _legal(cell: object) -> object:
    """Without the characters that no spreadsheet can hold."""
    if not isinstance(cell, str):
        return cell
    return "".join(c for c in cell if c.isprintable() or c == "\n")[:30000]


def _line(rng: random.Random, rows: list[list]) -> list | None:
    return rng.choice(rows[1:]) if len(rows) > 1 else None


def swap_columns(root: Path, rng: random.Random) -> None:
    """Two titles, or two cells of one row."""

    def change(rows: list[list]) -> None:
        line = rows[0] if rng.random() < 0.5 else _line(rng, rows)
        if line and len(line) > 1:
            one, other = rng.sample(range(len(line)), 2)
            line[one], line[other] = line[other], line[one]

    _edit(root, rng, change)


def text_in_cell(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        if line := _line(rng, rows):
            place = rng.randrange(len(line))
            # A manifest's blank number means "from the first frame", "to the last".
            line[place] = rng.choice(TEXTS[isinstance(line[place], str) :])

    _edit(root, rng, change)


def path_in_cell(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        if line := _line(rng, rows):
            line[rng.randrange(min(len(line), 5))] = rng.choice(LEAVING)

    _edit(root, rng, change)


def rename_column(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        if rows and rows[0]:
            rows[0][rng.randrange(len(rows[0]))] = rng.choice(
                (None, "", "Begin", "Subject", "x" * 3000)
            )

    _edit(root, rng, change)


def repeat_row(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        if line := _line(rng, rows):
            rows.insert(rng.randrange(1, len(rows) + 1), list(line))

    _edit(root, rng, change)


def blank_rows(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        for _ in range(rng.randrange(1, 40)):
            rows.insert(rng.randrange(1, len(rows) + 1), [rng.choice((None, "", "  "))] * 3)

    _edit(root, rng, change)


def cut_row(root: Path, rng: random.Random) -> None:
    def change(rows: list[list]) -> None:
        if line := _line(rng, rows):
            del line[rng.randint(1, len(line)) :]

    _edit(root, rng, change)


def _sheet(root: Path, rng: random.Random) -> Path | None:
    return _pick(rng, root, lambda path: path.suffix == ".xlsx" and path.is_file())


def delete_row(root: Path, rng: random.Random) -> None:
    """Of a spreadsheet, where folders of frames remain; a manifest is itself the list of clips,
    and CAS(ME)^3 has recordings without any."""
    if _sheet(root, rng) and not (root / "part_A").exists():

        def change(rows: list[list]) -> None:
            if len(rows) > 1:
                del rows[rng.randrange(1, len(rows))]

        _edit(root, rng, change)


def odd_sheet(root: Path, rng: random.Random) -> None:
    """Merged cells, rows at the very end, formulas, sheets without anything."""
    path = _sheet(root, rng)
    if path is None:
        return
    try:
        book = openpyxl.load_workbook(path)
    except Exception:
        return
    sheet = book.active
    kind = rng.randrange(5)
    if kind == 0:
        row = rng.randrange(1, sheet.max_row + 1)
        sheet.merge_cells(
            start_row=row, end_row=row + rng.randrange(3), start_column=1, end_column=3
        )
    elif kind == 1:
        sheet.cell(1 << 20, 1, rng.choice((13, "", "end")))
    elif kind == 2:
        sheet.cell(2, 16384, "far away")
    elif kind == 3:
        sheet.cell(rng.randrange(1, sheet.max_row + 1), rng.randrange(1, 10), "=HYPERLINK(A1)")
    else:
        book.move_sheet(book.create_sheet("notes"), -1)
        book.create_chartsheet("chart")
    book.save(path)


def other_encoding(root: Path, rng: random.Random) -> None:
    if path := _pick(rng, root, _table):
        text = "Subject,Filename,Onset\n13,é,5\n"
        if path.suffix == ".csv":
            text = path.read_bytes().decode("utf-8", "replace").replace("negative", "négative")
        encodings = ("utf-16", "utf-16-le", "latin-1", "cp500", "utf-32")
        path.write_bytes(text.encode(rng.choice(encodings), "replace"))


DAMAGES: Mapping[str, Callable[[Path, random.Random], None]] = {
    work.__name__: work
    for work in (
        copy_folder,
        delete_file,
        delete_folder,
        truncate_image,
        truncate_sheet,
        empty_file,
        rename_file,
        rename_folder,
        folder_for_file,
        file_for_folder,
        link_that_leaves,
        link_in_a_circle,
        other_content,
        other_picture_size,
        swap_columns,
        text_in_cell,
        path_in_cell,
        rename_column,
        repeat_row,
        blank_rows,
        cut_row,
        delete_row,
        odd_sheet,
        other_encoding,
        pipe_for_file,
        absurd_size,
    )
}
"""By name, in the order in which several are done: nobody copies a file of 1 TB."""
