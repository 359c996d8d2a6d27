"""What chapter 04 says of its default run."""

import numpy as np


def check(ns):
    assert ns["decoding"] > 0.5 * ns["loading"], "decoding is no longer most of loading a batch"
    assert ns["step"] > ns["decoding"], "a step of two convolutions no longer takes longer than decoding its batch"
    assert ns["loading"] > 2 * ns["from_map"], "the map is no longer faster than the files by a factor worth a name"
    assert ns["from_map"] > 5 * ns["gathering"], "one indexing is no longer faster than a loop over images"
    assert ns["torch_gap"] == 0, "the loader by hand no longer gives torch's batches"
    assert max(ns["gaps"]) < 1e-4, "the three loaders no longer agree"
    difference = np.abs(ns["table"]["training set"] - ns["table"]["all images"]).max()
    assert difference < 0.02, "the statistics of training set and all images no longer differ by little"
    for name, errors in ns["wrong"].items():
        assert abs(ns["level"][name] - ns["plain_error"]) > 0.01, f"{name} no longer changes the level of the error"
        assert ns["luck"][name] > 0.02, f"{name} no longer rewards luck"
        assert np.ptp(errors) > 0, f"{name} no longer scatters"
