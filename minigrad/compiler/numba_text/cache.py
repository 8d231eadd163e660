"""What Numba compiled is kept on disk.

Numba keeps compiled functions beside the file that they stand in, so the text is written to one: into the
folder `minigrad` of $NUMBA_CACHE_DIR, of $XDG_CACHE_HOME, or of the platform's folder for caches.  What is
read back is run, so a folder that others can write to is not used; nor is one that cannot be written to.
"""

from __future__ import annotations

import os
import platform
import sys
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from stat import S_IWGRP, S_IWOTH
from tempfile import mkstemp


def kept(text: str) -> Path | None:
    """The file that holds a text, written if it is not there; None where nothing is kept."""
    folder = cache_folder()
    if folder is None:
        return None
    name = sha256("\n".join([text, *_versions()]).encode()).hexdigest()[:32]
    path = folder / f"loops_{name}.py"
    try:
        if path.exists():
            return path if path.read_text(encoding="utf-8") == text else None
        handle, temporary = mkstemp(dir=folder, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:
        return None
    return path


def _versions() -> list[str]:
    """What compiled code depends on beside its text (and the processor, which Numba looks at)."""
    found = [platform.python_version(), platform.machine()]
    for package in ("minigrad", "numba", "llvmlite", "numpy", "scipy"):
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return found


def cache_folder() -> Path | None:
    """Where compiled loops are kept; None if there is no place that this user alone can write to."""
    try:
        above = _folder_for_caches()
        folder = above / "minigrad"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = os.environ.get("NUMBA_CACHE_DIR") and not _own(above)  # Numba itself writes into that
        return folder if _own(folder) and not shared and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # the latter where there is no home
        return None


def _folder_for_caches() -> Path:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _own(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else can write to it."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (S_IWGRP | S_IWOTH)
