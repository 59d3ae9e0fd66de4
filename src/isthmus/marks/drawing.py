"""Marks as people put them on pictures: text, logos, emblems, each as a picture of its coverage.

A coverage is a uint8 array (height, width): 255 where the mark is, 0 where it is not, and between
at its edges. Colour, opacity and place are given when it is laid on a picture (``tasks.marking``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isthmus.errors import DataError

Array = NDArray[Any]
_HEIGHT = 96
_MOST_WIDTH = 1400
_WORDS = (
    "SAMPLE", "PROOF", "DRAFT", "PREVIEW", "COPYRIGHT", "Copyright", "DO NOT COPY", "CONFIDENTIAL",
    "Photography", "photo", "Photos", "STUDIO", "Studio", "images", "Stock", "stock photo", "Gallery",
    "ARCHIVE", "press", "media", "Design", "Art", "film", "pictures", "ORIGINAL", "Portrait", "wedding",
    "all rights reserved", "for review only", "unpaid", "demo", "watermark", "shop", "Editions", "News",
)  # fmt: skip
_SYLLABLES = (
    "an", "bel", "cor", "da", "el", "fen", "gra", "hol", "in", "jo", "ka", "lu", "mar", "ni", "or", "pel",
    "qui", "ro", "sa", "ten", "ul", "ver", "wil", "xa", "yo", "zin", "th", "stra", "ck", "mo", "ie", "ber",
)  # fmt: skip


def font_folders() -> list[Path]:
    """Where this system keeps its fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
    ]


@cache
def fonts() -> tuple[Path, ...]:
    """Fonts of this system that hold Latin letters, in a stable order; none may be found."""
    found = {
        path.stem: path
        for folder in font_folders()
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in {".ttf", ".otf"}
    }
    return tuple(path for _, path in sorted(found.items()) if _latin(path))


def _latin(path: Path) -> bool:
    try:
        font = ImageFont.truetype(str(path), 24)
        missing = bytes(font.getmask("\U0010fffe"))
        shown = [bytes(font.getmask(letter)) for letter in "Ag8"]
    except (OSError, ValueError):
        return False
    return all(any(s) and s != missing for s in shown) and len(set(shown)) == 3


def font(path: Path | None, size: int) -> Any:
    """A font of ``size`` pixels; Pillow's own without a path."""
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)


def text(line: str, face: Any, stroke: int = 0, hollow: bool = False) -> Array:
    """The coverage of one or more lines of text, cut to what is covered."""
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox(
        (0, 0), line, face, stroke_width=stroke, align="center"
    )
    size = max(int(right - left) + 4, 4), max(int(bottom - top) + 4, 4)
    image = Image.new("L", size)
    place = (2 - left, 2 - top)
    draw = ImageDraw.Draw(image)
    draw.multiline_text(place, line, 255, face, stroke_width=stroke, align="center")
    if hollow:
        draw.multiline_text(place, line, 0, face, align="center")
    return trimmed(np.asarray(image))


def trimmed(coverage: Array) -> Array:
    """Without the empty rows and columns around; at least one pixel."""
    rows, columns = np.flatnonzero(coverage.any(1)), np.flatnonzero(coverage.any(0))
    if not len(rows):
        return coverage[:1, :1]
    return np.ascontiguousarray(coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def logo(path: Path) -> Array:
    """The coverage of a logo with transparency, or of dark lines on white. Raises DataError."""
    try:
        with Image.open(path) as image:
            if image.has_transparency_data:
                return trimmed(np.asarray(image.convert("RGBA").getchannel("A")))
            return trimmed(255 - np.asarray(image.convert("L")))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error})") from None


def logos(folder: Path) -> list[Path]:
    """The logos of a folder, in a stable order. Raises DataError where there are none."""
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in {".png", ".webp"})
    if not found:
        raise DataError(f"{folder}: holds no logos (.png or .webp with transparency)")
    return found


def bank(
    count: int, seed: int, folder: Path | None = None, apart: tuple[str, ...] = ()
) -> Iterator[tuple[str, Array]]:
    """``count`` texts and emblems and every logo of ``folder``, as (kind, coverage).

    Fonts and logos whose file names begin with one of ``apart`` are left out: they are for judging.
    """
    chance = np.random.default_rng(seed)
    faces: list[Path | None] = [p for p in fonts() if not p.stem.startswith(apart or ("\0",))]
    faces = faces or [None]
    if folder is not None:
        for path in logos(folder):
            if not path.stem.startswith(apart or ("\0",)):
                yield "logo", logo(path)
    for number in range(count):
        # One in twelve by Pillow's own font, which is on every machine.
        face = font(None if number % 12 == 0 else faces[int(chance.integers(len(faces)))], _HEIGHT)
        if number % 4 == 3:
            yield "logo", trimmed(_emblem(chance, face))
        else:
            yield "text", _lettering(chance, face)


def _lettering(chance: np.random.Generator, face: Any) -> Array:
    line = phrase(chance)
    how = chance.random()
    if how < 0.12:
        made = text(line, face, stroke=int(chance.integers(2, 7)), hollow=True)
    elif how < 0.25:
        made = text(line, face, stroke=int(chance.integers(1, 5)))
    else:
        made = text(line, face)
    if chance.random() < 0.12:
        made = _decorated(chance, made)
    if made.shape[1] > _MOST_WIDTH:
        made = made[:, :_MOST_WIDTH]
    return made


def phrase(chance: np.random.Generator) -> str:
    """Something a mark would say."""

    def name() -> str:
        made = "".join(chance.choice(_SYLLABLES) for _ in range(int(chance.integers(1, 4))))
        return str(made.upper() if chance.random() < 0.3 else made.capitalize())

    word = str(chance.choice(_WORDS))
    forms: list[Callable[[], str]] = [
        lambda: word,
        lambda: word.upper(),
        name,
        lambda: f"© {name()} {name()}",
        lambda: f"{name()} {word}",
        lambda: f"www.{name()}{name()}.com".lower(),
        lambda: f"© {int(chance.integers(1990, 2030))} {name()}",
        lambda: f"{name()}\n{word}",
        lambda: f"@{name()}{name()}".lower(),
        lambda: "".join(str(c) for c in chance.integers(0, 10, int(chance.integers(3, 9)))),
        lambda: " ".join(name()[:1].upper()) + f" {name()}",
    ]
    return forms[int(chance.integers(len(forms)))]()


def _decorated(chance: np.random.Generator, made: Array) -> Array:
    """Text over a line, in a frame, or cut out of a plate."""
    edge = int(chance.integers(10, 40))
    grown = np.pad(made, edge)
    width = int(chance.integers(3, 9))
    how = int(chance.integers(3))
    if how == 0:
        grown[-edge // 2 - width : -edge // 2] = 255
    elif how == 1:
        grown[:width] = grown[-width:] = 255
        grown[:, :width] = grown[:, -width:] = 255
    else:
        grown = 255 - grown
    return grown


def _emblem(chance: np.random.Generator, face: Any) -> Array:
    """A ring, a disc, a star, a cross or a polygon, with or without letters in it; 160 pixels."""
    side = 160
    image = Image.new("L", (2 * side, 2 * side))
    draw = ImageDraw.Draw(image)
    middle, reach = float(side), side * 0.95
    line = int(chance.integers(6, 30))
    how = int(chance.integers(6))
    filled = bool(chance.random() < 0.5)
    box = (middle - reach, middle - reach, middle + reach, middle + reach)
    if how == 0:
        draw.ellipse(box, fill=255 if filled else 0, outline=255, width=line)
    elif how == 1:
        draw.ellipse(box, outline=255, width=line)
        inner = reach - line * float(chance.uniform(1.5, 3))
        draw.ellipse(
            (middle - inner, middle - inner, middle + inner, middle + inner), outline=255, width=4
        )
    elif how == 2:
        points = int(chance.integers(4, 9))
        depth = float(chance.uniform(0.35, 0.8))
        draw.polygon(_star(middle, reach, points, depth), fill=255 if filled else 0, outline=255,
                     width=line)  # fmt: skip
    elif how == 3:
        corners = int(chance.integers(3, 9))
        draw.polygon(_star(middle, reach, corners, None), fill=255 if filled else 0, outline=255,
                     width=line)  # fmt: skip
    elif how == 4:
        draw.line((0, 0, 2 * side, 2 * side), 255, line // 2)
        draw.line((0, 2 * side, 2 * side, 0), 255, line // 2)
        filled = False
    else:
        draw.rounded_rectangle(box, int(chance.integers(0, side)), fill=255 if filled else 0,
                               outline=255, width=line)  # fmt: skip
    if chance.random() < 0.7:
        letters = "".join(
            chance.choice(list("ABCDEFGHJKLMNOPQRSTUVWXYZ&©"))
            for _ in range(int(chance.integers(1, 3)))
        )
        draw.text((middle, middle), letters, 0 if filled else 255, face, anchor="mm")
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def _star(middle: float, reach: float, points: int, depth: float | None) -> list[tuple[float, ...]]:
    """Corners of a star, or of a regular polygon without ``depth``."""
    count = points if depth is None else 2 * points
    angles = np.arange(count) * 2 * np.pi / count - np.pi / 2
    radii = np.full(count, reach)
    if depth is not None:
        radii[1::2] *= depth
    return [
        (middle + r * np.cos(a), middle + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)
    ]
