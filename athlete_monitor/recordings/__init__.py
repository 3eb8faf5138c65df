"""Recordings of other systems, recognised from their content and read in as sessions."""

from __future__ import annotations
