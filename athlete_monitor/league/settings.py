"""``league.yaml``: squads, their brokers and shards, where their state is kept, what they need of a node."""

from __future__ import annotations

import zlib
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field

from athlete_monitor.batch.storage import is_url
from athlete_monitor.config import Allowed, Config, Section, load_config, read_yaml, validate
from athlete_monitor.config.document import Document, Location, dotted
from athlete_monitor.config.fields import FilePath, Host, Port, Seconds, TopicPrefix
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import PROJECT
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_LEAGUE: Final = PROJECT / "league.yaml"
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"),
    Allowed("1 to 63 small letters, digits and -; a letter or digit first and last"),
]
Topic = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*$", max_length=128),
    Allowed("a topic such as league/state: levels of letters, digits, _ . -"),
]
BRANCHES: Final = ("player", "engine", "team", "models", "bridge")
"""What the topics of an engine and its box begin with, after the prefix."""
Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class RegionalBroker(Section):
    """A regional broker: the boxes of its squads send to it, their engines read from it."""

    host: Host = Field(description="Host of the broker.")
    port: Port = Field(default=1883, description="Port of the broker.")
    username: str | None = Field(default=None, description="Account of the engines.")
    password_file: FilePath | None = Field(default=None, description="File whose first line is the password.")
    ca_file: FilePath | None = Field(default=None, description="Certificates that check the broker; null: no TLS.")
    node_resource: Name | None = Field(
        default=None, description="Its engines run only on nodes with this Ray resource; null: on any node."
    )


class SquadSettings(Section):
    """A squad: one engine."""

    prefix: TopicPrefix = Field(min_length=2, description="Prefix of its topics at the broker, such as league/reds/.")
    broker: Name = Field(description="Its broker, a key of brokers.")
    athletes: int = Field(default=30, ge=1, le=100_000, description="Expected number of athletes, for planning.")
    roster: FilePath | None = Field(default=None, description="Roster; null: athletes.yaml in its state folder.")
    engine_config: FilePath | None = Field(default=None, description="Own configuration in place of the league's.")


class Health(Section):
    """When an engine or a node counts as lost."""

    start_s: Seconds = Field(default=120.0, description="Longest time that an engine may take to start, s.")
    hung_s: Seconds = Field(default=5.0, description="An engine without a heartbeat for so long is killed, s.")
    lost_s: Seconds = Field(default=10.0, description="A shard that does not answer for so long is replaced, s.")


class Costs(Section):
    """What an engine needs of its node, for placing shards (``docs/scale.md``: as measured)."""

    engine_cpus: float = Field(default=0.02, ge=0, le=64, description="CPUs of an engine without athletes.")
    athlete_cpus: float = Field(default=0.0025, ge=0, le=1, description="CPUs of each athlete.")
    engine_memory_mb: float = Field(default=250.0, ge=0, le=1_048_576, description="Memory of an engine, MB.")
    athlete_memory_mb: float = Field(default=0.5, ge=0, le=1024, description="Memory of each athlete, MB.")


def _place(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) and len(value) > 1 else value


class League(Section):
    """The whole file. Relative paths are relative to its folder."""

    name: Name = Field(description="Name of the league.")
    engine_config: FilePath = Field(description="Configuration of the engines; broker and folders come from here.")
    state: Annotated[str, BeforeValidator(_place)] = Field(
        min_length=1, description="Folder that all nodes share, or a URL such as s3://bucket/league."
    )
    node_folder: FilePath = Field(
        default=Path("/var/tmp/athlete-monitor-league"),  # noqa: S108 - made with private rights
        description="Folder on each node for the state of its squads, where state is a URL.",
    )
    snapshot_s: Seconds = Field(default=30.0, description="How often state is copied to the URL, s.")
    topic: Topic = Field(default=topics.LEAGUE_STATE, description="Topic of the league's state.")
    topic_broker: Name | None = Field(default=None, description="Broker of that topic; null: the first one.")
    squads_per_shard: int = Field(default=8, ge=1, le=1000, description="Most squads of a shard that is made here.")
    shards: dict[Name, Names] | None = Field(default=None, description="Squads of each shard; null: made here.")
    brokers: dict[Name, RegionalBroker] = Field(min_length=1, description="The brokers by name.")
    squads: dict[Name, SquadSettings] = Field(min_length=1, description="The squads by name.")
    health: Health = Field(default=Health())
    costs: Costs = Field(default=Costs())

    @property
    def publishing(self) -> RegionalBroker:
        """The broker of the league's topic."""
        return self.brokers[self.topic_broker or next(iter(self.brokers))]

    def client_id(self, squad: str) -> str:
        """Return a squad's client id at its broker: the same on every node.

        Example:
            >>> load_league(DEFAULT_LEAGUE).client_id("reds")
            'athlete-league-22c58e69'
        """
        return f"athlete-league-{zlib.crc32(f'{self.name} {squad}'.encode()):08x}"

    def state_of(self, squad: str) -> str:
        """Return the folder or URL of a squad's state."""
        return f"{self.state}/{squad}"


def load_league(path: Path = DEFAULT_LEAGUE) -> League:
    """Read and check a league's file; paths become absolute.

    Raises:
        ConfigError: one line for each problem.
    """
    document = read_yaml(path)
    league = validate(document, League)
    problems = [
        f"{path}:{document.line_of(place)}: {dotted(place)}: {text}" for place, text in _problems(league, document)
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return _absolute(league, path.resolve().parent)


def mqtt_of(config: Config, broker: RegionalBroker, prefix: str = "") -> Config:
    """Return an engine's configuration with a broker of the league."""
    tls = config.mqtt.tls.model_copy(update={"enabled": broker.ca_file is not None, "ca_file": broker.ca_file})
    account = {"username": broker.username, "password_file": broker.password_file}
    fixed = {"broker": "external", "qos": 1, "persistent_session": True}
    place = {"host": broker.host, "port": broker.port, "topic_prefix": prefix, "tls": tls}
    return config.model_copy(update={"mqtt": config.mqtt.model_copy(update={**account, **fixed, **place})})


def engine_settings(league: League, squad: str, root: Path) -> Config:
    """Return the configuration of a squad's engine.

    Args:
        league: the league.
        squad: name of the squad.
        root: folder of its state on the engine's machine.

    Raises:
        ConfigError: its configuration file is not valid.
    """
    found = league.squads[squad]
    config = load_config(found.engine_config or league.engine_config, root)
    config = mqtt_of(config, league.brokers[found.broker], found.prefix)
    roster = found.roster or root / "athletes.yaml"
    return config.model_copy(
        update={
            "athletes": config.athletes.model_copy(update={"roster": roster}),
            "box": config.box.model_copy(update={"name": squad}),
        }
    )


def _absolute(league: League, home: Path) -> League:
    def place(path: Path | None) -> Path | None:
        return None if path is None else home / path.expanduser()

    def moved(section: Any, *keys: str) -> Any:  # noqa: ANN401 - any section
        return section.model_copy(update={key: place(getattr(section, key)) for key in keys})

    brokers = {name: moved(each, "password_file", "ca_file") for name, each in league.brokers.items()}
    squads = {name: moved(each, "roster", "engine_config") for name, each in league.squads.items()}
    state = league.state if is_url(league.state) else str(home / Path(league.state).expanduser())
    whole = {"brokers": brokers, "squads": squads, "state": state}
    return moved(league, "engine_config", "node_folder").model_copy(update=whole)  # type: ignore[no-any-return]


def _problems(league: League, document: Document) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong between the parts of a file: the place and the reason."""
    yield from _unknown_brokers(league)
    yield from _shared_prefixes(league)
    if league.shards is not None:
        yield from _wrong_shards(league, league.shards)
    yield from _used_topic(league)
    if not league.state.strip():
        yield ("state",), "is empty; allowed: a folder or a URL"
    yield from _missing_files(league, document.path.resolve().parent)


def _unknown_brokers(league: League) -> Iterator[tuple[Location, str]]:
    known = ", ".join(league.brokers)
    for name, squad in league.squads.items():
        if squad.broker not in league.brokers:
            yield ("squads", name, "broker"), f"{squad.broker!r} is not a broker; allowed: {known}"
    if league.topic_broker is not None and league.topic_broker not in league.brokers:
        yield ("topic_broker",), f"{league.topic_broker!r} is not a broker; allowed: {known}"


def _shared_prefixes(league: League) -> Iterator[tuple[Location, str]]:
    def where(name: str) -> tuple[str, int, str]:
        squad = league.squads[name]
        broker = league.brokers.get(squad.broker)
        return (broker.host, broker.port, squad.prefix) if broker else ("", 0, squad.prefix)

    for (*_, prefix), sharing in groupby(sorted(league.squads, key=where), where):
        first, *others = sharing
        for name in others:
            yield ("squads", name, "prefix"), f"{prefix!r} is the prefix of squad {first}, too; each needs its own"


def _used_topic(league: League) -> Iterator[tuple[Location, str]]:
    used = [f"{squad.prefix}{branch}/" for squad in league.squads.values() for branch in BRANCHES]
    if any(league.topic.startswith(prefix) for prefix in used):
        yield ("topic",), f"{league.topic!r} is a topic of a squad's engine; the league needs its own"


def _wrong_shards(league: League, shards: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Location, str]]:
    found: dict[str, str] = {}
    for shard, names in shards.items():
        for number, name in enumerate(names):
            if name not in league.squads:
                yield ("shards", shard, number), f"{name!r} is not a squad; allowed: {', '.join(league.squads)}"
            elif name in found:
                yield ("shards", shard, number), f"{name!r} is in shard {found[name]} already"
            found.setdefault(name, shard)
    for name in league.squads.keys() - found.keys():
        yield ("squads", name), "is in no shard; add it to one, or leave out shards to have them made"


def _missing_files(league: League, home: Path) -> Iterator[tuple[Location, str]]:
    named: list[tuple[Location, Path | None]] = [(("engine_config",), league.engine_config)]
    for name, squad in league.squads.items():
        named += [(("squads", name, "roster"), squad.roster), (("squads", name, "engine_config"), squad.engine_config)]
    for name, broker in league.brokers.items():
        named += [(("brokers", name, key), getattr(broker, key)) for key in ("password_file", "ca_file")]
    for place, path in named:
        if path is not None and not (home / path.expanduser()).is_file():
            yield place, f"{home / path.expanduser()}: there is no such file"
