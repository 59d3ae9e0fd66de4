"""PyOD's detectors on many splits, at their defaults: scores and CPU-seconds into files.

Runs in the peers' environment and imports nothing of Isthmus: ``python peer_detectors.py FROM TO NAME…``
judges each FROM/**/split.npz and writes TO/**/NAME.npz where it is not there.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
HEAVY = ("AutoEncoder", "VAE", "DeepSVDD")
LIGHT = ("HBOS", "ECOD", "COPOD", "PCA", "IForest", "KNN", "LOF", "OCSVM")


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
    given, store = Path(sys.argv[1]), Path(sys.argv[2])
    for name in sys.argv[3:]:
        # What imports and compilers cost is nobody's training.
        build(name, 3, 0).fit(np.random.default_rng(0).normal(size=(200, 3)))
        for path in sorted(given.rglob("split.npz")):
            out = store / path.parent.relative_to(given) / f"{name}.npz"
            if not out.exists():
                judge(name, path, out)


def judge(name: str, path: Path, out: Path) -> None:
    """One detector on one split; what it cannot do is said and leaves no file."""
    split = np.load(path)
    train, test = split["train"], split["test"]
    try:
        start = time.process_time()
        detector = build(name, train.shape[1], int(split["seed"])).fit(train)
        middle = time.process_time()
        own = train.shape == test.shape and bool((train == test).all())
        scores = detector.decision_scores_ if own else detector.decision_function(test)
    except Exception as error:
        print(f"{name} {path.parent}: {error}", file=sys.stderr)
        return
    seconds = [middle - start, time.process_time() - middle]
    np.savez(out, scores=np.nan_to_num(scores), seconds=seconds)
    print(name, out.parent.parent.name, *seconds, flush=True)


if __name__ == "__main__":
    main()
