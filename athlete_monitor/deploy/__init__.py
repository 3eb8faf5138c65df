"""From a fresh board to a running box: check, setup, status, services, demonstration."""
