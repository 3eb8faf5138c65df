"""From a fitted forest to a live predictor: exports, manifests, the store, the runtimes, the loader."""
