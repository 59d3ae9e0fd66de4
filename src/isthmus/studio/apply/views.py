"""In the worker process: what the page shows of a result that a browser cannot show by itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.studio.apply import sniff

Array = NDArray[Any]
MOST_SHOWN = 40_000_000
"""Pixels that a browser is given as they are; what is larger is shown smaller."""
_MOST_PNG = 16_000_000
_MOST_BESIDE = 24_000_000
_SECONDS = 120.0
_MOST_ROWS = 200
_MOST_COLUMNS = 40
_LONGEST = 60


def make(
    source: dict[str, Any], output: Path, gives: str, folder: Path
) -> tuple[dict[str, str], dict[str, Any]]:
    """(views of a result by name, figures found on the way). They lie in ``folder``."""
    place = folder / "views"
    place.mkdir(exist_ok=True)
    stem = output.stem
    match gives:
        case "picture":
            return _picture(output, place / f"{stem}-after.png"), {}
        case "isth":
            return _isth(Path(source["path"]), output, place / stem)
        case "sound":
            return _sound(Path(source["path"]), output, place / stem), {}
        case "table":
            return {"rows": _table(output, place / f"{stem}.json")}, {}
    return {}, {}


def write_png(path: Path, pixels: Array) -> None:
    """Pixels (height, width, 1 or 3) of any depth as a PNG of 8 bits, smaller if they are very many."""
    from isthmus.media.photo import eight_bits

    small = eight_bits(pixels)
    image = Image.fromarray(small[..., 0] if small.shape[2] == 1 else small)
    scale = math.sqrt(_MOST_PNG / (image.width * image.height))
    if scale < 1:
        size = max(int(image.width * scale), 1), max(int(image.height * scale), 1)
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2)
    image.save(path, compress_level=1)


def fitted_mask(path: Path, picture: Path, out: Path) -> Path:
    """A mask as large as its picture: pages paint on a smaller one."""
    from isthmus.media import photo

    size = photo.measure(picture)
    with Image.open(path) as image:
        mask = image.convert("L")
    if mask.size == size:
        return path
    mask.resize(size, Image.Resampling.BILINEAR).point(lambda v: 255 * (v > 127)).save(out)
    return out


def _picture(output: Path, view: Path) -> dict[str, str]:
    from isthmus.media import photo

    width, height = photo.measure(output)
    if sniff.of_result(output.name)["type"] and width * height <= MOST_SHOWN:
        return {}
    write_png(view, photo.read(output).pixels)
    return {"after": str(view)}


def _isth(source: Path, output: Path, stem: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """The picture that is in the file, and the JPEG of the same size beside it."""
    from isthmus.codec import photos
    from isthmus.media import photo
    from isthmus.report import coding

    after, jpeg = stem.with_name(f"{stem.name}-after.png"), stem.with_name(f"{stem.name}-jpeg.png")
    size = output.stat().st_size
    figures: dict[str, Any] = {"bytes": size, "bytes_before": source.stat().st_size}
    write_png(after, photos.read(output)[0].pixels)
    original = photo.eight_bits(photo.read(source).pixels)
    if original[..., 0].size > _MOST_BESIDE:
        return {"after": str(after)}, figures
    shown, jpeg_size = coding.jpeg_of(original, size)
    likeness = coding.psnr(original, shown)
    write_png(jpeg, shown)
    figures |= {
        "jpeg_bytes": jpeg_size,
        "jpeg_psnr": round(likeness, 3) if math.isfinite(likeness) else None,
    }
    return {"after": str(after), "jpeg": str(jpeg)}, figures


def _sound(source: Path, output: Path, stem: Path) -> dict[str, str]:
    """Spectrograms, waveforms and FLAC files of the first two minutes: before, after, the difference."""
    import soundfile

    from isthmus import page
    from isthmus.media import sound
    from isthmus.report import listen

    takes: dict[str, Array] = {}
    for name, path in (("before", source), ("after", output)):
        with sound.Source(path) as file:
            rate, whole = file.rate, file.frames / file.rate
            takes[name] = file.file.read(int(_SECONDS * rate), dtype="float64", always_2d=True)
    count = min(map(len, takes.values()))
    takes = {name: samples[:count] for name, samples in takes.items()}
    takes["removed"] = takes["before"] - takes["after"]
    top = min(rate / 2, 12_000)
    made: dict[str, str] = {}
    told: dict[str, Any] = {
        "seconds": round(count / rate, 4), "whole": round(whole, 4), "top": top, "waves": {},
        "levels": {},
    }  # fmt: skip
    for name, samples in takes.items():
        mono = samples.mean(1)
        picture = page.png(listen.spectrogram(mono, rate, top))
        made[f"{name}-picture"] = _written(stem, f"{name}.png", picture)
        told["waves"][name] = listen.waveform(mono)
        told["levels"][name] = (
            round(float(np.sqrt(np.square(mono).mean())), 6) if len(mono) else 0.0
        )
        heard = samples if samples.shape[1] <= 2 else mono[:, None]
        place = stem.with_name(f"{stem.name}-{name}.flac")
        soundfile.write(place, np.clip(heard, -1, 1), rate, "PCM_16")
        made[name] = str(place)
    made["told"] = _written(stem, "told.json", json.dumps(told).encode())
    return made


def _written(stem: Path, end: str, content: bytes) -> str:
    path = stem.with_name(f"{stem.name}-{end}")
    path.write_bytes(content)
    return str(path)


def _table(output: Path, view: Path) -> str:
    """The strangest rows with their causes, for the page."""
    from isthmus.media import tables

    package = tables.polars("showing rows")
    source = tables.source(output)
    best, total, alerts = None, 0, 0
    for frame in source.batches():
        columns = frame.columns
        told = {
            name: _last(columns, name)
            for name in ("score", "p_value", "probability", "alert", "explanation")
        }
        judged = frame.with_columns(
            package.Series("__row", np.arange(total + 1, total + len(frame) + 1)),
            frame[told["probability"] or told["score"]]
            .cast(package.Float64, strict=False)
            .alias("__rank"),
            (frame[told["alert"]].cast(package.String).str.to_lowercase() == "true").alias(
                "__alert"
            ),
        )
        total += len(frame)
        alerts += int(judged["__alert"].sum())
        best = judged if best is None else package.concat([best, judged])
        if len(best) > _MOST_ROWS:
            best = best.sort(["__alert", "__rank"], descending=True, nulls_last=True).head(
                _MOST_ROWS
            )
    assert best is not None
    best = best.sort(["__alert", "__rank"], descending=True, nulls_last=True)
    own = [c for c in columns if c not in told.values()][:_MOST_COLUMNS]
    rows = []
    for row in best.iter_rows(named=True):
        why = row[told["explanation"]] if told["explanation"] else None
        rows.append(
            {
                "row": row["__row"], "score": _number(row[told["score"]]), "alert": bool(row["__alert"]),
                "p": _number(row[told["p_value"]]), "probability": _number(row.get(told["probability"] or "")),
                "causes": str(why).split("; ") if why else [],
                "values": [_short(row[c]) for c in own],
            }
        )  # fmt: skip
    view.write_text(
        json.dumps({"columns": own, "rows": rows, "total": total, "alerts": alerts}), "utf-8"
    )
    return str(view)


def _last(columns: list[str], name: str) -> str | None:
    """The column that the verb added under this name; it stands behind the table's own."""
    return next((c for c in reversed(columns) if c in (name, f"isthmus_{name}")), None)


def _number(value: Any) -> float | None:
    try:
        made = float(value)
    except (TypeError, ValueError):
        return None
    return made if math.isfinite(made) else None


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
