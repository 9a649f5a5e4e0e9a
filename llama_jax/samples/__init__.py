"""Small files that come with the package, so that the whole pipe runs without any download.

`FOLDER` is laid out as a data folder: TASK/FILE for the benchmark samples, in the authors' formats,
beside the corpus and the tokenizer that a tiny model is trained with. README.md says how they came
about; `generator` writes them.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
CORPUS = FOLDER / "corpus.txt"
TOKENIZER = FOLDER / "tokenizer.model"
