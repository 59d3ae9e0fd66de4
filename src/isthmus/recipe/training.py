"""How long and how a recipe trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isthmus.recipe.base import Spec


class Training(Spec):
    """Time, optimiser, schedule, safety; the machine's own choices are made by the engine."""

    epochs: int = Field(
        20, ge=1, le=1_000_000, title="Epochs", description="Passes over the training items."
    )
    minutes: float | None = Field(
        None,
        gt=0,
        title="Minutes",
        description="Wall-clock budget; training ends at whichever of epochs and minutes comes first, and the schedule follows.",
    )
    batch_size: int = Field(
        128, ge=1, le=1_048_576, title="Batch size", description="Items per step."
    )
    accumulate: int = Field(
        1, ge=1, le=4096, title="Accumulate", description="Batches whose gradients make one step."
    )
    optimizer: Literal["adamw", "sgd", "muon"] = Field(
        "adamw",
        title="Optimizer",
        description="AdamW (Loshchilov & Hutter 2019), momentum, or orthogonalised momentum for convolutional networks (Jordan et al. 2024).",
    )
    learning_rate: float = Field(1e-3, gt=0, le=10, title="Learning rate")
    beta2: float = Field(
        0.999, gt=0, lt=1, title="Beta 2", description="Memory of AdamW's second moment."
    )
    weight_decay: float = Field(0.0, ge=0, le=10, title="Weight decay")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "cosine", title="Schedule", description="How the learning rate falls to zero (or does not)."
    )
    warmup: float = Field(
        0.02,
        ge=0,
        lt=1,
        title="Warm-up",
        description="Share of the training over which the learning rate rises.",
    )
    clip: float = Field(
        0.0, ge=0, title="Gradient clipping", description="Largest norm of the gradient; 0 is off."
    )
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Weight averaging",
        description="Decay of the moving average that is kept as the model; 0 is off.",
    )
    patience: int = Field(
        0,
        ge=0,
        title="Patience",
        description="Stop after so many epochs without a better validation loss, and keep the best; 0 is off.",
    )
    seed: int = Field(0, ge=0, lt=2**31, title="Seed")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        title="Precision",
        description="bfloat16 is three times faster on CPUs with AMX; a trial falls back to float32 where it is slower or learns worse.",
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = Field(
        "auto", title="Threads", description="auto tries one and all, and keeps the faster."
    )
    checkpoint_minutes: float = Field(
        1.0,
        ge=0,
        title="Checkpoint every",
        description="Minutes between checkpoints (there is one after every epoch that ends later than this; 0: after each epoch).",
    )
    snapshots: int = Field(
        8,
        ge=0,
        le=60,
        title="Snapshots",
        description="How many times along the training the fixed examples are kept as pictures.",
    )
    compile: bool = Field(
        False,
        title="Compile",
        description="torch.compile: slow to start, pays in trainings of hours.",
    )
