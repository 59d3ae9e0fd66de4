"""One recipe in four spellings, there and back: TOML, Python, command line, link.

Python is read as literals and never run.
"""

from __future__ import annotations

import ast
import base64
import binascii
import copy
import functools
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import isthmus.recipe as schema
from isthmus import __version__
from isthmus.errors import RecipeError
from isthmus.recipe import Recipe, Spec
from isthmus.recipe import files as recipe_files
from isthmus.recipe.base import canonical
from isthmus.studio.faults import Fault, Faulty, recipe_of, recipe_of_toml
from isthmus.studio.refusals import Refusal

_LINK_VERSION = 1
_LONGEST = 200_000
_CANDIDATES = 3


def spell(recipe: Recipe) -> dict[str, str]:
    """The recipe as a person may paste it elsewhere."""
    return {
        "toml": recipe.to_toml(),
        "python": to_python(recipe),
        "cli": to_cli(recipe),
        "link": to_link(recipe),
    }


def parse(text: str, how: str) -> Recipe:
    """The inverse. Raises Faulty, or Refusal for a recipe of a newer version."""
    if len(text) > _LONGEST:
        raise Faulty(Fault(f"a recipe has at most {_LONGEST:,} characters"))
    match how:
        case "toml":
            return recipe_of_toml(text)
        case "python":
            return from_python(text)
        case "cli":
            return from_cli(text)
        case _:
            return from_link(text)


# --- Python ---------------------------------------------------------------------------------------


@functools.cache
def _classes() -> dict[str, type[Spec]]:
    return {
        name: cls
        for name, cls in vars(schema).items()
        if inspect.isclass(cls) and issubclass(cls, Spec) and cls is not Spec
    }


def to_python(recipe: Recipe) -> str:
    """A script that trains the recipe."""
    used: set[str] = set()
    body = _call(recipe, used, 0)
    names = ", ".join(sorted(used - {"Recipe"}))
    imports = f"from isthmus.recipe import {names}\n" if names else ""
    return f"import isthmus\n{imports}\nrecipe = isthmus.{body}\nrun = isthmus.train(recipe)\n"


def _call(spec: Spec, used: set[str], depth: int) -> str:
    used.add(type(spec).__name__)
    said = []
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if name == "kind" or value == field.get_default(call_default_factory=True):
            continue
        text = _call(value, used, depth + 1) if isinstance(value, Spec) else repr(value)
        said.append(f"{name}={text}")
    if depth == 0 and said:
        lines = "".join(f"    {part},\n" for part in said)
        return f"{type(spec).__name__}(\n{lines})"
    return f"{type(spec).__name__}({', '.join(said)})"


def from_python(text: str) -> Recipe:
    """The first ``Recipe(…)`` or ``Recipe.load("NAME").set(…)`` of a script. Raises Faulty."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise Faulty(Fault(f"not Python: {getattr(error, 'msg', error)}", line=line)) from None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _makes_recipe(n)]
    if not calls:
        raise Faulty(Fault("no Recipe(…) is made here"))
    # The outermost comes first: Recipe.load("digits").set(…) is two calls.
    value = _value(calls[0])
    return value if isinstance(value, Recipe) else recipe_of(value)


def _makes_recipe(call: ast.Call) -> bool:
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in {"set", "replace", "load"}:
        inner = func.value
        return _named(inner) == "Recipe" or (isinstance(inner, ast.Call) and _makes_recipe(inner))
    return _named(func) == "Recipe"


def _named(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.AST) -> Any:
    """A literal, or a part of a recipe by name; anything else is a fault at its line."""
    line = getattr(node, "lineno", 0)
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="load")) if _named(inner) == "Recipe":
            return _load(_value(node.args[0]) if node.args else "", line)
        case ast.Call(func=ast.Attribute(value=ast.Call() as inner, attr="set")):
            made = _value(inner)
            whole = made if isinstance(made, Recipe) else recipe_of(made)
            return _override(whole, [str(_value(a)) for a in node.args], line)
        case ast.Call(func=ast.Attribute(value=ast.Call() as inner, attr="replace")):
            made = _value(inner)
            whole = made if isinstance(made, Recipe) else recipe_of(made)
            return recipe_of({**whole.model_dump(mode="json"), **_keywords(node)})
        case ast.Call() if _named(node.func) in _classes() and not node.args:
            cls = _classes()[_named(node.func)]
            kind = cls.model_fields.get("kind")
            return {**({"kind": kind.default} if kind else {}), **_keywords(node)}
        case ast.Constant(value=str() | int() | float() | bool() | None as value):
            return value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Dict(keys=keys, values=values):
            return {str(_value(k)): _value(v) for k, v in zip(keys, values, strict=True) if k}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise Faulty(Fault("only literals and parts of a recipe can be read here", line=line))


def _keywords(call: ast.Call) -> dict[str, Any]:
    if any(keyword.arg is None for keyword in call.keywords):
        raise Faulty(Fault("** cannot be read here", line=call.lineno))
    return {keyword.arg: _value(keyword.value) for keyword in call.keywords if keyword.arg}


def _load(name: Any = "", line: int = 0) -> Recipe:
    texts = recipe_files.shipped()
    if name not in texts:
        raise Faulty(Fault(f"{name!r} is no shipped recipe ({', '.join(texts)})", line=line))
    return recipe_files.parse(texts[name], f"{name}.toml")


def _override(recipe: Recipe, assignments: list[str], line: int = 0) -> Recipe:
    try:
        return recipe.set(*assignments)
    except RecipeError as error:
        raise Faulty(Fault(str(error), line=line)) from None


# --- command line ---------------------------------------------------------------------------------


def to_cli(recipe: Recipe) -> str:
    """The shortest ``isthmus train BASE --set …`` that is this recipe."""
    wanted = recipe.model_dump(mode="python")
    said = set(_leaves(wanted))
    near = sorted(_bases(), key=lambda name: (len(said - _bases()[name][1]), name))[:_CANDIDATES]
    tries = sorted(
        ((_assignments(_bases()[name][0], wanted), name) for name in near),
        key=lambda pair: (sum(map(len, pair[0])) + 12 * len(pair[0]), pair[1]),
    )
    for assignments, name in tries:
        try:
            if recipe_files.override(_recipes()[name], assignments) == recipe:
                parts = [f"--set {shlex.quote(text)}" for text in assignments]
                return " \\\n  ".join([f"isthmus train {name}", *parts])
        except RecipeError:
            continue
    return f"isthmus train recipe.toml  # {recipe.name}"


@functools.cache
def _recipes() -> dict[str, Recipe]:
    return {n: recipe_files.parse(t, n) for n, t in recipe_files.shipped().items()}


@functools.cache
def _bases() -> dict[str, tuple[dict[str, Any], set[tuple[str, Any]]]]:
    """Shipped recipes as trees, and as sets of what they say."""
    trees = {name: recipe.model_dump(mode="python") for name, recipe in _recipes().items()}
    return {name: (tree, set(_leaves(tree))) for name, tree in trees.items()}


def _leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _assignments(base: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    tree = copy.deepcopy(base)
    said: list[str] = []

    def assign(path: list[str], value: Any) -> None:
        recipe_files._assign(tree, path, value)
        said.append(f"{'.'.join(path)}={_toml_value(value)}")

    def walk(path: list[str], target: dict[str, Any]) -> None:
        node: Any = tree
        for part in path:
            node = node.get(part, {})
        if "kind" in target and node.get("kind") != target["kind"]:
            assign([*path, "kind"], target["kind"])
        for name, value in target.items():
            if isinstance(value, dict):
                walk([*path, name], value)
            elif name != "kind" and value != node.get(name, _default(target, name)):
                assign([*path, name], value)

    walk([], wanted)
    return said


def _default(section: dict[str, Any], name: str) -> Any:
    """What a field of a section is if nothing is said; sections of a kind have its fields."""
    for cls in _classes().values():
        kind = cls.model_fields.get("kind")
        same = kind is not None and kind.default == section.get("kind")
        if same and set(cls.model_fields) == set(section):
            return cls.model_fields[name].get_default(call_default_factory=True)
    return ...


def _toml_value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml_value(v) for v in value)}]"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", value)
        word = value.lower() not in {"none", "null", "true", "false", "inf", "nan"}
        return value if plain and word else json.dumps(value, ensure_ascii=False)
    return repr(value)


def from_cli(text: str) -> Recipe:
    """``isthmus train NAME --set KEY=VALUE …`` to a recipe. Raises Faulty."""
    try:
        words = shlex.split(text.replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise Faulty(Fault(f"not a command: {error}")) from None
    while words and words[0] in {"$", "isthmus", "train", "python", "-m"}:
        words.pop(0)
    names, assignments = [], []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in {"--set", "-o", "--output", "--data", "--from"}:
            if not equals:
                if not words:
                    raise Faulty(Fault(f"{option} needs a value"))
                value = words.pop(0)
            if option == "--set":
                assignments.append(value)
            elif option == "--data":
                assignments += ["data.kind=named", f"data.name={json.dumps(value)}"]
        elif word in {"--json", "--force", "--resume"}:
            continue
        elif word.startswith("-"):
            raise Faulty(Fault(f"isthmus train has no option {word}"))
        else:
            names.append(word)
    if len(names) != 1:
        raise Faulty(Fault("write: isthmus train NAME --set KEY=VALUE …"))
    return _override(_load(names[0]), assignments)


# --- link -----------------------------------------------------------------------------------------


def to_link(recipe: Recipe) -> str:
    """What stands behind ``#/lab?r=``."""
    tree = {"v": _LINK_VERSION, "isthmus": __version__, "recipe": canonical(recipe)}
    packed = json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def from_link(text: str) -> Recipe:
    """A link, whole or what stands behind ``r=``, to a recipe. Raises Faulty, Refusal ``newer``."""
    found = re.search(r"[?&]r=([^&\s#]+)", text)
    code = (found[1] if found else text).strip()
    try:
        packed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
        tree = json.loads(packed)
        version, recipe = int(tree["v"]), tree["recipe"]
        made_by = str(tree.get("isthmus", ""))
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError, AttributeError):
        raise Faulty(Fault("this is no link of the Studio, or a part of it is missing")) from None
    if version > _LINK_VERSION:
        raise _newer(made_by)
    if not isinstance(recipe, dict):
        raise Faulty(Fault("this link holds no recipe"))
    try:
        return recipe_of(recipe)
    except Faulty:
        if _number(made_by) > _number(__version__):
            raise _newer(made_by) from None
        raise


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _newer(made_by: str) -> Refusal:
    return Refusal(
        422, "newer",
        f"this recipe was made by Isthmus {made_by or 'of a newer version'}; this one is {__version__}",
        "pip install --upgrade isthmus",
    )  # fmt: skip
