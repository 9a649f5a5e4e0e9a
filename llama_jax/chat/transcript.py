"""What was said in a chat, as JSON Lines: added turn by turn, or saved as a whole."""

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError


class Transcript:
    """A file that grows by whole lines; what it held before stays.

    Args:
        path: may exist; its folder must.

    Raises:
        InputError: the path cannot be a file to write to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _require_place(path)
        try:
            path.open("ab").close()
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error

    def add(self, lines: Sequence[dict[str, Any]]) -> None:
        """Writes the lines behind the others; all of them, or none where the disk is full."""
        data = json_lines(lines)
        with self._path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            except OSError:
                file.truncate(size)
                raise


def save(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Writes a new file of lines; a file that is there stays.

    Raises:
        InputError: there is such a file already, it cannot be written, or the disk is full.
    """
    _require_place(path)
    try:
        with path.open("xb") as file:
            try:
                file.write(json_lines(lines))
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError as error:
        raise InputError(f"{path}: exists already; name another file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def json_lines(lines: Sequence[dict[str, Any]]) -> bytes:
    """One line per dict, UTF-8."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _require_place(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or name another")
