"""Studies of the protocol itself: leaks, and a search against full enumeration."""
