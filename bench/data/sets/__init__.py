"""One file per data set, their catalogue, class maps and the user's manifests."""
