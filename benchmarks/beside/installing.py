"""Ways to put a tool into a folder of its own: Python packages, npm packages, Debian packages."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .peer import CannotInstall, Installed

MIB = 2**20


def once(folder: Path, install: Callable[[], Installed]) -> Installed:
    """Return what was installed into folder before, else install it; half an installation is begun again."""
    record = folder / "installed.json"
    if record.is_file():
        programs, version, mib = json.loads(record.read_text(encoding="utf-8"))
        return Installed(Path(programs), version, mib)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    installed = install()
    record.write_text(json.dumps([str(installed.programs), installed.version, installed.mib]), encoding="utf-8")
    return installed


def python_packages(folder: Path, *requirements: str) -> Installed:
    """Install packages into a virtual environment; the first names the tool and its version as NAME==VERSION."""

    def install() -> Installed:
        execute([sys.executable, "-m", "venv", str(folder)], folder)
        empty = size(folder)
        execute([str(folder / "bin" / "pip"), "install", *requirements], folder)
        return Installed(folder / "bin", requirements[0].partition("==")[2], size(folder) - empty)

    return once(folder, install)


def node_packages(folder: Path, node: str, package: str) -> Installed:
    """Install a package (NAME@VERSION) from npm with a node of its own, whose headers native parts are built with."""
    if not shutil.which("npm"):
        raise CannotInstall("there is no npm")

    def install() -> Installed:
        execute(["npm", "install", "--prefix", str(folder), node], folder)
        ours = folder / "node_modules" / node.partition("@")[0]
        path = f"{ours / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "npm_config_nodedir": str(ours)}
        execute(["npm", "install", "--prefix", str(folder), package], folder, environment)
        return Installed(folder / "node_modules" / ".bin", package.rpartition("@")[2], size(folder))

    return once(folder, install)


def debian_packages(folder: Path, package: str, program: str) -> Installed:
    """Unpack a package and what it needs beyond this system into folder; nothing is installed in the system."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise CannotInstall(f"no {program} on the path and no Debian to take it from")

    def install() -> Installed:
        simulated = execute(["apt-get", "install", "--simulate", "--no-install-recommends", package], folder)
        versions = dict(re.findall(r"^Inst (\S+) \((?:\d+:)?([^-\s]+)", simulated, re.MULTILINE))
        execute(["apt-get", "download", *versions], folder)
        for archive in folder.glob("*.deb"):
            execute(["dpkg-deb", "--extract", str(archive), str(folder)], folder)
            archive.unlink()
        return Installed(folder / "usr" / "bin", versions[package], size(folder))

    return once(folder, install)


def execute(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run command in folder and return what it prints; its messages are kept in install.log.

    Raises: CannotInstall with the last line of them.
    """
    finished = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, errors="replace"
    )
    with (folder / "install.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{finished.stdout}{finished.stderr}\n")
    if finished.returncode:
        said = (finished.stderr.strip() or finished.stdout.strip() or "nothing").splitlines()[-1]
        raise CannotInstall(f"{Path(command[0]).name} {command[1]}: {said[:100]} (all in {folder / 'install.log'})")
    return finished.stdout


def size(folder: Path) -> float:
    """Return what the files below folder take, in MiB; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / MIB


def on_path(program: str, version: str) -> Installed:
    """Return a program of this machine; version is a pattern for what --version prints."""
    found = shutil.which(program)
    if not found:
        raise CannotInstall(f"no {program} on the path")
    printed = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace")
    match = re.search(version, printed.stdout + printed.stderr)
    return Installed(Path(found).parent, match[1] if match else "unknown", Path(found).stat().st_size / MIB)
