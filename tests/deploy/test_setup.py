from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy import broker_files
from athlete_monitor.deploy.broker_place import BrokerPlace, broker_place
from athlete_monitor.deploy.setup import SYSTEM_FILES, Wish, power_steps, setup
from athlete_monitor.errors import ConfigError, MonitorError
from tests.helpers import ROOT

CONFIG = ROOT / "jetson_nano_4gb_config.yaml"
BOARDS = Path(__file__).parent / "boards"


def _tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = sorted(folder.rglob("*"))
    return {str(f.relative_to(folder)): (f.stat().st_mode, f.read_bytes() if f.is_file() else b"") for f in files}


@pytest.mark.parametrize("secure", [False, True])
def test_a_second_setup_changes_nothing(tmp_path: Path, capsys, secure: bool) -> None:
    assert setup(CONFIG, tmp_path, Wish(secure=secure)) == 0
    first = _tree(tmp_path)
    capsys.readouterr()
    assert setup(CONFIG, tmp_path, Wish(secure=secure)) == 0
    assert _tree(tmp_path) == first
    assert "made" not in capsys.readouterr().out


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path, capsys) -> None:
    assert setup(CONFIG, tmp_path, Wish(secure=True, dry_run=True)) == 0
    assert _tree(tmp_path) == {}
    told = capsys.readouterr().out
    assert "would make" in told
    assert "Nothing was created" in told
    assert "Next:" not in told


def test_the_next_command_looks_at_the_same_place(tmp_path: Path, make_config, capsys) -> None:
    config = make_config()
    setup(config, tmp_path / "a box", Wish())
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Next: python3 jetson_deploy.py status --config {config} --root '{tmp_path}/a box'"


def test_every_folder_of_the_configuration_is_made(tmp_path: Path) -> None:
    setup(CONFIG, tmp_path, Wish())
    for name in ("athlete_training_data", "athlete_game_data", "athlete_models_tensors_updated", "logs"):
        assert (tmp_path / name).is_dir()
    assert len(Roster.load(tmp_path / "athletes.yaml")) == 0


def test_the_users_roster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "athletes.yaml").write_text("athletes:\n  - {id: 7, device: abc}\n")
    setup(CONFIG, tmp_path, Wish(secure=True))
    assert (tmp_path / "athletes.yaml").read_text() == "athletes:\n  - {id: 7, device: abc}\n"
    assert sorted(file.name for file in (tmp_path / "broker/credentials").iterdir()) == [
        "abc",
        "coach",
        "engine",
        "screen-admin",
        "screen-coach",
        "screen-metrics",
        "screen-viewer",
        "viewer",
    ]


def test_the_broker_holds_ten_minutes_of_the_configured_squad(make_config) -> None:
    config = load_config(make_config(athletes={"roster": "athletes.yaml", "max_players": 40}), environ={})
    plan = broker_files.plan_broker(config, Roster(), broker_place(Path("/home")), address="127.0.0.1", secure=False)
    assert plan.queued_messages == 40 * 10 * 600
    assert f"max_queued_messages {40 * 10 * 600}" in plan.configuration()


def test_a_broker_open_to_others_needs_passwords(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --secure"):
        setup(CONFIG, tmp_path, Wish(listen="0.0.0.0", dry_run=True))
    with pytest.raises(ConfigError, match="not an IP address"):
        setup(CONFIG, tmp_path, Wish(secure=True, listen="my-host", dry_run=True))


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    setup(CONFIG, tmp_path, Wish(secure=True, tls=True))
    place = broker_place(tmp_path, Path(os.environ[SYSTEM_FILES]))
    secrets = [*(tmp_path / "broker/credentials").iterdir(), place.passwords, place.rights, place.tls / "box.key"]
    secrets += [tmp_path / "screen/accounts.json", *(tmp_path / "broker/tls").glob("*.key")]
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}


def test_a_new_athlete_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    roster, place = tmp_path / "athletes.yaml", broker_place(tmp_path, Path(os.environ[SYSTEM_FILES]))
    roster.write_text("athletes:\n  - {id: 1, device: a}\n")
    setup(CONFIG, tmp_path, Wish(secure=True))
    before = place.passwords.read_text()
    roster.write_text("athletes:\n  - {id: 1, device: a}\n  - {id: 2, device: b}\n")
    setup(CONFIG, tmp_path, Wish(secure=True))
    assert place.passwords.read_text().startswith(before)
    assert (tmp_path / "broker/credentials/b").exists()
    assert "player/b/sensor/data" in place.rights.read_text()


def test_a_device_cannot_have_the_name_of_an_account(tmp_path: Path) -> None:
    (tmp_path / "athletes.yaml").write_text("athletes:\n  - {id: 1, device: coach}\n")
    with pytest.raises(ConfigError, match="'coach': this name belongs to an account"):
        setup(CONFIG, tmp_path, Wish(secure=True))


def test_encryption_without_accounts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--tls: .* add --secure"):
        setup(CONFIG, tmp_path, Wish(tls=True))


def test_what_the_systems_own_configuration_says_is_not_said_again(tmp_path: Path) -> None:
    main = tmp_path / "mosquitto.conf"
    main.write_text(
        "# persistence_location /elsewhere/\npersistence true\n  persistence_location /var/lib/mosquitto/\n"
    )
    place = BrokerPlace(tmp_path / "ours.conf", tmp_path, tmp_path / "data", None, main)
    plan = broker_files.plan_broker(load_config(CONFIG), Roster(), place, address="127.0.0.1", secure=False)
    settings = [line.split()[0] for line in plan.configuration().splitlines() if line and not line.startswith("#")]
    assert not {"persistence", "persistence_location"} & set(settings)
    assert "autosave_interval" in settings


def test_a_jetson_in_a_weak_mode_gets_its_full_one() -> None:
    steps = list(power_steps(BOARDS / "nano"))
    assert [step.stands for step in steps] == ([False] if os.geteuid() == 0 else [])
    assert [step.stands for step in power_steps(BOARDS / "orin")] == [True]
    assert list(power_steps(Path("/no/board"))) == []


def test_a_password_line_fits_its_password_alone() -> None:
    line = broker_files.password_line("engine", "secret")
    assert re.fullmatch(r"engine:\$7\$20000\$[\w+/=]+\$[\w+/=]+", line)
    assert broker_files.matches(line, "secret")
    assert not broker_files.matches(line, "other")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MonitorError, match=r"athlete_training_data/: cannot be created \(Not a directory\)"):
        setup(ROOT / "jetson_nano_4gb_config.yaml", tmp_path / "file", Wish())
