"""Files as pictures and pages are written: a reader never sees half of one."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file, whole or not at all: beside its place, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
