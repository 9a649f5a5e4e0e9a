"""`llama-jax data` on a small task of two files, one of which has an address."""

import functools
import hashlib
import json
import re
import sys
from types import SimpleNamespace

import pytest

from llama_jax import cli
from llama_jax.data.parquet import Hub
from llama_jax.data.rows import jsonl_rows
from llama_jax.data.schema import Integer, Record

SCHEMA = Record({"number": Integer()})
EXAMPLES = [{"number": i} for i in range(20)]
SHOTS = [{"number": -i} for i in range(3)]


def as_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def listed(rows: list[dict], role: str, path: str, **facts) -> dict:
    file = {"path": path, "sha256": hashlib.sha256(as_lines(rows)).hexdigest(), "rows": len(rows)}
    entry = {"kind": "official", "role": role, "split": "test", "official_rows": len(rows)}
    return entry | {"licence": "MIT", "source": "its authors", "files": [file | facts]}


def same(row: dict) -> dict:
    return row


@pytest.fixture
def run(monkeypatch, llama_jax_command, tmp_path):
    """Runs `llama-jax data ARGS` with the small manifest: (exit status, stdout, stderr)."""
    (tmp_path / "server.jsonl").write_bytes(as_lines(EXAMPLES))
    url = (tmp_path / "server.jsonl").as_uri()
    sets = {
        "task": [
            listed(EXAMPLES, "examples", "rows.jsonl", url=url),
            listed(SHOTS, "shots", "shots.jsonl"),
        ],
        "unread": [listed(SHOTS, "examples", "rows.jsonl")],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(sets))
    source = SimpleNamespace(
        schema=SCHEMA, parse=jsonl_rows, hub=Hub("*.parquet", "test", ("number",), same)
    )
    shots = SimpleNamespace(schema=SCHEMA, parse=jsonl_rows, hub=None)
    benchmark = SimpleNamespace(name="task", examples=source, shots=shots)
    monkeypatch.setattr("llama_jax.data_commands.MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr("llama_jax.evals.benchmarks.BENCHMARKS", (benchmark,))
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LLAMA_JAX_DATA", raising=False)

    return functools.partial(llama_jax_command, "data")


@pytest.fixture
def data(tmp_path):
    """A data folder with both files of the task."""
    folder = tmp_path / "data" / "task"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_bytes(as_lines(EXAMPLES))
    (folder / "shots.jsonl").write_bytes(as_lines(SHOTS))
    return folder.parent


def failure(result) -> str:
    """The one line of stderr of a call that ended with status 2."""
    status, _, err = result
    assert status == 2 and err.count("\n") == 1, result
    return err


def test_list_shows_every_set_and_what_is_there(run, data):
    status, out, _ = run("list")
    assert status == 0
    head, *lines = out.splitlines()
    assert head.split() == ["task", "role", "kind", "split", "rows", "files", "licence", "source"]
    assert [line.split()[:6] for line in lines] == [
        ["task", "examples", "official", "test", "20", "rows.jsonl"],
        ["task", "shots", "official", "test", "3", "shots.jsonl"],
        ["task", "examples", "hub", "test", "*.parquet", "parquet"],
        ["unread", "examples", "official", "test", "3", "rows.jsonl"],
    ]
    assert "its authors [can be fetched]" in lines[0] and "MIT" in lines[0]
    found = json.loads(run("list", "--data", data, "--json")[1])
    assert [line["present"] for line in found] == ["1 of 1", "1 of 1", "0 files", "0 of 1"]
    assert found[0]["files"] == ["rows.jsonl"]


def test_the_real_manifest_is_listed(run, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["llama-jax", "data", "list"])
    cli.main()


def test_verify_compares_digests_and_rows(run, data):
    (data / "task" / "mine.txt").write_text("x")
    status, out, err = run("verify", "--data", data)
    assert (status, err) == (0, "")
    assert re.search(r"task +examples +official +rows.jsonl +verified +sha256, 20 rows", out)
    assert re.search(r"task +examples +hub +\*.parquet +absent", out)
    assert re.search(r"task +unlisted +mine.txt", out)
    assert re.search(r"unread +examples +official +rows.jsonl +absent", out)
    (data / "unread").mkdir()
    (data / "unread" / "rows.jsonl").write_bytes(as_lines(SHOTS))
    assert re.search(r"unread .* verified +sha256\n", run("verify", "--data", data)[1])


def test_verify_shows_the_table_and_names_what_is_damaged(run, data):
    (data / "task" / "rows.jsonl").write_bytes(as_lines(EXAMPLES[:-1]))
    (data / "task" / "shots.jsonl").write_bytes(b'{"number": "x"}\n')
    status, out, err = run("verify", "task", "--data", data)
    assert (status, err.count("\n")) == (2, 1)
    assert len(re.findall("bad", out)) == 2
    first, second = out.splitlines()[-2:]
    assert "rows.jsonl is not the known file: sha256" in first and "20 rows" in first
    assert "shots.jsonl:1: number: expected an integer" in second
    assert err == f"llama-jax: error: {first} (and 1 more problems)\n"
    found = json.loads(run("verify", "task", "--data", data, "--json")[1])
    assert [line["status"] for line in found] == ["bad", "absent", "bad"]


def test_verify_says_where_the_manifest_counts_other_rows(run, data, tmp_path, monkeypatch):
    text = (tmp_path / "manifest.json").read_text().replace('"rows": 20', '"rows": 19')
    (tmp_path / "other.json").write_text(text)
    monkeypatch.setattr("llama_jax.data_commands.MANIFEST", tmp_path / "other.json")
    assert "has 20 rows, the manifest lists 19" in failure(run("verify", "--data", data))


def test_verify_of_a_task_that_is_named_and_absent(run, data):
    (data / "task" / "shots.jsonl").unlink()
    assert run("verify", "--data", data)[0] == 0  # only reported
    message = failure(run("verify", "task", "--data", data))
    assert "task: no known shots file in" in message and "source: its authors" in message


def test_verify_reads_the_hubs_files(run, data):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (data / "task" / "rows.jsonl").unlink()
    path = data / "task" / "test-0.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(EXAMPLES), path)
    status, out, _ = run("verify", "task", "--data", data)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert status == 0
    assert re.search(rf"hub +test-0.parquet +verified +columns, 20 rows; sha256 {digest}", out)
    status, out, _ = run("prepare", "task", "--data", data, "--json")
    assert status == 0
    assert [(line["kind"], line["rows"]) for line in json.loads(out)] == [
        ("hub", 20),
        ("official", 3),
    ]
    parquet.write_table(pyarrow.Table.from_pylist(EXAMPLES[1:]), path)
    assert "has 19 rows in 1 file(s), the official" in failure(run("verify", "--data", data))


def test_fetch_downloads_what_has_an_address_and_says_what_has_none(run, tmp_path):
    folder = tmp_path / "new"
    result = run("fetch", "task", "--data", folder)
    assert "still without files: task (shots)" in failure(result)
    assert re.search(r"rows.jsonl +fetched", result[1])
    assert f"no address  get it from its authors; put it in {folder}/task" in result[1]
    assert (folder / "task" / "rows.jsonl").read_bytes() == as_lines(EXAMPLES)
    (folder / "task" / "shots.jsonl").write_bytes(as_lines(SHOTS))
    status, out, _ = run("fetch", "task", "--data", folder)
    assert status == 0 and len(re.findall("there", out)) == 2


def test_fetch_keeps_a_wrong_file(run, data):
    (data / "task" / "rows.jsonl").write_bytes(b"mine")
    assert "rows.jsonl is not the known file" in failure(run("fetch", "--data", data))
    assert (data / "task" / "rows.jsonl").read_bytes() == b"mine"


def test_fetch_of_wrong_bytes_leaves_nothing(run, tmp_path):
    (tmp_path / "server.jsonl").write_bytes(b"other")
    (tmp_path / "new").mkdir()
    assert "gave 5 bytes of sha256" in failure(run("fetch", "--data", tmp_path / "new"))
    assert list((tmp_path / "new").iterdir()) == []


def test_prepare_says_where_the_rows_are_and_does_it_once(run, data, monkeypatch):
    monkeypatch.setenv("LLAMA_JAX_DATA", str(data))
    status, out, _ = run("prepare", "--json")
    assert status == 0
    examples, shots, unread = json.loads(out)
    assert (examples["rows"], examples["of"], shots["rows"]) == (20, 20, 3)
    assert unread == {"task": "unread", "role": "examples", "status": "no benchmark reads it"}
    files = sorted(p for p in (data.parent / "cache").rglob("*") if p.is_file())
    assert all(any(p.is_relative_to(line["folder"]) for p in files) for line in (examples, shots))
    before = [(p, p.stat().st_mtime_ns) for p in files]
    assert run("prepare", "--json")[1] == out
    assert [(p, p.stat().st_mtime_ns) for p in files] == before


def test_prepare_reports_what_is_absent_and_refuses_it_where_it_is_named(run, data):
    (data / "task" / "shots.jsonl").unlink()
    status, out, _ = run("prepare", "--data", data)
    assert status == 0 and re.search(r"task +shots +absent", out)
    assert "no known shots file" in failure(run("prepare", "task", "--data", data))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["verify", "taks"], "no data of a task 'taks'; there are: task, unread"),
        (["fetch"], "fetch: no folder to write to; give --data DIR or set LLAMA_JAX_DATA"),
        (["verify", "--data", "nowhere"], "nowhere: no such folder; give --data DIR"),
        (["prepare", "--data", "."], "no file of task, unread is there; see `data list`"),
        (["verify", "--data", "."], "no file of task, unread is there; see `data list`"),
    ],
)
def test_mistakes_are_one_line(run, tmp_path, monkeypatch, args, message):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = run(*args)
    assert message in failure(result) and result[1] == ""


def test_an_unknown_action_is_refused(run):
    assert run("delete")[0] == 2
