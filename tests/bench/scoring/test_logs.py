"""Logs of predictions: what is read is what was written, and what cannot be is told by line."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_logs import HAND, challenge_clips, ststnet

from bench.data.clips import CHALLENGE_CLASSES
from bench.errors import DataError, UsageError
from bench.runs.predictions import Answer, Predictions
from bench.scoring.logs import UNKNOWN, Log, Reading, parse_log, read_log
from bench.scoring.script_output import TRUTH
from bench.scoring.writing import FORMATS, render_log
from bench.system.files import csv_text

SOURCE = {"variant": "rnas_mer"}

plain = st.text("abcXYZ019_-.", min_size=1, max_size=8).filter(lambda name: not name.isdigit())
names = plain | st.sampled_from(["nan", "NA", "None", "<NA>", "null"])
people = st.sampled_from([("smic", "s01"), ("casme2", "sub17"), ("samm", "006"), ("own", "p1")])


@st.composite
def predictions(draw):
    clips = draw(st.lists(st.tuples(people, names), unique=True, min_size=1, max_size=20))
    labels = st.integers(0, 2)
    answers = [Answer(*who, clip, draw(labels), draw(labels)) for who, clip in clips]
    return Predictions(CHALLENGE_CLASSES, tuple(sorted(answers, key=lambda a: a.key)))


@given(predictions(), st.sampled_from(FORMATS), st.booleans())
def test_what_is_written_is_read(made, form, surrogate):
    log = Log(made, {**UNKNOWN, "surrogate": surrogate})
    found = parse_log(render_log(log, form, SOURCE), "log")
    assert replace(found, notes=()) == log  # such names are told, and stay


@pytest.mark.parametrize("form", FORMATS)
def test_the_whole_challenge_is_written_and_read(form):
    log = Log(ststnet(), UNKNOWN)
    assert parse_log(render_log(log, form, SOURCE), "log").predictions == log.predictions


def test_the_challenge_log_is_written_as_the_challenge_has_it():
    answers = (Answer("casme2", "sub01", "EP02_01f", 1, 1), Answer("samm", "006", "006_1_2", 0, 2))
    log = Log(Predictions(CHALLENGE_CLASSES, answers), UNKNOWN)
    lines = ["casme2 sub01", "EP02_01f 1 1", "samm 6", "006_1_2 0 2"]
    assert render_log(log, "megc2019", SOURCE).splitlines() == lines


def test_a_log_of_generated_clips_says_so_first():
    log = Log(ststnet(), {**UNKNOWN, "surrogate": True})
    text = render_log(log, "megc2019", SOURCE)
    assert text.splitlines()[0] == "# surrogate"
    assert parse_log(text, "log").protocol["surrogate"] is True


LEAKS = [
    {"leaky": True, "leaks": ["selection=oracle"], "selection": "oracle"},
    {"leaky": True, "leaks": ["search_scope=all", "genotype given"]},
    {"shuffled_labels": True},
    {"leaky": True, "leaks": ["genotype given"], "shuffled_labels": True},
]


@pytest.mark.parametrize("stated", LEAKS)
@pytest.mark.parametrize("form", FORMATS)
def test_leaks_and_shuffled_labels_go_along_with_predictions(form, stated):
    log = Log(ststnet(), {**UNKNOWN, **stated})
    text = render_log(log, form, SOURCE)
    assert parse_log(text, "log").protocol == log.protocol
    without = [line for line in text.splitlines() if not line.startswith("#")]
    if form == "megc2019":  # as earlier versions wrote it
        assert parse_log("\n".join(without), "log").protocol == UNKNOWN


def test_a_leak_without_a_cause_stays_one():
    log = Log(ststnet(), {**UNKNOWN, "leaky": True})
    for form in FORMATS:
        assert parse_log(render_log(log, form, SOURCE), "log").protocol["leaky"] is True


@pytest.mark.parametrize("line", ["casme2 sub01", "CASMEII sub01", "CASME II 1", "CASME-II sub1"])
def test_usual_spellings_of_a_header(line):
    (answer,) = parse_log(f"{line}\nEP02_01f 1 0\n", "log").predictions.answers
    assert answer == Answer("casme2", "sub01", "EP02_01f", 1, 0)


def test_smic_clips_are_padded_and_windows_line_ends_read():
    log = parse_log("smic s1\r\ns1_ne_1 0 2\r\n\r\n# a remark\r\n", "log")
    assert log.predictions.answers == (Answer("smic", "s01", "s01_ne_01", 0, 2),)


def test_samm_subjects_padded_or_not_are_the_same():
    padded, bare = (parse_log(f"samm {who}\n006_1_2 0 0\n", "log") for who in ("006", "6"))
    assert padded == bare


def test_csv_takes_numbers_and_class_names_in_any_order_of_columns():
    text = "Clip,pred,true,subject,dataset\nEP02_01f,surprise,1,sub01,casme2\n"
    (answer,) = parse_log(text, "log").predictions.answers
    assert answer == Answer("casme2", "sub01", "EP02_01f", 1, 2)


@pytest.mark.parametrize("start", ["", "\n", " \r\n\r\n"])
def test_csv_may_quote_its_titles_and_begin_with_blank_lines(start):
    text = start + '"dataset","subject","clip","true","pred"\r\n"smic","1","s1_ne_1","0","2"\r\n'
    assert parse_log(text, "log").predictions.answers == (Answer("smic", "s01", "s01_ne_01", 0, 2),)


def test_classes_that_are_called_by_numbers_are_those_numbers():
    text = "dataset,subject,clip,true,pred\nmine,p1,c1,1,2\nmine,p1,c2,3,3\nmine,p1,c3,2,3\n"
    found = parse_log(text, "log", Reading(("1", "2", "3"))).predictions
    assert [(a.true, a.pred) for a in found.answers] == [(0, 1), (2, 2), (1, 2)]
    with pytest.raises(DataError, match="label '0' is none of"):
        parse_log(text.replace(",3,3", ",0,3"), "log", Reading(("1", "2", "3")))


def test_classes_of_others_are_those_of_the_file():
    text = "dataset,subject,clip,true,pred\nmine,p1,c1,happy,sad\nmine,p1,c2,fear,fear\n"
    found = parse_log(text, "log").predictions
    assert found.classes == ("fear", "happy", "sad")
    assert [(a.true, a.pred) for a in found.answers] == [(1, 2), (0, 0)]


def test_another_numbering_becomes_the_challenges_order():
    text = "casme2 sub01\nEP02_01f 0 2\n"
    found = parse_log(text, "log", Reading(("surprise", "positive", "negative"))).predictions
    assert found.classes == CHALLENGE_CLASSES
    assert (found.answers[0].true, found.answers[0].pred) == (2, 0)


def test_a_fold_file_and_a_list_of_them_are_read():
    folds = [
        {"subject": "s01", "clips": [{"dataset": "smic", "clip": "c", "true": 0, "pred": 1}]},
        {"subject": "s02", "clips": [{"dataset": "smic", "clip": "c", "true": 2, "pred": 2}]},
    ]
    one, both = parse_log(json.dumps(folds[0]), "log"), parse_log(json.dumps(folds), "log")
    assert both.predictions.answers[:1] == one.predictions.answers
    assert len(both.predictions.answers) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no prediction"),
        ("EP02_01f 1 1\n", "line 1: .*a clip before the first header"),
        ("casme2 sub01\nEP02_01f 1\n", "line 2: 'EP02_01f 1' may be a clip without its pred"),
        ("lab p1\na 0 0\nb 1 1\nlab p2\na 0 0\nb 1", "line 6: 'b 1' may be a clip without"),
        ("lab p1\na 0 0\nb 1\nd 0 0\nlab p2\nb 1 1\n", "line 3: 'b 1' may be a clip without"),
        ("casme2 1\na 0 0\nb 1\nc 1 1\ncasme2 2\nb 0\nc 1 1\n", "line 3: 'b 1' may be a clip"),
        ("lab p1\na positive positive\nb positive\n", "line 3: 'b positive' may be a clip"),
        ("lab p1\na 0 0\nlab p2\nlab p3\na 0 0\n", "line 3: 'lab p2': a header without a clip"),
        ("lab p1\na 0 0\nlab p", "line 3: 'lab p': a header without a clip"),
        ("Epoch 1\na 0 0\nEpoch 2\na 0 0\n", "line 1: 'Epoch 1' is a summary, or an epoch"),
        ("lab p1\na 0 0\nfold 2\na 0 0\n", "line 3: 'fold 2' is a summary, or an epoch"),
        ("lab p1\na 0 0\nlab total\na 0 0\n", "line 3: 'lab total' is a summary"),
        ("lab p1\na 0 0\ntest loss: 0 1\n", "line 3: 'test loss: 0 1' is a summary"),
        ("casme2 sub01\nEP02_01f 1 1\nEP02_01f 1 0\n", "casme2 sub01 EP02_01f is answered more"),
        ("casme2 sub01\nEP02_01f 1 1\ncasme2 sub1\nEP02_01f 1 0\n", "answered more than once"),
        ("casme2 sub01\nEP02_01f 1 3\n", "line 2: label '3' is none of 0 negative"),
        ("casme2 sub01\nEP02_01f 1 happy\n", "line 2: label 'happy'"),
        ("casme2 sub01\nEP02_01f 1 -1\n", "line 2: label '-1'"),
        ("dataset,subject,clip,pred\nsmic,s01,c,0\n", "no column true"),
        ("dataset,subject,clip,true,pred\nsmic,s01,c,,0\n", "line 2: true is empty"),
        ("dataset,subject,clip,t0,t1,t2,p0,p1,p2\nlab,s01,c,1,0,0,1,0,0\n", "no column true; exp"),
        ("subject;clip;y;z\ns01;c;1;0\n", "no column dataset, true, pred; expected"),
        ("dataset,subject,clip,true,pred\n", "holds no prediction"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("x" * 200_000, "neither a header"),
        ("[]", "holds no prediction"),
        ('{"subject": "s01"}', r"no fold of this harness \(it has no clips\).* list of records"),
        ("[1, 2]", r"fold 0: no fold of this harness \(a value in it is of another kind\)"),
        (
            '{"clip": ["a", "b"], "true": [0, 1], "pred": [0]}',
            "unequal length: clip 2, true 2, pred 1",
        ),
        ('[{"subject": "s", "true": [0, 1], "pred": [0, 0]}]', "record 1: 'true' holds several"),
        ('[{"clip": "a", "true": 0}]', "no column dataset, subject, pred"),
        ('{"clip": "a", "true": 0}\n{"clip": ', r"line 2 is no JSON \(.* column"),
        (
            '[{"dataset": "d", "subject": "s", "clip": "a", "true": 0, "pred": null}]',
            "record 1: pred is empty",
        ),
        ('{"classes": "ab", "folds": [{"subject": "s", "clips": []}]}', "log"),
        (
            '{"subject": "s", "clips": [{"dataset": "d", "clip": "c", "true": true, "pred": 0}]}',
            "no whole number",
        ),
    ],
)
def test_what_is_no_log_is_told_by_its_place(text, message):
    with pytest.raises(DataError, match=message) as error:
        parse_log(text, "log.txt")
    assert str(error.value).startswith("log.txt")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("classes", [("a", "b"), (*CHALLENGE_CLASSES, "others")])
def test_other_classes_have_no_place_in_the_challenge_log(classes):
    log = Log(Predictions(classes, (Answer("own", "p1", "c", 0, 1),)), UNKNOWN)
    with pytest.raises(DataError, match=f"these answers {', '.join(classes)}; use --format csv"):
        render_log(log, "megc2019", SOURCE)
    assert parse_log(render_log(log, "json", SOURCE), "log").predictions == log.predictions


@pytest.mark.parametrize("names", [("own", "p 1", "c"), ("own", "2", "c"), ("own", "p", "total")])
def test_a_name_that_could_not_be_read_has_no_place_in_the_challenge_log(names):
    answers = (Answer("lab", "1", "c", 0, 0), Answer(*names, 0, 0))
    log = Log(Predictions(CHALLENGE_CLASSES, answers), UNKNOWN)
    with pytest.raises(DataError, match="use --format csv"):
        render_log(log, "megc2019", SOURCE)
    found = parse_log(render_log(log, "csv", SOURCE), "log")
    assert replace(found, notes=()) == log
    assert bool(found.notes) == ("total" in names)  # told, and scored


def test_files(tmp_path):
    file = tmp_path / "log.txt"
    file.write_text("\ufeff" + HAND)
    assert len(read_log(file).predictions.answers) == 8
    with pytest.raises(UsageError, match="no file"):
        read_log(tmp_path / "other.txt")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no text"):
        read_log(file)


def test_the_made_up_challenge_has_its_clips():
    assert len(list(challenge_clips())) == 442


scraps = st.sampled_from(
    (
        *'\n\t ,#[]{}:"0123²\0',
        *("casme2", "sub01", "\ndataset,subject,clip,true,pred\n", "null"),
        *("Subject: s01\n", "Predicted: [", "Ground Truth: [", '{"subject": ', '"clips": '),
    )
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["subject", "clips", "dataset", "clip", "true", "pred", "folds", "classes"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(scraps | st.text(max_size=4), max_size=25).map("".join) | json_values.map(json.dumps)
)
def test_any_text_is_predictions_or_one_line_of_error(text):
    try:
        assert parse_log(text, "log").predictions.answers
    except (DataError, UsageError) as error:
        assert "\n" not in str(error)


HEADINGS = "dataset,subject,clip,true,pred"
ANSWERS = [
    ("casme2", "sub01", "a", 1, 1),
    ("casme2", "sub02", "b", 0, 2),
    ("samm", "006", "c", 2, 0),
]


def as_csv(titles=HEADINGS, spelled=str, delimiter=","):
    """The answers as somebody's script might write them."""
    rows = [[*names, spelled(true), spelled(pred)] for *names, true, pred in ANSWERS]
    return "\n".join(delimiter.join(row) for row in [titles.split(","), *rows])


def as_json(written):
    return written([dict(zip(HEADINGS.split(","), each, strict=True)) for each in ANSWERS])


@pytest.mark.parametrize(
    "text",
    [
        as_csv(delimiter=";"),
        as_csv(delimiter="|"),
        "sep=\t\n" + as_csv(delimiter="\t"),
        as_csv("Database,Subject ID,File Name,Ground Truth,Predicted"),
        as_csv("DATASET,sub,video,target,y_pred"),
        as_csv("dataset,subject,clip,Actual,Predicted Class"),
        "# made by us, today\n\n# version 2\n"
        + as_csv("dataset,subject,clip,true_label,pred_label"),
        "# " + as_csv(),
        as_json(lambda rows: json.dumps(rows)),
        as_json(lambda rows: "\n".join(map(json.dumps, rows))),
        as_json(lambda rows: json.dumps({key: [row[key] for row in rows] for key in rows[0]})),
        as_json(
            lambda rows: json.dumps({k: {n: r[k] for n, r in enumerate(rows)} for k in rows[0]})
        ),
        as_csv(spelled=lambda label: f"{label}.0"),
        as_csv(spelled=lambda label: CHALLENGE_CLASSES[label].upper()),
    ],
)
def test_tables_of_others_are_read(text):
    found = parse_log(text, "log").predictions
    assert found.classes == CHALLENGE_CLASSES
    assert found.answers == tuple(Answer(*each) for each in ANSWERS)


@pytest.mark.parametrize("titles", ["neg,pos,sur", "0,1,2", "prob_0,prob_1,prob_2", "p2,p1,p0"])
def test_probabilities_stand_for_the_prediction(titles):
    chances = {0: "0.8,0.1,0.1", 1: "-1,3,2.5", 2: "0,1e-3,0.2"}
    rows = [(*names, str(true), chances[pred]) for *names, true, pred in ANSWERS]
    text = "\n".join(",".join(row) for row in [("dataset,subject,clip,true", titles), *rows])
    swap = {0: 2, 2: 0} if titles == "p2,p1,p0" else {}
    found = parse_log(text, "log").predictions
    assert [a.pred for a in found.answers] == [swap.get(a[4], a[4]) for a in ANSWERS]
    with pytest.raises(DataError, match=r"line 2: .*expected a number for each class"):
        parse_log(text.replace("-1,3,2.5", "-1,3,nan"), "log")


def test_probabilities_may_have_a_decimal_comma():
    rows = ["dataset;subject;clip;true;neg;pos;sur", "casme2;sub01;a;1;0,2;0,75;0,05"]
    assert parse_log("\n".join(rows), "log").predictions.answers[0].pred == 1


@pytest.mark.parametrize("end", ["]", ", 0.9]"])
def test_a_list_in_a_cell_has_a_number_for_each_class(end):
    lists = {0: "[0.8, 0.1, 0.1", 1: "[-1, 3, 2.5", 2: "[0, 1e-3, 0.2"}
    keys = ("dataset", "subject", "clip", "true", "probs")
    rows = [(*names, true, lists[pred] + end) for *names, true, pred in ANSWERS]
    for text in (json.dumps([dict(zip(keys, r, strict=True)) for r in rows]), csv_text(keys, rows)):
        if end == "]":
            assert parse_log(text, "log").predictions.answers == tuple(
                Answer(*each) for each in ANSWERS
            )
        else:
            with pytest.raises(DataError, match=r"no column pred.*lists needs a number for each"):
                parse_log(text, "log")


def test_a_label_that_is_cut_is_refused():
    rows = ["lab,p1,a,negative,negative", "lab,p1,b,positive,positive", "lab,p1,c,negative,negati"]
    text = "\n".join([HEADINGS, *rows])
    with pytest.raises(DataError, match="line 4: label 'negati' has no other row and begins 'neg"):
        parse_log(text, "log")
    classes = ("negative", "positive", "negati")
    assert parse_log(text, "log", Reading(classes)).predictions.classes == classes
    twice = text + "\nlab,p1,d,negati,negati"
    assert len(parse_log(twice, "log").predictions.classes) == 3


def test_an_option_stands_for_the_data_set_that_a_table_does_not_name():
    text = "subject,clip,true,pred\nsub01,a,1,1\n"
    (answer,) = parse_log(text, "log", Reading(dataset="CASME II")).predictions.answers
    assert answer == Answer("casme2", "sub01", "a", 1, 1)
    with pytest.raises(DataError, match=r"no column dataset.*--dataset NAME"):
        parse_log(text, "log")
    with pytest.raises(UsageError, match="says other data sets: leave out --dataset"):
        parse_log(as_csv(), "log", Reading(dataset="smic"))
    same = "dataset," + text.replace("\nsub01", "\ncasme2,sub01")
    assert parse_log(same, "log", Reading(dataset="CASME II")).predictions.answers == (answer,)


@pytest.mark.parametrize(
    "text",
    ["Run finished\nsaved the best model", "Step 3\nbest 0.5 0.4", "lab p1\na 0 0 .9", "done"],
)
def test_prose_is_no_log(text):
    line = text.splitlines()[-1]
    with pytest.raises(DataError, match=f"'{line}' is neither a header.* other formats"):
        parse_log(text, "log")


@pytest.mark.parametrize("label", ["-1", "7", "nan", "100%", "negatve", "1 .9"])
def test_one_wrong_label_is_told_by_its_line(label):
    text = f"lab p1\na 0 0\nb 1 1\nlab p2\na 0 {label}\nb 1 1\n"
    with pytest.raises(DataError, match=f"^log line 5: label '{label.split()[-1]}' is none of 0"):
        parse_log(text, "log")


def test_subjects_called_by_numbers_have_headers():
    own = [("own", str(number)) for number in range(1, 5)]
    people = [("lab", "1"), ("lab", "2"), ("casme2", "sub03"), ("our", "1"), ("our", "two"), *own]
    text = "".join(f"{dataset} {subject}\na 0 1.0\n" for dataset, subject in people)
    found = parse_log(text, "log").predictions.answers
    assert found == tuple(Answer(*who, "a", 0, 1) for who in people)


@pytest.mark.parametrize("remark", ["#surrogate", "#  Surrogate", "# generated clips"])
@pytest.mark.parametrize("rest", [HAND, as_csv(), f"Subject: 006\nPredicted: [0]\n{TRUTH}: [0]"])
def test_generated_clips_are_marked_however_the_remark_is_written(remark, rest):
    assert parse_log(f"{remark}\n{rest}", "log").protocol["surrogate"] is True
    other = parse_log(f"{remark} by train.py\n{rest}", "log")
    assert other.protocol["surrogate"] is False


TITLES = "dataset,subject,clip,true,pred"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["lab,s01,a,0,1", "lab,S01,b,1,1"], "subjects 's01' and 'S01' may be one person"),
        (["lab,01,a,0,1", "lab,01.0,b,1,1"], "subjects '01' and '01.0' may be one person"),
        (["lab,s01,a,0,1", "lab,s\u200b01,b,1,1"], "may be one person"),
        (["lab,s01,a,0,1", "lab,\uff5301,b,1,1"], "may be one person"),
        (["lab,s01,a,0,1", "LAB,s02,b,1,1"], "data sets 'lab' and 'LAB' may be one"),
        (["CASME II,1,a,0,1", "casme2,2,b,1,1"], "'casme2' are taken for one: casme2"),
        (["CAS(ME)^2,1,a,0,1", "CAS(ME)\u00b2,2,b,1,1"], "may be one"),
    ],
)
def test_one_person_under_several_names_is_told(rows, told):
    (note,) = parse_log("\n".join([TITLES, *rows]), "log.csv").notes
    assert told in note
    assert not parse_log(f"{TITLES}\n{rows[0]}", "log.csv").notes


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["lab,s1,nan,0,1"], "clip 'nan' is taken for a name"),
        (["lab,NA,a,0,1", "lab,s2,a,0,1"], "subject 'NA' is taken for a name"),
        (["casme2,s1,001,0,1", "casme2,sub01,1,0,1"], "clips '001' and '1' may be one, counted"),
        (["lab,s1,\u0430b,0,1", "lab,s1,ab,1,1"], "U+0430"),
    ],
)
def test_names_that_may_mean_the_same_or_nothing_are_told(rows, told):
    (note,) = parse_log("\n".join([TITLES, *rows]), "log.csv").notes
    assert told in note


@pytest.mark.parametrize(
    "twin", ["cafe\u0301", " caf\u00e9 ", "caf\u00e9\u00a0"], ids=["decomposed", "blanks", "nbsp"]
)
def test_one_clip_stored_in_two_ways_is_answered_twice(twin):
    clips = [{"dataset": "lab", "clip": name, "true": 0, "pred": 1} for name in ("caf\u00e9", twin)]
    with pytest.raises(DataError, match="answered more than once"):
        parse_log(json.dumps({"subject": "s1", "clips": clips}), "fold.json")
    found = parse_log(json.dumps({"subject": "s1", "clips": clips[1:]}), "fold.json")
    assert found.predictions.answers[0].clip == twin  # as a run may call it


@pytest.mark.parametrize(
    ("titles", "told"),
    [
        ("y_true,y_pred,label,prediction", "column y_true is scored as true, not label"),
        ("target,output,pred,Participant", "column pred is scored as pred, not output"),
        ("true,pred,pred_ema,note", "column pred is scored as pred, not pred_ema"),
        ("true,best_pred,note,prediction", "column prediction is scored as pred, not best_pred"),
    ],
)
def test_several_columns_for_one_thing_are_told(titles, told):
    text = f"dataset,subject,clip,{titles}\nlab,s1,a,0,1,1,2\nlab,s1,b,2,1,1,2"
    assert any(told in note for note in parse_log(text, "log.csv").notes)


def test_numbers_about_predictions_are_no_predictions():
    text = "dataset,subject,clip,true,pred,pred_conf\nlab,s1,a,0,1,.7\nlab,s1,b,2,1,1"
    assert not parse_log(text, "log.csv").notes


def test_ties_of_probabilities_are_counted():
    rows = ["lab,s1,a,0,.4,.4,.2", "lab,s1,b,0,.2,.4,.4", "lab,s1,c,0,.1,.8,.1"]
    log = parse_log("\n".join(["dataset,subject,clip,true,p0,p1,p2", *rows]), "log.csv")
    assert [answer.pred for answer in log.predictions.answers] == [0, 1, 1]
    printed = "Subject: 006\nPredicted : [[.5, .5, 0], [1, 2, 2]]\nGround Truth : [0, 1]"
    for found in (log, parse_log(printed, "out.txt")):
        (note,) = found.notes
        assert "equally probable in 2 answer(s)" in note


CHANCES = {
    "a": (1, [0.8, 0.1, 0.1]),
    "b": (1, [0.4, 0.4, 0.2]),
    "c": (2, [0.4, 0.4, 0.2]),
    "d": (0, [9, math.nan, 1]),
}


def chances_in_csv():
    rows = [
        f"lab,s1,{name},0,{','.join(map(str, (p, *row)))}" for name, (p, row) in CHANCES.items()
    ]
    return "\n".join([f"{TITLES},p0,p1,p2", *rows])


def chances_in_json():
    clips = [
        {"dataset": "lab", "clip": name, "true": 0, "pred": pred, "logits": row}
        for name, (pred, row) in CHANCES.items()
    ]
    return json.dumps({"subject": "s1", "clips": clips})


@pytest.mark.parametrize("text", [chances_in_csv(), chances_in_json()], ids=["csv", "json"])
def test_predictions_against_their_own_probabilities_are_counted(text):
    log = parse_log(text, "log")
    assert [answer.pred for answer in log.predictions.answers] == [1, 1, 2, 0]
    title = "logits" if text.startswith("{") else "p0"
    assert log.notes == (
        f"log: pred is not the class with the largest number in 2 row(s) ({title}); scored is pred",
        f"log: the classes have no finite numbers in 1 row(s) ({title}); scored is pred",
    )
    if text.startswith("{"):
        with pytest.raises(DataError, match="2 logits of a clip, expected one for each of neg"):
            parse_log(text.replace("[9, NaN, 1]", "[9, 1]"), "log")


@pytest.mark.parametrize(
    ("titles", "cells", "told"),
    [
        ("probabilities,logits", "[.1 .8 .1],[3 2 1]", "(logits)"),
        ("p0,p1,p2,logits", ".1,.8,.1,[3 2 1]", "(logits)"),
        ("prob_0,prob_1,prob_2,logit_neg,logit_pos,logit_sur", ".1,.8,.1,3,2,1", "(logit_neg)"),
        ("softmax,score_0,score_1,score_2", "[.1 .8 .1],3,2,1", "(score_0)"),
    ],
)
def test_each_set_of_numbers_is_held_against_the_predictions(titles, cells, told):
    text = f"dataset,subject,clip,true,pred,{titles}\nlab,s1,a,0,1,{cells}"
    (note,) = parse_log(text, "log").notes
    assert "pred is not the class with the largest number in 1 row(s)" in note and told in note


@pytest.mark.parametrize("protocol", ["null", "{}", '{"surrogate": false, "leaks": ["x"]}'])
def test_an_export_keeps_the_marks_that_it_states_anywhere(protocol):
    fold = render_log(Log(ststnet(), UNKNOWN), "json", {"surrogate": True})
    fold = re.sub(r',\s*"content_sha256": "\w+"', "", fold)  # else the edit is refused
    text = re.sub(r'"protocol": {.*?}', f'"protocol": {protocol}', fold, flags=re.DOTALL)
    found = parse_log(text, "log").protocol
    assert found["surrogate"] and bool(found["leaky"]) is ("leaks" in protocol)
    with pytest.raises(DataError, match="none that `bench export` writes"):
        parse_log(text.replace(protocol, '{"leaky": "no"}'), "log")


def test_a_text_that_is_no_log_states_no_data_set():
    with pytest.raises(DataError, match="before the first header"):
        parse_log("once upon a time there\nwas nothing at all", "log.txt", Reading(dataset="lab"))


@pytest.mark.parametrize("start", [b"PK\x03\x04\0", b"\xd0\xcf\x11\xe0\xa1"])
def test_a_workbook_is_told_to_be_saved_as_csv(start, tmp_path):
    (tmp_path / "x.xlsx").write_bytes(start)
    with pytest.raises(DataError, match=r"x\.xlsx is a spreadsheet .*save it as CSV"):
        read_log(tmp_path / "x.xlsx")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"subject": "s1", "subject": "s2", "clips": []}', "key 'subject' stands twice"),
        ("dataset,subject,clip,true,True,pred\nlab,s1,a,0,1,0", "has the column 'true' twice"),
    ],
)
def test_what_is_named_twice_is_refused(text, told):
    with pytest.raises(DataError, match=told):
        parse_log(text, "log")


@pytest.mark.parametrize("orient", ["split", "index", "table", "values"])
def test_other_forms_of_json_of_pandas_name_the_one_that_is_read(orient):
    rows = [("lab", who, clip, 0, 1) for who in ("p1", "p2") for clip in "abc"]
    frame = pd.DataFrame(rows, columns=["dataset", "subject", "clip", "true", "pred"])
    with pytest.raises(DataError, match=f"^log is .* orient='{orient}': .* orient='records'$"):
        parse_log(frame.to_json(orient=orient), "log")
    for fine in ("records", "columns"):
        assert len(parse_log(frame.to_json(orient=fine), "log").predictions.answers) == len(rows)


def table_with(title: str, cells: list[str]) -> Log:
    """Two clips of each of two people, beside a column."""
    names = [("p1", "a"), ("p1", "b"), ("p2", "a"), ("p2", "b")]
    rows = [f"lab,{who},{clip},0,1,{cell}" for (who, clip), cell in zip(names, cells, strict=True)]
    return parse_log("\n".join([f"dataset,subject,clip,true,pred,{title}", *rows]), "log")


@pytest.mark.parametrize(
    ("title", "cells", "words"),
    [
        ("split", ["train", "test", "test", "test"], "says 'train' of 1 of 4 rows"),
        ("Set", ["Validation", "Val", "test", "test"], "says 'Validation' of 2 of 4 rows"),
        ("subset", ["train_set", "test", "test", "test"], "says 'train_set' of 1 of 4 rows"),
        ("is_test", ["1", "0", "1", "0"], "says '0' of 2 of 4 rows"),
        ("in_test", ["yes", "No", "yes", "yes"], "says 'No' of 1 of 4 rows"),
        ("test", ["True", "True", "False", "False"], "says 'False' of 2 of 4 rows"),
        ("is_train", ["False", "False", "True", "False"], "says 'True' of 1 of 4 rows"),
        ("train", ["", "x", "", ""], "says 'x' of 1 of 4 rows"),
        ("is_val", ["0.0", "1.0", "1.0", "1.0"], "says '1.0' of 3 of 4 rows"),
        ("fold", ["1", "2", "1", "1"], "has 1 subject(s) in several folds, first lab p1"),
        ("CV_fold", ["1", "2", "1", "2"], "has 2 subject(s) in several folds"),
        ("usage", ["train", "test", "test", "test"], "says 'train' of 1 of 4 rows"),
        ("", ["Training", "Testing", "val", ""], "says 'Training' of 2 of 4 rows"),
        ("fold", ["train", "train", "test", "test"], "says 'train' of 2 of 4 rows"),
        ("split", ["tr", "te", "tr", "te"], "says 'tr' of 2 of 4 rows"),
        ("seed", ["0", "1", "0", "0"], "several values for 1 subject(s), first lab p1"),
        ("epoch", ["3", "4", "3", "4"], "several values for 2 subject(s), first lab p1"),
        ("Model Name", ["a", "b", "a", "b"], "several values for 2 subject(s)"),
        ("count", ["1", "3", "1", "1"], "is not used: each row counts once"),
        ("sample weight", ["0.5", "0.5", "1", "1"], "is not used: each row counts once"),
    ],
)
def test_columns_that_contradict_the_score_are_told(title, cells, words):
    (note,) = table_with(title, cells).notes
    assert words in note and repr(title) in note


@pytest.mark.parametrize(
    ("title", "cells"),
    [
        ("split", ["test"] * 4),
        ("fold", ["1", "1", "2", "2"]),
        ("split", ["p1", "p1", "p2", "p2"]),
        ("is_test", ["True"] * 4),
        ("train", ["0"] * 4),
        ("test", ["1", "2", "1", "2"]),
        ("test", [""] * 4),
        ("val", ["1", "0", "1", "0"]),
        ("count", ["1"] * 4),
        ("epoch", ["3", "3", "4", "4"]),
        ("seed", ["0"] * 4),
        ("type", ["test"] * 4),
        ("type", ["trained actor", "train", "", ""]),
        ("note", [""] * 4),
    ],
)
def test_columns_that_agree_with_it_are_not(title, cells):
    assert not table_with(title, cells).notes


def test_several_seeds_in_json_lines_are_told():
    rows = [("s1", "1", 0, 0), ("s2", "2", 1, 0), ("s1", "3", 0, 1), ("s2", "4", 1, 1)]
    keys = ("subject", "clip", "true", "epoch")
    lines = [json.dumps({**dict(zip(keys, row, strict=True)), "pred": 1}) for row in rows]
    (note,) = parse_log("\n".join(lines), "log", Reading(dataset="lab")).notes
    assert "column 'epoch' has several values for 2 subject(s)" in note


@pytest.mark.parametrize(
    "row", ["#lab,s1,b,1,0", " # lab,s1,b,1,0", "# lab,s1\n#lab,s1,b,1,0", "#lab,s1,b,1,0,x"]
)
def test_a_row_that_begins_with_a_hash_is_a_remark(row):
    log = parse_log(f"{TITLES}\nlab,s1,a,0,0\n{row}\nlab,s2,a,1,1\n# mean UAR .5\n", "log.csv")
    assert [answer.clip for answer in log.predictions.answers] == ["a", "a"]
    (note,) = log.notes
    assert f"{1 + row.count(chr(10))} row(s) that begin with # are left out" in note
    assert note.endswith("first line 3")


@pytest.mark.parametrize("start", ["", "sep=;\n", "\n\n"])
def test_remarks_are_found_whatever_is_above_and_within_cells(start):
    rows = [f"{TITLES},note", 'lab,s1,a,0,0,a 5" screen', "#lab,s1,b,1,0,x", 'lab,s2,a,1,1,"x\n#"']
    text = start + "\n".join(rows)
    log = parse_log(text.replace(",", ";") if "sep" in start else text, "log")
    assert [answer.subject for answer in log.predictions.answers] == ["s1", "s2"]
    assert log.notes[0].endswith(f"first line {3 + start.count(chr(10))}")
    every = f"{start}{TITLES}\n#lab,s1,a,0,0\n#lab,s1,b,0,0\n"
    every = every.replace(",", ";") if "sep" in start else every
    assert len(parse_log(every, "log").predictions.answers) == 2


@pytest.mark.parametrize("clip", ["#b 1 0", " # b 1 0", "## my b positive negative"])
def test_a_clip_of_a_log_that_begins_with_a_hash_is_told(clip):
    block = f"lab s2\n{clip}\n#c 2 2\nd 0 1\n"
    log = parse_log(f"# of 3 June\nlab s1\na 0 0 # 1 1\n{block}# mean 1 0", "log")
    assert [answer.clip for answer in log.predictions.answers] == ["a", "d"]
    (note,) = log.notes
    assert note == (
        "log: 2 line(s) that begin with # and answer clips are left out, as remarks, first line 5"
    )


@pytest.mark.parametrize("header", ["#lab p03", "# CASME II sub03", "#samm 6"])
def test_clips_below_a_header_that_is_a_remark_are_refused(header):
    start, end = "lab p02\na 0 0\n", "casme2 sub04\nb 1 1\n"
    for rest in (end, ""):
        with pytest.raises(DataError, match=r"log line 3: '.*' is a remark.* of 'lab p02'"):
            parse_log(f"{start}{header}\nc 0 0\n#d 1 1\n{rest}", "log")
    log = parse_log(f"{start}{header}\n#c 0 0\n#d 1 1\n{end}", "log")
    assert [answer.clip for answer in log.predictions.answers] == ["a", "b"]
    assert "first line 4" in log.notes[0]


def test_other_remarks_in_a_log_are_remarks():
    text = "# classes: 0 negative, 1 positive, 2 surprise\n# lab p1\nlab p1\n# lab p1\na#1 0 0\n"
    text += "# lab only\n# lab fold1\n# for 300 epochs\n# seeds: 0 1 2\n# 100 epochs, batch 16 32"
    text += "\nb 1 1 # lab p2\n"
    log = parse_log(text + "lab p#2\na#1 0 0\n", "log")
    assert [answer.key[1:] for answer in log.predictions.answers][0::2] == [
        ("p1", "a#1"),
        ("p#2", "a#1"),
    ]
    assert not log.notes


def test_rows_that_all_begin_with_a_hash_are_answers():
    text = 'clip,subject,true,pred,note\n#1,s1,0,0,a\n#2,s1,1,1,"b\n# c"\n'
    reading = Reading(dataset="lab")
    assert [a.clip for a in parse_log(text, "l", reading).predictions.answers] == ["#1", "#2"]
    within = text.replace("#2", "2").replace("#1", "1")
    assert parse_log(within, "l", reading).notes == ()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Dataset,Subject,Filename,Label,Prediction", "line 3: .* are titles once more"),
        ("x,sub,video,y_true,y_pred", "line 3: .* are titles once more"),
        ("lab,Total,4,1,1", "line 3: 'lab, Total, 4, 1, 1' is a summary, and no clip"),
        ("mean,all,all,0,0", "line 3: .* is a summary, and no clip"),
        ("lab,macro avg,4,1,1", "line 3: .* is a summary, and no clip"),
    ],
)
def test_a_row_that_is_no_answer_is_refused(row, told):
    rows = [TITLES, "lab,F1,video,0,1", row, "lab,s2,clip,1,1"]
    with pytest.raises(DataError, match=told):
        parse_log("\n".join(rows), "log.csv")
    del rows[2]
    assert not parse_log("\n".join(rows), "log.csv").notes


@pytest.mark.parametrize(
    "text",
    [
        "dataset,subject,clip,true,p0,p1,p2\nlab,1,a,happy,.8,.1,.1\nlab,1,b,sad,.1,.1,.8",
        "dataset,subject,clip,true,pred\nlab,1,a,happy,positive\nlab,1,b,sad,negative",
    ],
)
def test_labels_of_other_words_than_the_predictions_ask_for_the_classes(text):
    with pytest.raises(DataError, match=r"\(happy, sad\) is ever predicted .*--classes A,B"):
        parse_log(text, "log")
    if "p0" in text:
        found = parse_log(text, "log", Reading(classes=("happy", "anger", "sad")))
        assert [answer.pred for answer in found.predictions.answers] == [0, 2]
    mostly_wrong = "dataset,subject,clip,true,pred\nlab,1,a,happy,sad\nlab,1,b,sad,happy"
    assert parse_log(mostly_wrong, "log").predictions.classes == ("happy", "sad")


def answered(rows: list[tuple[object, object]], form: str) -> str:
    """True and predicted labels of clips of four people, as a table, log or print has them."""
    own = [rows[person::4] for person in range(4)]
    if form == "print":
        lists = [tuple(map(list, zip(*each, strict=True))) for each in own]
        text = "Subject: s{}\nGround Truth : {}\nPredicted : {}\n"
        return "".join(text.format(n, *each) for n, each in enumerate(lists, 1))
    mark = "lab s{0}\n" if form == "log" else ""
    row = "c{1} {2} {3}\n" if form == "log" else "lab,s{0},c{1},{2},{3}\n"
    return "".join(
        (mark * (k == 0) + row).format(n, f"{n}_{k}", *pair)
        for n, each in enumerate(own)
        for k, pair in enumerate(each)
    )


@pytest.mark.parametrize("form", ["table", "log", "print"])
def test_numbers_of_two_codings_are_told_whatever_the_form(form):
    start = TITLES + "\n" if form == "table" else ""
    turned = [(k % 3, (k + 1) % 3) for k in range(24)]
    reading = Reading(dataset="lab" if form == "print" else "")
    (note,) = parse_log(start + answered(turned, form), "f", reading).notes
    assert "0 of 24 answers are right, and 24 if predicted 0 is 2, 1 is 0, 2 is 1" in note
    poor = [(k % 3, k % 2) for k in range(24)]  # chance
    one = [(0 if k % 4 else 1, 1) for k in range(24)]  # always the rarer class
    for rows in (poor, one):
        assert not parse_log(start + answered(rows, form), "f", reading).notes


def test_words_that_only_one_column_has_are_told():
    rows = [("anger", "angry"), ("disgust", "disgust"), ("happiness", "happiness")]
    (note,) = parse_log(f"{TITLES}\n" + answered(rows * 3, "table"), "f").notes
    assert "true anger is never predicted, and predicted angry is never true" in note
    fine = [("anger", "disgust"), ("disgust", "disgust"), ("happiness", "happiness")]
    assert not parse_log(f"{TITLES}\n" + answered(fine * 3, "table"), "f").notes
    doubt = [("positive?", "positive"), ("negative", "negative"), ("positive", "positive?")]
    notes = parse_log(f"{TITLES}\n" + answered(doubt * 3, "table"), "f").notes
    assert any("classes 'positive' and 'positive?' may be one" in note for note in notes)


@pytest.mark.parametrize(
    ("clips", "place"),
    [
        (["c1 0 0 1", "c2 1 2 0", "c3 2 2 1"], 2),
        (["c1 positive positive surprise", "c2 negative positive negative"], 2),
        (["0 c1 0 0", "1 c1 0 1", "42 c1 1 1"], 1),
        (["c1 0 0 1 3", "c2 1 2 0 3"], 2),
    ],
)
def test_a_log_with_more_columns_is_refused(clips, place):
    text = "".join(f"lab s{n}\n" + "\n".join(clips) + "\n" for n in (1, 2))
    with pytest.raises(DataError, match=f"line 2: .*those in place {place} may be labels, seeds"):
        parse_log(text, "log")


@pytest.mark.parametrize(
    "clips",
    [
        ["video 1 0 0", "video 2 0 1"],
        ["EP 19 5 0 0", "EP 19 6 0 1", "EP 2 1 1 1"],
        ["EP02 01f 1 1", "EP19 05f 0 0"],
        ["happy 1 0 0", "happy 2 1 1", "sad 1 0 0"],
        ["a b 0 0", "a c 1 1"],
        ["006 1 0 0", "006 2 1 1"],
    ],
)
def test_names_of_several_words_are_names(clips):
    text = "".join(f"lab s{n}\n" + "\n".join(clips) + "\n" for n in (1, 2))
    found = parse_log(text, "log").predictions.answers
    assert [a.clip for a in found[: len(clips)]] == [c.rpartition(" ")[0][:-2] for c in clips]


@pytest.mark.parametrize("titles", ["0,1,2", "p0,p1,p2", "neg,pos,sur"])
def test_columns_of_labels_are_no_probabilities(titles):
    start = f"dataset,subject,clip,true,{titles}\n"
    with pytest.raises(DataError, match=r"column .* hold labels, as it seems"):
        parse_log(f"{start}lab,s1,a,0,0,0,1\nlab,s1,b,1,1,1,2\n", "log")
    with pytest.raises(DataError, match="hold labels"):
        parse_log(f"{start}lab,s1,a,0,1,1,1\nlab,s1,b,1,1,1,1\n", "log")
    for rows in (["0,0,1", "1,0,0"], ["0,2,1", "1,1,1"], ["0,2,5", "1,1,1"], ["0,.5,1", "1,1,1"]):
        text = start + "".join(f"lab,s1,{n},0,{row}\n" for n, row in enumerate(rows))
        assert len(parse_log(text, "log").predictions.answers) == 2


def test_probabilities_may_be_in_per_cent():
    text = "dataset,subject,clip,true,p0,p1,p2\nlab,s1,a,0,85%,10%,5%\nlab,s2,b,1,5%,80 %,15%\n"
    found = parse_log(text, "log").predictions.answers
    assert [answer.pred for answer in found] == [0, 1]


@pytest.mark.parametrize("word", ["no", "False", "n", "0.0", ""])
def test_a_column_that_says_no_marks_no_generated_clips(word):
    text = f"{TITLES},surrogate\nlab,s1,a,0,0,{word}\nlab,s1,b,1,1,{word}"
    assert parse_log(text, "log").protocol["surrogate"] is False
    assert parse_log(text.replace(f"1,1,{word}", "1,1,yes"), "log").protocol["surrogate"] is True


def test_titles_in_a_remark_above_a_log_are_a_remark():
    text = "# file, true, predicted\nlab s1\na 1 1\nb 0 0\n"
    assert len(parse_log(text, "log").predictions.answers) == 2


def test_folds_beside_classes_are_no_columns():
    clips = [{"dataset": "lab", "clip": "a", "true": 0, "pred": 1}]
    folds = [{"subject": f"s{n}", "clips": clips} for n in range(6)]
    text = json.dumps({"classes": ["a", "b", "c"], "folds": folds})
    assert parse_log(text, "log").predictions.classes == ("a", "b", "c")


def test_wekas_prediction_is_a_probability():
    text = "dataset,subject,clip,actual,predicted,error,prediction\nlab,s1,a,0,1,+,.9"
    assert parse_log(text, "log").predictions.answers[0].pred == 1


TURNED = (1, 2, 0)


def mixed(kind: str, order=TURNED) -> str:
    """A table with words on one side and numbers, in some order of the classes, on the other."""
    rows = []
    for number in range(24):
        own = number % 3
        place = order.index(own if number % 6 else (own + 1) % 3)
        chances = ",".join(str(0.8 if each == place else 0.1) for each in range(3))
        word = CHALLENGE_CLASSES[own]
        cells = {
            "columns": (word, chances),
            "list": (word, '"[' + chances.replace(",", " ") + ']"'),
            "pred": (word, place),
            "true": (place, word),
        }[kind]
        rows.append(f"lab,p{number // 6},c{number},{cells[0]},{cells[1]}")
    last = {"columns": "p0,p1,p2", "list": "probs"}.get(kind, "pred")
    return "\n".join([f"dataset,subject,clip,true,{last}", *rows])


@pytest.mark.parametrize("kind", ["columns", "list", "pred", "true"])
def test_words_beside_numbers_are_told_with_an_order_that_fits(kind):
    log = parse_log(mixed(kind), "log.csv")
    (note,) = (each for each in log.notes if "in numbers" in each)
    assert "0 is negative, 1 is positive, 2 is surprise" in note
    named = note.rpartition("with --classes ")[2]
    order, right = named.split()
    assert order.split(",") == [CHALLENGE_CLASSES[place] for place in TURNED] and right == "20"
    again = parse_log(mixed(kind), "log.csv", Reading(tuple(order.split(","))))
    assert sum(a.true == a.pred for a in again.predictions.answers) == 20
    (note,) = (each for each in again.notes if "in numbers" in each)
    assert note.endswith("with --classes")


def test_words_beside_the_usual_numbers_are_told_and_no_other_order():
    (note,) = parse_log(mixed("pred", (0, 1, 2)), "log.csv").notes
    assert "in numbers" in note and note.endswith("with --classes")


def test_words_alone_and_numbers_alone_are_not_told():
    numbers = mixed("pred")
    for number, name in enumerate(CHALLENGE_CLASSES):
        numbers = numbers.replace(name, str(number))
    (note,) = parse_log(numbers, "log.csv").notes
    assert "4 of 24 answers are right, and 20 if predicted 0 is 1, 1 is 2, 2 is 0: " in note
    swap = {"0": "1", "1": "2", "2": "0"}
    right = [row[:-1] + swap[row[-1]] if row[-1] in swap else row for row in numbers.split("\n")]
    assert parse_log("\n".join(right), "log.csv").notes == ()
    named = mixed("columns").replace("p0,p1,p2", "neg,pos,sur")
    assert parse_log(named, "log.csv").notes == ()


@pytest.mark.parametrize("title", ["correct", "is_correct", "hit"])
@pytest.mark.parametrize("yes", [("1", "0"), ("True", "False")])
def test_a_column_of_right_answers_that_says_otherwise_is_told(title, yes):
    right, wrong = yes
    rows = [("s1,c1,0,0", right), ("s1,c2,1,0", wrong), ("s2,c1,2,2", right)]
    text = "".join(f"{row},{said}\n" for row, said in rows)
    heads = f"subject,clip,true,pred,{title}\n"
    told = "says otherwise than true and predicted of 1 of 3 rows"
    lab = Reading(dataset="lab")
    assert not any(told in note for note in parse_log(heads + text, "a.csv", lab).notes)
    other = text.replace("s1,c2,1,0", "s1,c2,0,0")
    assert any(told in note for note in parse_log(heads + other, "a.csv", lab).notes)


def from_numbers(titles: str, number) -> tuple[str, ...]:
    """The notes on a table whose answers are right by the largest of `number(probability)`."""
    ends = [(n % 3, [0.1 + 0.01 * n, 0.7 - 0.02 * n, 0.2 + 0.01 * n]) for n in range(12)]
    rows = []
    for n, (true, chances) in enumerate(ends):
        turned = [chances[(place + 1 - true) % 3] for place in range(3)]
        cells = ",".join(str(number(each)) for each in turned)
        label = CHALLENGE_CLASSES[true] if "neg" in titles else true
        rows.append(f"lab,s{n % 4},c{n},{label},{cells if ',' in titles else f'[{cells}]'}")
    rows = [row.replace("[", '"[').replace("]", ']"') for row in rows]
    return parse_log("\n".join([f"dataset,subject,clip,true,{titles}", *rows]), "log").notes


NUMBERS = ["p0,p1,p2", "prob_neg,prob_pos,prob_sur", "probabilities"]


@pytest.mark.parametrize("titles", NUMBERS)
def test_losses_and_distances_in_the_place_of_probabilities_are_told(titles):
    for number in (lambda p: -math.log(p), lambda p: 1 - p):
        none, reversed_ = from_numbers(titles, number)
        assert "are no probabilities in 12 of 12 rows, first " in none
        assert "0 of 12 answers are right, and 12 if the class with the smallest" in reversed_


@pytest.mark.parametrize(
    "titles", [*NUMBERS, "0,1,2", "neg,pos,sur", "logits", "score_0,score_1,score_2"]
)
def test_probabilities_votes_and_logits_are_what_their_titles_say(titles):
    for number in (lambda p: p, lambda p: f"{p:.2f}", lambda p: round(100 * p, 1)):
        assert not from_numbers(titles, number)
    if titles not in NUMBERS:
        assert not from_numbers(titles, lambda p: 7 * p - 3)
        (note,) = from_numbers(titles, lambda p: 2 - p)
        assert "smallest number" in note


def test_votes_are_probabilities_of_another_sum():
    assert not from_numbers("p0,p1,p2", lambda p: round(500 * p))
