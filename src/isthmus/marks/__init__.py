"""Watermarks: drawing them, finding what several pictures share, taking them off. No torch.

A picture I under a mark is J = t I + b, pixel by pixel: what passes through, and the light the mark
adds. One layer of opacity a and colour C has t = 1 - a and b = a C.
"""
