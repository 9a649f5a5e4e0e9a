"""The books experiment on a few made-up chapters."""

import random
import re

import books
import tyro

WORDS = ["whale", "sea", "ship", "captain", "night", "wind", "house", "garden", "lady", "road"]


def book(seed: int) -> str:
    draw = random.Random(seed)
    chapters = (" ".join(draw.choices(WORDS, k=500)) for _ in range(14))
    return "".join(f"CHAPTER {i}\n\n{text}.\n\n" for i, text in enumerate(chapters, start=1))


def test_chapters_join_to_the_text_and_none_is_short():
    text = "Contents\nCHAPTER 1\nCHAPTER 2\n" + book(0)
    found = books.chapters(text)
    assert "".join(found) == text
    assert len(found) == 14
    assert all(len(chapter) >= books.SHORTEST for chapter in found)


def test_writes_a_table_of_three_models(tmp_path, capsys):
    folder = tmp_path / "books"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.txt").write_text(book(seed), encoding="utf-8")
    small = ["model.vocab_size=320", "model.dim=32", "model.layers=1", "model.ffn_size=64"]
    small += ["length=32", "batch_size=2"]
    arguments = ["--books", str(folder), "--out", str(tmp_path / "out"), "--limit", "2"]
    tyro.cli(books.main, args=[*arguments, "--settings", *small])
    table = (tmp_path / "out" / "books.md").read_text()
    assert capsys.readouterr().out.startswith(table)
    bits = {
        line.split("|")[1].strip(): float(line.split("|")[2]) for line in table.splitlines()[2:]
    }
    assert len(bits) == 3
    # Thirteen words in any order: log2(13) bits for 6 bytes on average.
    assert 0.5 < bits["5-gram, Kneser-Ney"] < 1.5
    assert all(re.search("xz|Kneser|Llama, 42 chapters, step 2", name) for name in bits)
