"""The user's own boxes or landmark points per clip, from a CSV file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from statistics import fmean, median
from types import MappingProxyType

from bench.data.clips import Clip, Problem, Rejected, clip_title, problem_lines
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.identity import known_name, known_subject
from bench.data.steps.box import Box
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.tables import NAMES, parse_table, plain_title, read_text

POINT = re.compile(r"[xy](0|[1-9][0-9]*)")
"""The title of a coordinate of a point."""

OUTSIDE = 0.1
"""Of a box's side: what the points of a chin may lie beyond the frame of a cropped face."""

BROWS_THEN_MOUTH = MappingProxyType(
    {68: (slice(17, 27), slice(48, 68)), 30: (slice(0, 10), slice(10, 30))}
)
"""Number of points -> those of the brows and of the mouth (iBUG 300-W), from 0."""

EYES_THEN_MOUTH = (slice(0, 2), slice(3, 5))
"""The same of five points, as MTCNN finds them: eyes, nose, corners of the mouth."""

SMALL, ASIDE = 1 / 3, 0.25
"""Share of others' area that a box has at least, and how far its centre lies from theirs.

Relative to the frames: faces of one camera differ by less.
"""

BEFORE, BEHIND = 0.08, 0.01
"""Of a frame's side: what boxes in its lower right corner leave at least before, at most behind."""

FRACTIONS = 2
"""No face is so few pixels wide or high: such coordinates are relative to the frame."""


Point = tuple[float, float]


@dataclass(frozen=True)
class Landmarks:
    """A row of the user's file: a box, and the points that it encloses if the row has points."""

    box: Box
    points: tuple[tuple[float, float], ...] = ()


def landmark_box(clip: Clip, height: int, width: int, file: str, margin: float) -> Box:
    """The box of a clip in the user's file, widened within the frame.

    Raises DataError where there is none, and where more than OUTSIDE of it is outside the frame.
    """
    box = _landmarks_of(clip, file).box
    below, beside = box.bottom - height, box.right - width
    if below > OUTSIDE * (box.bottom - box.top) or beside > OUTSIDE * (box.right - box.left):
        raise DataError(
            f"{file}: the box of clip {clip.subject}/{clip.name} ends at {box.right}, {box.bottom}"
            f", outside its frames of {width}×{height} pixels; correct the row"
        )
    return box.widened(margin, height, width)


def landmark_points(clip: Clip, file: str) -> tuple[tuple[float, float], ...]:
    """(x, y) of a clip's points in the user's file, in pixels; none where the row is a box.

    Raises DataError where the file has no row for the clip.
    """
    return _landmarks_of(clip, file).points


def has_landmarks(clip: Clip, file: str) -> bool:
    """Whether the user's file has a row for the clip; UsageError or DataError for a bad file."""
    return _row(clip, file) is not None


def _landmarks_of(clip: Clip, file: str) -> Landmarks:
    if row := _row(clip, file):
        return row
    raise DataError(
        f"{file} has no row for clip {clip.dataset} {clip.subject}/{clip.name}; add one (columns "
        "subject, clip, then left, top, right, bottom, or x, y, width, height, or x1, y1, ...)"
    )


def _row(clip: Clip, file: str) -> Landmarks | None:
    """The row of a clip, of those that name its data set where there are any.

    DataError where several are of the clip, under other spellings of its subject or data set.
    """
    named = _landmarks(file).get(clip.name, {})
    for wanted in (clip.dataset, ""):
        rows = {
            f"{owner} {subject}".strip(): row
            for (owner, subject), row in named.items()
            if known_name(owner, DATASETS) == wanted
            if known_subject(clip.dataset, subject, DATASETS) == clip.subject
        }
        if len(rows) > 1:
            who = " and ".join(quoted(printable(name)) for name in rows)
            raise DataError(
                f"landmarks {file}: the rows of {who} are both of clip {clip.dataset} "
                f"{clip.subject}/{clip.name}; leave one"
            )
        if rows:
            return next(iter(rows.values()))
    return None


@lru_cache(maxsize=4)
def _landmarks(file: str) -> Mapping[str, Mapping[tuple[str, str], Landmarks]]:
    """Clip -> (data set or "", subject) -> row of the file."""
    try:
        table = parse_table(read_text(Path(file).expanduser()), f"landmarks {file}")
    except FileNotFoundError:
        raise UsageError(f"data.landmarks={file}: there is no such file") from None
    except OSError as error:
        raise DataError(f"landmarks {file} cannot be read ({error.strerror})") from error
    places = table.certain_places(NAMES)
    if not {"subject", "clip"} <= places.keys():
        raise DataError(
            f"landmarks {file}: expected columns subject, clip and a box or points, its header has "
            f"{table.found_titles}"
        )
    columns = {title: table.column(title) for title in map(plain_title, table.titles) if title}
    found: dict[str, dict[tuple[str, str], Landmarks]] = {}
    problems = []
    for line in table.lines:
        row = {title: line.cells[place] for title, place in columns.items()}
        named = {field: line.cells[place] for field, place in places.items()}
        dataset, subject, clip = (named.get(field, "") for field in NAMES)
        rows = found.setdefault(clip, {})
        try:
            if (dataset, subject) in rows:
                raise Rejected("duplicate", f"a second row of clip {subject}/{clip}; leave one")
            rows[dataset, subject] = _landmarks_in(row)
        except Rejected as reason:
            where = f"row {line.number}"
            problems.append(Problem(reason.kind, where, reason.what, fatal=True))
    if problems:
        raise DataError(f"landmarks {file}: {'; '.join(problem_lines(problems))}")
    _refuse_upside_down(file, [row for rows in found.values() for row in rows.values()])
    return found


def _refuse_upside_down(file: str, rows: Iterable[Landmarks]) -> None:
    """DataError where points of a known order do not show an upright face in the median row."""
    rows = list(rows)
    lying = [
        _lies(row.points, *parts)
        for row in rows
        if (parts := {**BROWS_THEN_MOUTH, 5: EYES_THEN_MOUTH}.get(len(row.points)))
    ]
    if lying and fmean(lying) > 0.5:
        raise DataError(
            f"landmarks {file}: the mouth lies to the right of the eyes or brows, and these one "
            "below the other: exchange x and y (x is the column, y the row of the frame)"
        )
    heights = [
        _below(row.points, *parts)[1]
        for row in rows
        if (parts := BROWS_THEN_MOUTH.get(len(row.points)))
    ]
    if heights and median(heights) <= 0:
        raise DataError(
            f"landmarks {file}: the brows are not above the mouth: expected y from the top of the "
            "frame, and the 68 points of iBUG 300-W in their order (18 to 27 brows, 49 to 68 "
            "mouth), or brows and mouth alone"
        )


def _lies(points: Sequence[Point], upper: slice, mouth: slice) -> bool:
    """Whether points show an upright face where x and y are exchanged."""
    (x, y), (other_x, other_y) = points[upper][0], points[upper][-1]
    beside, below = _below(points, upper, mouth)
    return beside > abs(below) and abs(other_x - x) < abs(other_y - y)


def _below(points: Sequence[Point], upper: slice, mouth: slice) -> Point:
    """How far to the right of the upper points the mouth lies, and how far below them."""
    (x, y), (mouth_x, mouth_y) = (
        tuple(map(fmean, zip(*points[part], strict=True))) for part in (upper, mouth)
    )
    return mouth_x - x, mouth_y - y


def misplaced(clips: Sequence[Clip], sizes: Sequence[Point], file: str) -> Iterator[Problem]:
    """A problem for each clip whose box is much smaller than others', or lies elsewhere.

    sizes: height and width of each clip's frames. In comparison with the median over the subjects
    of the clip's data set; and one for a set whose boxes all lie in the corner.
    """
    placed: dict[str, list[tuple[Clip, tuple[float, ...]]]] = {}
    for clip, (height, width) in zip(clips, sizes, strict=True):
        if row := _row(clip, file):
            box = row.box
            sides = (box.left / width, box.top / height, box.right / width, box.bottom / height)
            placed.setdefault(clip.dataset, []).append((clip, sides))
    for dataset, found in placed.items():
        yield from _misplaced_in(dataset, found, file)


def _misplaced_in(
    dataset: str, found: Sequence[tuple[Clip, tuple[float, ...]]], file: str
) -> Iterator[Problem]:
    people: dict[str, list[tuple[float, ...]]] = {}
    for clip, sides in found:
        people.setdefault(clip.subject, []).append(sides)
    each = [_medians(rows) for rows in people.values()]
    left, top, right, bottom = _medians(each)
    at_end = all(1 - BEHIND <= side <= 1 + OUTSIDE for side in (right, bottom))
    if at_end and min(left, top) >= BEFORE:
        what = f"boxes of data.landmarks={file} begin amid the frames and end in their lower right"
        yield Problem(
            "landmarks", dataset, f"{what} corner: are their width and height right and bottom?"
        )
    area = median((row[2] - row[0]) * (row[3] - row[1]) for row in each)
    for clip, sides in found:
        small = (sides[2] - sides[0]) * (sides[3] - sides[1]) < SMALL * area
        across, down = sides[0] + sides[2] - left - right, sides[1] + sides[3] - top - bottom
        if small or max(abs(across), abs(down)) > 2 * ASIDE:
            how = "is much smaller than" if small else "lies far from"
            what = f"its box in data.landmarks {how} those of others: is it of these frames?"
            yield Problem("landmarks", clip_title(clip), what)


def _medians(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(map(median, zip(*rows, strict=True)))


def refuse_shared_rows(clips: Iterable[Clip], file: str) -> None:
    """DataError where a row without a data set would be that of clips of several sets.

    Raises UsageError or DataError for a bad file, too.
    """
    owners: dict[int, Clip] = {}
    for clip in clips:
        row = _row(clip, file)
        first = owners.setdefault(id(row), clip) if row else clip  # a file's rows stay in the cache
        if first.dataset != clip.dataset:
            raise DataError(
                f"landmarks {file}: the row of {clip.subject}/{clip.name} may be of "
                f"{first.dataset} or of {clip.dataset}: add a column dataset"
            )


def _landmarks_in(row: Mapping[str, str]) -> Landmarks:
    """The box or points of a row; Rejected where it has none."""
    points: tuple[tuple[float, float], ...] = ()
    try:
        if row.get("left"):
            sides = ("top", "left", "bottom", "right")
            top, left, bottom, right = (_number(row[name]) for name in sides)
        elif points := _points(row):
            xs, ys = zip(*points, strict=True)
            top, left, bottom, right = min(ys), min(xs), max(ys), max(xs)
        else:
            wide, high = (row.get(long) or row[long[0]] for long in ("width", "height"))
            top, left = _number(row["y"]), _number(row["x"])
            bottom, right = top + _number(high), left + _number(wide)
        if not (0 <= top < bottom < 1e6 and 0 <= left < right < 1e6):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise Rejected(
            "odd",
            "no box: expected numbers left < right and top < bottom, or x, y, width, height above "
            "0, or points x1, y1, x2, y2, ...",
        ) from None
    if min(bottom - top, right - left) <= FRACTIONS:
        raise Rejected(
            "odd",
            f"a box of {right - left:.3g}×{bottom - top:.3g} pixels: multiply coordinates of 0 to "
            "1 by the width (x) and height (y) of the frames",
        )
    return Landmarks(Box(round(top), round(left), round(bottom), round(right)), points)


def _points(row: Mapping[str, str]) -> tuple[tuple[float, float], ...]:
    """(x1, y1), (x2, y2), ..., nothing where all are blank.

    Raises KeyError or ValueError where a coordinate is missing or invalid, Rejected where some are
    blank.
    """
    names = [name for name in row if POINT.fullmatch(name)]
    blank = [name for name in names if not row[name]]
    if len(blank) == len(names):
        return ()
    if blank:
        what = f"{len(blank)} of {len(names)} coordinates are blank, the first {blank[0]}: fill in"
        raise Rejected("odd", f"{what}, or leave out the row")
    numbers = sorted({int(name[1:]) for name in names})
    points = tuple((_number(row[f"x{number}"]), _number(row[f"y{number}"])) for number in numbers)
    if not all(map(math.isfinite, chain(*points))):
        raise ValueError
    return points


def _number(text: str) -> float:
    """A coordinate, with a decimal point or comma."""
    return float(text.replace(",", "."))
