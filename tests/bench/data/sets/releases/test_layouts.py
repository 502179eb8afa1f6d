"""Trees of the releases under the names that they are released, unpacked and exported with."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from bench.data.disk.tree import Layout
from bench.data.sets.catalogue import load_clips
from bench.data.sets.spreadsheet import other_columns, read_rows
from bench.errors import BenchError, DataError, UsageError
from bench.system.files import csv_text

CASME2_HEAD = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion")
SAMM_HEAD = (
    "Subject",
    "Filename",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Estimated Emotion",
)
CASME3_HEAD = ("Subject", "Filename", "Onset", "Apex", "Offset", "emotion")
HSE_HEAD = ("Subject", "Filename", "OnsetF", "OffsetF", "Emotion", "Onset2F")
ROWS = {
    "casme2": (CASME2_HEAD, (1, "EP02_01f", 46, 48, 50, "happiness")),
    "samm": (SAMM_HEAD, ("006", "006_1_2", 46, 48, 50, "Surprise")),
    "mmew": (CASME2_HEAD, ("S01", "S01-02-001", 46, 48, 50, "happiness")),
    "casme3": (CASME3_HEAD, ("spNO.1", "a", 46, 48, 50, "disgust")),
    "4dme": (
        ("sub_ID", "fold_name", "Onset", "Apex", "Offset", "Emotion"),
        ("01", "t1", 46, 48, 50, "Positive"),
    ),
    "casme": (
        ("Subject", "Filename", "OnsetF", "ApexF1", "OffsetF", "Emotion"),
        (1, "EP01_5", 46, 48, 50, "tense"),
    ),
    "casme3c": (("sub", "count", "onset", "offset", "emotion"), (1, 2, 46, 50, "negative")),
    "smic": (HSE_HEAD, (1, "s1_ne_01", 46, 50, "negative", None)),
}
CLIPS = {
    "smic": "s01/micro/negative/s01_ne_01",
    "casme2": "sub01/EP02_01f",
    "samm": "006/006_1_2",
    "mmew": "happiness/S01-02-001",
    "casme3": "spNO.1/a/color",
    "4dme": "01/t1",
    "casme": "sub01/EP01_5",
    "casme3c": "01/a/color",
}

LAYOUTS = (  # data set, table or None, folder of the frames
    ("smic", None, "SMIC_all_raw/HS"),
    ("smic", None, "SMIC/SMIC_all_raw/SMIC_all_raw/HS"),
    ("smic", None, "SMIC_all_cropped/SMIC_all_cropped/HS"),
    ("smic", None, "SMIC-HS-E/HS"),
    ("smic", None, "."),
    ("casme2", "CASME2-coding-20190701.xlsx", "CASME2-RAW"),
    ("casme2", "CASME2-coding-20140508.xlsx", "CASME2-RAW/CASME2-RAW"),
    ("casme2", "CASME2/CASME2_label_Ver_2.csv", "CASME2_RAW_selected/CASME2_RAW_selected"),
    ("casme2", "CASME2/CASME2-coding.csv", "CASME2/CASME2_preprocessed_Li Xiaobai/Cropped"),
    ("casme2", "CASME II/casme2 coding (1).xlsx", "CASME II/Cropped/Cropped"),
    ("casme2", "CASME2/CASME2/CASME2-coding-20140508.xlsx", "CASME2/CASME2/Cropped_original"),
    ("samm", "SAMM_20181215_Micro_FACS_Codes_v2.xlsx", "SAMM_CROP"),
    ("samm", "SAMM/SAMM_CROP/SAMM_Micro_FACS_Codes_v2.csv", "SAMM/SAMM_CROP"),
    ("samm", "SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM/SAMM"),
    ("mmew", "MMEW/MMEW_Micro_Exp (20).xlsx", "MMEW/MMEW_Final/Micro_Expression"),
    ("mmew", "MMEW_Final/MMEW_Micro_Exp.csv", "MMEW_Final/Micro_Expression/Micro_Expression"),
    (
        "casme3",
        "CASME3/annotation/partA/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        "CASME3/part_A/data/part_A_split/part_A",
    ),
    ("casme3", "CAS(ME)3_part_A_ME_label.csv", "CASME3/ME_A"),
    ("casme", "CASME/CASME.csv", "CASME/CASME_raw_selected"),
    ("casme", "CASME/casme.xlsx", "CASME/Cropped"),
    ("casme3c", "CASME3/annotation/partC/CAS(ME)3_part_C_ME.xlsx", "CASME3/part_C/part_C"),
    ("casme3c", "CAS(ME)3_part_C_ME.csv", "part_C/RGB_Depth/part_C/part_C"),
    ("4dme", "4DMicro/4DME_Labelling_Micro_release v1.csv", "4DMicro/gray_micro_crop"),
)


def write_table(trees, path: Path, rows) -> None:
    if path.suffix == ".csv":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(rows[0], rows[1:]).replace(",", ";"))
    else:
        trees.sheet(path, rows)


def frames_of(found, root) -> list[str]:
    return [clip.frames[0].parent.relative_to(root).as_posix() for clip in found.clips]


@pytest.mark.parametrize(("dataset", "table", "folder"), LAYOUTS)
def test_known_names_are_taken(tmp_path, trees, dataset, table, folder):
    if table:
        write_table(trees, tmp_path / table, ROWS[dataset])
    trees.frames(tmp_path / folder / CLIPS[dataset], range(46, 51), "img{}.jpg")
    found = load_clips(dataset, tmp_path)
    assert frames_of(found, tmp_path) == [(Path(folder) / CLIPS[dataset]).as_posix()]
    assert [len(clip.frames) for clip in found.clips] == [5]
    assert {(p.kind, p.fatal) for p in found.problems} <= {("layout", False)}


@pytest.mark.parametrize(
    ("dataset", "table", "other"),
    [
        ("casme2", "coding.xlsx", "CASME2-coding-20140508.xlsx"),
        ("samm", "labels.csv", "SAMM_Micro_FACS_Codes_v2.xlsx"),
        ("mmew", "annotation/Micro.xlsx", "MMEW_Micro_Exp.xlsx"),
    ],
)
def test_a_near_miss_is_told_with_the_setting_that_takes_it(tmp_path, trees, dataset, table, other):
    write_table(trees, tmp_path / table, ROWS[dataset])
    trees.frames(tmp_path / "faces" / CLIPS[dataset], range(46, 51), "img{}.jpg")
    with pytest.raises(DataError) as error:
        load_clips(dataset, tmp_path)
    message = str(error.value)
    assert f"--set data.annotation={table!r}" in message
    assert "--set data.frames_folder='faces'" in message
    assert other in message and "; there lies " in message and "\n" not in message
    found = load_clips(dataset, tmp_path, layout=Layout("faces", table))
    assert frames_of(found, tmp_path) == [f"faces/{CLIPS[dataset]}"]


def test_smic_elsewhere_is_a_near_miss_and_slower_cameras_are_none(tmp_path, trees):
    trees.frames(tmp_path / "faces" / CLIPS["smic"], range(5))
    for camera in ("NIR", "VIS"):
        trees.frames(tmp_path / "SMIC_all_raw" / camera / CLIPS["smic"], range(5))
    with pytest.raises(DataError, match=r"Folders such as s01/ lie in faces: .*frames_folder='fac"):
        load_clips("smic", tmp_path)
    found = load_clips("smic", tmp_path, layout=Layout("faces"))
    assert frames_of(found, tmp_path) == [f"faces/{CLIPS['smic']}"]


def test_of_several_folders_the_preferred_is_read_and_the_others_are_told(tmp_path, trees):
    home = tmp_path / "CASME2"
    write_table(trees, home / "CASME2-coding-20140508.xlsx", ROWS["casme2"])
    write_table(trees, home / "CASME2-coding-20190701.xlsx", ROWS["casme2"])
    for folder in ("CASME2-RAW", "Cropped"):
        trees.frames(home / folder / CLIPS["casme2"], range(46, 51), "img{}.jpg")
    found = load_clips("casme2", tmp_path)
    assert frames_of(found, home) == [f"Cropped/{CLIPS['casme2']}"]
    assert [(p.kind, p.where) for p in found.problems] == [
        ("layout", "CASME2/CASME2-coding-20140508.xlsx"),
        ("layout", "CASME2/Cropped"),
    ]
    assert "CASME2/CASME2-RAW (choose with --set data.frames_folder" in found.problems[1].what
    raw = load_clips("casme2", tmp_path, layout=Layout("casme2=CASME2/CASME2-RAW,samm=x"))
    assert frames_of(raw, home) == [f"CASME2-RAW/{CLIPS['casme2']}"]


@pytest.mark.parametrize("value", ["../elsewhere", "/etc", "gone", "CASME2/gone"])
def test_a_setting_leads_nowhere_but_below_the_root(tmp_path, trees, value):
    write_table(trees, tmp_path / "CASME2" / "CASME2-coding.xlsx", ROWS["casme2"])
    trees.frames(tmp_path / "CASME2" / "Cropped" / CLIPS["casme2"], range(46, 51))
    for layout in (Layout(frames=value), Layout(annotation=value)):
        with pytest.raises(UsageError, match=r"is not in .*; give a path below the data root"):
            load_clips("casme2", tmp_path, layout=layout)


@pytest.mark.parametrize(
    "value",
    [
        "CASME2=size=32",
        "casme2=size=32",
        "CASME II=size=32,samm=x",
        "size=32",
        "smic=x,CASME-2=size=32",
    ],
)
def test_a_setting_names_its_set_as_manifests_do(tmp_path, trees, value):
    write_table(trees, tmp_path / "CASME2" / "CASME2-coding.xlsx", ROWS["casme2"])
    for folder in ("CASME2/Cropped", "size=32"):
        trees.frames(tmp_path / folder / CLIPS["casme2"], range(46, 51), "img{}.jpg")
    found = load_clips("casme2", tmp_path, layout=Layout(value))
    assert frames_of(found, tmp_path) == [f"size=32/{CLIPS['casme2']}"]


@pytest.mark.parametrize("value", ["casme9=faces", "casme2=faces,more", "casme2=a,CASME II=b"])
def test_a_setting_for_no_set_is_refused(tmp_path, trees, value):
    write_table(trees, tmp_path / "CASME2" / "CASME2-coding.xlsx", ROWS["casme2"])
    trees.frames(tmp_path / "CASME2" / "Cropped" / CLIPS["casme2"], range(46, 51))
    for layout in (Layout(frames=value), Layout(annotation=value)):
        with pytest.raises(UsageError, match="each data set once with its own"):
            load_clips("casme2", tmp_path, layout=layout)


@pytest.mark.parametrize("dataset", ["casme2", "samm", "casme3"])
@pytest.mark.parametrize("mark", [",", ";"])
def test_a_row_of_a_text_with_more_cells_than_titles_is_refused(tmp_path, trees, dataset, mark):
    titles, row = ROWS[dataset]
    path = tmp_path / "codes.csv"
    trees.frames(tmp_path / "faces" / CLIPS[dataset], range(46, 51), "img{}.jpg")
    for extra in ("", mark, f"{mark}x"):
        path.write_text("\n".join(mark.join(map(str, cells)) for cells in (titles, row)) + extra)
        if not extra.strip(mark):
            assert load_clips(dataset, tmp_path, layout=Layout("faces", "codes.csv")).clips
            continue
        with pytest.raises(DataError, match=r"codes\.csv row 2 has 7 cells, its header 6"):
            load_clips(dataset, tmp_path, layout=Layout("faces", "codes.csv"))


def test_a_composite_is_told_of_which_set(tmp_path):
    with pytest.raises(UsageError, match=r"data\.annotation=a\.xlsx: say for which set"):
        load_clips("composite", tmp_path, layout=Layout(annotation="a.xlsx"))


# ---------------------------------------------------------------- SMIC-HS-E


def test_long_clips_need_their_annotation_and_are_cut_by_it(tmp_path, trees):
    home = tmp_path / "SMIC-E_raw image" / "HS_long" / "SMIC-HS-E"
    for clip in ("s01/s1_ne_01", "s03/s3_po_02", "s03/s3_sur_01"):
        trees.frames(home / clip, range(40, 60), "image{:06d}.jpg")
    with pytest.raises(DataError, match="long clips of SMIC-HS-E, which need their annotation"):
        load_clips("smic", tmp_path)
    rows = [*ROWS["smic"], (3, "s3_po_02", 41, 44, "positive", 50)]
    write_table(trees, home.parent / "SMIC-HS-E_annotation_2019.xlsx", rows)
    found = load_clips("smic", tmp_path)
    assert [(c.subject, c.name, len(c.frames)) for c in found.clips] == [
        ("s01", "s01_ne_01", 5),
        ("s03", "s03_po_02", 4),
    ]
    assert [(p.kind, p.fatal) for p in found.problems] == [("layout", False), ("missing", True)]
    assert "a second expression in s3_po_02" in found.problems[0].what


# ---------------------------------------------------------------- tables


MERGED = [
    CASME2_HEAD,
    (1, "EP02_01f", 46, 48, 50, "happiness"),
    (None, "EP03_02", 46, 48, 50, "others"),
    (None, "EP04_02", 46, 48, 50, "Surprise"),
    (2, "EP01_01", 46, 48, 50, "disgust"),
]


@pytest.mark.parametrize("name", ["CASME2-coding.xlsx", "CASME2-coding.csv"])
def test_merged_cells_are_filled_down_and_told(tmp_path, trees, name):
    write_table(trees, tmp_path / name, MERGED)
    for clip in ("sub01/EP02_01f", "sub01/EP04_02", "sub02/EP01_01"):
        trees.frames(tmp_path / "Cropped" / clip, range(46, 51))
    found = load_clips("casme2", tmp_path)
    assert [(c.subject, c.name) for c in found.clips] == [
        ("sub01", "EP02_01f"),
        ("sub01", "EP04_02"),
        ("sub02", "EP01_01"),
    ]
    (problem,) = found.problems
    assert (problem.kind, problem.fatal) == ("merged", False)
    assert "2 blank cell(s)" in problem.what and "the first in row 3" in problem.what


@pytest.mark.parametrize(
    ("hide", "told"),
    [
        (lambda book, sheet: None, None),
        (lambda book, sheet: sheet.column_dimensions.group("M", "P", hidden=True), None),
        (
            lambda book, sheet: [
                setattr(sheet.row_dimensions[row], "hidden", True) for row in (3, 5, 9)
            ],
            "2 of 4 rows, the first row 3; delete",
        ),
        (
            lambda book, sheet: sheet.column_dimensions.group("E", "F", hidden=True),
            "column(s) 'OffsetFrame', 'Estimated Emotion'",
        ),
        (
            lambda book, sheet: setattr(sheet.row_dimensions[4], "height", 0.01),
            "1 of 4 rows, the first row 4; delete",
        ),
        (
            lambda book, sheet: [
                setattr(cell, "font", Font(strike=True)) for row in sheet["3:4"] for cell in row
            ],
            "struck through, and read all the same: 2 of 4 rows, the first row 3; delete",
        ),
        (
            lambda book, sheet: [
                setattr(sheet["G3"], name, value)
                for name, value in (("value", "a remark"), ("font", Font(strike=True)))
            ],
            None,
        ),
        (
            lambda book, sheet: [
                book.create_sheet("notes"),
                setattr(sheet, "sheet_state", "hidden"),
            ],
            "all the same: sheet 'Sheet'",
        ),
    ],
)
def test_what_a_spreadsheet_program_hides_is_read_and_told(tmp_path, trees, hide, told):
    path = tmp_path / "CASME2-coding.xlsx"
    write_table(trees, path, MERGED)
    for clip in ("sub01/EP02_01f", "sub01/EP04_02", "sub02/EP01_01"):
        trees.frames(tmp_path / "Cropped" / clip, range(46, 51))
    book = openpyxl.load_workbook(path)
    hide(book, book.worksheets[0])
    book.save(path)
    found = load_clips("casme2", tmp_path)
    assert len(found.clips) == 3
    hidden = [problem for problem in found.problems if problem.kind == "hidden"]
    assert [problem.where for problem in hidden] == [path.name] * bool(told)
    assert all(told in problem.what and not problem.fatal for problem in hidden)


def test_columns_and_sheets_that_stand_twice_are_told(tmp_path, trees):
    path = tmp_path / "CASME2-coding.xlsx"
    trees.frames(tmp_path / "Cropped" / CLIPS["casme2"], range(46, 51))
    columns = {title: title for title in CASME2_HEAD}
    head, row = ROWS["casme2"]
    write_table(trees, path, [(*head, "onset frame"), (*row, 46)])
    assert len(read_rows(path, columns)) == 1
    book = openpyxl.load_workbook(path)
    book.copy_worksheet(book.worksheets[0]).title = "older"
    book.save(path)
    (problem,) = load_clips("casme2", tmp_path).problems
    assert problem.kind == "layout" and "is read; also there" in problem.what
    assert problem.what.endswith("'older'")
    write_table(trees, path, [(*head, "onset frame"), (*row, 47)])
    with pytest.raises(DataError, match="has the column OnsetFrame twice"):
        load_clips("casme2", tmp_path)


def test_a_blank_first_subject_has_nobody_above(tmp_path, trees):
    write_table(trees, tmp_path / "CASME2-coding.xlsx", [CASME2_HEAD, (None, *MERGED[1][1:])])
    trees.frames(tmp_path / "Cropped" / CLIPS["casme2"], range(46, 51))
    assert [p.kind for p in load_clips("casme2", tmp_path).problems if p.fatal] == ["odd"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_an_export_with_a_preamble_reads_as_the_spreadsheet(tmp_path, trees, mark, encoding):
    prose = ["About this file", "", "Subject" + mark + "three digits"]
    lines = [mark.join(map(str, row)) for row in ROWS["samm"]]
    path = tmp_path / "SAMM_codes.csv"
    path.write_text("\r\n".join([*prose, *lines]), encoding=encoding)
    columns = {"subject": "Subject", "clip": "Filename", "onset": "Onset Frame"}
    (row,) = read_rows(path, columns)
    assert (row.number, row.text("subject"), row.frame_number("onset")) == (5, "006", 46)


def test_text_that_is_called_xls_is_read_and_an_old_workbook_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "CASME2-coding.xls"
    path.write_text("\n".join("\t".join(map(str, row)) for row in ROWS["casme2"]))
    assert [row.text("clip") for row in read_rows(path, {"clip": "Filename"})] == ["EP02_01f"]
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(DataError, match=r"needs python-calamine: pip install .*\[xls\]"):
        read_rows(path, {"clip": "Filename"})


# ---------------------------------------------------------------- CASME, CAS(ME)^3 part C


def test_casme_is_told_from_the_sets_whose_names_begin_alike(tmp_path, trees):
    for dataset, home in (("casme", "CASME"), ("casme2", "CASME2")):
        table = {"casme": "CASME.xlsx", "casme2": "CASME2-coding-20140508.xlsx"}[dataset]
        write_table(trees, tmp_path / home / table, ROWS[dataset])
        trees.frames(tmp_path / home / "Cropped" / CLIPS[dataset], range(46, 51), "reg_EP-{}.jpg")
    for dataset, emotion in (("casme", "tense"), ("casme2", "happiness")):
        (clip,) = load_clips(dataset, tmp_path).clips
        assert (clip.emotion, clip.apex, clip.dataset) == (emotion, 2, dataset)
    assert load_clips("casme", tmp_path, class_map="native").class_counts()["tense"] == 1


def test_part_c_takes_cut_clips_before_recordings_and_has_no_apex(tmp_path, trees):
    rows = [*ROWS["casme3c"], (1, 3, 60, 62, "others"), (2, 1, 5, 7, "positive")]
    write_table(trees, tmp_path / "CAS(ME)3_part_C_ME.xlsx", rows)
    trees.frames(tmp_path / "part_C" / "01" / "a" / "color", range(40, 70), "{}.jpg")
    trees.frames(tmp_path / "part_C" / "2" / "1" / "color", range(5, 8), "{}.jpg")
    found = load_clips("casme3c", tmp_path, class_map="native")
    assert [(c.subject, c.name, len(c.frames), c.apex) for c in found.clips] == [
        ("01", "2", 5, None),
        ("01", "3", 3, None),
        ("02", "1", 3, None),
    ]
    assert [c.emotion for c in found.clips] == ["negative", "others", "positive"]
    assert not found.problems


@pytest.mark.parametrize(
    ("title", "cells", "told"),
    [
        ("Emotion", ("happiness", "disgust"), "2 of 2 rows, the first row 2"),
        ("Label", ("disgust", None), ""),  # blank cells say nothing
        ("Expression", ("Disgust", "Happiness"), ""),
        ("emotion label", ("negative", "positive"), ""),  # the class of each
        ("Onset", (40, 46), "1 of 2 rows, the first row 2"),
        ("Remarks", ("happiness", "disgust"), ""),
    ],
)
def test_a_second_column_of_a_usual_title_that_differs_is_told(tmp_path, trees, title, cells, told):
    rows = (("1", "EP01", 46, 48, 50, "disgust"), ("1", "EP02", 46, 48, 50, "happiness"))
    table = [(*CASME2_HEAD, title), *((*row, cell) for row, cell in zip(rows, cells, strict=True))]
    write_table(trees, tmp_path / "CASME2-coding.xlsx", table)
    for _, clip, *_ in rows:
        trees.frames(tmp_path / "Cropped/sub01" / clip, range(46, 51))
    found = load_clips("casme2", tmp_path)
    assert [clip.emotion for clip in found.clips] == ["disgust", "happiness"]
    said = [problem.what for problem in found.problems if problem.kind == "layout"]
    assert len(said) == bool(told)
    assert all(f"{title!r} beside it says otherwise in {told}" in each for each in said)


def test_a_second_label_column_is_compared_word_by_word(tmp_path):
    file = tmp_path / "coding.csv"
    columns = {"clip": "Filename", "emotion": "Estimated Emotion"}
    classes = {"sad": "bad", "fear": "bad", "happy": "good"}
    lines = [f"c{n},{word},{classes[word]}" for n, word in enumerate([*classes] * 4)]
    for changed, told in ((lines, 0), (["c,sad,good", *lines], 1)):
        file.write_text("\n".join(["Filename,Estimated Emotion,Label", *changed]) + "\n")
        assert len(other_columns(file, columns)) == told


# ---------------------------------------------------------------- corrections

CASME3_ROWS = [
    CASME3_HEAD,
    ("spNO.216", "e", 0, 0, 3, "disgust"),
    ("spNO.216", "d", 3647, 2668, 2670, "surprise"),
    ("spNO.40", "e", 1812, 1814, 0, "disgust"),
    ("spNO.40", "e", 1970, 1972, 1975, "disgust"),
]


def write_casme3(trees, home: Path) -> None:
    write_table(trees, home / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", CASME3_ROWS)
    for recording, first, last in (
        ("spNO.216/e", 1, 4),
        ("spNO.216/d", 2647, 2671),
        ("spNO.40/e", 1812, 1976),
    ):
        numbers = range(first, last)
        trees.frames(home / "part_A" / recording / "color", numbers, "{}.jpg")


def test_known_errors_are_corrected_on_request_told_and_only_where_they_are(tmp_path, trees):
    write_casme3(trees, tmp_path)
    found = load_clips("casme3", tmp_path)
    assert {(clip.name, len(clip.frames)) for clip in found.clips} == {("e_0", 3), ("e_1970", 6)}
    assert [p.kind for p in found.problems if p.fatal] == ["numbers", "numbers"]
    found = load_clips("casme3", tmp_path, layout=Layout(corrections="known"))
    assert {(clip.name, len(clip.frames), clip.apex) for clip in found.clips} == {
        ("e_1", 3, 0),
        ("d_2647", 24, 21),
        ("e_1812", 34, 2),
        ("e_1970", 6, 2),
    }
    told = [p for p in found.problems if p.kind == "corrected"]
    assert len(told) == 4 and not any(p.fatal for p in found.problems)
    assert "row 3 (spNO.216 d 3647)" in told[0].where
    assert "onset 3647 corrected to 2647: the onset lies after" in told[0].what


def test_a_file_corrects_a_cell_or_leaves_a_row_out_and_says_what_it_could_not(tmp_path, trees):
    write_table(trees, tmp_path / "CASME2-coding.xlsx", MERGED)
    for clip in ("sub01/EP02_01f", "sub01/EP04_02", "sub02/EP01_01"):
        trees.frames(tmp_path / "Cropped" / clip, range(46, 51))
    file = tmp_path / "mine.csv"
    file.write_text(
        "dataset;subject;clip;column;from;to;reason\n"
        "CASME II;1;EP02_01f;offset;50;49;cut off\n"
        "casme2;sub01;EP04_02;row;;;hand before the face\n"
        "casme2;2;EP01_01;apex;99;47;mistyped\n"
        "casme2;3;EP01_01;apex;;47;nobody\n"
        "samm;006;006_1_2;apex;;47;another set\n"
    )
    found = load_clips("casme2", tmp_path, layout=Layout(corrections=str(file)))
    assert [(c.name, len(c.frames)) for c in found.clips] == [("EP02_01f", 4), ("EP01_01", 5)]
    told = [(p.kind, p.what) for p in found.problems if p.kind.startswith("correct")]
    assert told == [
        ("corrected", "offset 50 corrected to 49: cut off"),
        ("corrected", "left out: hand before the face"),
        ("correction", "apex is '48', not '99': not corrected"),
        ("correction", "correction of apex not made: 0 rows are 3 EP01_01"),
    ]


def test_what_a_correction_replaces_may_differ_in_case_and_an_empty_one_empties(tmp_path, trees):
    write_casme3(trees, tmp_path)
    file = tmp_path / "mine.csv"
    file.write_text(
        "dataset,subject,clip,onset,column,from,to,reason\n"
        "casme3,40,e,1970,emotion,DISGUST,anger,seen again\n"
        "casme3,40,e,1970,apex,1972,,not the apex\n"
        "casme3,40,e,1970,emotion,disgust,Anger,said twice\n"
    )
    found = load_clips("casme3", tmp_path, layout=Layout(corrections=str(file)))
    assert [clip.emotion for clip in found.clips if clip.name == "e_1970"] == ["anger"]
    told = [p.what for p in found.problems if p.kind == "corrected"]
    assert told[:2] == [
        "emotion disgust corrected to anger: seen again",
        "apex 1972 emptied: not the apex",
    ]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("emotion,disgust,sad", "emotion,,anger", r"\(emotion to 'sad', emotion to 'anger'\)"),
        ("apex,1972,", "apex,1972,1973", r"\(apex to '', apex to '1973'\)"),
        ("offset,,1974", "row,,", r"\(offset to '1974', leave it out\)"),
    ],
)
def test_corrections_that_contradict_each_other_are_refused(tmp_path, trees, one, other, said):
    write_casme3(trees, tmp_path)
    file = tmp_path / "mine.csv"
    head = "dataset,subject,clip,onset,column,from,to,reason\n"
    file.write_text(f"{head}casme3,spNO.40,e,1970,{one},x\ncasme3,40,E,1970,{other},x\n")
    with pytest.raises(BenchError, match=rf"row 5 .*rows 2 and 3 of .*{said}; keep one") as error:
        load_clips("casme3", tmp_path, layout=Layout(corrections=str(file)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("dataset,subject,clip,column,to\n", "no column reason"),
        ("dataset,subject,clip,column,to,reason\ncasme2,1,a,colour,1,x\n", "'colour' is none of"),
        ("dataset,subject,clip,column,to,reason\ncasme2,1,a,apex,1,\n", "gives no reason"),
        ("dataset,subject,clip,column,to,reason\ncasmeb,1,a,apex,1,x\n", "'casmeb' is no data set"),
    ],
)
def test_what_is_no_file_of_corrections_is_one_line(tmp_path, trees, content, message):
    write_table(trees, tmp_path / "CASME2-coding.xlsx", ROWS["casme2"])
    file = tmp_path / "mine.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BenchError, match=message) as error:
        load_clips("casme2", tmp_path, layout=Layout(corrections=str(file)))
    assert "\n" not in str(error.value)
