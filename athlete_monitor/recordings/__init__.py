"""Recordings of other systems, recognised by their content and imported as sessions."""

from __future__ import annotations

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())
"""An error of a reader is one line for the user; its traceback goes to the log."""
