#!/usr/bin/env python3
"""Train the squad's heart-rate models from its sessions: ``sup_ml_rf_training.py --help``."""

import sys

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.training.command import main

if __name__ == "__main__":
    sys.exit(main())
