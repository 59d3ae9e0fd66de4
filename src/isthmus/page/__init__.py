"""What all HTML pages of Isthmus share: one file, no network, light and dark, a strict policy."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from io import BytesIO
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

_ENVIRONMENT = Environment(
    loader=PackageLoader("isthmus.page", "."),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, styles: list[str], scripts: list[str], **values: Any) -> str:
    """A page from ``template`` with the named style and script texts inside it.

    The page's policy admits these scripts by their hashes, pictures from data: and nothing else.
    """
    css, js = "\n".join([text("base.css"), *styles]), "\n".join(scripts)
    hashes = " ".join(f"'sha256-{_digest(part)}'" for part in (js,) if part) or "'none'"
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}; base-uri 'none'; form-action 'none'"
    return _ENVIRONMENT.get_template(template).render(
        css=Markup(css), js=Markup(js), policy=Markup(policy), **values
    )


def text(name: str, package: str = "isthmus.page") -> str:
    """A text file of the package."""
    return (resources.files(package) / name).read_text("utf-8")


def data(tree: Any) -> Markup:
    """JSON for a ``<script type="application/json">``: no value can end the element."""
    return Markup(json.dumps(tree).replace("<", "\\u003c").replace("&", "\\u0026"))


def base64_of(values: NDArray[Any]) -> str:
    """The bytes of an array, for a page's script."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def png_uri(picture: NDArray[Any]) -> str:
    """A uint8 picture (H, W) or (H, W, 3) as a data: address."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def png(picture: NDArray[Any]) -> bytes:
    """A uint8 picture (H, W) or (H, W, 3) as a file."""
    held = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(held, "PNG", optimize=True)
    return held.getvalue()


def jpeg_uri(picture: Image.Image, quality: int = 90) -> str:
    """A photograph as a data: address: a tenth of the size of a PNG."""
    held = BytesIO()
    picture.save(held, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode()


def _digest(part: str) -> str:
    return base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
