import hashlib
import json
import re

import pytest

from llama_jax.data.manifest import MANIFEST, SAMPLES, known_sets, locate
from llama_jax.errors import InputError


def file_entry(path, data: bytes) -> dict:
    return {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "rows": data.count(b"\n")}


def entry(kind, files, rows=4, role="examples") -> dict:
    facts = {"split": "test", "licence": "none", "source": "made up", "official_rows": rows}
    return {"kind": kind, "role": role, "files": files, **facts}


WHOLE, HALF, QUARTER = b"1\n2\n3\n4\n", b"1\n2\n", b"1\n"


@pytest.fixture
def data(tmp_path):
    """(data folder, manifest) of one task: whole, half, a quarter, and shots in two files."""
    sets = [
        entry("partial", [file_entry("quarter.jsonl", QUARTER)]),
        entry("partial", [file_entry("half.jsonl", HALF)]),
        entry("official", [file_entry("whole.jsonl", WHOLE)]),
        entry("shots", [], role="other") | {"kind": "official"},
        entry(
            "official",
            [file_entry("a_shots.jsonl", HALF), file_entry("b_shots.jsonl", QUARTER)],
            role="shots",
        ),
    ]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"task": sets}))
    (tmp_path / "task").mkdir()
    return tmp_path, manifest


def put(data, **files: bytes):
    folder, manifest = data
    for name, content in files.items():
        (folder / "task" / f"{name}.jsonl").write_bytes(content)
    return lambda role="examples": locate("task", folder, role, manifest)


def test_the_official_file_wins_then_the_largest(data):
    find = put(data, quarter=QUARTER)
    assert find().known.rows == 1
    put(data, half=HALF)
    assert find().known.rows == 2
    put(data, whole=WHOLE)
    found = find()
    assert found.known.kind == "official"
    assert found.paths == (data[0] / "task" / "whole.jsonl",)
    assert str(found.known) == "whole.jsonl (official, 4 of 4 rows)"


def test_other_bytes_are_refused_with_both_digests_and_sizes(data):
    find = put(data, half=b"1\n2\n3\n", quarter=QUARTER)
    with pytest.raises(InputError) as error:
        find()
    message = str(error.value)
    other = hashlib.sha256(b"1\n2\n3\n").hexdigest()
    assert f"sha256 {other}, 3 lines" in message
    assert f"sha256 {hashlib.sha256(HALF).hexdigest()}, 2 rows" in message
    assert "half.jsonl is not the known file" in message


def test_an_absent_file_names_task_path_and_remedy(data):
    with pytest.raises(InputError) as error:
        put(data)()
    assert str(error.value) == (
        f"task: no known examples file in {data[0]}/task; expected whole.jsonl (official, 4 of 4 "
        "rows) or half.jsonl (partial, 2 of 4 rows) or quarter.jsonl (partial, 1 of 4 rows); put "
        "it there (source: made up)"
    )


def test_an_unknown_file_is_named_with_its_digest(data):
    with pytest.raises(InputError) as error:
        put(data, mine=b"1\n2\n")()
    digest = hashlib.sha256(b"1\n2\n").hexdigest()
    assert f"mine.jsonl there is not in the manifest (sha256 {digest}, 2 lines)" in str(error.value)


def test_a_set_of_several_files_needs_them_all(data):
    find = put(data, a_shots=HALF)
    with pytest.raises(InputError, match="no known shots file .*; missing b_shots.jsonl; "):
        find("shots")
    put(data, b_shots=QUARTER)
    found = find("shots")
    assert found.known.rows == 3
    lines = "".join(f"{file.path} {file.sha256}\n" for file in found.known.files)
    assert found.known.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_a_task_without_files_of_a_role(data):
    with pytest.raises(InputError, match="task: the manifest lists no references files for it"):
        put(data)("references")


def test_without_a_data_folder_only_samples_count(data):
    with pytest.raises(
        InputError, match="task: the package has no sample of its examples; give .*--data DIR"
    ):
        locate("task", None, manifest=data[1])


def test_the_manifest_of_the_package_is_well_formed():
    for task, sets in json.loads(MANIFEST.read_text()).items():
        for known, raw in zip(known_sets(task), known_sets(task), strict=True):
            assert known == raw
        kinds = [s["kind"] for s in sets if s["role"] == "examples"]
        if task == "ner":  # nobody may pass on the texts of CoNLL-2003
            assert kinds == ["samples"]
            continue
        assert kinds.count("official") == 1 or "official" not in kinds and "partial" in kinds, task
        for known in known_sets(task):
            assert known.kind in ("official", "partial", "samples")
            assert known.licence and known.source
            assert known.split.isidentifier()  # TFDS allows no other names
            assert known.rows <= known.official_rows
            assert (known.rows < known.official_rows) == (known.kind == "partial")
            for file in known.files:
                assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_a_task_of_which_only_the_sample_may_be_had(tmp_path):
    said = "ner: the manifest lists no examples files for it; without --data the package's sample"
    with pytest.raises(InputError, match=said):
        locate("ner", tmp_path)


def test_the_samples_inside_the_package_are_the_listed_ones():
    tasks = [t for t in json.loads(MANIFEST.read_text()) if (SAMPLES / t).is_dir()]
    for task in tasks:
        assert locate(task, None).known.kind == "samples"


@pytest.mark.shared
def test_the_real_files_are_known(shared):
    hellaswag = locate("hellaswag", shared / "benchmarks").known
    assert (hellaswag.kind, hellaswag.rows, hellaswag.official_rows) == ("partial", 1000, 10042)
    arc = locate("arc_challenge", shared / "benchmarks").known
    assert (arc.kind, arc.rows, arc.split) == ("official", 1172, "test")


def test_of_sets_with_the_same_names_the_one_whose_bytes_are_there(tmp_path):
    """A whole split and its head, both called a.txt; other bytes are compared with the whole."""
    sets = [
        entry("partial", [file_entry("a.txt", QUARTER)]),
        entry("official", [file_entry("a.txt", WHOLE)]),
    ]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"task": sets}))
    (tmp_path / "task").mkdir()
    path = tmp_path / "task" / "a.txt"
    for content, kind in ((QUARTER, "partial"), (WHOLE, "official")):
        path.write_bytes(content)
        assert locate("task", tmp_path, manifest=manifest).known.kind == kind
    path.write_bytes(HALF)
    with pytest.raises(InputError, match=f"lists sha256 {hashlib.sha256(WHOLE).hexdigest()}"):
        locate("task", tmp_path, manifest=manifest)
