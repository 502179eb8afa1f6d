"""Classical baselines: a scikit-learn classifier on features of a clip, one baseline a file."""
