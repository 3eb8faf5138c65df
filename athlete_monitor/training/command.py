"""The trainer's command: arguments, locks, one pass or a watch, the report."""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import closing, nullcontext, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.arguments import Parser, add_common_arguments, add_players_argument, add_workers_argument
from athlete_monitor.batch.choosing import chosen_place
from athlete_monitor.batch.storage import is_url
from athlete_monitor.config import Config, config_from_args
from athlete_monitor.errors import LockedError, MonitorError
from athlete_monitor.features import FeatureSpec
from athlete_monitor.locks import acquire
from athlete_monitor.models.manifest import DEFAULT, AthleteId
from athlete_monitor.models.runtimes import has_torch
from athlete_monitor.models.store import ModelStore
from athlete_monitor.system.program import run_program
from athlete_monitor.system.retention import apply_retention
from athlete_monitor.training import resources
from athlete_monitor.training.attempts import Attempt, read_attempts, write_attempts
from athlete_monitor.training.console import display, log_to, say
from athlete_monitor.training.errors import count
from athlete_monitor.training.exchange import Exchange
from athlete_monitor.training.notify import UpdateNotifier
from athlete_monitor.training.outcome import (
    ALL_SUCCEEDED,
    NONE_SUCCEEDED,
    SOME_SUCCEEDED,
    TrainingOutcome,
    exit_code,
    summary,
)
from athlete_monitor.training.parallel import PRELOADED
from athlete_monitor.training.pipeline import Pass, PassContext, PassOptions
from athlete_monitor.training.prediction import keep_out_of_the_way
from athlete_monitor.training.report import Run, write_report
from athlete_monitor.training.sessions import athlete_ids, candidates, quiet_since, session_paths, session_roots
from athlete_monitor.training.stopping import Stopped, stoppable
from athlete_monitor.wire.session_files import PREFIX

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from athlete_monitor.batch.places import Place

COMMAND: Final = "sup_ml_rf_training.py"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        prog=COMMAND,
        description="Train a heart-rate model for every athlete with new sessions; good ones are put into service.",
        epilog="Exit code: 0 all athletes have a model, 3 some, 1 none, 2 wrong arguments or configuration, 129, 130 "
        "or 143 stopped by a signal.",
    )
    add_common_arguments(parser)
    add_players_argument(parser, "only these athletes, without the default model: 1,2,5-9 or [1,3,7]")
    parser.add_argument("--force", action="store_true", help="train even if nothing is new")
    parser.add_argument(
        "--from-scratch",
        action="store_true",
        help="train even if nothing is new, without what earlier trainings have kept; the models are the same",
    )
    parser.add_argument("--dry-run", action="store_true", help="train and evaluate, publish nothing")
    parser.add_argument("--watch", action="store_true", help="keep running and train whenever there are new sessions")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.json", help="write a report as JSON, and a model card beside it (.html)"
    )
    add_workers_argument(parser, "train with so many processes, in place of training.n_jobs")
    parser.add_argument("--cluster", metavar="ADDRESS|auto", help="train on a running Ray cluster")
    parser.add_argument(
        "--sessions", metavar="URL", help="fetch new sessions from there first: .../player_<id>/TR<number>..."
    )
    parser.add_argument(
        "--models", metavar="URL", help="models are also stored there; those there are in service at the start"
    )
    parser.add_argument(
        "--rollback", type=_athlete, metavar="ID", help="put an athlete's previous model back in service"
    )
    args = parser.parse_args(arguments)
    if args.workers is not None and args.cluster:
        parser.error("give --workers or --cluster, not both: a cluster has its own number of workers")
    for option in ("sessions", "models"):
        place = getattr(args, option)
        if place is not None and not is_url(place):
            parser.error(f"--{option} {place}: a URL is expected, such as s3://bucket/folder")
    return args


def _athlete(text: str) -> AthleteId:
    if text == DEFAULT:
        return DEFAULT
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: an athlete id from 1, or {DEFAULT}, is expected")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trainer; returns the exit code, and prints every mistake as one line on standard error."""
    args = parse(arguments)
    return run_program(lambda: _run(args), as_json=args.json, quiet=args.quiet)


def _run(args: argparse.Namespace) -> int:
    config = config_from_args(args)
    try:
        with log_to(config.logging) as log, stoppable():
            return _command(args, config, log)
    except Stopped as stopped:
        say(f"stopped by {stopped.name}; models reported as published are in service, others as before", error=True)
        return stopped.exit_code


def _command(args: argparse.Namespace, config: Config, log: logging.Logger) -> int:
    if args.rollback is not None:
        with acquire(config.prediction_check.training_lockfile_path, COMMAND):
            return roll_back(config, args.rollback, log)
    options = PassOptions(args.players, args.force or args.from_scratch, args.dry_run, args.from_scratch)
    place = _place(config, args.workers, args.cluster)
    exchange = Exchange(config, args.sessions, args.models)
    with closing(place) if place is not None else nullcontext():
        if args.watch:
            return Watch(config, options, args.report, log, place, exchange).run()
        return train(config, options, args.report, log, place, exchange)


def _place(config: Config, workers: int | None, cluster: str | None) -> Place | None:
    """Where to train, if that was asked for."""
    if workers is None and cluster is None:
        return None
    return chosen_place(workers, cluster, resources.fitting(config), PRELOADED)


def train(
    config: Config,
    options: PassOptions,
    report: Path | None,
    log: logging.Logger,
    place: Place | None = None,
    exchange: Exchange | None = None,
) -> int:
    """One pass under the training lock, once no prediction is running.

    Args:
        config: the configuration.
        options: what was asked for.
        report: where to write the report.
        log: the log.
        place: where to compute; by default ``training.n_jobs`` processes.
        exchange: where sessions come from and models go to, beside the configured folders.

    Raises:
        LockedError: prediction runs for too long, or another trainer runs.
        MonitorError: training is impossible, or the report cannot be written.
    """
    keep_out_of_the_way(config, log)
    if not has_torch():
        say("PyTorch is not installed: models are exported as ONNX only", error=True)
    with acquire(config.prediction_check.training_lockfile_path, COMMAND), display(config.logging) as shown:
        apply_retention(config)
        began, started = time.monotonic(), datetime.now(timezone.utc).isoformat(timespec="seconds")
        exchange = exchange or Exchange(config)
        exchange.fetch()
        running = Pass(config, options, PassContext(shown, place=place))
        with closing(running.run()) as results:
            outcomes = [_reported(exchange.delivered(outcome)) for outcome in results]
        code = exit_code(outcomes) if outcomes else _nobody(config, options)
        if running.faults:
            code = code or SOME_SUCCEEDED
            where = f"; see {config.logging.log_file}" if config.logging.log_to_file else ""
            say(f"{count(running.faults, 'unexpected failure')}{where}", error=True)
        run = Run(started, time.monotonic() - began, code, outcomes)
        log.info("event=pass_done athletes=%d seconds=%.1f exit_code=%d", len(outcomes), run.seconds, code)
        if not options.dry_run:
            exchange.deliver_rest()
        if place is not None and outcomes:
            say(summary(outcomes, place.workers, place.retries, run.seconds), error=True)
        if report is not None:
            write_report(report, run, FeatureSpec.from_config(config.feature_engineering))
    return code


def _reported(outcome: TrainingOutcome) -> TrainingOutcome:
    say(outcome.line, error=not outcome.succeeded)
    return outcome


def _nobody(config: Config, options: PassOptions) -> int:
    wanted = "" if options.players is None else " of the athletes asked for"
    places = " and ".join(f"{root}/player_<id>/{PREFIX[mode]}<number>..." for root, mode in session_roots(config))
    say(f"no sessions{wanted}: searched {places} that match {config.paths.data_file_pattern}", error=True)
    return NONE_SUCCEEDED


def roll_back(config: Config, athlete_id: AthleteId, log: logging.Logger) -> int:
    """Restore the version before the one in service; it stays until there are new sessions.

    Raises:
        ModelError: there is no earlier version.
    """
    manifest = ModelStore.from_config(config).rollback(athlete_id)
    path = config.paths.models_root / "attempts.json"
    if athlete_id != DEFAULT:
        sessions = tuple(sorted(candidates(config, athlete_id).fingerprint))
        schema = FeatureSpec.from_config(config.feature_engineering).schema_hash()
        attempt = Attempt(sessions, schema, "unchanged", f"rolled back to {manifest.model_id}")
        write_attempts(path, {**read_attempts(path), str(athlete_id): attempt})
    notifier = UpdateNotifier(config.mqtt, log.info)
    notifier.published(manifest)
    notifier.close()
    log.info("event=rolled_back athlete=%s model=%s", athlete_id, manifest.model_id)
    say(f"athlete {athlete_id}: back to {manifest.model_id}, MAE {manifest.holdout.mae_bpm:.2f} bpm")
    return ALL_SUCCEEDED


class Watch:
    """Looks for new sessions and trains on them once they no longer change, until SIGTERM, SIGINT or SIGHUP."""

    def __init__(
        self,
        config: Config,
        options: PassOptions,
        report: Path | None,
        log: logging.Logger,
        place: Place | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        self._config, self._options, self._report, self._log = config, options, report, log
        self._place, self._exchange = place, exchange
        self._over = threading.Event()

    def run(self) -> int:
        """Watch; returns 0 when a signal asks it to end, also during a pass, because publishing is atomic."""
        done: frozenset[tuple[str, int, int]] = frozenset()
        with suppress(Stopped):
            while True:
                self._look()
                present = self._present()
                if present != done and self._quiet() and self._pass():
                    done = present
                self._over.wait(self._config.monitoring.poll_interval_secs)
        self._log.info("event=watch_ended")
        return ALL_SUCCEEDED

    def _pass(self) -> bool:
        """Run one pass; return whether all present sessions have been handled."""
        if not self._config.monitoring.auto_update_enabled:
            self._log.warning("there are new sessions; monitoring.auto_update_enabled is false, nothing is trained")
            return True
        try:
            train(self._config, self._options, self._report, self._log, self._place, self._exchange)
        except LockedError as error:
            self._log.warning("%s", error)
            return False
        except MonitorError as error:
            self._log.error("%s", error)
        return True

    def _paths(self) -> list[Path]:
        ids = self._options.players or athlete_ids(self._config)
        return [path for athlete_id in ids for path in session_paths(self._config, athlete_id)]

    def _look(self) -> None:
        """Fetch what is new."""
        try:
            if self._exchange is not None:
                self._exchange.fetch_sessions()
        except MonitorError as error:
            self._log.warning("%s", error)

    def _present(self) -> frozenset[tuple[str, int, int]]:
        found = [(path, path.stat()) for path in self._paths() if path.exists()]
        return frozenset((str(path), status.st_size, status.st_mtime_ns) for path, status in found)

    def _quiet(self) -> bool:
        return time.time() - quiet_since(self._paths()) >= self._config.monitoring.debounce_secs
