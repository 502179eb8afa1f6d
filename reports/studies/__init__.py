"""Records, figures and tables of the studies."""
