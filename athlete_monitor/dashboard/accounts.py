"""Accounts of the screen: who may look (viewer), who may act (coach), who may do everything (admin).

The file is JSON, readable by its owner only: ``{"accounts": [{"name": ..., "role": ..., "secret": "$argon2id$..."}]}``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Role = Literal["viewer", "coach", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""From the least to the most rights."""
SHORTEST_SECRET: Final = 6
LONGEST_SECRET: Final = 200
LONGEST_NAME: Final = 40
# OWASP's least memory for argon2id, 19 MiB: a log-in must fit into a Nano's memory beside the engine.
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY: Final = _hasher.hash("nobody")  # an unknown name takes as long as a wrong password


@dataclass(frozen=True)
class PersonAccount:
    """One person's account; ``secret`` is the hash of a PIN or password."""

    name: str
    role: Role
    secret: str


def allows(role: Role, needed: Role) -> bool:
    """Return whether a role includes another.

    >>> allows("coach", "viewer"), allows("viewer", "coach")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(needed)


def make_account(name: str, role: str, secret: str) -> PersonAccount:
    """Return an account with the hash of the secret.

    Raises:
        ConfigError: name, role or secret cannot be used.
    """
    if not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"account name {name!r}: 1 to {LONGEST_NAME} printable characters are allowed")
    if role not in ROLES:
        raise ConfigError(f"role {role!r}: allowed are {', '.join(ROLES)}")
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise ConfigError(f"PIN or password: {SHORTEST_SECRET} to {LONGEST_SECRET} characters are allowed")
    return PersonAccount(name.strip(), ROLES[ROLES.index(role)], _hasher.hash(secret))


def verify(accounts: Iterable[PersonAccount], name: str, secret: str) -> PersonAccount | None:
    """Return the account that name and secret open, or None; takes equally long for an unknown name."""
    found = next((one for one in accounts if one.name == name), None)
    try:
        _hasher.verify(found.secret if found else _NOBODY, secret[: LONGEST_SECRET + 1])
    except (VerificationError, InvalidHashError):
        return None
    return found


def load_accounts(path: Path) -> tuple[PersonAccount, ...]:
    """Read an accounts file; one that does not exist holds nobody.

    Raises:
        ConfigError: the file is no valid accounts file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        accounts = tuple(PersonAccount(**entry) for entry in document["accounts"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: no valid accounts file ({error})") from error
    if not all(one.role in ROLES for one in accounts):
        raise ConfigError(f"{path}: an account has an unknown role; allowed are {', '.join(ROLES)}")
    return accounts


def save_accounts(path: Path, accounts: Iterable[PersonAccount]) -> None:
    """Write an accounts file in one step, readable by its owner only.

    Raises:
        ConfigError: it cannot be written.
    """
    text = json.dumps({"accounts": [asdict(one) for one in accounts]}, indent=2, ensure_ascii=False)
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
