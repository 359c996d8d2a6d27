"""Images as arrays, from a file to a batch on the device.

:mod:`~agelib.pixels.decode` one file → one small square array · :mod:`~agelib.pixels.cache` a whole collection
decoded once, into the bytes of a :mod:`~agelib.pixels.memmap` · :mod:`~agelib.pixels.content_keys` whether a file
changed · :mod:`~agelib.pixels.statistics` mean and standard deviation of the training images ·
:mod:`~agelib.pixels.batches` gathered, made floats and normalised · :mod:`~agelib.pixels.augment` random changes of
training images. Explained in chapter 04.
"""
