"""Worker processes: what becomes of them, whatever they do. They are real, but do nothing."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_PROGRAM = """
    import os, signal, sys, time
    from pathlib import Path
    from postroad.base.errors import Invalid
    from postroad.server.supervisor import Plan, Supervisor

    folder = Path(sys.argv[1])

    def note(text):
        with (folder / "notes").open("a") as file:
            file.write(text + "\\n")

    def serve(number, lifeline, ready):
        signals = [signal.SIGTERM, signal.SIGHUP]
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        ready()
        note(f"serving {number} {os.getpid()}")
        while signal.sigwait(signals) == signal.SIGHUP:
            note("heard")

    %s

    plan = Plan(
        count=2,
        grace_seconds=0.5,
        work=work,
        died=lambda number: note(f"died {number}"),
        ready=lambda: note("all ready"),
        stopping=lambda: note("stopping"),
        reload=lambda: note("reload"),
    )
    try:
        Supervisor(plan).run()
    except Invalid as error:
        sys.exit(f"gave up: {error}")
"""


class Program:
    """A supervisor with its workers, in processes of their own."""

    def __init__(self, folder: Path, work: str) -> None:
        self._notes = folder / "notes"
        source = textwrap.dedent(_PROGRAM) % textwrap.dedent(work)
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, str(folder)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def notes(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def wait_for(self, note: str, times: int = 1) -> None:
        deadline = time.monotonic() + 30
        while sum(line.startswith(note) for line in self.notes()) < times:
            assert time.monotonic() < deadline, self.notes()
            time.sleep(0.01)

    def pid(self, number: int) -> int:
        """Of the worker that serves in this place now."""
        found = [line for line in self.notes() if line.startswith(f"serving {number} ")]
        return int(found[-1].split()[2])

    def close(self) -> None:
        """Nothing stays, whatever failed."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)

    def end(self) -> tuple[int, str]:
        self.process.terminate()
        return self.wait()

    def wait(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


_SERVE = "work = serve"
Run = Callable[[str], Program]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with ExitStack() as stack:

        def run(work: str) -> Program:
            return stack.enter_context(closing(Program(tmp_path, work)))

        yield run


def test_workers_serve_until_they_are_told_to_end(run: Run) -> None:
    program = run(_SERVE)
    program.wait_for("all ready")
    program.wait_for("serving", 2)
    code, said = program.end()
    assert (code, said) == (0, "")
    assert program.notes()[3] == "stopping", "before anybody ends"
    assert sorted(program.notes()[4:]) == ["died 0", "died 1"]


def test_who_dies_is_replaced_and_the_others_stay(run: Run) -> None:
    program = run(_SERVE)
    program.wait_for("serving", 2)
    stays = program.pid(1)
    for times in range(3):
        os.kill(program.pid(0), signal.SIGKILL)
        program.wait_for("serving 0", 2 + times)
    assert program.pid(1) == stays
    assert program.end()[0] == 0
    assert program.notes().count("all ready") == 1


def test_somebody_serves_however_often_they_die(run: Run) -> None:
    """The pauses of both would be half a minute by then."""
    program = run(_SERVE)
    program.wait_for("serving", 2)
    for times in range(12):
        before = len(program.notes())
        for number in range(2):
            with suppress(ProcessLookupError):
                os.kill(program.pid(number), signal.SIGKILL)
        began = time.monotonic()
        while not any(note.startswith("serving") for note in program.notes()[before:]):
            assert time.monotonic() < began + 5, f"after {times} times: {program.notes()}"
            time.sleep(0.01)
    assert program.end()[0] == 0


def test_signals_go_to_all(run: Run) -> None:
    program = run(_SERVE)
    program.wait_for("serving", 2)
    program.process.send_signal(signal.SIGHUP)
    program.wait_for("heard", 2)
    assert "reload" in program.notes()
    program.process.send_signal(signal.SIGINT)
    assert program.wait()[0] == 0


def test_what_a_worker_says_of_its_start_is_told_and_ends_all(run: Run) -> None:
    program = run(
        """
        def work(number, lifeline, ready):
            if number == 1:
                raise Invalid("the key is missing. Bring it back.")
            serve(number, lifeline, ready)
        """,
    )
    code, said = program.wait()
    assert code == 1
    assert said == "gave up: a worker cannot start: the key is missing. Bring it back.\n"


def test_who_never_comes_up_is_tried_a_few_times(run: Run) -> None:
    program = run(
        """
        def work(number, lifeline, ready):
            if number == 1:
                note("tried")
                os.kill(os.getpid(), signal.SIGSEGV)
            serve(number, lifeline, ready)
        """,
    )
    code, said = program.wait()
    assert code == 1
    assert said.endswith("gave up: a worker cannot start: killed by SIGSEGV\n")
    assert program.notes().count("tried") == 5
    assert program.notes()[-2:] == ["stopping", "died 0"]


def test_a_bug_in_a_worker_is_told_with_its_traceback(run: Run) -> None:
    program = run("def work(number, lifeline, ready): 1 / 0")
    code, said = program.wait()
    assert code == 1
    assert "ZeroDivisionError" in said
    assert said.endswith("gave up: a worker cannot start: exit 1\n")


def test_who_does_not_end_in_time_is_killed(run: Run) -> None:
    program = run(
        """
        import postroad.server.supervisor as module
        module._MORE_SECONDS = 0.5

        def work(number, lifeline, ready):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            ready()
            note(f"serving {number} {os.getpid()}")
            while True:
                time.sleep(60)
        """,
    )
    program.wait_for("serving", 2)
    began = time.monotonic()
    code, said = program.end()
    assert code == 0
    assert "workers that do not end are killed" in said
    assert 0.9 < time.monotonic() - began < 10


def test_workers_notice_that_the_supervisor_is_gone(run: Run) -> None:
    program = run(
        """
        def work(number, lifeline, ready):
            ready()
            note(f"serving {number} {os.getpid()}")
            assert os.read(lifeline, 1) == b""
            note("alone")
        """,
    )
    program.wait_for("serving", 2)
    program.process.kill()
    program.wait()
    program.wait_for("alone", 2)
