"""Leakage and enumeration studies as records and figures."""
