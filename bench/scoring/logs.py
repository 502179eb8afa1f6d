"""Files of predictions, read: MEGC2019 log, CSV, and JSON of this harness.

`bench.scoring.answer_tables` finds tables, JSON records among them; `bench.scoring.script_output`
reads what training scripts print, `bench.scoring.challenge_log` the lines of the challenge's log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import BUILT_IN
from bench.data.sets.doubts.people import doubtful_people
from bench.data.sets.identity import look_alikes, sets_of_several_names
from bench.errors import DataError, UsageError, printable, quoted
from bench.runs.checksums import require_as_made
from bench.runs.folds import fold_of
from bench.runs.predictions import Answer, Predictions, fold_answers
from bench.scoring.answer_tables import (
    COLUMNS,
    SPELLINGS,
    TITLES,
    records,
    table_text,
    without_remarks,
)
from bench.scoring.challenge_log import (
    NO_PEOPLE,
    SINGLE,
    LogLine,
    challenge_lines,
    dataset_named,
    is_surrogate,
    not_understood,
    of_leaks,
    remarked_clips,
    remarked_leaks,
    whole,
)
from bench.scoring.chances import against, chances_of, doubtful, most_probable
from bench.scoring.columns import NO, contradicting
from bench.scoring.labels import (
    are_words,
    fits,
    label_place,
    labelled,
    named_predictions,
    numbering,
    recoded,
    unmatched,
)
from bench.scoring.mistaken import mistaken
from bench.scoring.script_output import TIED, is_printed, printed_answers, without_bars
from bench.system.files import parsed_json
from bench.system.result_files import EDITED, is_edited
from bench.system.tables import Table, encoding_note, parse_table, plain_title, read_text

_COLOUR = re.compile(r"\x1b\[[0-9;:]*[mK]")
"""What terminals are told of colours, and to clear a line (ECMA-48), which is no part of a text."""

UNKNOWN = MappingProxyType(
    {
        "aggregation": "pooled",
        "search_scope": None,
        "selection": None,
        "leaky": None,
        "surrogate": False,
    }
)
"""What is known of the protocol behind predictions made elsewhere."""


@dataclass(frozen=True)
class Log:
    """Predictions with what their file says of the protocol (None: nothing).

    notes: what a reader of the scores has to be told of the file, a line each.
    """

    predictions: Predictions
    protocol: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How a file is to be read where it does not say so itself.

    classes: what the numbers 0, 1, ... mean; by default the challenge's. dataset, selection: of
    what a training script printed (`bench.scoring.script_output`), the data set and which of two
    answers.
    """

    classes: tuple[str, ...] = ()
    dataset: str = ""
    selection: str | None = None


AS_STATED = Reading()


def read_log(path: Path, reading: Reading = AS_STATED) -> Log:
    """The predictions in a file; its format is seen from its content.

    The challenge's classes come out in the challenge's order, data sets, subjects and SMIC's clips
    under the challenge's names. Raises UsageError where there is no such file, DataError, with the
    line, where it is none of the formats or answers a clip twice.
    """
    log = parse_log(text_of(path), path.name, reading)
    note = encoding_note(path)
    return replace(log, notes=(f"{path.name}: {note}", *log.notes)) if note else log


def parse_log(text: str, name: str, reading: Reading = AS_STATED) -> Log:
    """The predictions in the text of a file called `name`, as `read_log` reads them."""
    text = _COLOUR.sub("", text)
    log = _parsed(text, name, reading)
    marked = {"surrogate": True} if is_surrogate(text) else {}
    marked |= remarked_leaks(text)
    notes = (*log.notes, *_doubtful_names(log.predictions))
    return replace(log, protocol={**log.protocol, **marked}, notes=notes)


def of_answers(answers: Sequence[Answer], classes: Sequence[str], name: str) -> Log:
    """The log of answers that are in no file; DataError, with their name, as `parse_log`."""
    predictions = named_predictions(answers, classes, name)
    return Log(predictions, UNKNOWN, tuple(_doubtful_names(predictions)))


def _doubtful_names(predictions: Predictions) -> Iterator[str]:
    """Notes on names that may mean the same, or nothing."""
    names = [answer.key for answer in predictions.answers]
    alike = look_alikes(names, predictions.classes)
    for each in (*alike, *doubtful_people(names, BUILT_IN)):
        yield f"{each.kind}: {each.where}: {each.what}"
    yield from mistaken(predictions)


def _parsed(text: str, name: str, reading: Reading) -> Log:
    if is_printed(plain := without_bars(text)):
        return _from_print(plain, name, reading)
    if reading.selection:
        raise UsageError(
            f"{name} has one answer to a clip: leave out --selection, which is for what a training "
            "script printed (and for run folders)"
        )
    if text.lstrip()[:1] in ("{", "["):
        content = parse_json(text, name)
        if table := records(content, name):
            return _table_log(table, reading)
        log = _from_json(content, name, reading.classes)
        _refuse_dataset(reading, name)
        return log
    if in_text := table_text(text):
        rows, remarks = without_remarks(in_text)
        log = _table_log(parse_table(rows, name), reading)
        left_out = _left_out(name, "row(s) that begin with #", remarks)
        return replace(log, notes=(*log.notes, *left_out))
    log = _challenge_answers(text, name, reading.classes or CHALLENGE_CLASSES)
    _refuse_dataset(reading, name)
    return log


def _refuse_dataset(reading: Reading, name: str) -> None:
    if reading.dataset:
        raise UsageError(
            f"{name} states its data sets: leave out --dataset, which is for tables without that "
            "column and for what a training script printed"
        )


def parse_json(text: str, name: str) -> Any:
    """The content of a JSON file, a list where each line holds an object.

    DataError where it is none, or a result that was edited.
    """
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    whole = len(lines) < 2 or not lines[0][1].rstrip().endswith("}")
    if whole or not lines[1][1].lstrip().startswith("{"):
        content = _json_value(text, name)
        if is_edited(content):
            raise DataError(f"{name} {EDITED}")
        return content
    return [_json_value(line, f"{name} line {number}") for number, line in lines]


def _json_value(text: str, where: str) -> Any:
    try:
        return parsed_json(text)
    except RecursionError:
        raise DataError(f"{where} is no JSON (it is nested too deeply)") from None
    except ValueError as error:
        what = str(error).replace("line 1 column", "column")
        raise DataError(f"{where} is no JSON ({what})") from error


def text_of(path: Path) -> str:
    """The text of a file; UsageError where there is none, DataError where it is no text.

    BenchError where a run made it and it was changed since.
    """
    require_as_made(path)
    try:
        return read_text(path)
    except FileNotFoundError:
        raise UsageError(f"no file {path}; name a log of predictions or a run folder") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error


# The challenge's log


def _challenge_answers(text: str, name: str, classes: Sequence[str]) -> Log:
    lines = list(challenge_lines(text, name, classes))
    if not lines:
        raise DataError(f"{name} holds no prediction")
    if not any(line.dataset in SINGLE or fits(line, classes) for line in lines):
        raise DataError(f"{lines[0].where}: {not_understood(lines[0].words)}")
    answers, _ = labelled(lines, classes)
    notes = [f"{name}: {each}" for each in recoded(answers, classes)]
    remarked = remarked_clips(text, classes)
    notes += _left_out(name, "line(s) that begin with # and answer clips", remarked)
    return Log(named_predictions(answers, classes, name), UNKNOWN, tuple(notes))


def _left_out(name: str, what: str, numbers: Sequence[int]) -> Iterator[str]:
    """A note on lines that are remarks, though they look like answers."""
    if numbers:
        yield f"{name}: {len(numbers)} {what} are left out, as remarks, first line {numbers[0]}"


# CSV


def _table_log(table: Table, reading: Reading) -> Log:
    """The answers of a table; the option `dataset` fills the column where it is not there."""
    places = table.places(SPELLINGS)
    chances = chances_of(table, places, reading.classes)
    from_chances = bool(chances) and "pred" not in places
    filled = {"dataset": reading.dataset} if reading.dataset else {}
    if filled and _other_sets(table, places, reading.dataset):
        title = quoted(printable(table.titles[places["dataset"]]))
        raise UsageError(f"{table.name}: column {title} says other data sets: leave out --dataset")
    found = {*places, *filled, *(("pred",) if from_chances else ())}
    missing = [column for column in COLUMNS if column not in found]
    if missing:
        raise DataError(
            f"{table.name}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)} (labels "
            f"as numbers or class names), its header has {table.found_titles}"
            + "; --dataset NAME stands for the column dataset" * ("dataset" in missing)
            + "; where clips have no names, number them in a column clip" * ("clip" in missing)
            + "; a column of lists needs a number for each class" * ("pred" in missing)
        )
    lines, surrogate, ties = [], False, 0
    sets = []
    leaks: dict[str, None] = {}
    for number, line in enumerate(table.lines):
        where = f"{table.name} {table.unit} {line.number}"
        cells = {name: line.cells[place] for name, place in places.items()} | filled
        _refuse_heading(line.cells, {x: cells[x] for x in COLUMNS if x in places}, where)
        if from_chances:
            likeliest = most_probable(chances[0], number, where)
            ties += len(likeliest) > 1
            cells["pred"] = likeliest[0]
        empty = [column for column in COLUMNS if not cells[column]]
        if empty:
            raise DataError(f"{where}: {', '.join(empty)} is empty")
        surrogate |= cells.pop("surrogate", "").lower() not in NO
        leaks[cells.pop("leaks", "")] = None
        for name in ("true", "pred"):
            cells[name] = whole(cells[name])
        sets.append((cells["dataset"], dataset_named(cells["dataset"])))
        cells["dataset"] = sets[-1][1]
        lines.append(LogLine(where, **cells))
    if not lines:
        raise DataError(f"{table.name} holds no prediction")
    answers, classes = labelled(lines, reading.classes)
    notes = [
        f"{table.name}: column {table.titles[places[column]]} is scored as {column}, not "
        f"{', '.join(map(printable, others))}: if that is wrong, leave it out of the file"
        for column in COLUMNS
        if column in places and (others := _others(table, places, column, classes))
    ]
    notes += (f"{table.name}: {what}" for _, what in sets_of_several_names(sets))
    summaries = [line for line in lines if plain_title(line.clip) in NO_PEOPLE]
    notes += [
        f"{line.where}: clip {quoted(printable(line.clip))} is called as a summary is: if it is "
        "one, leave it out"
        for line in summaries
    ]
    notes += contradicting(table, places, lines)
    numbered = from_chances and chances[0].numbered
    words = are_words(x.true for x in lines), not numbered and are_words(x.pred for x in lines)
    told = [
        *numbering(words, answers, classes),
        *(unmatched(lines, answers) if words[0] and words[1] else ()),
        *(() if words[0] or words[1] or numbered else recoded(answers, classes)),
    ]
    notes += (f"{table.name}: {each}" for each in told)
    for each in chances:
        notes += against(answers, each.rows(classes), table.name, each.title)
    if from_chances:
        notes += doubtful(answers, chances[0], classes, table.name)
    if ties:
        notes.append(f"{table.name}: {TIED.format(ties)}")
    scored = named_predictions(answers, classes, table.name)
    return Log(scored, {**UNKNOWN, "surrogate": surrogate, **of_leaks(leaks)}, tuple(notes))


def _other_sets(table: Table, places: Mapping[str, int], dataset: str) -> bool:
    """Whether a table has a column of data sets, and in it any but this one."""
    place = places.get("dataset")
    own = {dataset_named(line.cells[place]) for line in table.lines} if place is not None else set()
    return not own <= {dataset_named(dataset)}


def _refuse_heading(row: Sequence[str], cells: Mapping[str, str], where: str) -> None:
    """DataError for a row that is no answer: titles in other words, or a summary.

    cells: the columns that are read.
    """
    shown = quoted(printable(", ".join(row))[:60])
    if all(plain_title(cell) in TITLES for name, cell in cells.items() if name != "dataset"):
        raise DataError(f"{where}: {shown} are titles once more: leave the row out")
    if NO_PEOPLE.intersection(plain_title(cells.get(name, "")) for name in ("dataset", "subject")):
        raise DataError(
            f"{where}: {shown} is a summary, and no clip: leave it out; a person who is called so "
            "needs another name"
        )


def _others(
    table: Table, places: Mapping[str, int], column: str, classes: Sequence[str]
) -> list[str]:
    """Titles of further columns that could be taken for one: predictions by what they hold, too."""

    def holds_labels(place: int) -> bool:
        words = {whole(line.cells[place]) for line in table.lines}
        return all(label_place(word, classes) is not None for word in words)

    others = list(table.others(SPELLINGS, column))
    if column == "pred":
        others += [
            title
            for place, title in enumerate(table.titles)
            if column in title.lower() and place not in places.values() and title not in others
            if holds_labels(place)
        ]
    return others


# Output of a training script


def _from_print(text: str, name: str, reading: Reading) -> Log:
    dataset = dataset_named(reading.dataset) if reading.dataset else ""
    classes = reading.classes or CHALLENGE_CLASSES
    answers, best, notes = printed_answers(text, name, classes, dataset, reading.selection)
    oracle = {"selection": "oracle", "leaky": True, "leaks": ["selection=oracle"]}
    most = max(max(answer.true, answer.pred) for answer in answers)
    if most >= len(classes):
        raise DataError(
            f"{name} has the label {most}, expected 0 to {len(classes) - 1} for "
            f"{', '.join(classes)}; name the classes with --classes A,B,..."
        )
    notes += (f"{name}: {each}" for each in recoded(answers, classes))
    protocol = {**UNKNOWN, **(oracle if best else {})}
    return Log(named_predictions(answers, classes, name), protocol, tuple(notes))


# JSON


def _from_json(content: Any, name: str, classes: Sequence[str]) -> Log:
    """Folds as in a run folder: one, a list, or under `folds` with `classes` and `protocol`."""
    whole = content if isinstance(content, dict) and "folds" in content else {}
    listed = whole.get("folds", content)
    listed = listed if isinstance(listed, list) else [listed]
    folds = [fold_of(fold, f"{name}, fold {number}") for number, fold in enumerate(listed)]
    if any(fold.run for fold in folds):
        raise DataError(
            f"{name} holds a fold of a run, without what the run says of it: give the run folder, "
            "or what `bench export` makes of it"
        )
    answers = [answer for fold in folds for answer in fold_answers(fold, name)]
    if not answers:
        raise DataError(f"{name} holds no prediction")
    own = whole.get("classes")
    if own is not None and not (isinstance(own, list) and all(isinstance(c, str) for c in own)):
        raise DataError(f"{name}: classes is no list of names")
    known = tuple(classes or own or CHALLENGE_CLASSES)
    logits = [clip.logits for fold in folds for clip in fold.clips]
    if odd := next((row for row in logits if len(row) not in (0, len(known))), ()):
        raise DataError(
            f"{name}: {len(odd)} logits of a clip, expected one for each of {', '.join(known)}"
        )
    notes = against(answers, logits, name)
    return Log(named_predictions(answers, known, name), stated_protocol(whole, name), tuple(notes))


def stated_protocol(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a JSON file says of the protocol behind it; DataError where that cannot be read.

    Generated clips and leaks are marked wherever the file speaks of them.
    """
    stated, source = (content.get(key) or {} for key in ("protocol", "source"))
    kinds = {"surrogate": bool, "leaky": bool, "leaks": list, "marks": list}
    if (
        not (isinstance(stated, dict) and isinstance(source, dict))
        or any(not isinstance(stated.get(key), kind | None) for key, kind in kinds.items())
        or any(not isinstance(mark, str) for mark in stated.get("marks") or ())
    ):
        raise DataError(f"{name}: its protocol or source is none that `bench export` writes")
    return {
        **UNKNOWN,
        **stated,
        "surrogate": bool(stated.get("surrogate") or source.get("surrogate")),
        "leaky": stated.get("leaky") or bool(stated.get("leaks")) or stated.get("leaky"),
    }
