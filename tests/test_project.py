"""The project's own rules: what imports what, what is public, what must not be in the tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import isthmus

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/isthmus"

# A room may import itself and what stands before it in its line; the last lines may import all.
MAY_IMPORT = {
    "errors": set(),
    "files": set(),
    "recipe": {"errors"},
    "recipes": set(),
    "plan": {"errors", "recipe"},
    "metrics": set(),
    "media": {"errors", "files"},
    "marks": {"errors", "files", "media"},
    "datasets": {"errors", "files", "media", "recipe"},
    "networks": {"errors", "plan", "recipe"},
    "bottlenecks": {"errors", "plan", "recipe"},
    "lab": set(),
    "losses": {"errors", "lab", "metrics", "recipe"},
    "autoencoder": {"bottlenecks", "errors", "losses", "networks", "plan", "recipe"},
    "tasks": {
        "autoencoder",
        "errors",
        "files",
        "lab",
        "losses",
        "marks",
        "media",
        "networks",
        "plan",
        "recipe",
    },
    "page": set(),
    "maps": {"errors", "files", "page"},
    "codec": {"errors", "files", "media"},
    "models": set(),
}
NO_TORCH = {
    "errors",
    "files",
    "recipe",
    "plan",
    "media",
    "marks",
    "datasets",
    "page",
    "maps",
    "models",
    "codec",
}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_imports_point_one_way() -> None:
    for path in SOURCE.rglob("*.py"):
        room = _room(path)
        if room not in MAY_IMPORT:
            continue
        used = {n.split(".")[1] for n in _imports(path) if n.startswith("isthmus.")}
        rooms = {p.name.removesuffix(".py") for p in SOURCE.iterdir()}
        wrong = (used & rooms) - MAY_IMPORT[room] - {room}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_rooms_without_torch() -> None:
    for path in SOURCE.rglob("*.py"):
        if _room(path) in NO_TORCH:
            assert not {n for n in _imports(path) if n.split(".")[0] == "torch"}, path


def test_import_and_help_do_not_load_heavy_packages() -> None:
    heavy = ["torch", "numpy", "sklearn", "matplotlib", "polars", "pydantic", "scipy"]
    code = (
        "import sys, isthmus\nfrom isthmus.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        f"print(sorted(set({heavy}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_public_names_are_these() -> None:
    assert sorted(isthmus.__all__) == [
        "Autoencoder", "Code", "IsthmusError", "Model", "Recipe", "Reconstruction", "Run",
        "__version__", "fit", "load", "plan", "train",
    ]  # fmt: skip
    for name in isthmus.__all__:
        assert getattr(isthmus, name) is not None


def test_nothing_is_ever_unpickled() -> None:
    forbidden = re.compile(r"pickle\.load|torch\.load\(|allow_pickle=True|joblib\.load")
    for path in SOURCE.rglob("*.py"):
        assert not forbidden.search(path.read_text("utf-8")), path


def test_the_changelog_knows_this_version() -> None:
    assert f"## {isthmus.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_says_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in text
    assert "make test" in text
    for picture in re.findall(r"\]\((docs/[^)]+)\)", text):
        assert (ROOT / picture).is_file(), picture


def test_files_are_short() -> None:
    long = {
        p.name: n
        for p in SOURCE.rglob("*.py")
        if (n := len(p.read_text("utf-8").splitlines())) > 350
    }
    assert not long
