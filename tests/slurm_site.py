"""A real Slurm on this machine: controller, accounting, MariaDB, munge, nodes with fake GPUs.

Everything lives in one directory and listens on loopback or on sockets in it. Fellows are users by
libnss-wrapper; nothing is written to /etc. Each daemon is ended by its pid file.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from api.slurm import SlurmCluster, SlurmRefused, call_slurm

NEEDED = (
    "slurmctld", "slurmd", "slurmdbd", "sacctmgr", "scontrol", "sbatch", "munged", "mariadbd",
    "mariadb", "mariadb-install-db",
)  # fmt: skip
FIRST_UID, GID = 20_000, 20_000
GPUS = 8
PATIENCE = 90.0
"""Seconds that any daemon may take on a busy machine."""


@dataclass(frozen=True)
class SlurmSite:
    """A running cluster.

    Attributes:
        home: its directory.
        name: of the cluster.
        environment: what its tools need.
        nodes: GPU type of each node.
    """

    home: Path
    name: str
    environment: Mapping[str, str]
    nodes: Sequence[str]

    @property
    def cluster(self) -> SlurmCluster:
        """The cluster as an agent sees it."""
        return SlurmCluster(name=self.name, call=self.call)

    def call(self, words: Sequence[str], content: str = "") -> str:
        """Run one of its tools."""
        return call_slurm(words, content, environment=self.environment)

    def submit(  # noqa: PLR0913 - the fields of a job
        self,
        user: str,
        gpus: str,
        *,
        minutes: int,
        seconds: int,
        qos: str = "",
        more: Sequence[str] = (),
    ) -> str:
        """Submit a job and return its id: it asks for minutes and sleeps for seconds."""
        named = (*((f"--qos={qos}",) if qos else ()), *more)
        said = self.call(
            (
                *("sbatch", "--parsable", f"--uid={user}", "--gid=fellows", "--chdir=/tmp"),
                *(f"--gres=gpu:{gpus}", f"--time={minutes}", "--output=/dev/null", *named),
                *("--wrap", f"sleep {seconds}"),
            )
        )
        return said.strip()

    def state(self, job: str) -> tuple[str, str]:
        """Return the state of a job that is queued or runs, and why it waits."""
        told = self.call(("scontrol", "-o", "show", "job", job))
        fields = dict(each.partition("=")[::2] for each in told.split())
        return fields["JobState"], fields["Reason"]

    def reaches(self, job: str, state: str, reason: str = "") -> bool:
        """Wait until a job is in a state, and waits for a reason if one is given."""
        patiently(
            lambda: self.state(job)[0] == state and (self.state(job)[1] == reason or not reason)
        )
        return True

    def finishes(self, job: str) -> bool:
        """Wait until a job is completed and the accounting, which hears of it later, too."""
        self.reaches(job, "COMPLETED")
        words = ("sacct", "-X", "-n", "-P", "-j", job, "-o", "state,user,start,end,alloctres")

        def is_told() -> bool:
            told = self.call(words).strip().split("|")
            return told[0] == "COMPLETED" and all(told[1:]) and "Unknown" not in told

        patiently(is_told)
        return True


def patiently(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def require_slurm() -> None:
    """Skip a developer's machine without Slurm; fail in CI."""
    missing = [name for name in NEEDED if shutil.which(name, path=_path()) is None]
    missing += [] if find_library("nss_wrapper") else ["libnss_wrapper.so"]
    if not missing and os.geteuid() == 0:
        return
    why = f"missing: {', '.join(missing)}" if missing else "needs root"
    assert not os.environ.get("CI"), f"CI must have Slurm; {why}"
    pytest.skip(f"no Slurm here; {why}")


@contextmanager
def slurm_site(
    home: Path, *, name: str, fellows: Sequence[str], nodes: Sequence[str]
) -> Iterator[SlurmSite]:
    """Start a cluster, and end it whatever happens.

    Args:
        home: an empty directory with a short path, for sockets lie in it.
        name: of the cluster.
        fellows: users who may submit.
        nodes: GPU type of each node.
    """
    require_slurm()
    for part in ("etc", "log", "run", "state", "spool", "mysql", "munge"):
        (home / part).mkdir(parents=True)
    home.chmod(0o755)
    (home / "munge").chmod(0o711)
    (home / "state").chmod(0o700)
    users = _users(home, fellows)
    environment = {
        "PATH": _path(),
        "HOME": str(home),
        "SLURM_CONF": str(home / "etc" / "slurm.conf"),
        "TZ": "UTC",
        **users,
    }
    site = SlurmSite(home=home, name=name, environment=environment, nodes=nodes)
    try:
        _start(site)
        yield site
    finally:
        _stop(site)


def _start(site: SlurmSite) -> None:
    home, ports = site.home, _free_ports(3 + len(site.nodes))
    _configure(home, site.name, site.nodes, ports)
    run = partial(_run, site)
    run(
        "munged", f"--key-file={home}/munge/key", f"--socket={home}/run/munge.sock",
        f"--pid-file={home}/run/munged.pid", f"--log-file={home}/log/munged.log",
        f"--seed-file={home}/munge/seed",
    )  # fmt: skip
    run(
        "mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={home}/mysql",
        "--auth-root-authentication-method=socket", "--skip-test-db",
    )  # fmt: skip
    with (home / "log" / "mariadb.log").open("wb") as log:
        subprocess.run(
            [
                "/usr/bin/setsid", "--fork", "mariadbd", "--no-defaults", "--user=root",
                f"--datadir={home}/mysql", f"--socket={home}/run/mysql.sock",
                f"--pid-file={home}/run/mariadbd.pid", "--bind-address=127.0.0.1",
                f"--port={ports[0]}", "--skip-log-bin", "--innodb-buffer-pool-size=128M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900",
            ],
            env=dict(site.environment), stdout=log, stderr=log, check=True,
        )  # fmt: skip
    sql = "CREATE DATABASE acct; " + "".join(
        f"CREATE USER slurm@'{host}' IDENTIFIED BY 'slurm'; GRANT ALL ON acct.* TO slurm@'{host}';"
        for host in ("127.0.0.1", "localhost")
    )
    client = ("mariadb", "--no-defaults", f"--socket={home}/run/mysql.sock", "-u", "root", "-e")
    patiently(lambda: _works(site, *client, "SELECT 1"))
    run(*client, sql)
    run("slurmdbd")
    patiently(lambda: _works(site, "sacctmgr", "-n", "show", "cluster"))
    run("sacctmgr", "-i", "add", "cluster", site.name)
    run("slurmctld", "-i")
    patiently(lambda: _works(site, "scontrol", "ping"))
    for number in range(len(site.nodes)):
        run("slurmd", "-N", f"n{number}")
    patiently(
        lambda: (
            len(site.nodes)
            == site.call(("sinfo", "-h", "-N", "-p", "all", "-o", "%T")).count("idle")
        )
    )


def _stop(site: SlurmSite) -> None:
    """End every daemon by its pid file, steps of jobs first."""
    with suppress(SlurmRefused):
        site.call(("scancel", "--state=RUNNING", "--state=PENDING"))
        patiently(lambda: not site.call(("squeue", "-h")).strip(), seconds=20)
    run = site.home / "run"
    order = [*sorted(run.glob("slurmd-*.pid")), *(run / f"{name}.pid" for name in (
        "slurmctld", "slurmdbd", "mariadbd", "munged"
    ))]  # fmt: skip
    for file in order:
        if file.exists() and (text := file.read_text().strip()):
            _end(int(text))


def _end(pid: int) -> None:
    """End a process of ours, gently at first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        with suppress(AssertionError):
            patiently(lambda: not _alive(pid), seconds=20)
            return


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _run(site: SlurmSite, *words: str) -> None:
    done = subprocess.run(
        words, env=dict(site.environment), capture_output=True, text=True, check=False, timeout=120
    )
    assert 0 == done.returncode, (words[:3], done.stdout[-500:], done.stderr[-1500:])


def _works(site: SlurmSite, *words: str) -> bool:
    done = subprocess.run(
        words, env=dict(site.environment), capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"


def _free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def _users(home: Path, fellows: Sequence[str]) -> dict[str, str]:
    passwd = Path("/etc/passwd").read_text() + "".join(
        f"{fellow}:x:{FIRST_UID + number}:{GID}::/tmp:/bin/sh\n"
        for number, fellow in enumerate(fellows)
    )
    (home / "etc" / "passwd").write_text(passwd)
    (home / "etc" / "group").write_text(Path("/etc/group").read_text() + f"fellows:x:{GID}:\n")
    return {
        "LD_PRELOAD": "libnss_wrapper.so",
        "NSS_WRAPPER_PASSWD": str(home / "etc" / "passwd"),
        "NSS_WRAPPER_GROUP": str(home / "etc" / "group"),
    }


def _configure(home: Path, name: str, nodes: Sequence[str], ports: Sequence[int]) -> None:
    database, controller, accounting, *daemons = ports
    (home / "munge" / "key").write_bytes(os.urandom(1024))
    (home / "munge" / "key").chmod(0o400)
    common = f"AuthType=auth/munge\nAuthInfo=socket={home}/run/munge.sock\nSlurmUser=root\n"
    dbd = home / "etc" / "slurmdbd.conf"
    dbd.write_text(
        f"{common}DbdHost=localhost\nDbdAddr=127.0.0.1\nDbdPort={accounting}\n"
        # without it slurmdbd listens on every address
        "CommunicationParameters=NoInAddrAny\n"
        f"LogFile={home}/log/slurmdbd.log\nPidFile={home}/run/slurmdbd.pid\n"
        f"StorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\nStoragePort={database}\n"
        "StorageUser=slurm\nStoragePass=slurm\nStorageLoc=acct\n"
    )
    dbd.chmod(0o600)
    types = sorted(set(nodes))
    tracked = ",".join(f"gres/gpu:{each}" for each in types)
    machines = "".join(
        f"NodeName=n{number} NodeHostname=localhost NodeAddr=127.0.0.1 Port={daemons[number]} "
        f"CPUs=64 RealMemory=500000 Gres=gpu:{gpu}:{GPUS} State=UNKNOWN\n"
        for number, gpu in enumerate(nodes)
    )
    partitions = "".join(
        f"PartitionName={gpu} Nodes={_nodes_of(nodes, gpu)} MaxTime=INFINITE State=UP\n"
        for gpu in types
    )
    (home / "etc" / "slurm.conf").write_text(
        f"{common}ClusterName={name}\nSlurmctldHost=localhost(127.0.0.1)\n"
        f"SlurmctldPort={controller}\nSlurmdUser=root\nCredType=cred/munge\n"
        "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n"
        f"StateSaveLocation={home}/state\nSlurmdSpoolDir={home}/spool/%n\n"
        f"SlurmctldPidFile={home}/run/slurmctld.pid\nSlurmdPidFile={home}/run/slurmd-%n.pid\n"
        f"SlurmctldLogFile={home}/log/slurmctld.log\nSlurmdLogFile={home}/log/slurmd-%n.log\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSwitchType=switch/none\n"
        "MpiDefault=none\nReturnToService=2\nSlurmdParameters=config_overrides\n"
        "SchedulerType=sched/backfill\n"
        "SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=10000\n"
        "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\nGresTypes=gpu\n"
        "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
        f"AccountingStoragePort={accounting}\nAccountingStoragePass={home}/run/munge.sock\n"
        f"AccountingStorageTRES=gres/gpu,{tracked}\n"
        "AccountingStorageEnforce=associations,limits,qos,safe\n"
        "JobAcctGatherType=jobacct_gather/none\nPriorityType=priority/multifactor\n"
        "PriorityDecayHalfLife=0\nPriorityUsageResetPeriod=NONE\nPriorityCalcPeriod=1\n"
        "SlurmctldParameters=max_dbd_msg_action=exit\nKillWait=2\nInactiveLimit=0\n"
        f"{machines}{partitions}"
        f"PartitionName=all Nodes=n[0-{len(nodes) - 1}] Default=YES MaxTime=INFINITE State=UP\n"
    )
    devices = f"{home}/run/gpu[0-{GPUS - 1}]"
    for number in range(GPUS):
        # the null device: an ordinary file is refused as no device, a bare count as too few
        subprocess.run(["/usr/bin/mknod", f"{home}/run/gpu{number}", "c", "1", "3"], check=True)
    (home / "etc" / "gres.conf").write_text(
        "".join(
            f"NodeName=n{number} Name=gpu Type={gpu} File={devices}\n"
            for number, gpu in enumerate(nodes)
        )
    )
    (home / "etc" / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")


def _nodes_of(nodes: Sequence[str], gpu: str) -> str:
    return ",".join(f"n{number}" for number, each in enumerate(nodes) if each == gpu)
