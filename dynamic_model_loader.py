#!/usr/bin/env python3
"""Look at the models in service: information, a check of every file, and a benchmark."""

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.models.loader import DynamicModelLoader, create_dynamic_model_loader

__all__ = ["DynamicModelLoader", "create_dynamic_model_loader"]
