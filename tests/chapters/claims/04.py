"""What chapter 04 says of its default run."""

import numpy as np


def check(ns):
    assert ns["decoding"] > 0.3 * ns["loading"], "decoding is no longer a large part of loading a batch"
    assert ns["step"] > ns["loading"], "a step of two convolutions no longer takes longer than loading its batch"
    assert ns["saved"] < 0.3, "the race now saves more than a small part of loading and step together"
    augment = ns["augment"]
    strengths = (augment.SHIFT, augment.SCALE, augment.DEGREES, augment.SMALLEST_CROP, augment.SIGMA[1])
    assert strengths == (0.05, 0.05, 15, 0.8, 1.5), "the changes no longer have the strengths that the text says"
    assert (augment.BRIGHTNESS, augment.CONTRAST, augment.build(("flip",)).probability) == (0.2, 0.2, 0.5)
    assert ns["loading"] > 2 * ns["from_map"], "the map is no longer faster than the files by a factor worth a name"
    assert ns["from_map"] > 5 * ns["gathering"], "one indexing is no longer faster than a loop over images"
    assert (ns["mine"] == np.stack(ns["theirs"])).all(), "the image loaded by hand is no longer agelib's"
    assert (ns["modes"][ns["train"][:100]] == "L").any(), "no grey file is among the images that are compared"
    assert ns["torch_gap"] == 0, "the loader by hand no longer gives torch's batches"
    assert max(ns["gaps"]) < 1e-4, "the three loaders no longer agree"
    difference = np.abs(ns["table"]["training set"] - ns["table"]["all images"]).max()
    assert difference < 0.02, "the statistics of training set and all images no longer differ by little"
    for name, errors in ns["wrong"].items():
        assert abs(ns["level"][name] - ns["plain_error"]) > 0.01, f"{name} no longer changes the level of the error"
        assert ns["luck"][name] > 0.02, f"{name} no longer rewards luck"
        assert np.ptp(errors) > 0, f"{name} no longer scatters"
    best_crop = min(ns["wrong"]["random crop"])
    assert abs(best_crop - ns["plain_error"]) < 0.1, "the luckiest crop no longer lies close to the dashed line"
    gain = ns["plain_error"] - ns["both_error"]
    assert 0 < gain < ns["lottery"], "the mirror image no longer gains less than chance moves"
