"""Downloads the files of the manifest that have an address: right bytes appear, others never do."""

import email.message
import http.client
import tempfile
import urllib.request
from pathlib import Path

from tqdm import tqdm

from llama_jax.data.manifest import KnownFile, KnownSet, verify_file
from llama_jax.data.rows import file_sha256
from llama_jax.errors import InputError

BLOCK = 1 << 20  # bytes read at a time
TIMEOUT = 60.0  # seconds without an answer


def fetch_set(known: KnownSet, data_dir: Path) -> tuple[str, ...]:
    """Downloads the files of a set that are not there and returns their paths.

    A file without an address is left to the user. All files that are there are verified before the
    first is downloaded.

    Raises:
        UnknownBytes: a file is there with other bytes; it is kept.
        InputError: a file cannot be downloaded, or what came has other bytes.
    """
    folder = Path(data_dir) / known.task
    absent = [file for file in known.every_file if not (folder / file.path).is_file()]
    for file in known.every_file:
        if file not in absent:
            verify_file(known.task, folder / file.path, file)
    wanted = [file for file in absent if file.url]
    for file in wanted:
        fetch_file(known.task, file, Path(data_dir))
    return tuple(file.path for file in wanted)


def fetch_file(task: str, file: KnownFile, data_dir: Path) -> None:
    """Downloads one file to `data_dir`/`task`, where it appears whole and right or not at all."""
    target = data_dir / task / file.path
    made = not data_dir.exists()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".fetching-") as scratch:
            part = Path(scratch) / target.name
            _download(task, file, part, target)
            digest = file_sha256(part)
            if digest != file.sha256:
                raise InputError(
                    f"{task}: {file.url} gave {part.stat().st_size} bytes of sha256 {digest}, the "
                    f"manifest lists sha256 {file.sha256}; nothing is kept; get the authors' "
                    f"unchanged file and put it at {target}"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            part.rename(target)
    except InputError:
        if made:
            data_dir.rmdir()
        raise
    except OSError as error:
        raise InputError(
            f"{task}: cannot write {target}: {error.strerror or error}; choose another --data DIR"
        ) from error


def _download(task: str, file: KnownFile, part: Path, target: Path) -> None:
    try:
        answer = urllib.request.urlopen(file.url, timeout=TIMEOUT)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unreachable(task, file, target, error) from error
    with answer, part.open("wb") as out, _bar(task, file, answer.headers) as bar:
        while True:
            try:
                block = answer.read(BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(task, file, target, error) from error
            if not block:
                return
            out.write(block)
            bar.update(len(block))


def _bar(task: str, file: KnownFile, headers: email.message.Message) -> tqdm:
    """A bar on stderr where that is a terminal."""
    length = headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    name = f"{task}/{file.path}"
    return tqdm(desc=name, total=total, unit="B", unit_scale=True, disable=None)


def _unreachable(task: str, file: KnownFile, target: Path, error: Exception) -> InputError:
    reason = getattr(error, "reason", None) or error
    return InputError(
        f"{task}: cannot download {file.url}: {reason}; get it another way and put it at {target}"
    )
