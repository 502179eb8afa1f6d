"""Parameters, MACs, memory and time of a network."""
