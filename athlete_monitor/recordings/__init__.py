"""Recordings of other systems, recognised from their content and read in as sessions."""

from __future__ import annotations

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())
"""A fault of a reader is one line for the user; its traceback is for those who set up a log."""
