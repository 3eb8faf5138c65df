"""Publish in a child process, kill it at a random moment, look at the store; again and again. Prints what it met.

python killed_publisher.py FOLDER SEED KILLS        (FOLDER holds draft.json and the files old.* and new.*)
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from athlete_monitor.models.manifest import ArtifactKind, Manifest
from athlete_monitor.models.store import ModelStore

KINDS: Final = ("pickle", "hummingbird", "onnx")


def publish_for_ever(store, draft, versions):
    while True:
        for version in versions:
            store.publish(draft, version)


def state_of(store, versions):
    """Which version every kind of artifact is of; None where there is no model."""
    if store.manifest(7) is None:
        return None
    contents = {kind: store.read(7, kind)[1] for kind in KINDS}
    return versions.index(contents)


def main():
    folder, seed, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    draft = msgspec.json.decode((folder / "draft.json").read_bytes(), type=Manifest)
    versions: list[dict[ArtifactKind, bytes]] = [
        {kind: (folder / f"{age}.{kind}").read_bytes() for kind in KINDS} for age in ("old", "new")
    ]
    store = ModelStore(folder / "updated", folder / "previous", folder / "pickles", keep_previous=1)
    started_s = time.perf_counter()
    for version in versions:
        store.publish(draft, version)
    usual_s = (time.perf_counter() - started_s) / 2
    met = []
    for _ in range(kills):
        order, delay_s = chance.sample(versions, 2), chance.uniform(0.0, 2.5 * usual_s)
        child = os.fork()
        if child == 0:
            publish_for_ever(store, draft, order)
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        met.append(state_of(store, versions))
    torn = sum(path.name.startswith(".new-") for path in folder.rglob("*"))
    store.publish(draft, versions[1])
    left = sum(path.name.startswith(".new-") for path in folder.rglob("*"))
    json.dump({"met": met, "torn_at_last": torn, "left": left, "end": state_of(store, versions)}, sys.stdout)


if __name__ == "__main__":
    main()
