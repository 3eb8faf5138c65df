"""Shards and the coordinator as actors of Ray. The only module that knows Ray's calls."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.batch.cluster import require_ray
from athlete_monitor.batch.storage import short
from athlete_monitor.errors import MonitorError
from athlete_monitor.league.light import HOOK
from athlete_monitor.league.placing import Need, Node
from athlete_monitor.league.shard import Shard, ShardAnswer
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from athlete_monitor.league.settings import League
    from athlete_monitor.league.shard import SquadOrder

NAMESPACE: Final = "athlete-monitor-league"
SYSTEM: Final = frozenset({"CPU", "GPU", "memory", "object_store_memory"})
LEAST_RESOURCE: Final = 0.001
HEAD: Final = "node:__internal_head__"
"""The resource that only the head node has."""
AUTO: Final = "auto"
CONNECT_S: Final = 5.0
PROBE_S: Final = 0.5
AGAIN_S: Final = 0.5
CALLS: Final = 8
ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(PROJECT),
}


def connected(address: str) -> Any:  # noqa: ANN401 - the module of Ray
    """Connect to a running cluster and return Ray.

    Raises:
        MonitorError: Ray is not installed, the address is not one, or no cluster answers.
    """
    require_ray("league.py")
    if address != AUTO:
        _check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    try:
        with _no_warnings():
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": ENVIRONMENT, "worker_process_setup_hook": HOOK},
            )
    except Exception as error:  # Ray raises many kinds
        raise MonitorError(f"--cluster {address}: no Ray cluster answers there ({short(error)})") from error
    # Ray prints the logs of raylets that end on standard output, even without log_to_driver; that is for our answers
    ray._private.worker._worker_logs_enabled = False  # noqa: SLF001 - there is no public switch
    return ray


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep what Ray's own library prints off standard error, such as that a machine has no link to the internet."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _check_address(address: str) -> None:
    """Check that somebody listens there: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise MonitorError(f"--cluster {address}: is not an address; allowed: auto or HOST:PORT, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as error:
        raise MonitorError(f"--cluster {address}: no Ray cluster answers there ({error.strerror or error})") from error


class ShardActor:
    """A shard as an actor."""

    def __init__(self, name: str, runtime: str | None) -> None:
        import ray

        self._node_id = str(ray.get_runtime_context().get_node_id())
        self._shard = Shard(name, runtime)

    def sync(self, wanted: Mapping[str, SquadOrder]) -> ShardAnswer:
        """See ``Shard.sync``."""
        return ShardAnswer(self._node_id, self._shard.sync(wanted), os.getpriority(os.PRIO_PROCESS, 0))

    def stop(self) -> bool:
        """See ``Shard.stop``."""
        return self._shard.stop()


class RayShard:
    """A shard on the cluster, see ``placed.RemoteShard``."""

    def __init__(self, ray: Any, actor: Any) -> None:  # noqa: ANN401 - Ray's
        self._ray, self._actor = ray, actor
        self._owed: Any = None
        self._ending = ""

    def sync(self, wanted: Mapping[str, SquadOrder]) -> bool:
        """See ``RemoteShard``."""
        if self._owed is not None:
            return False
        self._owed = self._actor.sync.remote(wanted)
        return True

    def answer(self) -> ShardAnswer | None:
        """See ``RemoteShard``."""
        if self._owed is None:
            return None
        done, _ = self._ray.wait([self._owed], timeout=0)
        if not done:
            return None
        owed, self._owed = self._owed, None
        try:
            answer: ShardAnswer = self._ray.get(owed)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.ActorDiedError):
                self._ending = _ending(error)
            return None
        return answer

    @property
    def ending(self) -> str:
        """See ``RemoteShard``."""
        return self._ending

    def end(self) -> None:
        """See ``RemoteShard``."""
        with suppress(Exception):  # it may be gone already
            self._ray.kill(self._actor, no_restart=True)


class RayCluster:
    """The machines of a Ray cluster, see ``placed.ShardCluster``.

    Args:
        ray: the connected module.
        league: name of the league.
    """

    def __init__(self, ray: Any, league: str) -> None:  # noqa: ANN401 - Ray's
        self._ray, self._league = ray, league

    def nodes(self) -> Sequence[Node]:
        """See ``ShardCluster``."""
        return [_node(each) for each in self._ray.nodes() if each["Alive"]]

    def answers(self, node: Node) -> bool:
        """See ``ShardCluster``."""
        try:
            with socket.create_connection((node.address, node.port), PROBE_S):
                return True
        except OSError:
            return False

    def start(self, name: str, node: Node, need: Need, runtime: str | None) -> RayShard:
        """See ``ShardCluster``."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options = {
            "name": f"{self._league}:{name}",
            "lifetime": "detached",
            "max_restarts": 0,  # the coordinator starts another one, at once and where there is room
            "max_task_retries": 0,
            "max_concurrency": CALLS,
            "num_cpus": need.cpus,
            "memory": int(need.memory_mb * 1e6),
            "resources": dict.fromkeys(need.resources, LEAST_RESOURCE),
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=True),
        }
        try:
            actor = self._ray.remote(ShardActor).options(**options).remote(name.rpartition(".")[0], runtime)
        except Exception as error:  # Ray raises many kinds
            raise MonitorError(f"shard {name} cannot be started: {short(error)}") from error
        return RayShard(self._ray, actor)

    def find(self, name: str) -> RayShard | None:
        """See ``ShardCluster``."""
        try:
            return RayShard(self._ray, self._ray.get_actor(f"{self._league}:{name}", namespace=NAMESPACE))
        except ValueError:
            return None


def _ending(error: Exception) -> str:
    """Return why an actor is gone. Ray gives the traceback of one that failed at its start, and a paragraph else."""
    first, *_, last = [line for line in str(error).splitlines() if line.strip()] * 2
    return f"it cannot start: {last.strip()}" if "creation task" in first else "its process ended"


def _node(found: Mapping[str, Any]) -> Node:
    resources: Mapping[str, float] = found["Resources"]
    own = frozenset(name for name in resources if name not in SYSTEM and not name.startswith("node:"))
    name, address = str(found.get("NodeName") or ""), str(found["NodeManagerAddress"])
    return Node(
        id=str(found["NodeID"]),
        address=address,
        port=int(found["NodeManagerPort"]),
        cpus=float(resources.get("CPU", 0.0)),
        memory_mb=float(resources.get("memory", 0.0)) / 1e6,
        resources=own,
        is_alive=bool(found["Alive"]),
        name="" if name == address else name,
    )


class CoordinatorActor:
    """The league's office as an actor: it ticks in a thread of its own, and answers the command line.

    Args:
        league: the league.
    """

    def __init__(self, league: League) -> None:
        import ray

        from athlete_monitor.league.office import Office

        self._office = Office(league, RayCluster(ray, league.name))
        threading.Thread(target=self._office.run, name="league", daemon=True).start()

    def call(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401 - as of ``Office``
        """Call a method of the office; an error of ours comes back as its text and exit code."""
        try:
            return getattr(self._office, name)(*arguments), None
        except MonitorError as error:
            return None, (str(error), error.exit_code)


class NotRunningError(MonitorError):
    """The league does not run."""


class RemoteOffice:
    """The office of a running league, for the command line.

    Args:
        ray: the connected module.
        league: the league.
        start: start the office if it does not run.

    Raises:
        MonitorError: it does not run, or does not answer.
    """

    ANSWER_S: Final = 60.0

    def __init__(self, ray: Any, league: League, *, start: bool = False) -> None:  # noqa: ANN401 - Ray's
        self._ray, self._name = ray, f"{league.name}:coordinator"
        self.was_started = False
        try:
            self._actor = ray.get_actor(self._name, namespace=NAMESPACE)
        except ValueError:
            if not start:
                raise NotRunningError(f"the league {league.name} is not running; start it: league.py start") from None
            self._begin(league)
        else:
            if start and self.call("is_stopped"):
                self.end()
                self._begin(league)

    def call(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401 - as of ``Office``
        """Call a method of the office.

        Raises:
            MonitorError: it refuses, or does not answer.
        """
        found, refusal = self._answered(name, arguments)
        if refusal is not None:
            text, code = refusal
            raised = MonitorError(text)
            raised.exit_code = code
            raise raised
        return found

    def _answered(self, name: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - as of ``Office``
        """Ask until an answer comes: a call to an office that is being restarted fails, and may be repeated."""
        end_s = time.monotonic() + self.ANSWER_S
        while True:
            try:
                return self._ray.get(self._actor.call.remote(name, *arguments), timeout=self.ANSWER_S)
            except self._ray.exceptions.RayError as error:
                is_away = isinstance(error, self._ray.exceptions.ActorUnavailableError)
                if not is_away or time.monotonic() > end_s:
                    raise MonitorError(f"the league's coordinator does not answer ({short(error)})") from error
            time.sleep(AGAIN_S)

    def end(self) -> None:
        """End the office; its shards are ended before by ``stop``."""
        with suppress(Exception):  # it may be gone already
            self._ray.kill(self._actor, no_restart=True)

    def _begin(self, league: League) -> None:
        """Start the office; the name of one that has just ended may still be taken for a moment."""
        end_s = time.monotonic() + self.ANSWER_S
        while not self._has_begun(league, is_last=time.monotonic() > end_s):
            time.sleep(AGAIN_S)
        self.was_started = True

    def _has_begun(self, league: League, *, is_last: bool) -> bool:
        try:
            self._actor = self._started(league)
        except ValueError as error:
            if is_last:
                raise MonitorError(f"the league's coordinator cannot be started ({short(error)})") from error
            return False
        return True

    def _started(self, league: League) -> Any:  # noqa: ANN401 - Ray's
        options = {
            "name": self._name,
            "lifetime": "detached",
            "max_restarts": -1,
            "max_concurrency": CALLS,
            "num_cpus": 0,
            "resources": {HEAD: LEAST_RESOURCE},  # it cannot outlive the head node anyway
        }
        return self._ray.remote(CoordinatorActor).options(**options).remote(league)
