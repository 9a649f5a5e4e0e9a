"""Building, opening and refusing token stores."""

import functools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from reference.token_stores import Characters, Texts

from llama_jax.data import token_build
from llama_jax.data.corpus import whole
from llama_jax.data.packed import all_rows, concatenate
from llama_jax.data.packing import pack
from llama_jax.data.sources import TextFile
from llama_jax.data.text import encode_documents, read_documents
from llama_jax.data.token_build import build_token_store
from llama_jax.data.token_store import open_token_store, seal, token_dtype
from llama_jax.errors import InputError
from llama_jax.tokenizer import load_tokenizer

BOOK = "\n\n".join(f"Chapter {n}. It was the {n % 7}th of May." for n in range(400))


def build(texts, out, **settings):
    settings = {"workers": 1, "progress": False} | settings
    return build_token_store([Texts(*texts)], Characters, out, **settings)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    return path


@pytest.fixture(scope="session")
def load(repository):
    """A recipe for the tokenizer inside the package, which survives pickling."""
    return functools.partial(load_tokenizer, repository / "llama_jax/samples/tokenizer.model")


def test_a_store_holds_the_documents(tmp_path):
    store = build(["ab", " \n", "c", "ab"], tmp_path / "store")
    assert len(store) == 3  # white space is no document
    assert [store[d].tolist() for d in range(3)] == [[1, 97, 98, 2], [1, 99, 2], [1, 97, 98, 2]]
    assert store.tokens.dtype == np.uint16 and isinstance(store.tokens, np.memmap)
    assert store.hashes[0] == store.hashes[2] != store.hashes[1]
    assert (store.meta["tokens"], store.largest_id) == (11, 99)
    assert sorted(os.listdir(tmp_path)) == ["store"]
    with pytest.raises(IndexError, match="document 3 of 3"):
        store[3]


def test_bos_and_eos_may_be_left_out(tmp_path):
    assert build(["ab"], tmp_path / "a", bos=False)[0].tolist() == [97, 98, 2]
    assert build(["ab"], tmp_path / "b", eos=False)[0].tolist() == [1, 97, 98]


def test_ids_take_two_bytes_where_they_can():
    assert [token_dtype(v).str for v in (65536, 65537, 128256)] == ["<u2", "<u4", "<u4"]


def test_rows_of_a_store_are_those_of_its_documents(tmp_path, book, load):
    store = build_token_store([TextFile(book)], load, tmp_path / "s", workers=1, progress=False)
    documents = encode_documents(read_documents([book], "blank-line"), load())
    packed = concatenate(whole(store), 32, across_documents=False)
    expected = pack(documents, 32)
    assert all((a == b).all() for a, b in zip(all_rows(packed), expected, strict=True))


def test_the_work_can_be_shared_out_in_any_way(tmp_path, book, load):
    """Bit for bit: processes and the size of a chunk change nothing."""
    found = []
    for name, settings in (("a", {"workers": 1}), ("b", {"workers": 2, "chunk_size": 999})):
        build_token_store([TextFile(book)], load, tmp_path / name, progress=False, **settings)
        found.append(contents(tmp_path / name))
    assert found[0] == found[1]


def test_a_store_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    first = build(["ab", "c"], tmp_path / "store")
    monkeypatch.setattr(token_build, "make_parts", None)
    assert build(["ab", "c"], tmp_path / "store").sha256 == first.sha256
    with pytest.raises(InputError, match=r"store: holds another .* the sources' digest is "):
        build(["ab", "d"], tmp_path / "store")
    with pytest.raises(InputError, match="eos is True there and False here"):
        build(["ab", "c"], tmp_path / "store", eos=False)


def test_an_interrupted_build_goes_on(tmp_path):
    texts = [f"text {n}" for n in range(30)]
    encoded = []

    class Failing(Characters):
        limit = 12

        def encode(self, text):
            if len(encoded) >= self.limit:
                raise KeyboardInterrupt
            encoded.append(text)
            return super().encode(text)

    class Counting(Failing):
        limit = 1000

    settings = {"workers": 1, "progress": False, "chunk_size": 16}
    out = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        build_token_store([Texts(*texts)], Failing, out, **settings)
    assert not out.exists()
    store = build_token_store([Texts(*texts)], Counting, out, **settings)
    assert len(encoded) == 30  # nothing twice
    build(texts, tmp_path / "straight")
    assert contents(out) == contents(tmp_path / "straight")
    assert len(store) == 30
    assert sorted(os.listdir(tmp_path)) == ["store", "straight"]


def test_a_text_that_changed_meanwhile_is_encoded_again(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(token_build, "_join", functools.partial(fail, OSError("disk full")))
        build(["old", "same"], tmp_path / "store", chunk_size=1)
    store = build(["new", "same"], tmp_path / "store", chunk_size=1)
    assert store[0].tolist() == [1, *map(ord, "new"), 2]


def fail(error, *args):
    raise error


def test_what_goes_wrong_while_joining_leaves_no_store(tmp_path, monkeypatch):
    monkeypatch.setattr(token_build, "_close", functools.partial(fail, OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        build(["ab"], tmp_path / "store")
    assert os.listdir(tmp_path) == ["store.parts"]


def test_an_empty_corpus_is_refused(tmp_path):
    with pytest.raises(InputError, match="the corpus is empty"):
        build([" ", "\n"], tmp_path / "store")
    with pytest.raises(InputError, match="0 workers"):
        build(["a"], tmp_path / "store", workers=0)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("wrong", [256, -1])
def test_ids_outside_the_vocabulary_are_refused(tmp_path, wrong):
    class Wrong(Characters):
        def encode(self, text):
            return [5, wrong]

    message = rf"text 0: token id {wrong}, but the tokenizer has 0 to 255"
    with pytest.raises(InputError, match=message):
        build_token_store([Texts("a")], Wrong, tmp_path / "s", workers=1, progress=False)
    assert not (tmp_path / "s").exists()


def test_a_model_with_too_small_an_embedding_is_refused(tmp_path):
    store = build(["ab"], tmp_path / "store")
    store.check_vocabulary(99)
    with pytest.raises(InputError, match="token ids up to 98, but the model has 0 to 97"):
        store.check_vocabulary(98)


def test_a_flipped_bit_in_any_file_is_noticed(tmp_path):
    build(["ab", "c"], tmp_path / "store")
    for path in sorted((tmp_path / "store").iterdir()):
        good = path.read_bytes()
        for place in {0, len(good) // 2, len(good) - 1}:
            damaged = bytearray(good)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=rf"{path.name}: (damaged|not that of)|newer"):
                open_token_store(tmp_path / "store")
        path.write_bytes(good)
    open_token_store(tmp_path / "store")


def test_other_damage_is_named(tmp_path):
    with pytest.raises(InputError, match=r"store: no token store .*data tokenize"):
        open_token_store(tmp_path / "store")
    build(["ab"], tmp_path / "store")
    tokens, meta = tmp_path / "store" / "tokens.bin", tmp_path / "store" / "meta.json"
    good, said = tokens.read_bytes(), json.loads(meta.read_text())
    tokens.write_bytes(good[:-2])
    with pytest.raises(InputError, match="has 6 bytes, meta.json says 8 bytes"):
        open_token_store(tmp_path / "store", verify=False)
    tokens.unlink()
    with pytest.raises(InputError, match="tokens.bin: is missing"):
        open_token_store(tmp_path / "store", verify=False)
    tokens.write_bytes(good)
    small = said["tokenizer"] | {"vocab_size": 90}
    meta.write_text(json.dumps(seal(said | {"tokenizer": small})))
    with pytest.raises(InputError, match="token id 98, but the tokenizer has 0 to 89"):
        open_token_store(tmp_path / "store")
    meta.write_text(json.dumps(said | {"version": 2}))
    with pytest.raises(InputError, match="of version 2; .* up to version 1: update"):
        open_token_store(tmp_path / "store")


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_with_the_same_store(tmp_path, load, repository):
    book = tmp_path / "book.txt"
    book.write_text(BOOK * 60)
    code = f"""
import functools
from pathlib import Path
from llama_jax.data.sources import TextFile
from llama_jax.data.token_build import build_token_store
from llama_jax.tokenizer import load_tokenizer
if __name__ == "__main__":
    load = functools.partial(load_tokenizer, {str(load.args[0])!r})
    source, out = TextFile(Path({str(book)!r})), {str(tmp_path / "store")!r}
    build_token_store([source], load, out, workers=2, chunk_size=2000, progress=False)
"""
    script = tmp_path / "build.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(repository)}
    kills = 0
    for wait in (0.5, 2, 3, 4):
        process = subprocess.Popen([sys.executable, script], env=environment, process_group=0)
        time.sleep(wait)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills
    subprocess.run([sys.executable, script], env=environment, check=True)
    build_token_store([TextFile(book)], load, tmp_path / "straight", workers=1, progress=False)
    assert contents(tmp_path / "store") == contents(tmp_path / "straight")
    assert sorted(os.listdir(tmp_path)) == ["book.txt", "build.py", "store", "straight"]
