"""Studies of protocol and method: leakage, full enumeration of paths, ablation by design."""
