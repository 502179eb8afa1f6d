"""Drawing tools: style, labels, ticks, layered graphs, export."""
