"""Bits: photographs and codes as small files. Imports no torch.

A photograph is rotated in colour, cut into blocks of 8, 16 or 32 pixels, transformed (a linear
encoder), quantised, and coded with integer probabilities that a fitted prior chooses from what has
been coded around (``contexts``, ``model``); the way back is whole numbers throughout, so that a file
gives the same pixels everywhere. Words of the format: ``docs/isth.md``.
"""
