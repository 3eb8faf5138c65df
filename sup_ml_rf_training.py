#!/usr/bin/env python3
"""Train the squad's heart-rate models from its sessions: ``sup_ml_rf_training.py --help``."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until training begins, Ctrl+C ends this without a traceback

import athlete_monitor.deploy.entered  # noqa: E402, F401 - before all others, into the project's own environment
from athlete_monitor.training.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
