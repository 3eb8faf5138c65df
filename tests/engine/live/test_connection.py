from __future__ import annotations

from pathlib import Path

from athlete_monitor.engine.live.connection import client_id


def test_a_folder_whose_name_is_not_of_the_machines_encoding_has_a_client_id_too(sample_config):
    config = sample_config()
    ids = set()
    for name in ("box", "Zo\udcc3\udcab", "Zoë"):
        paths = config.paths.model_copy(update={"journal": Path("/srv", name, "journal.sqlite3")})
        ids.add(client_id(config.model_copy(update={"paths": paths}), "a machine"))
    assert len(ids) == 2, "the second name is the third as a machine without UTF-8 reads it"
