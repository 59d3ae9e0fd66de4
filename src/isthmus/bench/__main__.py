"""``python -m isthmus.bench NAME NET``: one contender, one number on stdout."""

import sys

import torch

from isthmus.bench.contenders import CONTENDERS

torch.set_num_threads(1)
print(CONTENDERS[sys.argv[1]](sys.argv[2]))
