"""The arithmetic of shapes: decoders return exactly the item, errors name the layer."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import PlanError
from isthmus.plan import plan
from isthmus.recipe import (
    Conv,
    Dense,
    Gaussian,
    Plain,
    Recipe,
    Reconstruct,
    Recurrent,
    Residual,
    Sparse,
    Temporal,
    Variational,
    VectorQuantized,
)

side = st.integers(5, 65)


@settings(max_examples=150, deadline=None)
@given(
    side, side, st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3),
    st.sampled_from(["stride", "max", "average"]), st.booleans(),
)  # fmt: skip
def test_conv_returns_any_size(
    height: int,
    width: int,
    channels: int,
    kernel: int,
    stride: int,
    stages: int,
    down: str,
    spatial: bool,
) -> None:
    recipe = Recipe(
        encoder=Conv(channels=(4,) * stages, kernel=kernel, stride=stride, down=down),
        bottleneck=Plain(size=3, spatial=spatial),
    )
    try:
        made = plan(recipe, (channels, height, width))
    except PlanError as error:
        assert error.network == "encoder"
        assert error.layer >= 0
        return
    assert made.decoder.shapes[-1] == (channels, height, width)
    assert made.bottleneck.code[0] == 3


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 200), st.integers(1, 3), st.integers(1, 4))
def test_sequences_return_any_length(steps: int, channels: int, stride: int) -> None:
    for encoder in (
        Temporal(channels=(4, 6), stride=stride),
        Residual(channels=(4, 6), stride=stride),
        Recurrent(hidden=5),
    ):
        made = plan(Recipe(encoder=encoder), (channels, steps))
        assert made.decoder.shapes[-1] == (channels, steps)


def test_a_layer_that_does_not_fit_is_named() -> None:
    with pytest.raises(PlanError, match=r"encoder, layer 4: a kernel of 6 does not fit") as caught:
        plan(Recipe(encoder=Conv(channels=(8, 8, 8, 8), kernel=6)), (1, 9, 9))
    assert (caught.value.network, caught.value.layer) == ("encoder", 3)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(PlanError, match="spatial code needs a convolutional encoder"):
        plan(Recipe(bottleneck=Plain(spatial=True)), (1, 8, 8))
    with pytest.raises(PlanError, match="size = 10 must be divisible by groups = 4"):
        plan(Recipe(bottleneck=VectorQuantized(size=10, groups=4)), (1, 8, 8))
    with pytest.raises(PlanError, match="k = 9 exceeds the 4 numbers"):
        plan(Recipe(bottleneck=Sparse(size=4, penalty="topk", k=9)), (1, 8, 8))
    with pytest.raises(PlanError, match="recurrent network reads sequences"):
        plan(Recipe(encoder=Recurrent()), (1, 8, 8))
    with pytest.raises(PlanError, match="tied weights need one latent per code number"):
        plan(Recipe(encoder=Dense(tied=True), bottleneck=Variational()), (1, 8, 8))
    with pytest.raises(PlanError, match="items must be"):
        plan(Recipe(), (0, 3))


def test_a_bottleneck_as_large_as_the_item_warns() -> None:
    assert "may simply copy" in plan(Recipe(bottleneck=Plain(size=64)), (1, 8, 8)).warnings[0]
    assert not plan(Recipe(bottleneck=Plain(size=63)), (1, 8, 8)).warnings


def test_two_outputs_a_value_double_the_channels() -> None:
    recipe = Recipe(task=Reconstruct(loss=Gaussian()))
    assert plan(recipe, (3, 8, 8)).decoder.shapes[-1] == (6, 8, 8)
    assert plan(recipe, (50,)).decoder.shapes[-1] == (2, 50)


def test_the_digits_hourglass_by_hand() -> None:
    made = plan(Recipe(encoder=Dense(layers=(512, 256))), (1, 28, 28))
    weights = 784 * 512 + 512 * 256 + 256 * 64
    biases = (512 + 256 + 64) + (256 + 512 + 784)
    assert made.parameters == 2 * weights + biases
    assert made.macs == 2 * weights
    assert made.ratio == 12.25


def test_no_torch_is_needed() -> None:
    code = (
        "import sys; from isthmus.plan import plan; from isthmus.recipe import Recipe; "
        "plan(Recipe(), (1, 28, 28)).table(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
