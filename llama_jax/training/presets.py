"""Named training runs: model, optimizer, length, batch; `llama-jax train --config NAME`.

Sources: [P] Touvron et al. 2023b (Llama 2), Tables 1 and 2 and section 2.2; [G] nanoGPT,
config/train_shakespeare_char.py and its README; [C] llama2.c, train.py and README (stories15M).
"""

import dataclasses
from dataclasses import dataclass

from llama_jax.config import LLAMA2_7B, LLAMA2_13B, LLAMA2_70B, LlamaConfig
from llama_jax.errors import InputError
from llama_jax.training.optimizer import OptimizerConfig
from llama_jax.training.options import StepOptions


@dataclass(frozen=True)
class TrainPreset:
    """Everything of a run but its data.

    Attributes:
        model: `vocab_size` is that of the tokenizer the run is meant for.
        optimizer: its `steps` is the length of the schedule.
        steps: updates in all.
        batch_size: rows per update, over all devices and microbatches.
        length: T, tokens per row.
        source: where the numbers stand.
        options: of the step.
        validate_every: steps between validations.
        save_every: steps between checkpoints.
        seed: of parameters, data order and dropout.
    """

    model: LlamaConfig
    optimizer: OptimizerConfig
    steps: int
    batch_size: int
    length: int
    source: str
    options: StepOptions = StepOptions()
    validate_every: int = 250
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if self.length > self.model.context:
            raise InputError(
                f"preset: length {self.length} exceeds the model's context {self.model.context}"
            )
        if self.batch_size % self.options.accumulation:
            raise InputError(
                f"preset: batch_size {self.batch_size} does not divide into "
                f"{self.options.accumulation} microbatches; choose a divisor of {self.batch_size}"
            )

    @property
    def tokens_per_step(self) -> int:
        """Positions of one update, padding included."""
        return self.batch_size * self.length


def _adamw(peak: float, steps: int, warmup: int, **more) -> OptimizerConfig:
    return OptimizerConfig(peak, steps, warmup, **more)


# [G] has 65 characters and 4 x 128 x 128 x 12 weights in its layers, 795,904 parameters in all. Our
# feed-forward has three matrices where GPT-2's has two: at 336 columns instead of 512, and with
# three special pieces (`llama-jax tokenizer train --kind char --no-byte-fallback`), there are
# 788,096. Batch, context, steps and the 10 % floor are [G]'s; dropout 0 as there.
SHAKESPEARE_CHAR = TrainPreset(
    LlamaConfig(68, 128, 4, 4, 4, 336, 64, 1e-5, tied_embeddings=True),
    _adamw(3e-3, 2000, 100, b2=0.99, eps=1e-8),
    steps=2000,
    batch_size=12,
    length=64,
    source="[G] the recipe for a CPU; learning rate and feed-forward width are ours",
)

# 6 x 384 with 1,024 feed-forward columns: 10.65M parameters; [G] has 10.65M.
SHAKESPEARE_CHAR_GPU = TrainPreset(
    LlamaConfig(68, 384, 6, 6, 6, 1024, 256, 1e-5, tied_embeddings=True),
    _adamw(1e-3, 5000, 100, b2=0.99, eps=1e-8),
    steps=5000,
    batch_size=64,
    length=256,
    source="[G] the recipe for a GPU; feed-forward width ours",
    options=StepOptions(
        compute_dtype="bfloat16",
        attention_dropout=0.2,
        residual_dropout=0.2,
        embedding_dropout=0.2,
    ),
)

STORIES = TrainPreset(
    LlamaConfig(32000, 288, 6, 6, 6, 768, 256, 1e-5, tied_embeddings=True),
    _adamw(5e-4, 100_000, 1000, eps=1e-8, final_fraction=0.0),
    steps=100_000,
    batch_size=512,
    length=256,
    source="[C] stories15M: 128 rows times 4 microbatches",
    options=StepOptions(accumulation=4, chunk=64, compute_dtype="bfloat16"),
    validate_every=2000,
    save_every=2000,
)

# 5.0M parameters, of which 1.05M are the embeddings of 4,096 pieces.
BOOKS = TrainPreset(
    LlamaConfig(4096, 256, 5, 4, 4, 688, 256, 1e-5, tied_embeddings=True),
    _adamw(2e-3, 3300, 150),
    steps=3300,
    batch_size=4,
    length=256,
    source="ours: twenty minutes on two cores",
    options=StepOptions(chunk=256),
    validate_every=550,
    save_every=550,
)

WIKITEXT = TrainPreset(
    LlamaConfig(32000, 768, 12, 12, 12, 2048, 1024, 1e-5, tied_embeddings=True),
    _adamw(6e-4, 20_000, 1000),
    steps=20_000,
    batch_size=64,
    length=1024,
    source="ours: 110M parameters, GPT-2 small's shape; 13 epochs of WikiText-103",
    options=StepOptions(accumulation=4, chunk=256, compute_dtype="bfloat16"),
    validate_every=1000,
    save_every=1000,
)

_PAPER = TrainPreset(
    LLAMA2_7B,
    OptimizerConfig(),
    steps=476_837,
    batch_size=1024,
    length=4096,
    source="[P] Tables 1 and 2: 2.0T tokens in batches of 4M (1,024 x 4,096)",
    options=StepOptions(remat="full", chunk=512, compute_dtype="bfloat16"),
    validate_every=1000,
    save_every=1000,
)

PRESETS: dict[str, TrainPreset] = {
    "shakespeare-char": SHAKESPEARE_CHAR,
    "shakespeare-char-gpu": SHAKESPEARE_CHAR_GPU,
    "stories": STORIES,
    "books": BOOKS,
    "wikitext": WIKITEXT,
    "llama2-7b": _PAPER,
    "llama2-13b": dataclasses.replace(_PAPER, model=LLAMA2_13B),
    "llama2-70b": dataclasses.replace(
        _PAPER,
        model=LLAMA2_70B,
        optimizer=OptimizerConfig(peak_learning_rate=1.5e-4),
        # 64 rows at a time: two on each of the 32 parts of the batch of a mesh of 256 devices.
        options=dataclasses.replace(_PAPER.options, accumulation=16),
    ),
}


def train_preset(name: str) -> TrainPreset:
    """The run called `name`, or an error that lists the names that exist."""
    if name not in PRESETS:
        raise InputError(f"no training preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
