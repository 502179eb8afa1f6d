"""Loaders on small trees in the official layouts, with the quirks of the releases."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import DATASETS, GENERATED, load_clips, require_root
from bench.errors import DataError, UsageError

NEGATIVE, POSITIVE, SURPRISE = range(3)


def kinds(clip_set, fatal=None):
    """Kinds of the problems in order, of the fatal or the other ones where asked."""
    return [p.kind for p in clip_set.problems if fatal in (None, p.fatal)]


def names(clip_set):
    return [(clip.subject, clip.name) for clip in clip_set.clips]


# ---------------------------------------------------------------- SMIC

SMIC_CLIPS = (
    "s1/micro/negative/s1_ne_01",
    "s01/micro/surprise/s01_sur_02",
    "s11/micro/positive/s11_po_10",
    "s2/micro/surprise/s2_sur_3",
)


@pytest.mark.parametrize(
    "place", ["SMIC_all_cropped/HS", "SMIC/SMIC_all_cropped/HS", "smic-hs/HS", "HS"]
)
def test_smic_padded_or_not_and_wherever_it_lies(tmp_path, trees, place):
    trees.smic(tmp_path / place, SMIC_CLIPS)
    (tmp_path / place / ".DS_Store").touch()
    found = load_clips("smic", tmp_path)
    assert names(found) == [
        ("s01", "s01_ne_01"),
        ("s01", "s01_sur_02"),
        ("s02", "s02_sur_03"),
        ("s11", "s11_po_10"),
    ]
    assert [clip.label for clip in found.clips] == [NEGATIVE, SURPRISE, SURPRISE, POSITIVE]
    assert found.classes == CHALLENGE_CLASSES
    assert not found.problems
    clip = found.clips[0]
    assert (clip.dataset, clip.emotion, clip.apex, clip.fps) == ("smic", "negative", None, 100.0)
    assert [path.name for path in clip.frames] == [f"reg_image{n:05d}.jpg" for n in range(8, 13)]
    assert all(path.is_absolute() and path.is_file() for path in clip.frames)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("s3/micro/negative/s4_ne_01", "odd"),
        ("s3/micro/negative/clip one", "odd"),
        ("subject-x/micro/negative/s3_ne_01", "odd"),
        ("s3/micro/negative/s3_po_01", "label"),
        ("s3/micro/happy/s3_po_01", "label"),
        ("s01/micro/negative/s1_ne_1", "duplicate"),
        ("s3/non_micro", "missing"),
    ],
)
def test_smic_folders_that_contradict_are_fatal_and_named(tmp_path, trees, folder, kind):
    trees.smic(tmp_path / "HS", [*SMIC_CLIPS, folder])
    found = load_clips("smic", tmp_path)
    assert len(found.clips) == len(SMIC_CLIPS)
    (problem,) = found.problems
    assert (problem.kind, problem.fatal) == (kind, True)
    first, *_ = folder.split("/")
    assert problem.where in (f"HS/{folder}", f"HS/{first}", "HS/s1/micro/negative/s1_ne_01")


def test_smic_clip_without_frames_is_fatal_and_gaps_are_not(tmp_path, trees):
    trees.smic(tmp_path / "HS", ["s1/micro/negative/s1_ne_01"], [])
    trees.smic(tmp_path / "HS", ["s1/micro/negative/s1_ne_02"], [5, 6, 9])
    trees.smic(tmp_path / "HS", ["s1/micro/negative/s1_ne_03"], [5])
    found = load_clips("smic", tmp_path)
    assert names(found) == [("s01", "s01_ne_02"), ("s01", "s01_ne_03")]
    assert [(p.kind, p.fatal) for p in found.problems] == [
        ("missing", True),
        ("frames", False),
        ("single_frame", False),
    ]
    assert "2 of the 5 frames 5..9 missing, the first is number 7" in found.problems[1].what


# ---------------------------------------------------------------- CASME II

CASME2_ROWS = (
    (1, "EP02_01f", 46, 48, 50, "happiness"),
    ("02", "EP01_2", 9, 10, 12, "disgust"),
    (17.0, "EP06_02_01", 98, "/", 101, "Surprise "),
    ("sub26", "EP09f", 1, 2, 4, "repression"),
    (4, "EP12_01f", 5, "/", 9, "disgust"),
    (3, "EP07_03", 5, 6, 9, "others"),
)
CASME2_CLIPS = [
    ("sub01", "EP02_01f"),
    ("sub02", "EP01_2"),
    ("sub17", "EP06_02_01"),
    ("sub26", "EP09f"),
]


@pytest.fixture
def casme2(tmp_path, trees):
    """A data root with CASME II one folder below, and the folder itself."""
    home = tmp_path / "CASME2"
    trees.casme2(home, CASME2_ROWS)
    for subject, clip in CASME2_CLIPS:
        trees.frames(home / "Cropped" / subject / clip, range(1, 120))
    return tmp_path, home


def test_casme2_rows_become_clips(casme2):
    root, home = casme2
    found = load_clips("casme2", root)
    assert names(found) == CASME2_CLIPS
    assert kinds(found, fatal=False) == ["apex"]
    assert [c.label for c in found.clips] == [POSITIVE, NEGATIVE, SURPRISE, NEGATIVE]
    assert [c.emotion for c in found.clips] == ["happiness", "disgust", "surprise", "repression"]
    assert [c.apex for c in found.clips] == [2, 1, None, 1]
    assert {c.fps for c in found.clips} == {200.0}
    # 98..101 sorts as 100, 101, 98, 99 by name.
    assert [p.name for p in found.clips[2].frames] == [f"reg_img{n}.jpg" for n in range(98, 102)]
    assert names(load_clips("casme2", home)) == CASME2_CLIPS


@pytest.mark.parametrize(
    "header",
    [
        ("subject", "FILE NAME", None, "Onset_Frame", "apex frame", "OFFSETFRAME", None, "AU"),
        (" Subject ", "Filename", None, "Onset Frame", "Apex-Frame", "Offset-Frame", None, "AU"),
    ],
)
def test_header_matches_by_letters_only(casme2, trees, header):
    root, home = casme2
    trees.casme2(home, CASME2_ROWS, [*header, "estimated emotion"])
    assert names(load_clips("casme2", root)) == CASME2_CLIPS


@pytest.mark.parametrize("subject", [1, 1.0, "1", "01", "sub1", "sub01", " Sub01 "])
def test_casme2_subject_reads_in_any_form(casme2, trees, subject):
    root, home = casme2
    trees.casme2(home, [(subject, *CASME2_ROWS[0][1:])])
    assert names(load_clips("casme2", root, ["sub01"])) == CASME2_CLIPS[:1]


def test_casme2_raw_frames_where_nothing_is_cropped(casme2, trees):
    root, home = casme2
    raw = home / "CASME2_RAW_selected" / "sub01" / "EP02_01f"
    trees.frames(raw, range(46, 51), "img{}.jpg")
    assert "Cropped" in str(load_clips("casme2", root).clips[0].frames[0])
    (home / "Cropped").rename(home / "elsewhere")
    found = load_clips("casme2", root, ["sub01"])
    assert [path.name for path in found.clips[0].frames] == [f"img{n}.jpg" for n in range(46, 51)]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((5, "EP01_1", 1, 2, 4, "joy"), "label"),
        ((5, "EP01_1", 1, 2, 4, None), "label"),
        ((1, "EP02_01f", 46, 48, 50, "disgust"), "duplicate"),
        ((1, "EP02_01f", 46, 48, 50, "others"), "duplicate"),
        ((1, "EP02_02", 1, 2, 4, "disgust"), "missing"),
        ((26, "EP09F", 500, 501, 502, "disgust"), "missing"),
        ((26, "EP09F", "one", 2, 4, "disgust"), "numbers"),
        ((26, "EP09F", 1, 2, None, "disgust"), "numbers"),
        ((26, "EP09F", 4, 2, 1, "disgust"), "numbers"),
        ((26, "EP09F", 1.5, 2, 4, "disgust"), "numbers"),
        (("x", "EP09F", 1, 2, 4, "disgust"), "odd"),
        ((26, "../sub26/EP09f", 1, 2, 4, "disgust"), "odd"),
        ((26, "..", 1, 2, 4, "disgust"), "odd"),
        ((26, "EP09\\f", 1, 2, 4, "disgust"), "odd"),
        (("../sub26", "EP09f", 1, 2, 4, "disgust"), "odd"),
    ],
)
def test_rows_that_give_no_clip_are_fatal_and_named(casme2, trees, row, kind):
    root, home = casme2
    trees.casme2(home, [*CASME2_ROWS, row])
    found = load_clips("casme2", root)
    assert names(found) == CASME2_CLIPS
    (problem,) = (problem for problem in found.problems if problem.fatal)
    assert problem.kind == kind
    assert f"row {len(CASME2_ROWS) + 2}" in problem.where


@pytest.mark.parametrize(
    ("row", "kind", "frames", "apex"),
    [
        ((26, "EP09f", 118, 119, 125, "disgust"), "frames", 2, 1),
        ((26, "EP09f", 119, 119, 119, "disgust"), "single_frame", 1, 0),
        ((26, "EP09f", 1, 9, 5, "disgust"), "apex", 5, 2),
        ((26, "EP09f", 1, "late", 5, "disgust"), "apex", 5, None),
    ],
)
def test_oddities_that_leave_a_clip_usable(casme2, trees, row, kind, frames, apex):
    root, home = casme2
    trees.casme2(home, [row])
    found = load_clips("casme2", root, ["26"])
    assert [(len(clip.frames), clip.apex) for clip in found.clips] == [(frames, apex)]
    assert [(p.kind, p.fatal) for p in found.problems] == [(kind, False)]
    assert any(who in found.problems[0].where for who in ("(26 EP09f)", "sub26/EP09f"))


def test_clip_name_outside_the_pattern_is_kept_and_named(casme2, trees):
    root, home = casme2
    trees.casme2(home, [(26, "clip9", 1, 2, 4, "disgust")])
    trees.frames(home / "Cropped" / "sub26" / "clip9", range(1, 5))
    found = load_clips("casme2", root, ["sub26"])
    assert names(found) == [("sub26", "clip9")]
    assert kinds(found, fatal=False) == ["odd", "extra"]
    assert found.problems[1].where == "CASME2/Cropped/sub26/EP09f"


def test_folders_of_rows_outside_the_challenge_are_not_extra(casme2, trees):
    root, home = casme2
    trees.frames(home / "Cropped" / "sub03" / "EP07_03", range(5, 10))
    trees.frames(home / "Cropped" / "sub04" / "EP12_01f", range(5, 10))
    assert "extra" not in kinds(load_clips("casme2", root), fatal=False)
    trees.frames(home / "Cropped" / "sub03" / "EP99", range(5, 10))
    assert kinds(load_clips("casme2", root), fatal=False).count("extra") == 1


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20),
    st.sampled_from(["../..", "/etc", "sub01/EP02_01f", "9" * 400, "#N/A", "=1/0", "١"]),
)


@given(row=st.integers(0, 3), column=st.integers(0, 4), cell=CELLS)
@settings(max_examples=60)
def test_whatever_a_cell_holds_each_row_is_a_clip_or_a_fatal_problem(trees, row, column, cell):
    rows = [list(given) for given in CASME2_ROWS[:4]]
    rows[row][column] = cell
    with tempfile.TemporaryDirectory() as folder:
        trees.casme2(Path(folder), rows)
        for subject, clip in CASME2_CLIPS:
            trees.frames(Path(folder) / "Cropped" / subject / clip, range(1, 102, 20))
        found = load_clips("casme2", Path(folder))
    assert len(found.clips) + sum(problem.fatal for problem in found.problems) == len(rows)
    assert all("\n" not in problem.where + problem.what for problem in found.problems)


# ---------------------------------------------------------------- SAMM

SAMM_ROWS = (
    ("011", "011_1_1", 5562, 5570, 5572, "Anger"),
    (6, "006_1_2", 98, 100, 103, "Surprise"),
    ("6", "006_3_1", 98, 300, 102, "Happiness"),
    ("007", "007_3_1", 98, 300, 103, "Other"),
)


@pytest.mark.parametrize("preamble", [13, 0, 30])
@pytest.mark.parametrize(("sheet", "frames"), [("SAMM", "SAMM"), (".", "SAMM"), (".", ".")])
def test_samm(tmp_path, trees, preamble, sheet, frames):
    trees.samm(tmp_path / sheet, SAMM_ROWS, preamble)
    trees.frames(tmp_path / frames / "011" / "011_1_1", range(5562, 5573), "011_{:05d}.jpg")
    trees.frames(tmp_path / frames / "006" / "006_1_2", range(95, 105), "006_{}.jpg")
    trees.frames(tmp_path / frames / "006" / "006_3_1", range(98, 103), "006_{:05d}.jpg")
    found = load_clips("samm", tmp_path)
    assert names(found) == [("006", "006_1_2"), ("006", "006_3_1"), ("011", "011_1_1")]
    assert [clip.label for clip in found.clips] == [SURPRISE, POSITIVE, NEGATIVE]
    assert [clip.apex for clip in found.clips] == [2, 2, 8]
    assert [len(clip.frames) for clip in found.clips] == [6, 5, 11]
    assert kinds(found) == ["apex"]
    assert f"row {preamble + 4} (6 006_3_1)" in found.problems[0].where


# ---------------------------------------------------------------- roots, layouts, spreadsheets


@pytest.mark.parametrize("dataset", DATASETS)
def test_missing_root_and_empty_root_are_one_line(tmp_path, dataset):
    with pytest.raises(DataError, match="does not exist: give the folder"):
        load_clips(dataset, tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"not found in .*: looked for"):
        load_clips(dataset, tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DataError, match="is no folder"):
        load_clips(dataset, file)


def test_spreadsheet_without_frames_names_the_folders_looked_for(tmp_path, trees):
    trees.casme2(tmp_path, CASME2_ROWS)
    with pytest.raises(DataError, match="Cropped/<subject>/ and CASME2_RAW_selected/<subject>/"):
        load_clips("casme2", tmp_path)


def test_spreadsheet_without_columns_names_them_and_those_found(casme2, trees):
    root, home = casme2
    trees.casme2(home, CASME2_ROWS, ("Subject", "Filename", None, "Begin", "ApexFrame", "End"))
    message = "lacks the column.s. OnsetFrame, OffsetFrame, Estimated Emotion; .* Begin, ApexFrame"
    with pytest.raises(DataError, match=message):
        load_clips("casme2", root)


@pytest.mark.parametrize("content", [b"", b"Subject,Filename\n1,EP02_01f\n", b"PK\x03\x04 cut off"])
def test_unreadable_spreadsheet(casme2, content):
    root, home = casme2
    (home / "CASME2-coding-20140508.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as \.xlsx .*: replace it") as error:
        load_clips("casme2", root)
    assert "\n" not in str(error.value)


def test_truncated_spreadsheet(casme2):
    root, home = casme2
    sheet = home / "CASME2-coding-20140508.xlsx"
    sheet.write_bytes(sheet.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"cannot be read as \.xlsx"):
        load_clips("casme2", root)


def test_two_copies_of_a_set_are_refused(tmp_path, trees):
    trees.smic(tmp_path / "SMIC" / "HS", SMIC_CLIPS)
    trees.smic(tmp_path / "SMIC old" / "HS", SMIC_CLIPS)
    with pytest.raises(
        DataError, match=r"more than once .SMIC/HS and SMIC old/HS.*data.frames_folder"
    ):
        load_clips("smic", tmp_path)


def test_links_are_followed_inside_the_root_only(tmp_path, trees):
    root, outside = tmp_path / "root", tmp_path / "outside"
    trees.smic(root / "HS", ["s1/micro/negative/s1_ne_01"])
    trees.smic(outside, ["s1/micro/negative/s1_ne_02"])
    negative = root / "HS/s1/micro/negative"
    (negative / "s1_ne_02").symlink_to(outside / "s1/micro/negative/s1_ne_02")
    (negative / "s1_ne_03").symlink_to(negative / "s1_ne_03")
    (negative / "s1_ne_04").symlink_to(negative / "s1_ne_01")
    (negative / "s1_ne_01" / "reg_image00013.jpg").symlink_to(outside / "gone.jpg")
    found = load_clips("smic", root)
    assert names(found) == [("s01", "s01_ne_01"), ("s01", "s01_ne_04")]
    assert {len(clip.frames) for clip in found.clips} == {5}
    assert set(kinds(found)) == {"link"}
    assert "2 link(s) not followed" in found.problems[0].what


def test_a_set_linked_from_elsewhere_is_named(tmp_path, trees):
    trees.smic(tmp_path / "disk" / "HS", SMIC_CLIPS)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "SMIC").symlink_to(tmp_path / "disk")
    with pytest.raises(DataError, match="SMIC is a link that leaves the root"):
        load_clips("smic", tmp_path / "root")
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert len(load_clips("smic", tmp_path / "link").clips) == len(SMIC_CLIPS)


def test_the_order_of_the_file_system_does_not_matter(casme2, trees, monkeypatch):
    root, _ = casme2
    trees.smic(root / "SMIC" / "HS", [*SMIC_CLIPS, "s01/micro/negative/s01_ne_01"])
    before = load_clips("casme2", root), load_clips("smic", root)
    scan = os.scandir

    class Reversed(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    def reversed_scan(folder):
        with scan(folder) as entries:
            return Reversed(sorted(entries, key=lambda entry: entry.name, reverse=True))

    monkeypatch.setattr(os, "scandir", reversed_scan)
    assert (load_clips("casme2", root), load_clips("smic", root)) == before


# ---------------------------------------------------------------- composite, names


@pytest.fixture
def composite(casme2, trees):
    root, _ = casme2
    trees.smic(root / "SMIC" / "SMIC_all_cropped" / "HS", SMIC_CLIPS)
    trees.samm(root / "SAMM", SAMM_ROWS[:1])
    trees.frames(root / "SAMM" / "011" / "011_1_1", range(5562, 5573), "011_{:05d}.jpg")
    return root


def test_composite_is_its_parts_in_order(composite):
    found = load_clips("composite", composite)
    parts = [load_clips(part, composite).clips for part in DATASETS["composite"].parts]
    assert found.clips == sum(parts, ())
    assert [c.dataset for c in found.clips] == ["smic"] * 4 + ["casme2"] * 4 + ["samm"]
    assert found.class_counts("casme2") == {"negative": 2, "positive": 1, "surprise": 1}


def test_composite_names_the_part_that_is_missing(composite):
    (composite / "SAMM").rename(composite / "elsewhere")
    with pytest.raises(DataError, match="SAMM not found in"):
        load_clips("composite", composite)
    assert names(load_clips("composite", composite, ["s02", "sub01"])) == [
        ("s02", "s02_sur_03"),
        ("sub01", "EP02_01f"),
    ]


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_subject_of_the_challenge_resolves_to_itself(dataset):
    found = DATASETS[dataset]
    assert found.resolve_subjects(found.subjects) == found.subjects


@pytest.mark.parametrize(
    ("dataset", "given", "subject"),
    [
        ("smic", "s1", "s01"),
        ("smic", "1", "s01"),
        ("casme2", "sub2", "sub02"),
        ("casme2", "17", "sub17"),
        ("samm", "6", "006"),
        ("composite", "6", "006"),
        ("composite", "S1", "s01"),
        ("composite", "sub1", "sub01"),
    ],
)
def test_unpadded_subjects(dataset, given, subject):
    assert DATASETS[dataset].resolve_subjects([given, subject]) == (subject,)


@pytest.mark.parametrize(
    ("dataset", "subject", "near"),
    [("smic", "s21", "s20"), ("casme2", "sub27", "sub2"), ("samm", "0006x", "006")],
)
def test_unknown_subject_suggests_the_nearest(tmp_path, dataset, subject, near):
    with pytest.raises(UsageError, match=f"Did you mean '{near}.*'.? Known:"):
        load_clips(dataset, tmp_path, [subject])


def test_unknown_data_set_suggests_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'casme2'"):
        load_clips("casm2", tmp_path)


@pytest.mark.parametrize("dataset", DATASETS)
def test_without_a_root_the_error_says_how_to_get_the_set(dataset):
    with pytest.raises(UsageError) as error:
        require_root(dataset, None)
    message = str(error.value)
    assert "\n" not in message
    assert "agreement" in message
    generated = dataset in GENERATED
    assert ("--surrogate" in message) == generated
    assert (f"bench data synth --dataset {dataset}" in message) == generated
