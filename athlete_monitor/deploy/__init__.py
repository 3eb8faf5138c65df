"""Installation and operation of a box: check, setup, status, services, demonstration."""
