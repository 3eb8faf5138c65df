"""Signals while a worker process starts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing import forkserver

import pytest

from athlete_monitor.batch.places import Processes
from athlete_monitor.batch.starting import uninterrupted
from tests.helpers import wait_until


class Asked(Exception):  # noqa: N818 - as a handler raises it
    """A handler ran."""


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request):
    def asked(*_):
        raise Asked

    before = signal.signal(request.param, asked)
    yield request.param
    signal.signal(request.param, before)


@pytest.fixture
def send(number):
    """Let a thread that ran before get the signal, which no mask of the main thread holds back."""
    wanted, sent = threading.Semaphore(0), threading.Semaphore(0)

    def serve():
        while wanted.acquire(timeout=60):
            signal.raise_signal(number)
            sent.release()

    threading.Thread(target=serve, daemon=True).start()

    def once():
        wanted.release()
        assert sent.acquire(timeout=60)

    return once


def test_a_signal_waits_for_the_end_of_the_block_whichever_thread_gets_it(send):
    done = False
    with pytest.raises(Asked):  # noqa: PT012 - where it is raised is the question
        with uninterrupted():
            send()
            done = True
        pytest.fail("the signal was lost")
    assert done
    with pytest.raises(Asked):
        send()


def test_a_signal_is_not_lost_where_the_block_fails(send):
    with pytest.raises(Asked), uninterrupted():  # noqa: PT012 - what is raised after what is the question
        send()
        message = "no process"
        raise OSError(message)


def test_a_process_of_the_block_gets_no_ctrl_c():
    with uninterrupted():
        masks = []
        thread = threading.Thread(target=lambda: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        thread.start()
        thread.join()
    assert signal.SIGINT in masks[0]
    assert signal.SIGTERM not in masks[0]


def test_a_block_in_a_thread_changes_no_handler():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def block():
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.integration
def test_a_worker_starts_though_the_process_that_workers_are_forked_from_was_killed():
    place = Processes(1, ("athlete_monitor.batch.work",))
    with place.kept():
        os.kill(vars(forkserver._forkserver)["_forkserver_pid"], signal.SIGKILL)
        worker = place._worker()
        wait_until(lambda: worker.alive)
        assert worker.end() == "signal 9"
    assert not multiprocessing.active_children()
