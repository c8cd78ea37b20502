"""recoll: Xapian, with Chinese as pairs of characters unless told otherwise."""

import shutil
from pathlib import Path

from .installing import debian_packages, on_path
from .peer import LIMIT, QUERY, Installed, Peer, Tool, stems


def install(folder: Path) -> Installed:
    """Take what is on the path, else unpack Debian's package."""
    if shutil.which("recollindex"):
        return on_path("recollindex", r"[Rr]ecoll (\d\S*)")
    return debian_packages(folder, "recollcmd", "recollindex")


def peers(installed: Installed, notes: Path) -> list[Peer]:
    """Return recoll as it comes, told where the notes are and not to wait for others."""
    usr = installed.programs.parent

    def prepare(home: Path) -> None:
        (home / ".recoll").mkdir()
        settings = f"topdirs = {notes}\nidxniceprio = 0\n"  # else it waits for everything that runs beside it
        (home / ".recoll" / "recoll.conf").write_text(settings, encoding="utf-8")

    libraries = [*usr.glob("lib/*/libxapian*"), *usr.glob("lib/libchm*"), *usr.glob("lib/**/librecoll*")]
    environment = {"RECOLL_DATADIR": str(usr / "share" / "recoll")}
    if usr != Path("/usr"):
        environment["LD_LIBRARY_PATH"] = ":".join(sorted({str(path.parent) for path in libraries}))
    index = (str(installed.programs / "recollindex"),)
    search = (str(installed.programs / "recollq"), "-b", "-n", LIMIT, QUERY)
    return [Peer("", search, stems, build=index, refresh=index, prepare=prepare, environment=environment)]


TOOL = Tool("recoll", install, peers)
