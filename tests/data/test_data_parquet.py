import hashlib
import json
import sys

import pytest

from llama_jax.data.load import load_rows, locate_rows, prepared_folder
from llama_jax.data.parquet import Hub
from llama_jax.data.rows import jsonl_rows
from llama_jax.data.schema import Index, ListOf, Record, Text
from llama_jax.errors import InputError

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SCHEMA = Record(
    {"text": Text(), "answers": ListOf(Text(), minimum=2), "label": Index(of="answers")}
)
# The hub's form: labels as text, other names, a column that nobody reads.
HUB_ROWS = [
    {"query": f"é {i}", "options": ["a", "b", "c"][: 2 + i % 2], "gold": str(i % 2), "x": b"\0"}
    for i in range(120)
]


def convert(row: dict) -> dict:
    return {"text": row["query"], "answers": row["options"], "label": int(row["gold"])}


ROWS = [convert(row) for row in HUB_ROWS]
HUB = Hub("data/test-*.parquet", "test", ("query", "options", "gold"), convert)


def listed(path: str, rows: list[dict]) -> dict:
    digest = hashlib.sha256(as_lines(rows)).hexdigest()
    return {"path": path, "sha256": digest, "rows": len(rows)}


def as_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write_manifest(folder, *files: dict, name="manifest.json", **facts) -> None:
    known = {"kind": "official", "role": "examples", "split": "test", "licence": "none"}
    known |= {"source": "made up", "files": files, "official_rows": sum(f["rows"] for f in files)}
    (folder / name).write_text(json.dumps({"task": [known | facts]}))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder whose task holds the official rows in two parquet files of the hub."""
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    (folder / "task" / "data").mkdir(parents=True)
    write_manifest(folder, listed("rows.jsonl", ROWS))
    put(folder, HUB_ROWS[:70], HUB_ROWS[70:])
    return folder


def put(folder, *shards: list[dict]) -> None:
    for index, rows in enumerate(shards):
        name = f"test-{index:05}-of-{len(shards):05}.parquet"
        parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "task" / "data" / name)


def load(folder, hub=HUB, schema=SCHEMA, manifest="manifest.json"):
    manifest = folder / manifest
    return load_rows("task", jsonl_rows, schema, folder, manifest=manifest, hub=hub)


def test_the_hubs_rows_are_the_authors_rows(data, monkeypatch):
    from_hub = load(data)
    assert load(data).rows == from_hub.rows  # reads what was prepared
    assert [row.fields for row in from_hub.rows] == ROWS
    monkeypatch.setattr("llama_jax.data.load.find_spec", lambda name: None)
    assert load(data).rows == from_hub.rows  # reads the parquet files
    (data / "task" / "rows.jsonl").write_bytes(as_lines(ROWS))
    from_authors = load(data)
    assert from_authors.known.kind == "official"
    assert from_authors.rows == from_hub.rows  # the same places too: they are ids of examples


def test_two_preparations_give_the_same_rows(data, monkeypatch, tmp_path):
    first = load(data)
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(tmp_path / "another"))
    assert load(data) == first


def test_the_set_says_that_it_is_the_hubs(data):
    known = load(data).known
    assert (known.kind, known.split, known.official_rows, known.rows) == ("hub", "test", 120, 120)
    assert [file.path for file in known.files] == [
        "data/test-00000-of-00002.parquet",
        "data/test-00001-of-00002.parquet",
    ]
    digests = [
        hashlib.sha256((data / "task" / f.path).read_bytes()).hexdigest() for f in known.files
    ]
    assert [file.sha256 for file in known.files] == digests
    lines = "".join(f"{f.path} {d}\n" for f, d in zip(known.files, digests, strict=True))
    assert known.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_what_is_prepared_is_used_again_and_made_anew_for_another_check(data, monkeypatch):
    known = load(data).known
    folder = prepared_folder(known, jsonl_rows, SCHEMA, HUB)
    assert folder.is_dir()
    assert folder != prepared_folder(known, jsonl_rows, SCHEMA)
    with monkeypatch.context() as patch:
        patch.setattr("llama_jax.data.load.read_hub", None)
        assert len(load(data).rows) == 120
    with pytest.raises(InputError, match=r"-00000-.*: row 1: answers: 2 entries; expected 3 or"):
        load(data, schema=Record({"answers": ListOf(Text(), minimum=3)}))


def test_a_damaged_authors_file_is_not_passed_over(data):
    (data / "task" / "rows.jsonl").write_bytes(as_lines(ROWS[:-1]))
    with pytest.raises(InputError, match="rows.jsonl is not the known file"):
        load(data)


def test_missing_columns_are_named(data):
    put(data, [{"query": "q", "label": 1}] * 120, [])
    with pytest.raises(InputError) as error:
        load(data)
    assert "test-00000-of-00002.parquet: no column options, gold; it has query, label; " in str(
        error.value
    )


@pytest.mark.parametrize("rows", [69, 71])
def test_another_number_of_rows_is_refused_with_both(data, rows):
    put(data, (HUB_ROWS * 2)[:rows], HUB_ROWS[70:])
    message = rf"has {rows + 50} rows in 2 file\(s\), the official test split 120; put all"
    with pytest.raises(InputError, match=message):
        load(data)
    assert not (data.parent / "cache").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": "7"}, "row 21: label: 7 is not an index into answers, which has 2 entries"),
        ({"gold": ""}, r"row 21: the row of the hub cannot be converted: ValueError\("),
        ({"gold": None}, r"row 21: the row of the hub cannot be converted: TypeError\("),
        ({"query": ""}, "row 21: text: the text is empty"),
    ],
)
def test_a_bad_row_names_file_and_row(data, change, message):
    rows = HUB_ROWS[70:]
    put(data, HUB_ROWS[:70], [*rows[:20], rows[20] | change, *rows[21:]])
    with pytest.raises(InputError, match=f"test-00001-of-00002.parquet: {message}"):
        load(data)


@pytest.mark.parametrize("spoil", [lambda b: b[:-20], lambda b: b"no parquet", lambda b: b""])
def test_a_damaged_file_is_one_line(data, spoil):
    path = data / "task" / "data" / "test-00001-of-00002.parquet"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(
        InputError, match="not a whole parquet file: .*; download it again"
    ) as error:
        load(data)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_without_any_file_both_forms_are_named(data):
    for path in (data / "task" / "data").iterdir():
        path.unlink()
    with pytest.raises(InputError) as error:
        load(data)
    assert "(official, 120 of 120 rows) or data/test-*.parquet of the Hub; put it" in str(
        error.value
    )


def test_a_partial_set_of_the_authors_goes_before_the_hub(data):
    write_manifest(data, listed("some.jsonl", ROWS[:9]), kind="partial", official_rows=120)
    (data / "task" / "some.jsonl").write_bytes(as_lines(ROWS[:9]))
    assert load(data).known.kind == "partial"


def test_samples_in_the_package_stay_samples(data):
    with pytest.raises(InputError, match="the package has no sample"):
        locate_rows("task", jsonl_rows, SCHEMA, None, manifest=data / "manifest.json", hub=HUB)


def test_rows_of_several_authors_files_get_their_places(data):
    """The hub mixes what the authors keep in files; ids of examples need file and place."""
    odd, even = [[row for row in ROWS if row["label"] == label] for label in (1, 0)]
    write_manifest(data, listed("odd.jsonl", odd), listed("even.jsonl", even))
    hub = Hub(HUB.pattern, "test", HUB.columns, convert, file=name_of)
    rows = load(data, hub).rows
    assert [(row.file, row.index) for row in rows] == [
        *(("odd.jsonl", i) for i in range(60)),
        *(("even.jsonl", i) for i in range(60)),
    ]
    assert [row.fields for row in rows] == odd + even
    files = (listed("odd.jsonl", odd[1:]), listed("even.jsonl", [*even, even[0]]))
    write_manifest(data, *files, name="other.json")
    with pytest.raises(InputError, match="have 60 rows of .*.jsonl, the official file (59|61)"):
        load(data, hub, manifest="other.json")
    with pytest.raises(ValueError, match="several files; its Hub must name them"):
        load(data, HUB)


def name_of(row: dict) -> str:
    return "odd.jsonl" if row["label"] else "even.jsonl"


def test_a_hub_of_a_split_that_the_manifest_does_not_list_is_our_mistake(data):
    with pytest.raises(ValueError, match="no official examples of the split 'train'"):
        load(data, Hub(HUB.pattern, "train", HUB.columns, convert))


def test_pyarrow_that_is_missing_is_named(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="pyarrow reads it and is missing; pip install pyarrow"):
        load(data)
