"""How a step is computed: what changes its speed, its memory or its noise, not the model."""

from dataclasses import dataclass

from llama_jax.errors import InputError

DTYPES = ("float32", "bfloat16")
REMAT = ("none", "full", "dots", "dots_no_batch", "attention")
ATTENTION = ("xla", "splash", "cudnn")


@dataclass(frozen=True)
class StepOptions:
    """Options of a training or evaluation step; all of them static under jit, all JSON values.

    Attributes:
        remat: what the backward pass computes again instead of keeping it (`model.remat`).
            "none" keeps everything; "full" keeps each layer's input only; "dots" keeps the results
            of matrix products; "dots_no_batch" those with weights, and what attention gives;
            "attention" recomputes attention's scores only.
        chunk: positions of each row whose logits exist at a time, at most.
        z_loss: see `cross_entropy`; in training only.
        accumulation: microbatches into which the rows of a step are cut, one after another.
        compute_dtype: of activations and of the weights in products; parameters, gradients'
            sums and the optimizer's state stay as they are.
        attention: implementation, see `make_self_attention`.
        attention_dropout: share of the attention weights that are zeroed in training.
        residual_dropout: share of what each branch adds to the residual stream.
        embedding_dropout: share of the token embeddings' channels.
        seed: of the dropout, together with the step and the microbatch.
    """

    remat: str = "none"
    chunk: int = 128
    z_loss: float = 0.0
    accumulation: int = 1
    compute_dtype: str = "float32"
    attention: str = "xla"
    attention_dropout: float = 0.0
    residual_dropout: float = 0.0
    embedding_dropout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        choices = {"remat": REMAT, "compute_dtype": DTYPES, "attention": ATTENTION}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"step: {name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}"
                )
        for name in ("attention_dropout", "residual_dropout", "embedding_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"step: {name} is {getattr(self, name)}; it must be at least 0 and below 1"
                )
        if self.chunk < 1:
            raise InputError(f"step: chunk is {self.chunk}; it must be at least 1")
        if self.accumulation < 1:
            raise InputError(f"step: accumulation is {self.accumulation}; it must be at least 1")
        if self.z_loss < 0:
            raise InputError(f"step: z_loss is {self.z_loss}; it must not be negative")
        if self.attention_dropout and self.attention != "xla":
            raise InputError(
                f"step: attention {self.attention!r} has no dropout on its weights "
                f"(attention_dropout {self.attention_dropout}); use attention 'xla'"
            )

    @property
    def drops(self) -> bool:
        """Whether anything is dropped in training."""
        return bool(self.attention_dropout or self.residual_dropout or self.embedding_dropout)


PLAIN = StepOptions()
