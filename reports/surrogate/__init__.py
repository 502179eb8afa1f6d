"""Simple methods measured on surrogate clips: the numbers and pictures of `docs/surrogate.md`."""
