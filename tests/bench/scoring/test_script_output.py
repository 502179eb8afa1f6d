"""The output of training scripts, fold by fold, with and without the best epoch's answers."""

from __future__ import annotations

import pytest

from bench.errors import DataError, UsageError
from bench.scoring.logs import Reading, parse_log
from bench.scoring.report import score_report, scored

PLAIN = """\
Subject: 006
Predicted   : [0, 0, 2]
Ground Truth: [0, 1, 2]
UF1: 0.5185 | UAR: nan
Subject: s05
Predicted   : [0, 0]
Ground Truth: [0, 2]
Final Evaluation:
"""

BEST = """\
lr=0.0005, epochs=800
2023-01-01 INFO Subject: sub01
Predicted    :[0, 0, 0]
2023-01-01 INFO Best Predicted    :[1, 0, 0]
Ground Truth :[1, 0, 0]
"""


def answers(text, **reading):
    found = parse_log(text, "out.txt", Reading(**reading)).predictions.answers
    return [(a.dataset, a.subject, a.true, a.pred) for a in found]


def test_subjects_tell_their_data_set():
    first = [("samm", "006", 0, 0), ("samm", "006", 1, 0), ("samm", "006", 2, 2)]
    assert answers(PLAIN) == [*first, ("smic", "s05", 0, 0), ("smic", "s05", 2, 0)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("Subject:", "\x1b[32mSubject:\x1b[0m"),
        lambda text: text.replace("Predicted", "\x1b[1;38;5;9mPredicted\x1b[0m"),
        lambda text: text.replace("[0, ", "[0, \x1b[K"),
        lambda text: text.replace("\nPred", "\n 10%|#  | 1/10\r100%|##| 10/10\nPred"),
        lambda text: text.replace("Subject", "train: 100%|█| 9/9 [00:01<00:00, 5.1it/s]Subject"),
        lambda text: text.replace("Ground", "\rval:  50%|█ | 1/2 [00:01<00:00]\nGround"),
        lambda text: text.replace("[0, ", "[0,\r 50%|█ | 1/2 [00:01<00:00]\n "),
    ],
)
@pytest.mark.parametrize("text", [PLAIN, BEST])
def test_colours_and_progress_bars_are_no_part_of_a_print(spoil, text):
    text = f"start\n{text}"
    assert spoil(text) != text
    assert answers(spoil(text)) == answers(text)


def test_titles_may_be_in_lower_case_and_with_another_sign():
    options = "Namespace(subject='all')\nsubject: all\n"
    assert answers(options + PLAIN) == answers(PLAIN)
    for text in (PLAIN.lower(), PLAIN.replace(":", " ="), BEST.lower().replace("info ", "\n")):
        assert answers(text) == answers(BEST if "best" in text else PLAIN)


def test_the_last_answers_count_and_the_best_only_if_asked_for():
    assert [row[3] for row in answers(BEST)] == [0, 0, 0]
    assert [row[3] for row in answers(BEST, selection="last")] == [0, 0, 0]
    assert [row[3] for row in answers(BEST, selection="oracle")] == [1, 0, 0]


def test_the_best_epoch_on_the_test_subject_is_leaky():
    log = parse_log(BEST, "out.txt", Reading(selection="oracle"))
    assert (log.protocol["leaky"], log.protocol["selection"]) == (True, "oracle")
    assert parse_log(BEST, "out.txt").protocol["leaky"] is None
    only_best = "\n".join(line for line in BEST.splitlines() if not line.startswith("Predicted"))
    assert parse_log(only_best, "out.txt").protocol["leaky"] is True


def test_clips_without_names_are_checked_by_their_number():
    report = score_report(scored(parse_log(PLAIN, "out.txt")), draws=0)
    where = {problem["where"] for problem in report["problems"]}
    assert "smic s05" not in where  # one negative, one surprise: as listed
    assert "samm 006" in where  # nine negative and two surprise are listed


def test_bare_numbers_need_their_data_set():
    text = PLAIN.replace("006", "6")
    with pytest.raises(DataError, match="'6' may be a subject of any data set; say which"):
        parse_log(text, "out.txt")
    assert answers(BEST.replace("sub01", "1"), dataset="CASME II")[0][:2] == ("casme2", "sub01")
    assert answers(BEST.replace("sub01", "1"), dataset="mine")[0][:2] == ("mine", "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN.replace("[0, 0, 2]", "[0, 0]"), "subject 006 has 3 true and 2 predicted labels"),
        (
            BEST.replace("[1, 0, 0]\nG", "[1, 0]\nG"),
            "sub01 has 3 true and 2 `Best Predicted` labels",
        ),
        (PLAIN.replace("Final", "Predicted: [0, 1]\nFinal"), "s05 has 2 lists `Predicted`"),
        (PLAIN.replace("Final", "Ground Truth: [2, 0]\nFinal"), "s05 has 2 lists `Ground Truth`"),
        (PLAIN.replace("[0, 0, 2]", ""), "not every subject has a line"),
        (PLAIN.replace("[0, 2]", "[0, 7]"), "label 7, expected 0 to 2 .*--classes"),
        (PLAIN + PLAIN, "samm 006 #1 .*is answered more than once"),
    ],
)
def test_what_does_not_fit_is_told(text, message):
    with pytest.raises(DataError, match=message) as error:
        parse_log(text, "out.txt")
    assert str(error.value).startswith("out.txt")


def test_answers_that_nobody_printed():
    with pytest.raises(UsageError, match="no answers of selection=oracle, only Predicted"):
        parse_log(PLAIN, "out.txt", Reading(selection="oracle"))
    with pytest.raises(UsageError, match="no answers of selection=inner_val"):
        parse_log(BEST, "out.txt", Reading(selection="inner_val"))


@pytest.mark.parametrize(
    "spelled",
    [
        "[np.int64({}), np.int64({}), np.int64({})]",
        "[np.float32({}.0), {}, np.int32({})]",
        "tensor([{}, {}, {}])",
        "tensor([{}, {},\n        {}], device='cuda:0', dtype=torch.int32)",
        "array([{}., {}., {}.])",
        "[{} {}\n {}]",
    ],
)
def test_lists_are_read_as_numpy_and_torch_print_them(spelled):
    text = f"Subject: sub01\nPredicted : {spelled.format(0, 2, 1)}\nGround Truth : [0, 1, 1]\n"
    assert [a[2:] for a in answers(text)] == [(0, 0), (1, 2), (1, 1)]


@pytest.mark.parametrize(
    "spelled", ["tensor([[.2, .7, .1],\n [3, -1, 2]])", "[array([.2, .7, .1]), tensor([3, -1, 2])]"]
)
def test_a_list_of_lists_holds_a_number_for_each_class(spelled):
    text = f"Subject: sub01\nPredicted : {spelled}\nGround Truth : [1, 1]\n"
    assert [a[2:] for a in answers(text)] == [(1, 1), (1, 0)]


@pytest.mark.parametrize(
    "written", ["[0, x]", "[0.5, 1]", "[0, 1", "[[nan, 1, 0]]", "[2, [1, 0, 0]]"]
)
def test_other_lists_are_refused_with_their_line(written):
    text = f"Subject: sub01\nPredicted : {written}\nGround Truth : [0, 1]\n"
    with pytest.raises(DataError, match=r"out\.txt line 2: Predicted: .*no list of labels"):
        parse_log(text, "out.txt")


@pytest.mark.parametrize(
    "rows", ["[.1, .2], [.2, .8, 0]", "[.1, .9], [.2, .8]", "[.5], [.2]", "[]"]
)
def test_a_row_has_a_number_for_each_class(rows):
    text = f"Subject: sub01\nPredicted : [{rows}]\nGround Truth : [0, 2]\n"
    with pytest.raises(DataError, match=r"line 2: Predicted: a list of \d number.* negative, .*"):
        parse_log(text, "out.txt")


@pytest.mark.parametrize(
    "part", ["Train ", "val_", "[dev] ", "Validation: ", "12:01 INFO valid Best "]
)
def test_answers_that_are_no_tests_are_left_out_and_told(part):
    more = f"{part}Predicted : [1, 1, 1]\n{part}Ground Truth : [2, 2, 2]\n"
    text = BEST.replace("INFO", "train.py INFO") + more
    assert answers(text) == answers(BEST)
    (note,) = parse_log(text, "out.txt").notes
    assert note.startswith("out.txt: 2 list(s) left out, not of the test: ")
    assert not parse_log(BEST + BEST.splitlines()[-1], "out.txt").notes


def test_a_print_of_validation_alone_says_so():
    with pytest.raises(DataError, match=r"Predicted : .*left out: 'Val Predicted', 'Val Ground"):
        parse_log(PLAIN.replace("Predicted", "Val Predicted").replace("Gro", "Val Gro"), "out.txt")


@pytest.mark.parametrize(
    "title",
    [
        *("Best_Predicted", "best-predicted", "Best  Predicted", "best epoch Predicted"),
        *("Best (epoch 40) Predicted", "Best UF1 predicted", "Max Predicted", "oracle: Predicted"),
    ],
)
def test_the_best_epochs_answers_are_known_by_a_word_of_their_line(title):
    text = BEST.replace("Best Predicted", title)
    assert answers(text, selection="oracle") == answers(BEST, selection="oracle")
    assert answers(text) == answers(BEST)
    alone = PLAIN.replace("Predicted", title)
    assert parse_log(alone, "out.txt").protocol["selection"] == "oracle"


@pytest.mark.parametrize("title", ["top-1 Predicted", "best_model.py Predicted", "stop Predicted"])
def test_other_words_of_a_line_are_no_best_epoch(title):
    assert parse_log(PLAIN.replace("Predicted", title), "out.txt").protocol["leaky"] is None


def printed(subjects):
    text = "Subject: s{:02d}\nPredicted : {}\nGround Truth : {}\n"
    return "".join(text.format(n, pred, true) for n, (true, pred) in enumerate(subjects, 1))


OWN = [([0, 1, 2], [0, 1, 1]), ([2, 0], [2, 0]), ([1, 1, 0], [1, 2, 0])]


def joined(subjects):
    return tuple([label for each in subjects for label in each[side]] for side in (0, 1))


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("count", [2, 3])
def test_lists_of_all_subjects_so_far_are_refused(turn, count):
    so_far = [joined(OWN[: n + 1][::turn]) for n in range(count)]
    with pytest.raises(DataError, match="line 4: its lists hold those of the subject before"):
        answers(printed(so_far))
    assert len(answers(printed(OWN))) == 8


def test_a_total_in_the_place_of_a_subject_is_refused():
    with pytest.raises(DataError, match="line 10: 's04' has the lists of all subjects before it"):
        answers(printed([*OWN, joined(OWN)]))
    alike = [([0, 1], [0, 0]), ([0, 1, 2], [0, 0, 2]), ([0, 0], [0, 0])]
    assert len(answers(printed([*alike, ([0], [0]), ([0], [0])]))) == 9


@pytest.mark.parametrize("total", ["", "Predicted : [0, 0]\nGround Truth : [0, 1]\n"])
def test_lists_before_the_first_subject_are_of_nobody(total):
    after = "Predicted : [0, 1]\nGround Truth : [0, 1]\nSubject: s01 done\n"
    with pytest.raises(DataError, match="line 1: a list before the first `Subject:` is of nobody"):
        answers(after + total)
    assert answers("Train Predicted : [0]\nTrain Ground Truth : [1]\n" + PLAIN) == answers(PLAIN)


def test_a_column_of_labels_is_a_list_and_rows_of_labels_are_not():
    text = "Subject: sub01\nPredicted : {}\nGround Truth : [0, 1]\n"
    assert [a[3] for a in answers(text.format("[[0], [1.]]"))] == [0, 1]
    assert [a[3] for a in answers(text.format("[[1, 0, 0], [0, 1, 0]]"))] == [0, 1]
    with pytest.raises(DataError, match="line 2: Predicted: its rows hold labels"):
        answers(text.format("[[0, 0, 1], [1, 1, 2]]"))


@pytest.mark.parametrize("heading", ["Training set:", "== Validation split:", "  train results :"])
def test_lists_below_a_heading_are_of_what_it_names(heading):
    other = f"{heading}\nPredicted : [1, 1]\nGround Truth : [0, 0]\nTest set:\n"
    text = PLAIN.replace("Subject: 006\n", f"Subject: 006\n{other}")
    log = parse_log(text, "log.txt", Reading(dataset="samm"))
    assert log.predictions == parse_log(PLAIN, "log.txt", Reading(dataset="samm")).predictions
    assert any("left out, not of the test" in note for note in log.notes)


@pytest.mark.parametrize("name", ["all", "Total", "mean"])
def test_all_together_are_no_subject(name):
    text = PLAIN.replace("Subject: s05", f"Subject: {name}")
    with pytest.raises(DataError, match=f"{name}' is no subject"):
        parse_log(text, "log.txt", Reading(dataset="samm"))


@pytest.mark.parametrize("remark", ["(epoch 100)", " (ensemble, t=2)", " [last]"])
def test_titles_with_a_remark_in_brackets_are_titles(remark):
    text = PLAIN.replace("Predicted ", f"Predicted{remark}").replace("Truth", f"Truth{remark}")
    assert answers(text) == answers(PLAIN)
    for title, other in (("Predicted", "[1, 1, 1]"), ("Ground Truth", "[2, 2, 2]")):
        twice = PLAIN.replace("Subject: s05", f"{title}{remark} : {other}\nSubject: s05")
        with pytest.raises(DataError, match=f"006 has 2 lists `{title}`"):
            answers(twice)


def test_remarks_in_brackets_tell_of_what_a_list_is():
    text = PLAIN.replace("Predicted  ", "Predicted (val) : [1]\nPredicted (test)")
    log = parse_log(text, "out.txt")
    assert log.predictions == parse_log(PLAIN, "out.txt").predictions
    assert "2 list(s) left out, not of the test: 'Predicted (val)'" in log.notes[0]
    best = PLAIN.replace("Predicted  ", "Predicted (best epoch)")
    assert parse_log(best, "out.txt").protocol["selection"] == "oracle"


@pytest.mark.parametrize("title", ["Predicted by vote", "predicted_ensemble", "Ground-Truth old"])
def test_lists_of_labels_with_further_words_are_left_out_and_told(title):
    log = parse_log(PLAIN.replace("Final", f"{title}: [1, 1]\nFinal"), "out.txt")
    assert log.predictions == parse_log(PLAIN, "out.txt").predictions
    (note,) = log.notes
    assert note == f"out.txt: 1 list(s) left out, with further words: '{title}'"
    for other in ("[0.5, 1]", "[12, 40]", "[1, 1, 0]", "[[1, 0, 0], [0, 1, 0]]"):
        assert not parse_log(PLAIN.replace("Final", f"{title}: {other}\nFinal"), "out.txt").notes
