"""OpenCV's inpainting on one picture after the other. Runs in the peers' environment.

python watermark_peers.py telea|ns IN.npz OUT.npz: IN holds pictures ``p0``, … (H, W, 3) of uint8 and
masks ``m0``, …; OUT the filled pictures and ``seconds``, CPU-seconds of one thread. The mask is grown by
one pixel, without which the mark's soft edge is spread into the hole.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np


def main() -> None:
    method, source, target = sys.argv[1:]
    cv2.setNumThreads(1)
    how = {"telea": cv2.INPAINT_TELEA, "ns": cv2.INPAINT_NS}[method]
    with np.load(source) as held:
        values = {name: held[name] for name in held.files}
    made, began = {}, time.process_time()
    for name in [n for n in values if n.startswith("p")]:
        mask = cv2.dilate(values["m" + name[1:]].astype(np.uint8), np.ones((3, 3), np.uint8))
        made[name] = cv2.inpaint(values[name], mask, 3, how)
    np.savez(target, seconds=time.process_time() - began, **made)


main()
