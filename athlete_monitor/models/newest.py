"""The newest signed model that each athlete has used: an older one that somebody puts back is refused.

A signature shows who made a model, not that it is the latest. Used models are recorded beside the engine's journal, so
that a restart changes nothing. ``--rollback`` signs which model the earlier one replaces, and is accepted.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.errors import ModelError
from athlete_monitor.models.manifest import manifest_name
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.models.manifest import Manifest

logger = logging.getLogger(__name__)


@dataclass
class Newest:
    """Records the newest time of creation by athlete, in ``path`` if one is given. Not safe for threads."""

    path: Path | None = None
    _seen: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
            self._seen = {str(key): str(created) for key, created in content.items()}
        except (OSError, ValueError, AttributeError):
            self._seen = {}

    def check(self, manifest: Manifest) -> None:
        """Accept a manifest and record it.

        Raises:
            ModelError: it is signed, but older than one that was used before.
        """
        if manifest.signature is None:
            return
        key, stands_for = str(manifest.athlete_id), manifest.stands_for
        known = self._seen.get(key, "")
        if stands_for < known:
            raise ModelError(
                f"{manifest_name(manifest.athlete_id)}: made at {manifest.created}, older than the model of {known} "
                f"that has served; only sup_ml_rf_training.py --rollback {manifest.athlete_id} puts an earlier one back"
            )
        if stands_for > known:
            self._seen[key] = stands_for
            self._save()

    def _save(self) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, json.dumps(self._seen, indent=1, sort_keys=True).encode() + b"\n")
        except OSError as error:
            logger.warning("event=newest_models_not_saved path=%s reason=%r", self.path, error.strerror)
