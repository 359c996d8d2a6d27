"""From a data set on disk to a clean faces table with its split.

:mod:`~agelib.data.sources` a reader for each published layout · :mod:`~agelib.data.table` the table that all of them
give · :mod:`~agelib.data.detectors` who finds faces · :mod:`~agelib.data.duplicates` images that are there twice ·
:mod:`~agelib.data.clean` what is removed, and why · :mod:`~agelib.data.splits` training, validation and test sets
that share nobody · :mod:`~agelib.data.prepare` all of it, made once and found again. Explained in chapters 01 to 03.
"""
