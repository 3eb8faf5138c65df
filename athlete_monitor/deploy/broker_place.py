"""The paths and owners of the broker's files.

The system's Mosquitto drops root privileges before it reads passwords, access rights and keys, and it cannot read a
home folder with mode 0750. So root puts them under ``/etc/mosquitto`` and ``/var/lib/mosquitto``, owned by
``mosquitto``. A user without root privileges runs their own Mosquitto, with files below the configuration's home.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYSTEM_USER: Final = "mosquitto"


@dataclass(frozen=True)
class Owner:
    """A user and their group, by number and name."""

    uid: int
    gid: int
    name: str

    def owns(self, path: Path) -> bool:
        """Return whether the file or folder belongs to this user and group."""
        status = path.stat()
        return (status.st_uid, status.st_gid) == (self.uid, self.gid)

    def take(self, path: Path) -> None:
        """Change the owner of the file or folder to them; a link is not followed."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


@dataclass(frozen=True)
class BrokerPlace:
    """The broker's files.

    Attributes:
        configuration: its configuration.
        secrets: folder of passwords, access rights and keys.
        data: folder of data that survive a restart.
        owner: owner of secrets and data; None if they belong to the user who runs setup.
        system: the configuration of the system's own Mosquitto that includes ours, if there is one.
    """

    configuration: Path
    secrets: Path
    data: Path
    owner: Owner | None = None
    system: Path | None = None

    @property
    def passwords(self) -> Path:
        """Mosquitto's password file."""
        return self.secrets / "passwords"

    @property
    def rights(self) -> Path:
        """Mosquitto's file of access rights."""
        return self.secrets / "acl"

    @property
    def tls(self) -> Path:
        """Folder of the broker's certificate and key."""
        return self.secrets / "tls"

    @property
    def bridge(self) -> Path:
        """Configuration of the bridge to a club's broker."""
        if self.system is not None:
            return self.configuration.with_name("athlete-monitor-bridge.conf")
        return self.secrets / "bridges" / "club.conf"

    @property
    def including(self) -> str:
        """Return the line with which our configuration reads the bridge's; the system's own reads its folder anyway."""
        return f"include_dir {self.bridge.parent}"

    @property
    def start(self) -> str:
        """The command that starts the broker with this configuration."""
        return "sudo systemctl restart mosquitto" if self.system else f"mosquitto -c {self.configuration}"

    def said_elsewhere(self) -> frozenset[str]:
        """Return the settings of the system's own configuration; Mosquitto refuses most settings that occur twice."""
        if self.system is None:
            return frozenset()
        lines = self.system.read_text(encoding="utf-8", errors="replace").splitlines()
        return frozenset(line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith("#"))


def broker_place(home: Path, filesystem: Path = Path("/")) -> BrokerPlace:
    """Return the place of this user's broker files.

    Args:
        home: folder of the configuration's relative paths.
        filesystem: root of the system's folders.
    """
    owner = owner_named(SYSTEM_USER)
    if os.geteuid() != 0 or owner is None:
        folder = home / "broker"
        return BrokerPlace(folder / "mosquitto.conf", folder, folder / "data")
    folder = filesystem / "etc/mosquitto"
    own = folder / "conf.d" / "athlete-monitor.conf"
    main = folder / "mosquitto.conf"
    included = main.is_file() and "include_dir" in main.read_text(encoding="utf-8", errors="replace")
    data = filesystem / "var/lib/mosquitto"
    return BrokerPlace(own, folder / "athlete-monitor", data, owner, main if included else None)


def owner_named(name: str) -> Owner | None:
    """Return a user of this machine, or None."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return None
    return Owner(user.pw_uid, user.pw_gid, name)


def owner_of(path: Path) -> Owner:
    """Return the owner of a file or folder."""
    status = path.stat()
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        name = str(status.st_uid)
    return Owner(status.st_uid, status.st_gid, name)
