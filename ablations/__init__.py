"""Table 3 as data: RNAS-MER and its four ablations, one search space a row.

RNAS-MER_4b is ours: the paper says that study 4 removes edge normalisation, but Table 3 removes
partial connections too; 4b removes the edge normalisation alone.
"""

from rnas.space import DARTS_OPERATIONS, HYBRID_OPERATIONS, SearchSpace

RNAS_MER = SearchSpace(
    name="rnas_mer",
    summary="RNAS-MER: hybrid operations, partial connections, edge normalisation, attention",
    operations=HYBRID_OPERATIONS,
    partial=4,
    edge_norm=True,
    attention=True,
    size_target=1_910_000,  # Table 5, as are those below
    groups=("nas",),
)

RNAS_MER_1 = SearchSpace(
    name="rnas_mer_1",
    summary="Study 1: DARTS operations, all channels, no edge normalisation, no attention",
    operations=DARTS_OPERATIONS,
    partial=1,
    edge_norm=False,
    attention=False,
    size_target=9_170_000,
    groups=("ablation", "nas"),
)

RNAS_MER_2 = SearchSpace(
    name="rnas_mer_2",
    summary="Study 2: DARTS operations in place of the hybrid ones",
    operations=DARTS_OPERATIONS,
    partial=4,
    edge_norm=True,
    attention=True,
    size_target=4_160_000,
    groups=("ablation", "nas"),
)

RNAS_MER_3 = SearchSpace(
    name="rnas_mer_3",
    summary="Study 3: no spatio-temporal attention",
    operations=HYBRID_OPERATIONS,
    partial=4,
    edge_norm=True,
    attention=False,
    size_target=1_460_000,
    groups=("ablation", "nas"),
)

RNAS_MER_4 = SearchSpace(
    name="rnas_mer_4",
    summary="Study 4: no edge normalisation and, by Table 3, no partial connections",
    operations=HYBRID_OPERATIONS,
    partial=1,
    edge_norm=False,
    attention=True,
    size_target=2_380_000,
    groups=("ablation", "nas"),
)

RNAS_MER_4B = SearchSpace(
    name="rnas_mer_4b",
    summary="Ours, not in the paper: study 4 unconfounded, edge normalisation alone removed",
    operations=HYBRID_OPERATIONS,
    partial=4,
    edge_norm=False,
    attention=True,
    groups=("ablation",),
    marks=("ours",),
)
