"""Laws of recipes: three spellings give one hash, there and back is the identity."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import RecipeError
from isthmus.recipe import Bce, Dense, Recipe, Reconstruct, Training, Variational
from isthmus.recipe.files import shipped

TOML = """
name = "mine"
[task]
kind = "reconstruct"
loss = { kind = "bce" }
[encoder]
kind = "dense"
layers = [32, 16]
[bottleneck]
kind = "variational"
size = 2
weight = 0.5
[training]
epochs = 3
"""


def test_three_spellings_give_one_hash() -> None:
    written = Recipe.parse(TOML)
    python = Recipe(
        task=Reconstruct(loss=Bce()),
        encoder=Dense(layers=(32, 16)),
        bottleneck=Variational(size=2, weight=0.5),
        training=Training(epochs=3),
    )
    assigned = Recipe().set(
        "task.loss=bce",
        "encoder.layers=[32, 16]",
        "bottleneck.kind=variational",
        "bottleneck.size=2",
        "bottleneck.weight=0.5",
        "training.epochs=3",
    )
    assert written.hash == python.hash == assigned.hash
    assert written.set("training.epochs=4").hash != written.hash


def test_the_name_is_not_hashed() -> None:
    assert Recipe(name="a").hash == Recipe(name="b", description="other").hash


def test_the_hash_is_the_same_in_another_process() -> None:
    command = "from isthmus import Recipe; print(Recipe.load('digits').hash)"
    said = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == Recipe.load("digits").hash


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_recipes_are_named_as_their_file_and_survive_toml(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.description
    assert Recipe.parse(recipe.to_toml()) == recipe


widths = st.lists(st.integers(1, 500), max_size=5)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    bottleneck = draw(
        st.sampled_from(["plain", "sparse", "variational", "vector_quantized", "entropy_coded"])
    )
    return Recipe().set(
        f"encoder.layers={draw(widths)}",
        f"bottleneck={bottleneck}",
        f"bottleneck.size={draw(st.integers(1, 999))}",
        f"training.learning_rate={draw(st.floats(1e-6, 9.0))!r}",
        f"training.minutes={draw(st.floats(0.1, 100.0))!r}",
        f"data.shift={draw(st.integers(0, 9))}",
        f"task={draw(st.sampled_from(['reconstruct', 'denoise']))}",
    )


@settings(max_examples=60, deadline=None)
@given(recipes())
def test_toml_there_and_back(recipe: Recipe) -> None:
    again = Recipe.parse(recipe.to_toml())
    assert again == recipe
    assert again.hash == recipe.hash


def _error(*assignments: str) -> str:
    with pytest.raises(RecipeError) as caught:
        Recipe().set(*assignments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_errors_name_the_key_what_was_found_and_what_is_allowed() -> None:
    assert "unknown key 'bottleneck.sise'; did you mean 'size'?" in _error("bottleneck.sise=2")
    assert "unknown key 'encodr'; did you mean 'encoder'?" in _error("encodr.layers=[3]")
    assert "training.epochs is -3; it must be greater than or equal to 1" in _error(
        "training.epochs=-3"
    )
    assert "training.epochs is 'many'" in _error("training.epochs=many")
    said = _error("bottleneck=variatonal")
    assert "'variatonal' is not known" in said
    assert "did you mean 'variational'?" in said
    assert "encoder.activation is 'rellu'" in _error("encoder.activation=rellu")
    assert "did you mean 'relu'?" in _error("encoder.activation=rellu")
    assert "write KEY=VALUE" in _error("bottleneck.size")


def test_errors_in_a_file_name_its_line() -> None:
    text = 'name = "x"\n[bottleneck]\nkind = "plain"\nsise = 3\n[training]\nepochs = "a"\n'
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(text, "mine.toml")
    assert "mine.toml:4: unknown key 'bottleneck.sise'" in str(caught.value)
    assert "mine.toml:6: training.epochs is 'a'" in str(caught.value)


def test_syntax_errors_name_file_and_line() -> None:
    with pytest.raises(RecipeError, match=r"mine.toml: not TOML: .*line 1"):
        Recipe.parse("name = 3 3", "mine.toml")


def test_no_such_recipe_offers_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe named 'digit' .* did you mean 'digits'"):
        Recipe.load("digit")


def test_another_kind_keeps_what_both_share() -> None:
    recipe = Recipe().set("bottleneck.size=7", "bottleneck=variational")
    assert recipe.bottleneck == Variational(size=7)


def test_recipes_are_immutable() -> None:
    with pytest.raises(ValueError):
        Recipe().name = "other"  # type: ignore[misc]


def test_every_field_of_the_schema_has_a_title_or_is_a_kind() -> None:
    schema = Recipe.model_json_schema()
    for name, model in schema["$defs"].items():
        assert model.get("description"), name
        for key, field in model.get("properties", {}).items():
            assert key == "kind" or field.get("title"), f"{name}.{key}"
