"""`docs/audit.md`: the paper's printed numbers, recomputed."""

from __future__ import annotations

from reports.audit.paper import audit_paper
from reports.audit.text import assumption, markdown, wrapped
from reports.published import paper

REMARKS = (
    ("Eq. 2", "feeds I_j into its own definition; I_i is meant."),
    (
        "Eqs. 6, 7",
        "disagree in direction: Eq. 6 mixes the arrows that enter a state, Eq. 7 normalises those "
        "that leave it, and it writes s → s/2 where Eq. 6 has s/2 → s.",
    ),
    (
        "Fig. 2, Algorithm 1",
        "the figure's caption has search, decoding and training work simultaneously in each epoch; "
        "the algorithm runs them one after another.",
    ),
    ("Table 5", "DualInc is given reference [7], which is another paper; [44] is meant."),
)
"""Mistakes in the paper that arithmetic cannot show."""


def page() -> str:
    """The text of docs/audit.md."""
    findings = audit_paper()
    source = paper()
    cited = f'{source["authors"]}, "{source["title"]}", {source["venue"]} {source["year"]}.'
    remarks = "\n".join(wrapped(f"- {where}: {what}", "  ") for where, what in REMARKS)
    return f"""# Audit of the paper's numbers

This page lists which printed numbers of the RNAS-MER paper do not hold.

{wrapped(cited)}

Everything here follows from the paper's printed numbers alone. `bench audit` prints it, with
`--all` also what holds, and with `--format json` everything as JSON. Every verdict is computed from
`reports/published/`: the tables, the claims of the text with their places (`claims.csv`), and the
confusion matrices of STSTNet's published predictions (`ststnet_confusion.csv`).

{wrapped(assumption())}

Whether any confusion matrix has the scores is decided by an exact search over all of them
(`reports/audit/attainable.py`), which the tests compare with brute force. Scores that are
unattainable within rounding but attainable within ±0.0035 may have been rounded twice, or differ by
one clip. That cannot explain scores that are unattainable within ±0.0035.

## What does not hold

{markdown(findings)}

## Other mistakes

{remarks}

## Your own numbers

```sh
bench audit --counts 250,109,83 --acc .90 --uar .85 --uf1 .83
bench audit --counts composite --uar .7605 --uf1 .7353
```

The digits typed set the tolerance (.90 is 0.90 ± 0.005) unless `--tolerance` is given. The result
is a verdict with an example matrix, or with the nearest scores that some matrix has.

Written by `python -m reports.docs`.
"""
