"""Heart-rate models: exports, manifests, the store, two runtimes and the cache of the live process."""
