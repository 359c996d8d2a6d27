"""Many machines: what is killed is done again, once; what cannot take part is told so. Real processes, real kills."""

import operator
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask.config
import nbformat
import psutil
import pytest
from distributed import Client
from ended import left_running
from miniature import MINIATURE, WITNESS

from agebook.notebooks import Job, execute
from agelib.config import Experiment
from agelib.experiments import search
from agelib.runtime import dask_cluster, executors

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX signal")

GRID = {"optimiser": ["sgd", "adam"], "learning_rate": [1e-3, 1e-4]}

COORDINATOR = """
import sys
from agelib.experiments import search as studies
from agelib.runtime import executors
from agelib.config import Experiment
if __name__ == "__main__":
    values, grid, scheduler = map(eval, sys.argv[1:])
    with executors.open(2, scheduler) as executor:
        studies.grid(Experiment.of(**values), grid, 2, executor, progress=False)
"""


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """The variables of workers and coordinators: a workspace of their own, one thread, and the witness."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "sitecustomize.py").write_text(WITNESS)
    checkout = str(Path(executors.__file__).parents[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), checkout]))
        patch.setenv("WITNESS", str(folder / "sealed.txt"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("AGELIB_THREADS", "1")
        patch.setenv("AGELIB_HOME", str(folder / "home"))
        # A task that takes a second worker down is given up; Dask's default is the fourth, as ours is.
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
        yield dict(os.environ) | {"FOLDER": str(folder)}


@pytest.fixture(scope="module")
def alone(surroundings):
    """The tables of the studies, each done in this process, in another workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGELIB_HOME", surroundings["AGELIB_HOME"] + "-alone")
        return {seed: search.grid(base(seed), GRID, progress=False).trials for seed in (1, 2)}


@pytest.fixture(scope="module")
def scheduler(surroundings):
    """A Dask scheduler on the loopback; its address."""
    with started(surroundings, "scheduler") as (process, address):
        assert process.poll() is None
        yield address


@pytest.fixture(scope="module")
def workers(surroundings, scheduler):
    """Two Dask workers of it, which are started again when they are killed; the process above them."""
    with started(surroundings, "worker", scheduler) as (process, _):
        yield process


@pytest.fixture(scope="module")
def pool(surroundings):
    """Two local workers, for all tests: a new one loads torch first."""
    with executors.open(2) as executor:
        yield executor


@pytest.fixture(params=["processes", "dask"])
def place(request):
    """Where a study runs: the scheduler's address (none for local processes), the workers' parent, their executor."""
    if request.param == "processes":
        yield "", None, request.getfixturevalue("pool")
        return
    address, parent = request.getfixturevalue("scheduler"), request.getfixturevalue("workers")
    with executors.open(2, address) as executor:
        yield address, parent, executor


class started:
    """``dask scheduler`` or ``dask worker`` as a process, for as long as a block runs."""

    def __init__(self, variables: dict, what: str, *arguments: str):
        folder = Path(variables["FOLDER"])
        self.file = folder / f"{what}-{time.monotonic_ns()}.json"
        options = {
            "scheduler": ["--port", "0", "--scheduler-file", str(self.file)],
            "worker": ["--nthreads", "1", "--nworkers", "2", "--memory-limit", "0", "--local-directory", str(folder)],
        }
        self.command = [sys.executable, "-m", "dask", what, *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        self.command += options[what]
        self.variables = variables

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, env=self.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if "scheduler" not in self.command:
            return self.process, ""
        until(lambda: self.file.is_file() and self.file.stat().st_size, "the scheduler did not start")
        return self.process, eval(self.file.read_text().replace("null", "None"))["address"]

    def __exit__(self, *_):
        below = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for each in below:
            if each.is_running():
                each.kill()


def base(seed: int) -> Experiment:
    return Experiment.of(**MINIATURE, seed=seed)


def until(happened, complaint: str, seconds: float = 600):
    limit = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < limit, complaint
        time.sleep(0.02)
    return found


def worker_processes(parent) -> list:
    below = psutil.Process(parent.pid if parent else None).children()
    return [each for each in below if "spawn_main" in " ".join(each.cmdline())]


def sealed(variables: dict) -> list[str]:
    file = Path(variables["WITNESS"])
    return file.read_text().splitlines() if file.is_file() else []


def require_same(variables: dict, seed: int, alone: dict, before: int) -> None:
    """Every run of a study is there, was trained to its end once, and found what it finds in one process."""
    table = search.grid(base(seed), GRID, progress=False).trials
    assert (table["state"] == "complete").all(), table["error"].tolist()
    mine = sealed(variables)[before:]
    assert sorted(mine) == sorted(table["run"])
    columns = [*GRID, "valid_mse", "valid_mae", "epochs_run", "run"]
    assert table[columns].equals(alone[seed][columns])


def fresh(variables: dict) -> None:
    """A workspace in which nothing was run yet, at the same path, so that its workers need not start again."""
    for name in ("runs", "studies"):
        shutil.rmtree(Path(variables["AGELIB_HOME"], name), ignore_errors=True)


def test_a_study_loses_a_worker_and_nothing_else(surroundings, place, alone):
    _, parent, executor = place
    fresh(surroundings)
    before = len(sealed(surroundings))
    with ThreadPoolExecutor(1) as thread:
        study = thread.submit(search.grid, base(1), GRID, 2, executor, progress=False)
        until(lambda: study.done() or len(sealed(surroundings)) > before, "no run was finished")
        victim = worker_processes(parent)[-1]
        victim.send_signal(signal.SIGKILL)
        study.result(timeout=600)
    assert not victim.is_running()
    require_same(surroundings, 1, alone, before)


def test_a_study_goes_on_where_its_coordinator_was_killed(surroundings, place, alone):
    address, _, executor = place
    fresh(surroundings)
    before = len(sealed(surroundings))
    values = base(2).values()
    command = [sys.executable, "-c", COORDINATOR, repr(values), repr(GRID), repr(address)]
    coordinator = subprocess.Popen(command, start_new_session=True)
    until(lambda: len(sealed(surroundings)) > before, "no run was finished")
    coordinator.send_signal(signal.SIGKILL)
    coordinator.wait()
    assert len(sealed(surroundings)) - before < 4, "it was killed too late to tell anything"
    search.grid(base(2), GRID, 2, executor, progress=False)
    require_same(surroundings, 2, alone, before)


def test_what_kills_its_worker_again_and_again_is_given_up(place):
    *_, executor = place
    error = executor.submit(os._exit, 9).exception(timeout=600)
    assert type(error).__name__ in ("LostWorker", "KilledWorker")
    assert "died" in str(error) or "killed 4 times" in str(error)
    assert executor.submit(operator.add, 1, 2).result(timeout=600) == 3


def test_a_chapter_runs_on_a_worker_with_its_share_of_threads(scheduler, workers, tmp_path):
    cells = [
        nbformat.v4.new_code_cell("n: int = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import os; print(n, os.environ['AGELIB_THREADS'])"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "01_a.ipynb")
    places = [str(tmp_path / name) for name in ("01_a.ipynb", "done.ipynb", "done.json", "failed.ipynb")]
    job = Job("01", *places, parameters={"n": 7}, profile="smoke", source="drawn", threads=0)
    with executors.open(scheduler=scheduler, folders=[tmp_path]) as executor:
        assert executor.submit(execute, job).result(timeout=600)["threads"] == 1
    said = [out.text for cell in nbformat.read(places[1], 4).cells for out in cell.get("outputs", [])]
    assert said == ["7 1\n"]
    assert [file.name for file in tmp_path.glob(".shared-*")] == []


def test_a_scheduler_that_does_not_answer_is_named():
    with (
        pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 .*dask scheduler"),
        dask_cluster.connect("tcp://127.0.0.1:9", patience=1),
    ):
        pass


def test_tls_without_certificates_is_refused():
    with pytest.raises(ConnectionError, match="name the certificates"), dask_cluster.connect("tls://127.0.0.1:9"):
        pass


def test_certificates_of_ones_own_authority_let_machines_talk(surroundings, tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("no openssl here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=ages", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    named = {"CA_FILE": certificate}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        named |= {f"{role}__CERT": certificate, f"{role}__KEY": key}
    named = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(file) for name, file in named.items()}
    with started(surroundings | named, "scheduler", "--protocol", "tls") as (_, address):
        assert address.startswith("tls://127.0.0.1:")
        with pytest.raises(ConnectionError, match="name the certificates"), dask_cluster.connect(address):
            pass
        for name, value in named.items():
            monkeypatch.setenv(name, value)
        dask.config.refresh()
        with started(surroundings | named, "worker", address), dask_cluster.connect(address) as executor:
            assert executor.submit(operator.add, 1, 2).result(timeout=600) == 3
    monkeypatch.undo()
    dask.config.refresh()


def test_workers_with_another_workspace_are_refused(scheduler, workers, tmp_path, monkeypatch):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    with (
        pytest.raises(ValueError, match=f"worker tcp://.*set AGELIB_HOME to what is {tmp_path} there"),
        executors.open(scheduler=scheduler),
    ):
        pass


@pytest.mark.parametrize(
    ("wanted", "threads", "message"),
    [
        ({"agelib's code": "0"}, 1, "it has agelib's code .*, the coordinator 0; install the same on both"),
        ({"torch": "1.0"}, 1, "it has torch .*, the coordinator 1.0"),
        ({}, 8, "it does 8 things at a time.*--nthreads 1"),
    ],
)
def test_a_worker_that_differs_says_in_what(wanted, threads, message):
    said = dask_cluster.unfit(tuple((dask_cluster.description() | wanted).items()), (), threads)
    assert re.match(message, said)


def test_a_worker_that_joins_later_is_asked_too_and_a_lost_scheduler_is_told(surroundings, tmp_path, capsys):
    with started(surroundings, "scheduler") as (process, address), executors.open(scheduler=address) as executor:
        assert "work waits until one joins" in capsys.readouterr().out
        added = executor.submit(operator.add, 1, 2)
        with started(surroundings | {"AGELIB_HOME": str(tmp_path)}, "worker", address):
            assert "is not the coordinator's" in str(added.exception(timeout=600))
        with Client(address, set_as_default=False) as client:
            # Else the nap is given to the workers that are leaving, and lost with them.
            while client.scheduler_info()["workers"]:
                time.sleep(0.01)
        found = executors.completed(executor, time.sleep, [("nap", (600,))])
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(next, found)
            time.sleep(0.5)
            process.kill()
            with pytest.raises(ConnectionError, match=r"the scheduler was lost.*repeat the command"):
                asked.result(timeout=600)


PARENT = """
import time
from agelib.runtime import executors
executor = executors.Processes(2)
list(executor.map(time.sleep, [1, 1]))  # both workers have started, and watch
asleep = [executor.submit(time.sleep, 600) for _ in range(2)]
print("started", flush=True)
{also}
time.sleep(600)
"""


@pytest.mark.parametrize("also", ["", "import os; os.fork()"], ids=["alone", "with a fork that keeps the pipe open"])
def test_workers_end_when_their_parent_is_killed(also):
    command = [sys.executable, "-c", PARENT.format(also=also)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert parent.stdout.readline() == "started\n"
        children = psutil.Process(parent.pid).children()
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        assert len(workers) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert not left_running(workers, 20), "workers go on after their parent was killed"
    finally:
        left = [p for p in psutil.process_iter() if _session(p.pid) == parent.pid]
        for process in left:
            process.kill()
        parent.stdout.close()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
