"""RNAS-MER: the search space, the search and the derived network (WACV 2023), in plain PyTorch.

The method only: it reads no file and knows no data set. This file, `trellis`, `space`, `genotype`
and `decode` are free of torch; `rnas.supernet`, `rnas.search` and `rnas.derived` are not.
"""

from rnas.decode import decode, viterbi
from rnas.errors import LossDiverged, MethodError
from rnas.genotype import Genotype, random_genotype
from rnas.space import DARTS_OPERATIONS, HYBRID_OPERATIONS, SearchSpace
from rnas.trellis import OPEN, Trellis

__all__ = [
    "DARTS_OPERATIONS",
    "HYBRID_OPERATIONS",
    "OPEN",
    "Genotype",
    "LossDiverged",
    "MethodError",
    "SearchSpace",
    "Trellis",
    "decode",
    "random_genotype",
    "viterbi",
]
