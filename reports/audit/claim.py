"""A claimed score: a number as typed, with how far the true one may be from it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

SCORES = ("acc", "uar", "uf1")

SLACK = 1e-6
"""Relative distance to a tolerance below which exact fractions decide in place of floats."""

FINEST = Fraction(1, 2_000_000)
"""The smallest tolerance, half a unit of the sixth decimal; floats resolve SLACK × FINEST."""


@dataclass(frozen=True)
class Claim:
    """A claimed score, and how far the true one may be from it (inclusive)."""

    value: Fraction
    tolerance: Fraction

    @classmethod
    def typed(cls, text: str) -> Claim:
        """A number with the rounding of its digits as tolerance: ".90" is 0.90 ± 0.005.

        So is "90%". The tolerance is at least FINEST. Raises decimal.InvalidOperation where the
        text is no number.
        """
        number = typed_number(text)
        half = Fraction(10) ** exponent(number) / 2
        return cls(Fraction(number), max(half, FINEST))

    def within(self, tolerance: Fraction) -> Claim:
        """The same value with another tolerance."""
        return Claim(self.value, tolerance)

    def holds(self, score: Fraction) -> bool:
        """Whether a score is within the tolerance."""
        return abs(score - self.value) <= self.tolerance


def typed_number(text: str) -> Decimal:
    """A fraction, or per cent with the sign as a fraction, with the digits typed.

    Raises decimal.InvalidOperation where the text is no number.
    """
    number = Decimal(text.removesuffix("%").strip())
    return number.scaleb(-2) if text.endswith("%") and number.is_finite() else number


def exponent(number: Decimal) -> int:
    """Power of ten of a number's last digit; ValueError for NaN and infinity."""
    return int(number.as_tuple().exponent)
