"""Errors of the method: one line each, naming what came, what was expected, what to do."""


class MethodError(ValueError):
    """A search space, genotype or tensor that the method cannot take."""


class LossDiverged(MethodError):
    """A loss that is NaN or infinite during search or training."""
