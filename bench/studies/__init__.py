"""Studies of the protocol itself: leakage, and a search compared with full enumeration."""
