"""A stand-in for BlueZ on a D-Bus of its own, with its documented interfaces, so that bleak itself runs for real.

Adapters, devices, GATT services, characteristics and notifications, as in BlueZ's ``doc/org.bluez.*.rst``. Straps can
go out of range, drop the connection, fail to connect; adapters can be pulled out; BlueZ can crash and come back.
"""

import asyncio
import contextlib
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from dbus_fast import DBusError
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusBytes, DBusInt16, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

READ = PropertyAccess.READ
Strings = Annotated[list[str], DBusSignature("as")]
Options = Annotated[dict[str, Any], DBusSignature("a{sv}")]

HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
PMD = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
PMD_CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
ADVERTISES_S = 0.02
FAILED = "org.bluez.Error.Failed"

BUS_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/> <allow eavesdrop="true"/> <allow own="*"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def private_bus(folder: Path):
    """Run a D-Bus daemon in a folder; yield its address."""
    socket, configuration = folder / "bus", folder / "bus.conf"
    configuration.write_text(BUS_CONFIGURATION.format(socket=socket))
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]
    process: Any = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@dataclass(eq=False)
class Strap:
    """A strap in the room.

    ``rssi`` by adapter; one that is not listed does not hear it. ``fails`` connections fail before one succeeds.
    """

    address: str
    name: str = "Polar H10 12345678"
    rssi: dict[str, int] = field(default_factory=lambda: {"hci0": -60})
    battery: int = 80
    uuids: tuple[str, ...] = (HEART_RATE, BATTERY_SERVICE)
    in_range: bool = True
    fails: int = 0
    polar_settings: bytes | None = None
    start_answer: bytes = bytes([0xF0, 2, 2, 0, 0])
    written: list[bytes] = field(default_factory=list)
    device: Any = None
    connections: int = 0

    @property
    def connected(self) -> bool:
        """Whether somebody is connected and follows its heart rate."""
        return self.device is not None and self.device.notifies(MEASUREMENT)

    def notify(self, uuid: str, value: bytes) -> bool:
        """Send a notification; return whether somebody was there to receive it."""
        return self.device is not None and self.device.send(uuid, value)

    def beat(self, bpm: int, *intervals: int, contact: bool | None = None) -> bool:
        """Send a heart rate with beat intervals in 1/1024 s."""
        flags = (0x10 if intervals else 0) | (0 if contact is None else 0x06 if contact else 0x04)
        return self.notify(
            MEASUREMENT, bytes([flags, bpm]) + b"".join(each.to_bytes(2, "little") for each in intervals)
        )

    def drop(self) -> None:
        """Lose the connection."""
        if self.device is not None:
            self.device.drop()


class BlueZ:
    """The Bluetooth service.

    Args:
        address: of the D-Bus.
        straps: what is in the room; more may be added.
        adapters: names of the adapters.
    """

    def __init__(self, address: str, straps=(), adapters=("hci0",)) -> None:
        self._address = address
        self.straps = list(straps)
        self.names = list(adapters)
        self.adapters: dict[str, Adapter] = {}
        self.bus: Any = None

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        await self.crash()

    async def start(self) -> None:
        """Appear on the bus, with all adapters."""
        self.bus = await MessageBus(bus_address=self._address).connect()
        self.adapters = {}
        for name in self.names:
            self.plug_in(name)
        await self.bus.request_name("org.bluez")

    async def crash(self) -> None:
        """Vanish without a word, as SIGKILL does: no signal says that devices are gone."""
        for adapter in self.adapters.values():
            adapter.end()
        for strap in self.straps:
            strap.device = None
        if self.bus is not None:
            self.bus.disconnect()
            with contextlib.suppress(Exception):
                await self.bus.wait_for_disconnect()
        self.bus = None

    def plug_in(self, name: str, *, powered: bool = True) -> None:
        """Add an adapter."""
        self.adapters[name] = Adapter(self, name, powered=powered)
        self.bus.export(self.adapters[name].path, self.adapters[name])

    def pull_out(self, name: str) -> None:
        """Remove an adapter with everything on it."""
        adapter = self.adapters.pop(name)
        adapter.end()
        for device in list(adapter.devices.values()):
            device.drop()
            self.bus.unexport(device.path)
        self.bus.unexport(adapter.path)

    def connected(self) -> Counter[str]:
        """How many straps each adapter keeps."""
        return Counter(each.device.adapter.hci for each in self.straps if each.connected)


class Adapter(ServiceInterface):
    """``org.bluez.Adapter1``."""

    def __init__(self, bluez: BlueZ, name: str, *, powered: bool) -> None:
        super().__init__("org.bluez.Adapter1")
        self.bluez, self.hci, self._powered = bluez, name, powered
        self.path = f"/org/bluez/{name}"
        self.devices: dict[str, Device] = {}
        self.scans = 0
        self.refuses = False
        self._task: asyncio.Task[None] | None = None
        self._discovering = 0

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @dbus_method()
    def SetDiscoveryFilter(self, filter_: Options) -> None:
        pass

    @dbus_method()
    def StartDiscovery(self) -> None:
        if self.refuses:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        self.scans += 1
        self._discovering += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._advertise())

    @dbus_method()
    def StopDiscovery(self) -> None:
        self._discovering -= 1
        if not self._discovering:
            self.end()

    @dbus_method()
    def RemoveDevice(self, path: DBusObjectPath) -> None:
        self.devices.pop(path, None)
        self.bluez.bus.unexport(path)

    async def _advertise(self) -> None:
        while True:
            for strap in self.bluez.straps:
                if strap.in_range and strap.device is None and self.hci in strap.rssi:
                    self._hear(strap)
            await asyncio.sleep(ADVERTISES_S)

    def _hear(self, strap: Strap) -> None:
        path = f"{self.path}/dev_{strap.address.replace(':', '_')}"
        if path not in self.devices:
            self.devices[path] = Device(self, strap, path)
            self.bluez.bus.export(path, self.devices[path])
        else:
            self.devices[path].emit_properties_changed({"RSSI": strap.rssi[self.hci]})

    @dbus_property(access=READ)
    def Address(self) -> DBusStr:
        return f"00:00:00:00:00:0{self.hci[-1]}"

    @dbus_property(access=READ)
    def Powered(self) -> DBusBool:
        return self._powered

    @dbus_property(access=READ)
    def Discovering(self) -> DBusBool:
        return self._discovering > 0

    @dbus_property(access=READ)
    def Roles(self) -> Strings:
        return ["central", "peripheral"]


class Device(ServiceInterface):
    """``org.bluez.Device1``."""

    def __init__(self, adapter: Adapter, strap: Strap, path: str) -> None:
        super().__init__("org.bluez.Device1")
        self.adapter, self.strap, self.path = adapter, strap, path
        self._connected = False
        self._objects: list[str] = []
        self._characteristics: dict[str, Characteristic] = {}

    def notifies(self, uuid: str) -> bool:
        found = self._characteristics.get(uuid)
        return found is not None and found.notifying

    def send(self, uuid: str, value: bytes) -> bool:
        found = self._characteristics.get(uuid)
        if found is None or not found.notifying:
            return False
        found.value = value
        found.emit_properties_changed({"Value": value})
        return True

    def drop(self) -> None:
        self.strap.device = None
        self._connected = False
        for path in self._objects:
            self.adapter.bluez.bus.unexport(path)
        self._objects, self._characteristics = [], {}
        self.emit_properties_changed({"Connected": False, "ServicesResolved": False})

    @dbus_method()
    async def Connect(self) -> None:
        await asyncio.sleep(0)
        if not self.strap.in_range or self.strap.fails > 0:
            self.strap.fails -= 1
            raise DBusError(FAILED, "le-connection-abort-by-peer")
        self._connected = True
        self.strap.device = self
        self.strap.connections += 1
        self.emit_properties_changed({"Connected": True})
        self._resolve()

    @dbus_method()
    def Disconnect(self) -> None:
        self.drop()

    def _resolve(self) -> None:
        services = [(HEART_RATE, {MEASUREMENT: ["notify"]}), (BATTERY_SERVICE, {BATTERY: ["read", "notify"]})]
        if self.strap.polar_settings is not None:
            services.append((PMD, {PMD_CONTROL: ["read", "write", "indicate"], PMD_DATA: ["notify"]}))
        handle = 0x10
        for uuid, characteristics in services:
            path = f"{self.path}/service{handle:04x}"
            self._export(path, Service(uuid, self.path))
            for found, flags in characteristics.items():
                handle += 2
                self._characteristics[found] = Characteristic(found, path, flags, self)
                self._export(f"{path}/char{handle:04x}", self._characteristics[found])
            handle += 0x10
        self.emit_properties_changed({"ServicesResolved": True})

    def _export(self, path: str, interface: ServiceInterface) -> None:
        self._objects.append(path)
        self.adapter.bluez.bus.export(path, interface)

    @dbus_property(access=READ)
    def Address(self) -> DBusStr:
        return self.strap.address

    @dbus_property(access=READ)
    def AddressType(self) -> DBusStr:
        return "random"

    @dbus_property(access=READ)
    def Name(self) -> DBusStr:
        return self.strap.name

    @dbus_property(access=READ)
    def Alias(self) -> DBusStr:
        return self.strap.name

    @dbus_property(access=READ)
    def Adapter(self) -> DBusObjectPath:
        return self.adapter.path

    @dbus_property(access=READ)
    def UUIDs(self) -> Strings:
        return list(self.strap.uuids)

    @dbus_property(access=READ)
    def Paired(self) -> DBusBool:
        return False

    @dbus_property(access=READ)
    def Connected(self) -> DBusBool:
        return self._connected

    @dbus_property(access=READ)
    def ServicesResolved(self) -> DBusBool:
        return bool(self._objects)

    @dbus_property(access=READ)
    def RSSI(self) -> DBusInt16:
        return self.strap.rssi[self.adapter.hci]


class Service(ServiceInterface):
    """``org.bluez.GattService1``."""

    def __init__(self, uuid: str, device: str) -> None:
        super().__init__("org.bluez.GattService1")
        self._uuid, self._device = uuid, device

    @dbus_property(access=READ)
    def UUID(self) -> DBusStr:
        return self._uuid

    @dbus_property(access=READ)
    def Device(self) -> DBusObjectPath:
        return self._device

    @dbus_property(access=READ)
    def Primary(self) -> DBusBool:
        return True


class Characteristic(ServiceInterface):
    """``org.bluez.GattCharacteristic1``."""

    def __init__(self, uuid: str, service: str, flags: list[str], device: Device) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self.uuid, self._service, self._flags, self._device = uuid, service, flags, device
        self.notifying = False
        self.value = b""

    @dbus_method()
    def ReadValue(self, options: Options) -> DBusBytes:
        if self.uuid == BATTERY:
            return bytes([self._device.strap.battery])
        return bytes([0x0F, 0x0C])  # Polar: acceleration and pulse intervals

    @dbus_method()
    def WriteValue(self, value: DBusBytes, options: Options) -> None:
        strap = self._device.strap
        strap.written.append(bytes(value))
        settings = strap.polar_settings or b""
        answer = bytes([0xF0, 1, value[1], 0, 0]) + settings if value[0] == 1 else strap.start_answer
        asyncio.get_running_loop().call_soon(self._device.send, PMD_CONTROL, answer)

    @dbus_method()
    def StartNotify(self) -> None:
        self.notifying = True

    @dbus_method()
    def StopNotify(self) -> None:
        self.notifying = False

    @dbus_property(access=READ)
    def UUID(self) -> DBusStr:
        return self._uuid_text()

    def _uuid_text(self) -> str:
        return self.uuid

    @dbus_property(access=READ)
    def Service(self) -> DBusObjectPath:
        return self._service

    @dbus_property(access=READ)
    def Value(self) -> DBusBytes:
        return self.value

    @dbus_property(access=READ)
    def Notifying(self) -> DBusBool:
        return self.notifying

    @dbus_property(access=READ)
    def Flags(self) -> Strings:
        return self._flags


def open_files() -> int:
    """How many files and sockets this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
