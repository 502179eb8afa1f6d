"""The page on surrogates: made of the table's numbers, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bench.data.surrogates.writing import DIFFICULTIES
from bench.errors import UsageError
from reports.surrogate import page, table
from reports.surrogate.measures import METHODS, SHUFFLED, SHUFFLES, Level, Result
from reports.surrogate.networks import LEARNERS
from reports.surrogate.pictures import difficulty_curve

EASY, MIDDLE, HARD = DIFFICULTIES.values()
PROJECT = Path(__file__).parents[3]


def results(value: float) -> list[Result]:
    found = [Result("uar", name, value, 0.0, 1) for name in METHODS]
    found += [Result("shuffled_uar", name, 0.34, 0.02, SHUFFLES) for name in SHUFFLED]
    words = ("negative", "positive", "surprise")
    found += [Result("flow_peak", word, 1.25, 0.2, 50) for word in words]
    found += [Result("expression_peak", word, 0.75, 0.1, 50) for word in words]
    return found + [Result("input_uar", name, value - 0.1, 0.0, 1) for name in LEARNERS]


@pytest.fixture
def rows():
    return [
        row
        for difficulty, value in ((EASY, 0.91), (MIDDLE, 0.75), (HARD, 0.62))
        for row in table.rows_of(Level("smic", difficulty), results(value))
    ]


def test_the_page_says_what_the_table_says(rows):
    text = page.page(rows)
    assert all(f"{level:g} ({name})" in text for name, level in DIFFICULTIES.items())
    lines = [line for line in text.splitlines() if line.startswith("| onset frame alone")]
    assert [cell.strip() for cell in lines[0].split("|")[2:5]] == ["0.91", "0.75", "0.62"]
    (line,) = (line for line in text.splitlines() if line.startswith("| trained network"))
    assert [cell.strip() for cell in line.split("|")[2:5]] == ["0.81", "0.65", "0.52"]
    assert "0.34 ± 0.02" in text and "0.75 ± 0.10" in text
    assert "28.5 standard deviations above its own shuffled labels (0.34)" in text
    assert "surrogate" in text


def test_each_method_and_each_named_difficulty_is_drawn(rows):
    figure = difficulty_curve(rows)
    (axes,) = figure.axes
    curves = [
        line
        for line in axes.get_lines()
        if len(line.get_xdata()) == 3 and line.get_marker() != "None"
    ]
    assert len(curves) == len(METHODS)
    assert {tuple(line.get_ydata()) for line in curves} == {(0.91, 0.75, 0.62)}
    assert set(DIFFICULTIES) <= {text.get_text() for text in axes.texts}
    assert "surrogate" in figure.get_label()


def test_clips_are_kept_in_256_colours_the_same_every_time(tmp_path):
    def saved(name: str) -> bytes:
        figure = Figure(figsize=(2, 1))
        pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
        figure.add_axes((0, 0, 1, 1)).imshow(pixels)
        return page._save_clips(figure, tmp_path / name).read_bytes()

    first = saved("first.png")
    with Image.open(tmp_path / "first.png") as image:
        assert (image.mode, image.size) == ("P", (2 * page.CLIPS_DPI, page.CLIPS_DPI))
    assert saved("again.png") == first


def test_a_page_needs_all_named_difficulties(rows, tmp_path, monkeypatch):
    kept = [row for row in rows if (row.difficulty, row.of) != (MIDDLE, "middle_flow")]
    monkeypatch.setattr(table, "read", lambda: [replace(row) for row in kept])
    with pytest.raises(UsageError, match=rf"lacks smic at difficulty {MIDDLE:g}: first `python -m"):
        page.write_page("smic", 0, tmp_path)


class TestCommitted:
    """The project's own table and page."""

    @pytest.fixture
    def committed(self):
        rows = [row for row in table.read(PROJECT / table.TABLE) if row.dataset == "smic"]
        assert {EASY, MIDDLE, HARD} <= {row.difficulty for row in rows}
        return rows

    def test_its_pictures_are_small(self):
        sizes = [path.stat().st_size for path in (PROJECT / page.PICTURES).glob("*.png")]
        assert len(sizes) == 2 and max(sizes) < 400_000

    def test_the_page_is_made_of_the_table(self, committed):
        assert (PROJECT / page.PAGE).read_text() == page.page(committed)

    def test_what_shows_no_motion_is_at_chance(self, committed):
        found = {(row.difficulty, row.measure, row.of): row for row in committed}
        for difficulty in {row.difficulty for row in committed}:
            for name in SHUFFLED:
                shuffled = found[difficulty, "shuffled_uar", name]
                assert abs(shuffled.value - 1 / 3) < 3 * shuffled.spread
            shuffled = found[difficulty, "shuffled_uar", "onset"]
            onset = found[difficulty, "uar", "onset"]
            assert abs(onset.value - shuffled.value) < 3 * shuffled.spread

    def test_motion_is_far_above_it_and_hard_leaves_room_to_weak_methods(self, committed):
        score = {(row.difficulty, row.of): row.value for row in committed if row.measure == "uar"}
        assert score[EASY, "middle_flow"] > 0.9 and score[EASY, "difference"] > 0.6
        assert score[HARD, "middle_flow"] > 0.75
        assert score[HARD, "difference"] < score[MIDDLE, "difference"] < score[EASY, "difference"]
        assert score[HARD, "difference"] < 0.55
        assert score[HARD, "difference"] < score[HARD, "spotted_flow"] < score[HARD, "middle_flow"]

    def test_each_number_says_where_it_comes_from(self, committed):
        for row in committed:
            assert len(row.git_commit) == 40 and row.git_dirty == "False"
            assert row.versions and row.measured_at
