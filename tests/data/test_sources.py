import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.data import sources
from llama_jax.data.sources import JsonlFile, TextFile, TfdsSplit, file_sources
from llama_jax.data.text import read_documents
from llama_jax.errors import InputError

lines = st.lists(st.sampled_from(["one", " two ", "", "  ", "\t", "\r", "x\r\ry", "\u2028"]))


def texts(source):
    return [document.text for document in source.documents()]


@settings(max_examples=150, deadline=None)
@given(lines, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["blank-line", "file"]))
def test_a_text_read_in_blocks_has_the_documents_of_the_text_read_at_once(
    tmp_path_factory, found, end, separator
):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(("start" + end + end.join(found)).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_BLOCK", 4)
        assert texts(TextFile(path, separator)) == read_documents([path], separator)


def test_texts_say_what_they_are(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"One.\n\nTwo.")
    assert TextFile(path).describe() == {
        "kind": "text",
        "separator": "blank-line",
        "path": str(path),
        "bytes": 10,
        "sha256": hashlib.sha256(b"One.\n\nTwo.").hexdigest(),
    }
    assert TextFile(path).size() == 10
    assert [d.where for d in TextFile(path).documents()] == [
        f"{path}, document 1",
        f"{path}, document 2",
    ]


def test_mistakes_in_texts_are_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nbad \xff\n")
    with pytest.raises(InputError, match=r"a.txt:2: not UTF-8 at byte 9 "):
        texts(TextFile(path))
    path.write_bytes(b" \n\n")
    with pytest.raises(InputError, match="no document, only white space"):
        texts(TextFile(path))
    with pytest.raises(InputError, match="separator 'page': must be one of"):
        texts(TextFile(path, "page"))
    with pytest.raises(InputError, match=r"b.txt: no such text file"):
        file_sources([tmp_path / "b.txt"])
    with pytest.raises(InputError, match="no files given"):
        file_sources([])


def test_jsonl_is_read_by_field(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"body": "One\n\nstill one", "id": 1}, {"body": "Zwei \u2028"}]
    path.write_text("\n\n".join(map(json.dumps, rows)))
    (source,) = file_sources([path], field="body")
    assert source == JsonlFile(path, "body")
    assert texts(source) == ["One\n\nstill one", "Zwei \u2028"]
    assert [d.where for d in source.documents()] == [f"{path}:1", f"{path}:3"]


@pytest.mark.parametrize(
    "line, message",
    [
        ("{", r"a.jsonl:2: not JSON"),
        ('{"body": "x", "id": 1}', r"a.jsonl:2: no text under 'text'; the line has: body, id"),
        ('{"text": 3}', r"a.jsonl:2: no text under 'text'"),
        ("[1]", r"a.jsonl:2: no text under 'text'; the line has: list"),
    ],
)
def test_mistakes_in_jsonl_are_named(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n' + line)
    with pytest.raises(InputError, match=message):
        texts(JsonlFile(path))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A TFDS dataset of three texts, as array_record."""
    import tensorflow_datasets as tfds

    class Poems(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        name = "poems"
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number, text in enumerate(["eins", "zwei ü", "drei"]):
                yield number, {"text": text}

    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    Poems(data_dir=str(folder), file_format="array_record").download_and_prepare()
    return folder / "poems" / "1.0.0"


def test_a_tfds_split_is_read_without_tensorflow(prepared):
    source = TfdsSplit(str(prepared))
    assert sorted(texts(source)) == ["drei", "eins", "zwei ü"]
    assert texts(source) == texts(source)
    digest = hashlib.sha256()
    for text in texts(source):
        digest.update(len(text.encode()).to_bytes(8, "little") + text.encode())
    assert source.describe()["sha256"] == digest.hexdigest()
    assert source.size() is None


def test_mistakes_with_tfds_are_named(prepared, tmp_path):
    with pytest.raises(InputError, match="no split 'test'; there are: train"):
        texts(TfdsSplit(str(prepared), "test"))
    with pytest.raises(InputError, match="no text under 'body'; it has: text"):
        texts(TfdsSplit(str(prepared), field="body"))
    with pytest.raises(InputError, match="cannot be read through TFDS"):
        texts(TfdsSplit(str(tmp_path)))
    with pytest.raises(InputError, match="no_such_set: cannot be read through TFDS"):
        texts(TfdsSplit("no_such_set", data_dir=str(tmp_path)))
