"""Files of predictions, written: MEGC2019 log, CSV, and JSON of this harness."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bench.data.clips import CHALLENGE_CLASSES
from bench.errors import DataError
from bench.scoring.answer_tables import COLUMNS
from bench.scoring.challenge_log import LEAKS_REMARK, SURROGATE_REMARK, stated_leaks
from bench.scoring.logs import Log, parse_log
from bench.system.files import csv_text
from bench.system.result_files import sealed


def render_log(log: Log, form: str, source: Mapping[str, Any]) -> str:
    """The text of a log: `megc2019`, `csv` or `json`, without the last line break.

    source: where the predictions come from, for the JSON form, which alone has a place for it.
    Raises DataError where the challenge's log cannot hold the names or the classes.
    """
    return _WRITERS[form](log, source)


def _challenge_log(log: Log, source: Mapping[str, Any]) -> str:
    if log.predictions.classes != CHALLENGE_CLASSES:
        raise DataError(
            f"the challenge's log has the classes {', '.join(CHALLENGE_CLASSES)} alone, and these "
            f"answers {', '.join(log.predictions.classes)}; use --format csv or json"
        )
    lines = [SURROGATE_REMARK] if log.protocol["surrogate"] else []
    if leaks := stated_leaks(log.protocol):
        lines.append(LEAKS_REMARK + ", ".join(leaks))
    before = None
    for answer in log.predictions.answers:
        if any(re.search(r"\s|#", word) for word in answer.key):
            raise DataError(
                f"{answer.key}: the challenge's log has no place for spaces and # in a name; "
                "use --format csv"
            )
        person = (answer.dataset, answer.subject)
        if person != before:
            unpadded = answer.dataset == "samm" and answer.subject.isdecimal()
            subject = str(int(answer.subject)) if unpadded else answer.subject
            lines.append(f"{answer.dataset} {subject}")
            before = person
        lines.append(f"{answer.clip} {answer.true} {answer.pred}")
    text = "\n".join(lines)
    try:
        parse_log(text, "the challenge's log")
    except DataError as error:
        raise DataError(f"{error}; use --format csv") from error
    return text


def _csv(log: Log, source: Mapping[str, Any]) -> str:
    classes = log.predictions.classes
    surrogate = str(bool(log.protocol["surrogate"])).lower()
    leaks = stated_leaks(log.protocol)
    told = [", ".join(leaks)] if leaks else []
    rows = (
        [*answer.key, classes[answer.true], classes[answer.pred], surrogate, *told]
        for answer in log.predictions.answers
    )
    titles = [*COLUMNS, "surrogate", *(["leaks"] if leaks else [])]
    return csv_text(titles, rows).rstrip("\n")


def _json(log: Log, source: Mapping[str, Any]) -> str:
    folds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for answer in log.predictions.answers:
        clip = {"dataset": answer.dataset, "clip": answer.clip}
        folds.setdefault((answer.dataset, answer.subject), []).append(
            {**clip, "true": answer.true, "pred": answer.pred}
        )
    content = {
        "source": dict(source),
        "classes": list(log.predictions.classes),
        "protocol": dict(log.protocol),
        "folds": [{"subject": subject, "clips": clips} for (_, subject), clips in folds.items()],
    }
    return json.dumps(sealed(content), indent=1)


_WRITERS: Mapping[str, Callable[[Log, Mapping[str, Any]], str]] = MappingProxyType(
    {"megc2019": _challenge_log, "csv": _csv, "json": _json}
)
FORMATS = tuple(_WRITERS)
