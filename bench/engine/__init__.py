"""From a request to finished folds: plan, units, search, training, executors."""
