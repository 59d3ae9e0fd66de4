"""Pillow opens and saves ``.isth`` once this module is imported.

>>> import isthmus.pillow
>>> from PIL import Image
>>> Image.open("photo.isth").save("photo.png")
>>> image.save("photo.isth", quality=80)    # or size=100_000, psnr=38, lossless=True; effort=2
"""

from __future__ import annotations

from numbers import Real
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile

from isthmus.codec import container, photos
from isthmus.codec.errors import FormatError
from isthmus.media import photo as media

_WISHES = ("quality", "size", "psnr", "lossless", "effort")


class IsthImageFile(ImageFile.ImageFile):
    """An ``.isth`` file: read lazily, as Pillow's own formats are."""

    format = "ISTH"
    format_description = "Isthmus compressed photograph"

    def _open(self) -> None:
        assert self.fp is not None
        data = self.fp.read()
        try:
            header = container.read(data).header
        except FormatError as error:
            raise SyntaxError(f"the file {error}") from None
        deep = header.depth == 16 and header.channels == 1 and not header.alpha
        mode = {(1, False): "L", (1, True): "LA", (3, False): "RGB", (3, True): "RGBA"}
        self._mode = "I;16" if deep else mode[header.channels, header.alpha]
        turned = header.orientation >= 5
        size = header.width, header.height
        self._size = size[::-1] if turned else size
        held = dict(header.beside)
        for key, kind in (("icc_profile", b"ICCP"), ("exif", b"EXIF"), ("xmp", b"XMP ")):
            if held.get(kind):
                self.info[key] = held[kind]
        self._held: bytes | None = data

    def load(self) -> Any:
        """Decode on first use. Damaged tiles raise OSError, unless truncated images are allowed."""
        if self._held is not None:
            data, self._held = self._held, None
            try:
                made, damaged = photos.unpack(data)
            except FormatError as error:
                raise OSError(f"the file {error}") from None
            if damaged and not ImageFile.LOAD_TRUNCATED_IMAGES:
                raise OSError(f"the file is damaged: {'; '.join(damaged)}")
            self.info["damaged"] = list(damaged)
            self.im = _image(made, self.mode).im
            if self.fp is not None:
                self.fp.close()
                self.fp = None
        return Image.Image.load(self)


def _image(made: media.Photo, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(made.pixels[..., 0].astype(np.uint16))
    pixels = media.eight_bits(made.pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if made.alpha is not None:
        image.putalpha(Image.fromarray(media.eight_bits(made.alpha)))
    return image


def _accept(prefix: bytes) -> bool:
    return prefix[:8] == container.MAGIC


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    wishes = {name: image.encoderinfo[name] for name in _WISHES if name in image.encoderinfo}
    for name, wish in wishes.items():
        if wish is not None and not isinstance(wish, Real):
            raise ValueError(f"{name} is a number; got {wish!r}")
    held = {**image.info, **image.encoderinfo}
    exif = held.get("exif", b"")
    icc = held.get("icc_profile") or b""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.size and not 0 <= values.min() <= values.max() <= 65535:
            raise OSError("cannot write values outside 0..65535 as ISTH")
        pixels, alpha = values.astype(np.uint16)[..., None], None
    else:
        pixels, alpha, icc = media.shallow(image, icc)
    made = media.Photo(
        pixels,
        alpha,
        exif.tobytes() if isinstance(exif, Image.Exif) else exif,
        icc,
        held.get("xmp") or b"",
    )
    try:
        packed = photos.pack(made, **wishes)
    except FormatError as error:
        raise OSError(f"the picture {error}") from None
    file.write(packed.data)


Image.register_open(IsthImageFile.format, IsthImageFile, _accept)
Image.register_save(IsthImageFile.format, _save)
Image.register_extension(IsthImageFile.format, photos.SUFFIX)
Image.register_mime(IsthImageFile.format, "image/x-isthmus")
