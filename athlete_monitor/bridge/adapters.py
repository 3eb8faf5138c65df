"""The Bluetooth adapters of this machine, as BlueZ lists them on the system's D-Bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"


class NoBluetoothError(MonitorError):
    """This machine has no Bluetooth that can be used now."""

    exit_code = 3


@dataclass(frozen=True)
class Adapter:
    """One adapter: ``hci0``, its own address, and whether it is switched on."""

    name: str
    address: str
    powered: bool


async def adapters(wanted: Iterable[str] = ()) -> list[Adapter]:
    """Return the adapters that are switched on, in order of their names; only ``wanted`` ones where some are named.

    Raises:
        NoBluetoothError: there is none; the text says why.
    """
    wanted = tuple(wanted)
    found = [each for each in await _listed() if not wanted or each.name in wanted]
    if not found:
        which = f"adapter {', '.join(wanted)}" if wanted else "Bluetooth adapter"
        raise NoBluetoothError(f"no {which} on this machine; plug one in, or see: bluetoothctl list")
    powered = [each for each in found if each.powered]
    if not powered:
        names = ", ".join(each.name for each in found)
        raise NoBluetoothError(f"Bluetooth is switched off ({names}); switch it on: bluetoothctl power on")
    return powered


async def _listed() -> list[Adapter]:
    objects = await _objects()
    found = (
        Adapter(path.rsplit("/", 1)[-1], str(values["Address"].value), bool(values["Powered"].value))
        for path, interfaces in objects.items()
        if (values := interfaces.get(ADAPTER)) and {"Address", "Powered"} <= values.keys()
    )
    return sorted(found, key=lambda each: (len(each.name), each.name))


async def _objects() -> Mapping[str, Any]:
    from dbus_fast import BusType, DBusError, InvalidAddressError, Message, MessageType
    from dbus_fast.aio import MessageBus

    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (OSError, DBusError, InvalidAddressError, EOFError) as error:
        raise NoBluetoothError(f"no Bluetooth: the system's D-Bus does not answer ({_short(error)})") from None
    try:
        question = Message(BLUEZ, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        reply = await bus.call(question)
    except (OSError, DBusError, EOFError) as error:
        raise NoBluetoothError(f"no Bluetooth: BlueZ does not answer ({_short(error)})") from None
    finally:
        bus.disconnect()
    if reply.message_type is MessageType.ERROR:
        raise NoBluetoothError("no Bluetooth: BlueZ is not running; install and start it: sudo apt install bluez")
    objects: Mapping[str, Any] = reply.body[0]
    return objects


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
