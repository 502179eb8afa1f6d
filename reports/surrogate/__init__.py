"""What the surrogate clips are worth: measured, drawn, and told in `docs/surrogate.md`."""
