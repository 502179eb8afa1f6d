"""Records and figures of the leakage and enumeration studies."""
