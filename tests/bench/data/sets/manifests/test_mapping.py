"""Tables with other titles, labels and paths become manifests, or every cause is told at once."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli.data import data
from bench.data.sets.catalogue import load_clips
from bench.data.sets.manifests.mapping import Wording, mapped_manifest
from bench.errors import DataError, UsageError

GERMAN = "Datensatz;Proband;Sequenz;Gefühl;OnsetFrame;Gipfel\n"


SUFFIXES = (".csv", ".xlsx")


def frames(folder, *numbers):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("L", (8, 8), number).save(folder / f"img{number}.png")


@pytest.fixture
def table(tmp_path):
    """Three clips of two people, and one that is left out, as another lab lists them."""
    for who, clip in (("s001", "x"), ("s001", "y"), ("s012", "x")):
        frames(tmp_path / "raw" / who / clip, 3, 4, 5)
    lines = ("lab;1;x;2;3;4", "lab;1;y;0.0;3;—", "lab;12;x;1;3;9", "lab;12;z;9;3;4")
    file = tmp_path / "theirs.csv"
    file.write_bytes((GERMAN + "\n".join(lines)).encode("utf-16"))
    return file


WORDING = Wording(
    {
        "dataset": "Datensatz",
        "subject": "proband",
        "clip": "Sequenz",
        "label": "Gefühl",
        "apex": "Gipfel",
    },
    labels={"0": "negative", "1": "positive", "2": "surprise", "9": ""},
    frames="raw/s{Proband:03d}/{clip}",
)


def test_columns_labels_and_paths_are_mapped(table, tmp_path):
    out = tmp_path / "lists" / "mine.csv"
    out.parent.mkdir()
    made = mapped_manifest(table, WORDING, out)
    assert (made.left_out, made.class_map, made.outside) == (1, "challenge", True)
    out.write_text(made.text)
    found = load_clips(f"manifest:{out}", out.parent, allow_outside=True)
    assert found.clips == made.clips.clips
    assert [(c.subject, c.name, c.label, c.apex) for c in found.clips] == [
        ("1", "x", 2, 1),
        ("1", "y", 0, None),
        ("12", "x", 1, 1),
    ]
    assert [problem.kind for problem in made.clips.problems] == ["odd", "apex", "apex"]
    assert "column onset, but none for offset" in made.clips.problems[0].what
    assert made.text.splitlines()[0] == "dataset,subject,clip,label,frames,onset,apex"


def test_beside_the_table_nothing_is_outside(table, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    absolute = replace(WORDING, frames=f"{tmp_path}/{WORDING.frames}")
    for wording, home in ((WORDING, tmp_path), (absolute, tmp_path), (absolute, tmp_path / "link")):
        made = mapped_manifest(home / table.name, wording, home / "mine.csv")
        assert not made.outside and ",raw/s001/x," in made.text


def test_classes_of_ones_own_say_how_to_read_them(table, tmp_path):
    labels = {"0": "calm", "1": "tense", "2": "tense", "9": ""}
    wording = Wording(WORDING.columns, labels=labels, frames=WORDING.frames)
    made = mapped_manifest(table, wording, tmp_path / "mine.csv")
    (tmp_path / "mine.csv").write_text(made.text)
    found = load_clips(f"manifest:{tmp_path / 'mine.csv'}", tmp_path, class_map=made.class_map)
    assert found.classes == made.clips.classes == ("calm", "tense")
    assert [clip.label for clip in found.clips] == [1, 0, 1]


def test_all_wrong_columns_are_told_at_once(table, tmp_path):
    wording = Wording({"subject": "Person", "apex": "Top"}, frames="raw/{who}/{Sequenz}")
    with pytest.raises(DataError) as error:
        mapped_manifest(table, wording, tmp_path / "mine.csv")
    for said in ("--subject 'Person'", "--apex 'Top'", "{who}", "--dataset-column", "--label"):
        assert said in str(error.value)
    assert "Datensatz, Proband, Sequenz" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"dataset": "Datensatz"}, "--dataset and --dataset-column are both given"),
        ({}, "its column 'Database' says the data sets: leave out --dataset"),
    ],
)
def test_two_names_of_the_data_set_are_refused(table, tmp_path, columns, said):
    text = table.read_text(encoding="utf-16")
    table.write_text(text if columns else text.replace("Datensatz", "Database"))
    with pytest.raises(DataError, match=said):
        mapped_manifest(table, Wording(columns, dataset="lab"), tmp_path / "mine.csv")


def test_all_wrong_rows_are_told_at_once_with_counts(table, tmp_path):
    labels = {"0": "negative", "1": "positive"}
    wording = Wording(WORDING.columns, labels=labels, frames="raw/{Proband}/{clip}")
    with pytest.raises(DataError) as error:
        mapped_manifest(table, wording, tmp_path / "mine.csv")
    assert "label: 2 times: " in str(error.value) and "'2'" in str(error.value)
    assert "missing: 4 times: " in str(error.value) and "theirs.csv row 3" in str(error.value)


def test_numbers_are_not_guessed_to_be_classes(table, tmp_path):
    wording = Wording(WORDING.columns, frames=WORDING.frames)
    with pytest.raises(DataError, match="--labels 0=negative,1=positive,2=surprise"):
        mapped_manifest(table, wording, tmp_path / "mine.csv")


def test_the_table_itself_is_not_written_over(table):
    with pytest.raises(UsageError, match="the table itself"):
        mapped_manifest(table, WORDING, table)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("raw/{Proband", "--frames 'raw/{Proband'"),
        ("raw/{Proband:q}/x", "theirs.csv row 2: '1' does not fit {:q} of --frames"),
        ("raw/{clip:02d}/x", "row 2: 'x' does not fit {:02d} of --frames: .* takes digits"),
        ("raw/{Proband:999999999d}/x", "{:999999999d} of --frames is wider than 99"),
    ],
)
def test_a_pattern_that_is_none_is_refused(table, tmp_path, pattern, said):
    wording = Wording(WORDING.columns, labels=WORDING.labels, frames=pattern)
    with pytest.raises(DataError, match=said):
        mapped_manifest(table, wording, tmp_path / "mine.csv")


def test_a_second_column_of_a_usual_title_is_told_unless_one_is_named(tmp_path):
    frames(tmp_path / "a", 1, 2)
    file = tmp_path / "two.csv"
    file.write_text(
        "dataset,sub,clip,Emotion,frames,Estimated Emotion\nlab,1,a,negative,a,surprise"
    )
    (told,) = mapped_manifest(file, Wording(), tmp_path / "m.csv").clips.problems
    said = "column 'Emotion' is read as label, not 'Estimated Emotion': --label says which"
    assert (told.where, told.what) == ("two.csv", said)
    made = mapped_manifest(file, Wording({"label": "Estimated Emotion"}), tmp_path / "m.csv")
    assert not made.clips.problems and ",surprise," in made.text


@pytest.mark.parametrize(
    ("titles", "told"),
    [
        ("Onset Frame No,End", ["column(s) 'Onset Frame No', 'End' not used"]),
        ("onset,End", ["column(s) 'End' not used", "column onset, but none for offset"]),
        ("offset,onset", []),
        ("\u8d77\u59cb,\u7ed3\u675f", ["column(s) '\u8d77\u59cb', '\u7ed3\u675f' not used"]),
    ],
)
def test_columns_of_which_nothing_is_read_are_told(tmp_path, titles, told):
    frames(tmp_path / "a", 1, 2)
    file = tmp_path / "two.csv"
    file.write_text(f"dataset,sub,clip,label,frames,{titles},remark\nlab,1,a,negative,a,1,2,\n")
    if titles.startswith("offset"):
        file.write_text(file.read_text().replace(",1,2,", ",2,1,"))
    problems = mapped_manifest(file, Wording(), tmp_path / "m.csv").clips.problems
    assert [what for problem in problems for what in told if problem.what.startswith(what)] == told
    assert len(problems) == len(told)


@pytest.mark.parametrize(
    "title", ["\u8d77\u59cb\u5e27", "\u043a\u0430\u0434\u0440", "--", "\u7ed3"]
)
def test_a_title_of_another_script_is_no_other_such_title(tmp_path, title):
    frames(tmp_path / "a", 1, 2)
    file = tmp_path / "two.csv"
    head = "\u7f16\u53f7,\u8d77\u59cb,clip,label,frames,dataset"
    file.write_text(f"{head}\n2,1,a,negative,a,lab\n")
    columns = {"subject": "\u7f16\u53f7", "onset": title}
    with pytest.raises(DataError, match="is none of its columns"):
        mapped_manifest(file, Wording(columns), tmp_path / "m.csv")
    made = mapped_manifest(file, Wording(columns | {"onset": "\u8d77\u59cb "}), tmp_path / "m.csv")
    assert "lab,2,a,negative,a,1" in made.text


def test_subjects_of_merged_cells_are_filled_and_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["dataset", "Subject", "clip", "label", "frames"])
    for who, clip in (("s1", "a"), (None, "b"), ("s2", "c"), (None, "d")):
        frames(tmp_path / clip, 1, 2)
        book.active.append(["lab", who, clip, "negative", clip])
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "theirs.xlsx")
    made = mapped_manifest(tmp_path / "theirs.xlsx", Wording(), tmp_path / "m.csv")
    assert [clip.subject for clip in made.clips.clips] == ["s1", "s1", "s2", "s2"]
    told = [problem.what for problem in made.clips.problems if problem.kind == "merged"]
    assert told == [
        "2 blank cell(s) of subject filled from the row above, as merged cells are read, "
        "the first in row 3"
    ]


def test_a_workbook_is_a_table(table, tmp_path):
    rows = [line.split(";") for line in table.read_text(encoding="utf-16").splitlines()]
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in cells])
    book.save(tmp_path / "theirs.xlsx")
    made = [mapped_manifest(table.with_suffix(s), WORDING, tmp_path / "m.csv") for s in SUFFIXES]
    assert made[0].text == made[1].text
    assert {problem.kind for problem in made[1].clips.problems} == {"odd", "apex"}
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["E"].hidden = True
    book.active.column_dimensions["C"].hidden = True
    book.save(tmp_path / "theirs.xlsx")
    told = mapped_manifest(tmp_path / "theirs.xlsx", WORDING, tmp_path / "m.csv").clips.problems[0]
    assert "1 of 4 rows, the first row 3; column(s) 'Sequenz', 'OnsetFrame'; delete" in told.what
    book.create_sheet("more").append(["x"])
    book.save(tmp_path / "theirs.xlsx")
    with pytest.raises(DataError, match=r"the sheets 'Sheet', 'more': save the one meant as CSV"):
        mapped_manifest(tmp_path / "theirs.xlsx", WORDING, tmp_path / "m.csv")


def test_the_command(table, tmp_path):
    out = tmp_path / "mine.csv"
    columns = [f"--{name}={title}" for name, title in WORDING.columns.items() if name != "dataset"]
    given = [*columns, "--dataset-column=Datensatz", "--labels=0=negative,1=positive,2=surprise,9="]
    given += [f"--frames={WORDING.frames}", f"--from={table}", f"--out={out}"]
    found = CliRunner().invoke(data, ["manifest", *given])
    assert found.exit_code == 0
    counted = "lab 3; negative 1, positive 1, surprise 1, 1 row(s) left out by --labels"
    written = f"3 clips of 2 subjects written ({counted}); use --dataset manifest:{out}"
    assert written in found.output
    assert out.read_text().count("\n") == 4
    with pytest.raises(UsageError, match="--labels"):
        CliRunner().invoke(
            data, ["manifest", *given, "--labels=0"], standalone_mode=False, catch_exceptions=False
        )
