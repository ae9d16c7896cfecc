"""Where a checkout keeps what it makes: data, logs, sockets. All of it only for the user who runs it."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[2]

# A UNIX socket's path holds 107 bytes; "/.s.PGSQL.5432" is the longest name that we put into the folder.
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432")


class UnsafePlace(Exception):
    """A folder that must be ours alone belongs to somebody else or is a link."""


def data_dir() -> Path:
    """The folder of all lasting data: `SAMPAN_DATA`, else `.data` in the checkout. Absolute; not created here."""
    given = os.environ.get("SAMPAN_DATA")
    return Path(given).expanduser().absolute() if given else ROOT / ".data"


def private_dir(path: Path) -> Path:
    """Make `path` (and what is missing above it) and close it to all other users.

    Raises UnsafePlace when it exists as a link or belongs to another user.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    # Root may have had to give a server's folder to `nobody` (see embedded.unroot).
    owners = {os.geteuid()} | ({NOBODY} if os.geteuid() == 0 else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise UnsafePlace(f"{path} is not a folder of this user; remove it or set SAMPAN_DATA to another place.")
    if stat.S_IMODE(found.st_mode) & 0o066:
        path.chmod(0o700)
    return path


def socket_dir(data: Path) -> Path:
    """The folder for the servers' sockets: `run` below `data`, or a short one when that path is too long.

    Nothing is made here. The short one lies in the system's temporary folder and is named by user and a hash of
    `data`, so every process that works on the same data finds the same folder.
    """
    preferred = data / "run"
    if len(os.fsencode(preferred)) <= LONGEST_SOCKET_DIR:
        return preferred
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"sampan-{os.geteuid()}-{digest}"
