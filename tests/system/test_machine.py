from __future__ import annotations

import re
from typing import TYPE_CHECKING

from athlete_monitor.system.machine import machine_id

if TYPE_CHECKING:
    from pathlib import Path


def box(root: Path, *, machine: str = "", serial: str = "", cards: tuple[str, ...] = ()) -> Path:
    for name, text in (("etc/machine-id", machine), ("proc/device-tree/serial-number", serial)):
        if text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    for number, address in enumerate(cards):
        card = root / f"sys/class/net/eth{number}"
        (card / "device").mkdir(parents=True)
        (card / "address").write_text(address)
    return root


def test_the_machine_is_known_by_the_same_digits_every_time() -> None:
    assert machine_id() == machine_id()
    assert re.fullmatch("[0-9a-f]{12}", machine_id())


def test_boxes_differ_in_whatever_tells_them_apart(tmp_path: Path) -> None:
    boxes = [
        box(tmp_path / "a", machine="0123456789abcdef"),
        box(tmp_path / "b", machine="fedcba9876543210"),
        box(tmp_path / "cloned", machine="0123456789abcdef", serial="1423519\x00"),
        box(tmp_path / "cloned too", machine="0123456789abcdef", cards=("02:00:00:00:00:01",)),
        box(tmp_path / "cloned again", machine="0123456789abcdef", cards=("02:00:00:00:00:02",)),
        tmp_path / "container",
    ]
    assert len({machine_id(root) for root in boxes}) == len(boxes)


def test_the_digits_do_not_reveal_the_machine_id(tmp_path: Path) -> None:
    assert "0123" not in machine_id(box(tmp_path, machine="0123456789abcdef"))
