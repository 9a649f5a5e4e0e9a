import hashlib
import json
import multiprocessing
import sys
from pathlib import Path

import pytest

from llama_jax.data.cache import cache_dir
from llama_jax.data.load import load_rows, prepared_folder
from llama_jax.data.manifest import locate
from llama_jax.data.rows import Row, jsonl_rows
from llama_jax.data.schema import Integer, Record, Text
from llama_jax.errors import InputError

SCHEMA = Record({"text": Text(blank=True), "number": Integer()})
# More rows than one TFDS shard buffer sorts the same way by accident; all kinds of text.
ROWS = [
    {"text": "é\u2028\n\"'" * (i % 4), "number": i * 10**9, "more": [None, {}]} for i in range(150)
]


def write(folder, files: dict[str, list[dict]]) -> None:
    listed = []
    for name, rows in files.items():
        path = folder / "task" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        listed.append({"path": name, "sha256": digest, "rows": len(rows)})
    known = {
        "kind": "official",
        "role": "examples",
        "split": "test",
        "official_rows": sum(len(rows) for rows in files.values()),
        "licence": "none",
        "source": "made up",
        "files": listed,
    }
    (folder / "manifest.json").write_text(json.dumps({"task": [known]}))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, {"rows.jsonl": ROWS})
    return folder


def load(folder, schema=SCHEMA):
    return load_rows("task", jsonl_rows, schema, folder, manifest=folder / "manifest.json")


def prepared(folder, schema=SCHEMA):
    known = locate("task", folder, manifest=folder / "manifest.json").known
    return prepared_folder(known, jsonl_rows, schema)


def test_prepared_rows_are_the_files_rows_in_their_order(data):
    expected = tuple(Row("rows.jsonl", i, row) for i, row in enumerate(ROWS))
    assert load(data).rows == expected  # prepares
    assert load(data).rows == expected  # reads what was prepared
    assert {p.name for p in prepared(data).parent.iterdir()} == {prepared(data).name}
    assert prepared(data).is_relative_to(cache_dir())


def test_rows_without_tfds_are_the_same(data, monkeypatch):
    through_tfds = load(data).rows
    monkeypatch.setattr("llama_jax.data.load.find_spec", lambda name: None)
    assert load(data).rows == through_tfds


def test_what_is_prepared_is_used_again(data, monkeypatch):
    load(data)
    import llama_jax.data.tfds_builder as builder

    monkeypatch.setattr(builder, "prepare", None)
    assert len(load(data).rows) == len(ROWS)


def test_several_files_keep_the_manifests_order(data):
    write(data, {"z.jsonl": ROWS[:3], "a.jsonl": ROWS[3:5]})
    assert [(row.file, row.index) for row in load(data).rows] == [
        ("z.jsonl", 0),
        ("z.jsonl", 1),
        ("z.jsonl", 2),
        ("a.jsonl", 0),
        ("a.jsonl", 1),
    ]


def test_another_schema_checks_anew(data):
    load(data)
    with pytest.raises(InputError, match="rows.jsonl:2: number: 1000000000 is outside None..5"):
        load(data, Record({"number": Integer(maximum=5)}))


def test_a_malformed_row_prepares_nothing(data):
    write(data, {"rows.jsonl": [*ROWS[:2], {"text": "x", "number": "3"}]})
    with pytest.raises(InputError, match="rows.jsonl:3: number: expected an integer, got str '3'"):
        load(data)
    assert not (cache_dir() / "benchmarks").exists()


def test_a_wrong_number_of_rows_in_the_manifest_is_an_error(data):
    manifest = data / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 150', '"rows": 149'))
    with pytest.raises(InputError, match="rows.jsonl has 150 rows, the manifest lists 149"):
        load(data)


def test_an_interrupted_preparation_leaves_nothing_that_is_read(data, monkeypatch):
    import llama_jax.data.tfds_builder as builder

    def dies(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(builder.os, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            load(data)
    assert not prepared(data).exists()
    assert len(load(data).rows) == len(ROWS)


def test_two_preparations_at_once_give_one_folder(data):
    import llama_jax.data.tfds_builder as builder

    rows = [Row("rows.jsonl", i, row) for i, row in enumerate(ROWS)]
    load(data)  # the other process was faster
    builder.prepare(rows, "test", prepared(data))
    assert len(load(data).rows) == len(ROWS)
    assert [p.name for p in prepared(data).parent.iterdir()] == [prepared(data).name]


@pytest.mark.slow
def test_processes_that_prepare_at_the_same_moment(data):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        counts = pool.map(_count, [data] * 8)
    assert counts == [len(ROWS)] * 8


def _count(folder) -> int:
    return len(load(folder).rows)


def test_lost_rows_in_the_cache_are_noticed(data):
    load(data)
    import llama_jax.data.tfds_builder as builder

    with pytest.raises(InputError, match="150 prepared rows, expected 151; delete the folder"):
        builder.read(prepared(data), "test", 151)


def flip(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("which", "damage"),
    [
        ("sha256.json", Path.unlink),
        ("sha256.json", lambda path: path.write_text("{")),
        ("dataset_info.json", Path.unlink),
        ("features.json", flip),
        ("*array_record*", flip),  # TFDS alone does not notice
    ],
)
def test_a_damaged_preparation_says_what_to_delete(data, which, damage):
    load(data)
    (path,) = prepared(data).rglob(which)
    damage(path)
    with pytest.raises(InputError) as error:
        load(data)
    assert f"{path.name} is missing or damaged; delete the folder, it will" in str(error.value)


def test_a_cache_that_cannot_be_written_is_an_input_error(data, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set LLAMA_JAX_CACHE to a folder that can be written"):
        load(data)


def test_the_cache_is_the_users_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("LLAMA_JAX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "llama_jax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "llama_jax"


def test_preparing_needs_no_tensorflow_and_no_jax(data):
    import subprocess

    code = (
        "import sys; from llama_jax.data import tfds_builder; "
        "print([m for m in ('tensorflow', 'jax') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.shared
def test_the_real_arc_file_goes_through(shared, monkeypatch, tmp_path):
    from llama_jax.evals.benchmarks import benchmark

    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path))
    source = benchmark("arc_challenge").examples
    found = load_rows("arc_challenge", source.parse, source.schema, shared / "benchmarks")
    path = shared / "benchmarks" / "arc_challenge" / "ARC-Challenge-Test.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [row.fields for row in found.rows] == [json.loads(line) for line in lines]
