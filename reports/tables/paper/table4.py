"""Table 4: accuracy, UAR and UF1 of RNAS-MER and its ablations."""

from __future__ import annotations

from reports.published import published_table
from reports.tables.scores import is_ablation, scores_table

TABLE = scores_table(published_table(4), unprinted=is_ablation)
