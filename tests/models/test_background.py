from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import pytest

from athlete_monitor.models.background import PacedThread, Requests


def _name_thread(workers):
    workers.put(threading.current_thread())


def test_jobs_run_one_after_the_other_in_order_and_a_failing_one_stops_none(caplog):
    thread, done, seen = PacedThread(share=1.0), threading.Event(), []

    def fail():
        raise RuntimeError("broken")

    for job in (lambda: seen.append(1), fail, lambda: seen.append(2), done.set):
        thread(job)
    assert done.wait(60)
    assert seen == [1, 2]
    assert "loading_failed" in caplog.text


def test_a_thread_that_has_nothing_to_do_ends_and_the_next_job_starts_another():
    thread = PacedThread(share=1.0)
    for _ in range(3):
        workers: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()
        thread(partial(_name_thread, workers))
        worker = workers.get(timeout=60)
        worker.join(60)
        assert not worker.is_alive()


@pytest.mark.parametrize("waits_for_each", [False, True], ids=["queued together", "each after the one before"])
def test_jobs_take_no_more_than_their_share_of_a_core(waits_for_each):
    thread = PacedThread(share=0.25)
    ran: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()
    busy_s: list[float] = []

    def work():
        began_s = time.thread_time()
        sum(range(200_000))
        busy_s.append(time.thread_time() - began_s)
        ran.put(threading.current_thread())

    began_s = time.perf_counter()
    for _ in range(8):
        thread(work)
        if waits_for_each:
            ran.get(timeout=60).join(60)
    thread(partial(_name_thread, ran))
    for _ in range(1 if waits_for_each else 9):
        ran.get(timeout=60)
    assert sum(busy_s) <= 0.25 * (time.perf_counter() - began_s) * 1.001


def test_a_program_does_not_wait_for_jobs_that_have_not_begun():
    program = """
import threading
from athlete_monitor.models.background import PacedThread
thread, begun = PacedThread(share=1.0), threading.Event()
def job():
    begun.set()
    threading.main_thread().join(60)
for _ in range(3):
    thread(job)
thread(lambda: print("not reached"))
begun.wait(60)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert (run.stdout, run.stderr) == ("", "")


def test_a_key_is_queued_once_until_its_job_begins():
    jobs: list[Any] = []
    seen: list[int] = []
    requests = Requests(jobs.append)

    def work(key):
        seen.append(key)
        requests.add(key, int)

    for key in (7, 7, 8, 7):
        requests.add(key, partial(work, key))
    assert len(jobs) == 2
    jobs.pop(0)()
    assert seen == [7]
    assert len(jobs) == 2, "the waiting one of 8, and 7 requested again by the job itself, since it has begun"
