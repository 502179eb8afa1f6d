"""The exact fast evaluation of a supernet: same values and gradients."""
