"""Tables that people write: the same table, whatever its delimiter, encoding and spelling."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import os
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.system.files import csv_text, unescaped
from bench.system.tables import DELIMITERS, encoding_note, parse_table, plain_title, read_text

cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs")), max_size=6)


def zipped(content):
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("table.csv", content)
    return packed.getvalue()


def written(rows, delimiter, end="\r\n"):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue()


@given(
    st.lists(st.tuples(cells, cells, cells).filter(any), min_size=1, max_size=5),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_what_is_written_is_read(rows, delimiter, end, stated):
    start = f"sep={delimiter}{end}" if stated else ""
    text = start + written([("a", "b", "c"), *rows], delimiter, end)
    table = parse_table(text, "f.csv")
    assert table.titles == ("a", "b", "c")
    stripped = [tuple(cell.strip() for cell in row) for row in rows]
    read = [tuple(map(unescaped, row)) for row in stripped if any(row)]
    assert [line.cells for line in table.lines] == read
    assert table.lines[0].number == 2 + stated or not any(stripped[0])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_encodings_with_a_mark_and_utf_8_are_read(tmp_path, encoding):
    file = tmp_path / "table.csv"
    file.write_bytes("subject;Überraschung\n张;1\n".encode(encoding))
    assert read_text(file) == "subject;Überraschung\n张;1\n"


@pytest.mark.parametrize("encoding", ["cp1252", "gb18030", "latin-1"])
def test_other_encodings_keep_the_ascii_part(tmp_path, encoding):
    file = tmp_path / "table.csv"
    words = "惊讶 高兴 厌恶 悲伤 " if encoding == "gb18030" else "dégoût, colère, mépris, gêne "
    rows = "".join(f"sub{n:02d};{words};{n}\n" for n in range(20))
    file.write_bytes(f"subject;emotion;label\n{rows}".encode(encoding))
    table = parse_table(read_text(file), "table.csv")
    assert table.titles == ("subject", "emotion", "label")
    assert [line.cells[0] for line in table.lines] == [f"sub{n:02d}" for n in range(20)]


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "negativ positiv überraschung"),
        ("cp1252", "förvånad"),
        ("cp1252", "l’été André"),
        ("cp1252", "happy\u00a0face onset\u2013apex"),
        ("cp1252", "Nº"),
        ("latin-1", "glücklich traurig"),
        ("cp850", "glücklich traurig négatif"),
        ("cp1250", "wściekłość radość"),
        ("cp1251", "радость страх"),
    ],
)
def test_words_are_read_in_the_encoding_that_makes_words_of_them(tmp_path, encoding, words, rows):
    file = tmp_path / "table.csv"
    lines = [f"p{n},c{n},{each}\n" for n in range(rows) for each in words.split(" ")]
    text = "subject,clip,label\n" + "".join(lines)
    file.write_bytes(text.encode(encoding))
    assert read_text(file) == text
    assert "it is no UTF-8 and is taken to be cp" in encoding_note(file)
    for other in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_bytes(text.encode(other))
        assert read_text(file) == text and not encoding_note(file)


@pytest.mark.parametrize(
    ("pack", "how"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz"), (zipped, "zip")],
)
def test_compressed_files_are_called_so(tmp_path, pack, how):
    file = tmp_path / "table.csv"
    file.write_bytes(pack(b"subject,clip\n1,a\n"))
    with pytest.raises(DataError, match=rf"is compressed \({how}\), no text: unpack it"):
        read_text(file)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    file = tmp_path / "table.csv"
    file.write_bytes(b"a,b\n\0\0\0\n")
    with pytest.raises(DataError, match="no text"):
        read_text(file)


def test_a_pipe_and_a_folder_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="this is no file"):
            read_text(tmp_path / name)


class TestColumns:
    KNOWN = {"subject": ("subject", "sub"), "onset": ("onset", "onsetframe")}  # noqa: RUF012

    @pytest.mark.parametrize("titles", ["subject,onset", "Sub,Onset Frame", "SUBJECT,OnsetFrame"])
    def test_are_found_by_usual_spellings(self, titles):
        assert parse_table(f"{titles}\n1,2\n", "f").places(self.KNOWN) == {"subject": 0, "onset": 1}

    def test_the_usual_spelling_wins(self):
        table = parse_table("sub,Subject\n1,2\n", "f")
        assert table.places(self.KNOWN) == {"subject": 1}

    def test_one_that_is_there_twice_is_refused(self):
        with pytest.raises(DataError, match="f has the column 'Subject' twice"):
            parse_table("Subject,subject \n1,2\n", "f").places(self.KNOWN)

    @given(st.text(max_size=10))
    def test_a_plain_title_is_its_own(self, title):
        assert plain_title(plain_title(title)) == plain_title(title)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n1\n", "f row 3 has 1 cells, its header 2: a comma"),
        ("a,b\n1\n1,2\n3\n4\n", "row 2 has 1 cells, its header 2 (and 2 others: rows 4, 5)"),
        ("a,b\n1,2\nA,b\n3,4\na,b\n", "f row 3 is the header again (and 1 others: rows 5)"),
        ("|a|b|\n|---|:-:|\n|1|2|\n", "f row 2 is a rule of a drawn table"),
        ("a,b\n1,2\n=====,===\n3,4\n", "f row 3 is a rule of a drawn table"),
        ("a,b\n1,2\n# a remark\n", "f row 3 begins with # and has 1 cells, its header 2: if it is"),
        ("a,b\n1,x,y\n2,x,y\n", "each row has 3 cells, its header 2, as R's write.table"),
        ("a;b\n1;2;3\n", "f row 2 has 3 cells, its header 2: a ';'"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "f line 2: field larger"),
    ],
)
def test_what_is_no_table_is_told_by_its_row(text, said):
    with pytest.raises(DataError, match=re.escape(said)):
        parse_table(text, "f")


SWALLOWED = [
    't,c,note\n1,a,\n2,b,"dark\n3,c,\n4,d,\n',  # to the end
    't,c,note\n1,a,\n2,b,"dark\n3,c,\n4,d,"blue\n5,e,\n',  # to the next one
    't,c,note\n1,a,\n2,b,"dark\n3,c,"\n',
    't\tc\tnote\n1\ta\tx\n2\tb\t"\n3\tc\t"\n',
    't,c,note\n1,a,\n2,"b,x\n3,"c,x\n',
    't,c,note\n1,a,\n"2,b,x\n3,"\n',
    't,c,note\n1,a,\n2,"b,x\n3,c,x\n4,c,x\n5,"c,x\n',
]


@pytest.mark.parametrize("text", SWALLOWED)
@pytest.mark.parametrize("start", ["", "sep={}\n", "\n\n"])
def test_a_quotation_mark_that_takes_rows_into_a_cell_is_refused(text, start):
    text = start.format("\t" if "\t" in text else ",") + text
    line = 3 + start.count("\n")
    with pytest.raises(DataError, match=f"f line {line}: the cell .* has a quotation mark before"):
        parse_table(text, "f")


@pytest.mark.parametrize(
    "cell", ["dark\nblue", "dark, blue, left\nright, up, down", "\n", 'a ""b""\nc', "a,b\nc"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_note_of_several_lines_is_a_cell(cell, place):
    rows = [["1", "2", "3"] for _ in range(3)]
    rows[1][place] = f'"{cell}"'
    text = "\n".join(map(",".join, [["a", "b", "c"], *rows]))
    table = parse_table(text, "f")
    assert len(table.lines) == 3
    assert table.lines[1].cells[place] == cell.replace('""', '"').strip()


def test_nothing_is_an_empty_table():
    assert parse_table(" \r\n\n", "f").lines == ()


def test_what_is_exported_comes_back():
    rows = [("=1+2", "-1"), ("'=1", "'quoted'"), ("@a;b", "-sub")]
    table = parse_table(csv_text(("=a", "b"), rows), "f.csv")
    assert table.titles == ("=a", "b")
    assert [line.cells for line in table.lines] == rows


KNOWN = {"clip": ("clip", "file", "video"), "label": ("label", "class")}


@pytest.mark.parametrize("titles", ["file,video,label", "clip,Class", "Clip,video,label"])
def test_several_titles_for_a_field_are_no_guess_unless_one_is_its_name(titles):
    table = parse_table(f"{titles}\n1,2" + ",3" * (titles.count(",") > 1), "m.csv")
    if titles.startswith("file"):
        with pytest.raises(DataError, match=r"'file' and 'video' may each be clip: call one of"):
            table.certain_places(KNOWN)
    else:
        assert table.certain_places(KNOWN) == {"clip": 0, "label": titles.count(",")}


@pytest.mark.parametrize("other", ["latin-1", "cp1250"])
@pytest.mark.parametrize("first", ["utf-8", "other"])
def test_encodings_that_are_mixed_are_refused(other, first, tmp_path):
    rows = [
        "subject,clip",
        *(f"Jos\u00e9,{n}" for n in range(3)),
        *(f"M\u00fcller,{n}" for n in "ab"),
    ]
    encodings = ["utf-8", other] if first == "utf-8" else [other, "utf-8"]
    halves = ["\n".join(rows), "\n" + "\n".join(rows[1:])]
    parts = [half.encode(each) for half, each in zip(halves, encodings, strict=True)]
    (tmp_path / "m.csv").write_bytes(b"".join(parts))
    with pytest.raises(DataError, match=r"m.csv mixes encodings.*line [27] is UTF-8, line [27] is"):
        read_text(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_bytes("\n".join(rows).encode(other))
    assert read_text(tmp_path / "m.csv").startswith("subject,clip\nJos")
