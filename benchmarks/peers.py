"""One peer, one number on stdout: samples per CPU-second of one thread, best of three epochs.

Runs in the peers' environment and imports nothing of Isthmus. All train 784-512-256-64 and back in
batches of 128 on the same 7,680 random pictures, as their own documentation says to.
"""

from __future__ import annotations

import sys
import tempfile
import time

import numpy as np

ITEMS, BATCH, ROUNDS = 7_680, 128, 3
X = (np.random.default_rng(0).integers(0, 256, (ITEMS, 784), np.uint8) / 255).astype(np.float32)


def difference(train) -> float:
    """Samples per CPU-second from the difference of a long and a short training: no start-up in it.

    The median of three: the best would prefer a round whose short training was slow.
    """
    train(1)
    reached = []
    for _ in range(ROUNDS):
        start = time.process_time()
        train(1)
        short = time.process_time() - start
        start = time.process_time()
        train(5)
        reached.append(4 * ITEMS / (time.process_time() - start - short))
    return float(np.median(reached))


def pythae() -> float:
    import torch
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from torch import nn

    torch.set_num_threads(1)

    def stack(*widths):
        layers = [nn.Flatten()]
        for a, b in zip(widths[:-2], widths[1:-1]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(*widths[-2:]))

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = stack(784, 512, 256, 64)

        def forward(self, x):
            return ModelOutput(embedding=self.net(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = stack(64, 256, 512, 784)

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z).reshape(-1, 1, 28, 28))

    from pythae.data.datasets import BaseDataset

    data = BaseDataset(torch.from_numpy(X.reshape(-1, 1, 28, 28)), torch.ones(ITEMS))

    def train(epochs: int) -> None:
        config = BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(),
            num_epochs=epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=BATCH,
            no_cuda=True,
        )
        model = AE(AEConfig(input_dim=(1, 28, 28), latent_dim=64), Encoder(), Decoder())
        BaseTrainer(model, train_dataset=data, training_config=config).train()

    return difference(train)


def scikit_learn() -> float:
    from sklearn.neural_network import MLPRegressor

    def train(epochs: int) -> None:
        net = MLPRegressor(
            hidden_layer_sizes=(512, 256, 64, 256, 512),
            batch_size=BATCH,
            max_iter=epochs,
            tol=0,
            n_iter_no_change=99,
        )
        net.fit(X, X)

    import warnings

    warnings.simplefilter("ignore")
    return difference(train)


def pyod() -> float:
    import torch
    from pyod.models.auto_encoder import AutoEncoder

    torch.set_num_threads(1)

    def train(epochs: int) -> None:
        AutoEncoder(
            hidden_neuron_list=[512, 256, 64],
            batch_norm=False,
            dropout_rate=0.0,
            epoch_num=epochs,
            batch_size=BATCH,
            verbose=0,
        ).fit(X)

    return difference(train)


def jax_scan() -> float:
    import jax
    import jax.numpy as jnp

    widths = (784, 512, 256, 64, 256, 512, 784)
    keys = jax.random.split(jax.random.key(0), 6)
    weights = [
        (jax.random.uniform(k, (a, b), minval=-1, maxval=1) / np.sqrt(a), jnp.zeros(b))
        for k, a, b in zip(keys, widths[:-1], widths[1:])
    ]
    data = jnp.asarray(X)

    def loss(weights, x):
        y = x
        for number, (w, b) in enumerate(weights):
            y = y @ w + b
            y = y if number in (2, 5) else jax.nn.relu(y)
        return jnp.mean((y - x) ** 2)

    def step(state, index):
        weights, m, v, t = state
        gradient = jax.grad(loss)(weights, data[index])
        t = t + 1
        m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-8), weights, m, v)
        return (weights, m, v, t), 0.0

    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order)[0], donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.float32))
    rng, best = np.random.default_rng(0), 0.0
    for number in range(ROUNDS + 1):
        order = jnp.asarray(rng.permutation(ITEMS).reshape(-1, BATCH))
        start = time.process_time()
        state = jax.block_until_ready(epoch(state, order))
        if number:
            best = max(best, ITEMS / (time.process_time() - start))
    return best


if __name__ == "__main__":
    peers = {"pythae": pythae, "scikit-learn": scikit_learn, "pyod": pyod, "jax": jax_scan}
    reached = peers[sys.argv[1]]()
    print(reached)
