"""``isthmus recipes``: what is shipped, and the schema."""

from __future__ import annotations

import json

import click

from isthmus.cli.common import json_option, result, table


@click.group(invoke_without_command=True, epilog="Example: isthmus recipes show digits > mine.toml")
@click.pass_context
def recipes(ctx: click.Context) -> None:
    """The shipped recipes and the schema of all recipes."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@recipes.command("list", epilog="Example: isthmus recipes list")
@json_option
def list_(as_json: bool = False) -> None:
    """Every shipped recipe with its first sentence."""
    from isthmus.recipe import Recipe
    from isthmus.recipe.files import shipped

    opened = {name: Recipe.load(name) for name in shipped()}
    tree = {
        "recipes": [
            {"name": n, "description": r.description, "hash": r.hash} for n, r in opened.items()
        ]
    }
    rows = [
        [n, r.encoder.kind, f"{r.bottleneck.kind} {r.bottleneck.size}", r.description]
        for n, r in opened.items()
    ]
    result(tree, as_json, table(rows, ["name", "encoder", "bottleneck", "what it does"]))


@recipes.command("show", epilog="Example: isthmus recipes show digits-2d")
@click.argument("name")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change it first.")
@json_option
def show(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """A recipe as TOML, with its hash; with the shapes of its layers if its data is known."""
    from isthmus.datasets import item_shape
    from isthmus.errors import DataError
    from isthmus.plan import plan
    from isthmus.recipe import Recipe

    recipe = Recipe.load(name).set(*assignments)
    try:
        rows = plan(recipe, item_shape(recipe.data)).table()
    except DataError:
        rows = []
    tree = {"hash": recipe.hash, "recipe": recipe.model_dump(mode="json"), "layers": rows}
    layers = [
        [
            r["network"],
            r["layer"],
            "x".join(map(str, r["output"])),
            f"{r['parameters']:,}",
            f"{r['macs']:,}",
        ]
        for r in rows
    ]
    text = f"{recipe.to_toml()}\n# hash {recipe.hash}"
    if layers:
        drawn = table(layers, ["network", "layer", "output", "weights", "multiply-adds"])
        text += "\n" + "\n".join(f"# {line}" for line in drawn.splitlines())
    result(tree, as_json, text)


@recipes.command("schema", epilog="Example: isthmus recipes schema > recipe.schema.json")
def schema() -> None:
    """The JSON Schema of recipes."""
    from isthmus.recipe import Recipe

    print(json.dumps(Recipe.model_json_schema(), indent=2))
