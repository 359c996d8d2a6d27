"""What chapter 11 says of the book's run, which has the package with the ImageNet weights."""


def check(ns):
    assert ns["start"].pretrained == "imagenet", "the weights are those of the package"
    assert len(ns["loaded"].loaded) == 294, "all tensors of the body have arrived"
    assert ns["gap"] < 1e-4, "a head on features is the head of the frozen network"
    always, head_only = ns["always"], ns["head_only"]
    assert always - head_only > 5, "pretrained features are more than five years better than always the mean age"
    assert min(ns["random_tried"].values()) > always, "random features are worse than that"
    last = ns["last"]
    assert last["random, all"].min() > always - 1, "a random start has hardly learnt anything"
    assert last["pretrained, all"].min() < last["random, all"].min() - 1, "the pretrained start has"
    assert head_only < last["pretrained, all"].min() - 1, "the head alone is better than all at once"
    careful = ns["best"].loc[["head, then all", "gradual"]]
    assert (careful["best epoch"] == 0).all(), "freeing the body makes both careful ways worse"
    assert (careful["MAE"] == head_only).all(), "three strategies, one network"
    free = ns["free"]
    assert 2600 <= free.loc["all at once", 1] / free.loc["head only", 1] < 2700, "2,600 times as many numbers"
    assert free.loc["head only", [1, 2]].equals(free.loc["gradual", [1, 2]]), "the head's epochs are the same"
    few, middle, many = sorted(ns["label_counts"])
    lead = ns["lead"]
    assert lead.loc[few, "high"] < 0, "with the fewest labels the pretrained features are better"
    assert lead.loc[middle, "low"] < 0 < lead.loc[middle, "high"], "with the middle number nobody can tell"
    assert lead.loc[many, "low"] < 0 < lead.loc[many, "value"], "with the most the small network is a little ahead"
    assert lead["value"].is_monotonic_increasing, "the fewer labels, the more the pretrained features are worth"
    curve = ns["curve"]
    assert (curve["pretrained features"] < curve["random features"]).all(), "random features are no match"
    ours = ns["rows"].xs("M2", level="step")["ours"].iloc[0], ns["rows"].xs("M1", level="step")["ours"].iloc[0]
    assert ours[0] < 8.65 and ours[1] > 12.2, "on people the second stage takes the error from 12.3 to 8.6"
    wrong = ns["wrong"]
    assert wrong["upside down"] > wrong["as trained"], "upside down is worse"
    assert wrong["blue first"] > wrong["as trained"], "and so is blue first"
    assert len(set(ns["augmented"])) == 3, "an augmented validation set gives another number each time"
