"""Experiments: running one, searching among many, and what others published.

:mod:`~agelib.experiments.run` trains an experiment or finds it done · :mod:`~agelib.experiments.data_module` what a
training reads · :mod:`~agelib.experiments.result` what it leaves · :mod:`~agelib.experiments.samples` images as its
network is shown them · :mod:`~agelib.experiments.search` grids and searches ·
:mod:`~agelib.experiments.cross_dataset` tested on another data set · :mod:`~agelib.experiments.hierarchies` a network
for each group · :mod:`~agelib.experiments.contamination` what pretrained weights have seen ·
:mod:`~agelib.experiments.published` the studies' own numbers beside ours. Explained in chapters 06 and 15 to 18.
"""
