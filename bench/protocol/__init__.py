"""Leave one subject out, selection rules, and the metrics UAR, UF1 and accuracy."""
