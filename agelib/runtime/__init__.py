"""The cellar: the workspace, keys, progress, logs, processes. It knows no face and no age.

What is here changes no result, wherever and however often it runs; the key of a run relies on that.
:mod:`~agelib.runtime.workspace` where things lie and how they get there whole, and :mod:`~agelib.runtime.prune` how
they are removed · :mod:`~agelib.runtime.fingerprint` keys of code · :mod:`~agelib.runtime.progress`,
:mod:`~agelib.runtime.logs`, :mod:`~agelib.runtime.suggest` and :mod:`~agelib.runtime.extras` what is said while
something runs, and when something is wrong · :mod:`~agelib.runtime.interrupts` how it is stopped ·
:mod:`~agelib.runtime.devices`, :mod:`~agelib.runtime.cpu` and :mod:`~agelib.runtime.malloc` what the machine has ·
:mod:`~agelib.runtime.executors` and :mod:`~agelib.runtime.dask_cluster` many tasks on one machine or many ·
:mod:`~agelib.runtime.launch` one training in several processes · :mod:`~agelib.runtime.subprocesses`
programs in processes of their own. Explained in "For operators".
"""
