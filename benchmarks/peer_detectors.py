"""PyOD's detectors on one split, at their defaults: scores and CPU-seconds into a file.

Runs in the peers' environment and imports nothing of Isthmus:
``python peer_detectors.py SPLIT.npz FOLDER NAME…`` writes FOLDER/NAME.npz for each that is not there.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
HEAVY = ("AutoEncoder", "VAE", "DeepSVDD")
LIGHT = ("HBOS", "ECOD", "COPOD", "PCA", "IForest", "KNN", "LOF")


def build(name: str, features: int, seed: int):
    """A detector by name, quiet, with a seed where it takes one."""
    if name == "AutoEncoder":
        from pyod.models.auto_encoder import AutoEncoder

        return AutoEncoder(verbose=0, random_state=seed)
    if name == "VAE":
        from pyod.models.vae import VAE

        return VAE(verbose=0, random_state=seed)
    if name == "DeepSVDD":
        from pyod.models.deep_svdd import DeepSVDD

        return DeepSVDD(n_features=features, verbose=0, random_state=seed)
    from importlib import import_module

    module = {"IForest": "iforest"}.get(name, name.lower())
    cls = getattr(import_module(f"pyod.models.{module}"), name)
    seeded = name in ("PCA", "IForest")
    return cls(random_state=seed) if seeded else cls()


def main() -> None:
    """Fit on ``train``, score ``test`` (the training rows themselves where they are the same)."""
    import torch

    torch.set_num_threads(1)
    split = np.load(sys.argv[1])
    train, test = split["train"], split["test"]
    for name in sys.argv[3:]:
        out = Path(sys.argv[2]) / f"{name}.npz"
        if out.exists():
            continue
        start = time.process_time()
        try:
            detector = build(name, train.shape[1], int(split["seed"])).fit(train)
            middle = time.process_time()
            own = train.shape == test.shape and bool((train == test).all())
            scores = detector.decision_scores_ if own else detector.decision_function(test)
        except Exception as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        seconds = [middle - start, time.process_time() - middle]
        np.savez(out, scores=np.nan_to_num(scores), seconds=seconds)
        print(name, *seconds, flush=True)


if __name__ == "__main__":
    main()
