"""Table 2: accuracy, UAR and UF1 of the methods of other papers and of RNAS-MER."""

from __future__ import annotations

from reports.published import published_table
from reports.tables.scores import is_ablation, scores_table

TABLE = scores_table(
    published_table(2), unprinted=lambda variant: not is_ablation(variant), labelled=True
)
