"""A classical denoiser on one noisy picture after the other. Runs in the peers' environment.

python photo_peers.py METHOD IN.npz OUT.npz: IN holds ``sigma`` and pictures ``0``, ``1``, … as floats
0..255, (H, W) or (H, W, 3); OUT holds the cleaned ones and ``seconds``, CPU-seconds of one thread.
Strengths are those found best on training pictures (NLM, TV) or the method's own.
"""

from __future__ import annotations

import sys
import time

import numpy as np


def bm3d(noisy, sigma):
    import bm3d as peer

    if noisy.ndim == 3:
        return peer.bm3d_rgb(noisy / 255, sigma / 255) * 255
    return peer.bm3d(noisy / 255, sigma / 255) * 255


def nlm(noisy, sigma):
    from skimage.restoration import denoise_nl_means

    return 255 * denoise_nl_means(
        noisy / 255, patch_size=5, patch_distance=6, h=0.65 * sigma / 255, sigma=sigma / 255,
        fast_mode=True, channel_axis=2 if noisy.ndim == 3 else None,
    )  # fmt: skip


def wavelet(noisy, sigma):
    from skimage.restoration import denoise_wavelet

    return 255 * denoise_wavelet(
        noisy / 255, sigma / 255, "db1", convert2ycbcr=noisy.ndim == 3, rescale_sigma=True,
        channel_axis=2 if noisy.ndim == 3 else None,
    )  # fmt: skip


def tv(noisy, sigma):
    from skimage.restoration import denoise_tv_chambolle

    return 255 * denoise_tv_chambolle(
        noisy / 255, 0.8 * sigma / 255, channel_axis=2 if noisy.ndim == 3 else None
    )


def estimated_tv(noisy, sigma):
    """What a person without a figure would do: estimate, double (camera noise is coarse), TV."""
    from skimage.restoration import estimate_sigma

    axis = 2 if noisy.ndim == 3 else None
    return tv(noisy, 2 * estimate_sigma(noisy, average_sigmas=True, channel_axis=axis))


def main() -> None:
    method, source, target = sys.argv[1:]
    with np.load(source) as held:
        sigma = float(held["sigma"])
        pictures = [held[name] for name in sorted((n for n in held if n != "sigma"), key=int)]
    made, seconds = {}, 0.0
    clean = globals()[method]
    clean(pictures[0][:64, :64], sigma)
    for index, picture in enumerate(pictures):
        began = time.process_time()
        result = clean(picture, sigma)
        seconds += time.process_time() - began
        made[str(index)] = np.asarray(result, np.float32)
    np.savez(target, seconds=seconds, **made)


if __name__ == "__main__":
    main()
