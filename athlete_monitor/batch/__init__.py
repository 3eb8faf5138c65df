"""Work placed in processes or on a cluster, and stores that all of them reach."""
