"""Every row of every surrogate release, and what laws about them are drawn from."""

from dataclasses import replace

from hypothesis import strategies as st

from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.rows import Row, release_rows

SETS = tuple(RELEASES)
ROWS = {name: release_rows(name) for name in SETS}

any_row = st.sampled_from([row for rows in ROWS.values() for row in rows])
any_seed = st.integers(0, 2**32)
any_difficulty = st.floats(0, 1)


def other_emotions(row: Row) -> list[Row]:
    """The row with each emotion of its release in turn."""
    return [replace(row, emotion=word) for word in RELEASES[row.dataset].units]
