"""The tables of the paper, one module each: `TABLE` in `table2` is Table 2."""
