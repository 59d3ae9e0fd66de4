"""Train on real digits, squeeze one to 64 numbers and back. About a minute; half a second with `1`.

Run: python examples/quickstart.py [EPOCHS]
"""

import sys
import tempfile

import isthmus
from isthmus.datasets import open_dataset

recipe = isthmus.Recipe.load("digits").set(
    f"training.epochs={sys.argv[1] if len(sys.argv) > 1 else 38}"
)
with tempfile.TemporaryDirectory() as folder:
    run = isthmus.train(recipe, f"{folder}/digits")
    digits = open_dataset(recipe.data).test.values  # (1000, 1, 28, 28) uint8
    codes = run.model.encode(digits)  # (1000, 64)
    rebuilt = run.model.decode(codes)  # (1000, 1, 28, 28) floats 0..1
    print(f"{digits[0].size} numbers -> {codes[0].size} -> {rebuilt[0].size}")
    print(f"mean squared error {run.metrics['mse']:.5f}; PCA-64 {run.metrics['pca_mse']:.5f}")
