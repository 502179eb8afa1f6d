"""Names of data sets and subjects that may be of something else: seeds, folds, training clips."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.errors import printable, quoted
from bench.runs.predictions import Answer, Predictions
from bench.scoring.columns import FOLDS, NOT_TESTED, REPEATS
from bench.system.tables import plain_title

_REPEAT = re.compile(rf"(?:{REPEATS.pattern}|fold)[0-9]+")
"""Plain names such as `seed0` and `fold3`."""

_TRAINING = r"(?:train(?:ing|ed)?|trn|val(?:id(?:ation)?)?)(?:[\W_]?(?:set|split|data))?"
_NOT_TESTED = re.compile(rf"{_TRAINING}[\W_]+.+|.+[\W_]{_TRAINING}|{_TRAINING}", re.IGNORECASE)
"""A subject in the training or validation part: `train_p01`, `p01-val`."""


def mistaken(predictions: Predictions) -> Iterator[str]:
    """Notes on data sets and subjects whose names, or clips, are none of data sets and people."""
    yield from _trained_on(predictions)
    people: dict[str, dict[str, list[Answer]]] = {}
    for answer in predictions.answers:
        people.setdefault(answer.dataset, {}).setdefault(answer.subject, []).append(answer)
    for dataset, own in people.items():
        title = plain_title(dataset)
        called = REPEATS.fullmatch(title) or title in FOLDS
        repeats = [*own] if called else [w for w in own if _REPEAT.fullmatch(plain_title(w))]
        if repeats:
            names = ", ".join(quoted(printable(f"{dataset} {who}")) for who in repeats[:2])
            yield (
                f"{len(repeats)} subject(s) are called as seeds, epochs, runs, models or folds "
                f"are, first {names}: if they are, write data set and person, and one answer to "
                "each clip"
            )
        elif _same_clips([*own.values()]):
            names = ", ".join(quoted(printable(who)) for who in [*own][:2])
            clip = next(iter(own.values()))[0].clip
            yield (
                f"all {len(own)} subjects of {quoted(printable(dataset))}, first {names}, have "
                f"the same clips, such as {quoted(printable(clip))}, of more people by their "
                "names: if these are answers of several networks, each clip counts several times; "
                "leave one of them"
            )


def _same_clips(answers: list[list[Answer]]) -> bool:
    """Whether several lots of answers are to the same clips, of more people than there are lots.

    A person is what names begin with (`p01` of `p01_c1`), for clips of several classes.
    """
    clips = {frozenset((answer.clip, answer.true) for answer in lot) for lot in answers}
    if len(answers) < 2 or len(clips) > 1:
        return False
    classes: dict[str, list[int]] = {}
    for name, true in next(iter(clips)):
        classes.setdefault(re.split(r"[\W_]", name, maxsplit=1)[0], []).append(true)
    several = all(len(own) > 1 for own in classes.values())
    mixed = any(len({*own}) > 1 for own in classes.values())
    return several and mixed and len(classes) > len(answers)


def _trained_on(predictions: Predictions) -> Iterator[str]:
    trained = [
        answer
        for answer in predictions.answers
        if NOT_TESTED.fullmatch(plain_title(answer.dataset))
        or _NOT_TESTED.fullmatch(answer.subject)
    ]
    if trained:
        name = quoted(printable(f"{trained[0].dataset} {trained[0].subject}"))
        yield (
            f"{len(trained)} of {len(predictions.answers)} answers are of training or validation, "
            f"by the names of data set and subject, first {name}: they are scored, too; leave out "
            "what was not tested"
        )
