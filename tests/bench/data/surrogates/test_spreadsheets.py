"""The spreadsheets: columns, quirks and cells of the releases, and no time of writing."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bench.data.surrogates.plans import plan_clips
from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.spreadsheets import SHEETS, write_sheet, write_sheets

ALL = {dataset: plan_clips(dataset, 0) for dataset in RELEASES}


def lines_of(path: Path) -> list[tuple]:
    return list(load_workbook(path).active.iter_rows(values_only=True))


def test_casme2_sheet_is_that_of_the_release(tmp_path):
    write_sheets(ALL["casme2"], tmp_path)
    header, *lines = lines_of(tmp_path / "CASME2" / "CASME2-coding-20140508.xlsx")
    assert header == (
        *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
        *("Action Units", "Estimated Emotion"),
    )
    for line, plan in zip(lines, ALL["casme2"], strict=True):
        assert line[:2] == (int(plan.row.subject[3:]), plan.row.name)
        assert line[3:6] == (plan.onset, plan.noted_apex or "/", plan.offset)
        assert line[8] == plan.row.emotion
    assert [(line[0], line[1]) for line in lines if line[4] == "/"] == [(4, "EP12_01f")]


def test_samm_sheet_is_that_of_the_release(tmp_path):
    write_sheets(ALL["samm"], tmp_path)
    lines = lines_of(tmp_path / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx")
    assert lines[13] == (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame"),
        *("Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion"),
        *("Objective Classes", "Notes"),
    )
    for line, plan in zip(lines[14:], ALL["samm"], strict=True):
        assert line[:2] == (plan.row.subject, plan.row.name)
        assert f"{line[0]}_{line[2]}_" == plan.row.name[: len("006_1_")]
        assert line[3:7] == (plan.onset, plan.noted_apex, plan.offset, plan.length)
        assert line[9] == plan.row.emotion.capitalize()


@pytest.mark.parametrize(("dataset", "column"), [("casme2", 7), ("samm", 8)])
def test_one_action_unit_is_a_number_and_several_are_a_sum(dataset, column):
    for plan in ALL[dataset]:
        cell = SHEETS[dataset].cells(plan)[column]
        assert str(cell) == "+".join(map(str, plan.units))
        assert isinstance(cell, int) == (len(plan.units) == 1)
    one_sided = replace(plan, units=(6, 12), side="L")
    assert SHEETS[dataset].cells(one_sided)[column] == "L6+L12"


def test_sheets_of_the_other_sets_have_the_columns_of_the_releases(tmp_path):
    for dataset, path, columns in (
        (
            "casme3",
            "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
            ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"),
        ),
        (
            "4dme",
            "4DME/4DME_Labelling_Micro_release v1.xlsx",
            ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs"),
        ),
        (
            "mmew",
            "MMEW/MMEW_Micro_Exp.xlsx",
            (
                *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame"),
                *("Action Units", "Estimated Emotion", "remarks"),
            ),
        ),
    ):
        write_sheets(ALL[dataset], tmp_path)
        header, *lines = lines_of(tmp_path / path)
        assert header == columns
        assert [line[1] for line in lines] == [plan.row.name for plan in ALL[dataset]]


def test_objective_classes_follow_from_the_units():
    classes = {plan.units: SHEETS["samm"].cells(plan)[10] for plan in ALL["samm"]}
    assert classes[6, 12] == "I"
    assert classes[4, 9] == "IV"
    assert classes[4,] == "III"
    assert classes[15,] == "V"
    assert {classes[units] for units in classes if set(units) <= {1, 2, 5, 26}} == {"II"}
    assert {classes[units] for units in classes if set(units) <= {14, 17, 24}} == {"VII"}


def test_a_release_without_clips_or_without_a_sheet_gets_none(tmp_path):
    write_sheets([*ALL["smic"], *ALL["samm"]], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["SAMM"]


def test_spreadsheets_bear_no_time_of_writing(tmp_path):
    path = tmp_path / "sheet.xlsx"
    write_sheet(path, [("a", 1), (None, "2024")])
    with zipfile.ZipFile(path) as parts:
        assert {part.date_time for part in parts.infolist()} == {(2020, 1, 1, 0, 0, 0)}
        stamps = parts.read("docProps/core.xml").decode()
    assert stamps.count("2020-01-01T00:00:00Z") == 2
    assert lines_of(path)[1] == (None, "2024")
