"""Where the process of a knowledge base is asked, and what tells one program from a newer one.

A command asks before it loads anything, so this imports next to nothing.
"""

import os

from kb import __version__

CONFIG_NAME = "kb.toml"
MOST_BYTES = 107  # of the path of a socket
SERVED = "KB_SERVE"  # in the environment, "off": no process is asked, and none is started


def runtime_folder() -> str | None:
    """Return the folder of sockets; None if there is none, or another user may enter it."""
    folder = _folder()
    try:
        found = os.lstat(folder)
    except OSError:
        return None
    is_private = found.st_uid == os.getuid() and found.st_mode & 0o170077 == 0o040000  # a folder, and no link to one
    return folder if is_private else None


def make_runtime_folder() -> None:
    """Make the folder of sockets, for this user alone, if it is missing. Raises: OSError."""
    if not os.path.lexists(_folder()):
        os.makedirs(_folder(), 0o700, exist_ok=True)


def runtime_is_there() -> bool:
    """Whether the folder of sockets, or something in its place, is there."""
    return os.path.lexists(_folder())


def _folder() -> str:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):
        return f"{given}/paper-kb"
    return f"{os.environ.get('TMPDIR') or '/tmp'}/paper-kb-{os.getuid()}"  # noqa: S108


def path_of(root: str, ending: str) -> str | None:
    """Return where the socket or the lock of the knowledge base in root lies: the same by whatever path it is reached.

    Example: "/run/user/1000/paper-kb/fd01-1a2b3c.socket". None if there is no folder for it, or one of too long a path.
    Raises: OSError if there is no root.
    """
    found = os.stat(root)
    path = f"{runtime_folder()}/{found.st_dev:x}-{found.st_ino:x}.{ending}"
    return path if path.startswith("/") and len(os.fsencode(path)) <= MOST_BYTES else None


def root_of(start: str) -> str | None:
    """Return the nearest folder upwards from start with a kb.toml, as kb.config.kb_toml.find_config finds it."""
    folder = os.path.abspath(start)
    while not os.path.isfile(f"{folder}/{CONFIG_NAME}"):
        if folder == (folder := os.path.dirname(folder)):
            return None
    return folder


def stamp() -> str:
    """Return what changes when another version of this program is put in place of this one."""
    found = os.stat(f"{os.path.dirname(os.path.dirname(__file__))}/__init__.py")
    return f"{__version__} {found.st_dev} {found.st_ino} {found.st_mtime_ns}"
