import hashlib
from email.message import Message

import pytest

from llama_jax.data.fetch import fetch_file, fetch_set
from llama_jax.data.manifest import KnownFile, KnownSet, UnknownBytes
from llama_jax.errors import InputError

CONTENT = b'{"number": 1}\n' * 3


@pytest.fixture
def server(tmp_path):
    """A folder whose files are addressed by file://, and an empty data folder."""
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "rows.jsonl").write_bytes(CONTENT)
    (tmp_path / "server" / "labels.lst").write_bytes(b"1\n2\n3\n")
    return tmp_path / "server"


def known_file(server, name, path=None, **facts) -> KnownFile:
    digest = hashlib.sha256((server / name).read_bytes()).hexdigest()
    facts = {"sha256": digest, "url": (server / name).as_uri()} | facts
    return KnownFile(path=path or name, rows=3, **facts)


def known_set(*files, beside=()) -> KnownSet:
    return KnownSet(
        *("task", "official", "examples", "test"), 3, "none", "made up", files, tuple(beside)
    )


def everything(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_files_appear_where_the_manifest_says(server, tmp_path):
    rows = known_file(server, "rows.jsonl", "deep/rows.jsonl")
    known = known_set(rows, beside=[known_file(server, "labels.lst")])
    data = tmp_path / "not" / "yet"
    assert fetch_set(known, data) == ("deep/rows.jsonl", "labels.lst")
    assert (data / "task" / "deep" / "rows.jsonl").read_bytes() == CONTENT
    assert everything(data) == ["task", "task/deep", "task/deep/rows.jsonl", "task/labels.lst"]


def test_a_right_file_is_left_alone(server, tmp_path):
    known = known_set(known_file(server, "rows.jsonl"))
    fetch_set(known, tmp_path)
    before = (tmp_path / "task" / "rows.jsonl").stat()
    (server / "rows.jsonl").unlink()  # nothing is asked of the server
    assert fetch_set(known, tmp_path) == ()
    assert (tmp_path / "task" / "rows.jsonl").stat().st_mtime_ns == before.st_mtime_ns


def test_a_wrong_file_is_refused_before_anything_is_downloaded(server, tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "labels.lst").write_bytes(b"mine\n")
    files = (known_file(server, "rows.jsonl"), known_file(server, "labels.lst"))
    with pytest.raises(UnknownBytes, match="labels.lst is not the known file: sha256 .*, 1 lines"):
        fetch_set(known_set(*files), tmp_path)
    assert (tmp_path / "task" / "labels.lst").read_bytes() == b"mine\n"
    assert everything(tmp_path / "task") == ["labels.lst"]


def test_a_file_without_an_address_is_left_to_the_user(server, tmp_path):
    files = (known_file(server, "rows.jsonl"), known_file(server, "labels.lst", url=""))
    assert fetch_set(known_set(*files), tmp_path) == ("rows.jsonl",)


def test_other_bytes_leave_nothing_behind(server, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    file = known_file(server, "rows.jsonl", sha256="0" * 64)
    with pytest.raises(InputError) as error:
        fetch_file("task", file, data)
    message = str(error.value)
    assert f"{file.url} gave {len(CONTENT)} bytes of sha256 " in message
    assert hashlib.sha256(CONTENT).hexdigest() in message and "0" * 64 in message
    assert f"put it at {data}/task/rows.jsonl" in message
    assert everything(data) == []


@pytest.mark.parametrize("url", ["file:///nowhere/rows.jsonl", "rows.jsonl", "gopher://x/y"])
def test_an_address_that_does_not_answer_is_one_line(server, tmp_path, url):
    data = tmp_path / "data"
    with pytest.raises(InputError, match=r"^task: cannot download .*; get it another way") as error:
        fetch_file("task", known_file(server, "rows.jsonl", url=url), data)
    assert url in str(error.value) and "\n" not in str(error.value)
    assert everything(data) == []


def test_an_interruption_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def dies(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("llama_jax.data.fetch.file_sha256", dies)
    data = tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        fetch_file("task", known_file(server, "rows.jsonl"), data)
    assert everything(data) == []


def test_a_connection_that_breaks_is_one_line(server, tmp_path, monkeypatch):
    class Breaks:
        headers = Message()

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def read(self, size):
            raise TimeoutError("timed out")

    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Breaks())
    with pytest.raises(InputError, match="cannot download .*: timed out; get it another way"):
        fetch_file("task", known_file(server, "rows.jsonl"), tmp_path / "data")
    assert everything(tmp_path / "data") == []


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write .*/task/rows.jsonl: .*; choose another"):
        fetch_file("task", known_file(server, "rows.jsonl"), tmp_path / "file")
