"""What chapter 11 says of the book's run, which has the package with the ImageNet weights."""


def check(ns):
    assert ns["start"].pretrained == "imagenet", "the weights are those of the package"
    assert len(ns["loaded"].loaded) == 294, "all tensors of the body have arrived"
    names = set(ns["trained"].state_dict())
    assert names - set(ns["missing"]) == {"norm.num_batches_tracked"}, "all but the count of batches are missing"
    assert len(ns["unexpected"]) == len(names), "and all are left over"
    assert ns["gap"] < 1e-4, "a head on features is the head of the frozen network"
    always, head_only = ns["always"], ns["head_only"]
    assert always - head_only > 5, "pretrained features are more than five years better than always the mean age"
    assert min(ns["random_tried"].values()) > always, "random features are worse than that"
    assert min(ns["tried"], key=ns["tried"].get) == max(ns["head_rates"]), "the largest of the rates is the best"
    assert (len(ns["stages"]), ns["image_size"]) == (5, 64), "the map is halved five times, from 64 pixels to 2"

    plan = ns["steps"], len(ns["head_rates"]), len(ns["rates"]), ns["few"], ns["batch_size"], ns["epochs"]
    assert plan == (200, 3, 2, 200, 20, 3), "200 steps; three rates, two rates; 30 steps of 20 images"
    last, ways = ns["last"], ns["ways"]
    assert last["random, all"].min() > always - 1, "a random start has hardly learnt anything"
    assert last["pretrained, all"].min() < last["random, all"].min() - 1, "the pretrained start has"
    assert ns["best_rate"] == min(ns["rates"]), "the smaller of the two rates is the better one"
    assert head_only < ways["pretrained, all"].min() - 1, "the head alone is better than all at once, wherever it stops"
    assert ways.loc[1, "pretrained, all"] > always, "after its first epoch it is worse than always the mean age"
    pretrained = ways[["pretrained, all", "head, then all", "gradual"]]
    assert pretrained.loc[1:].min().min() > head_only + 1, "ways that begin with a trained head lose its level as well"
    assert (pretrained.loc[2:].max(axis=1) - pretrained.loc[2:].min(axis=1)).max() < 1, "the three lie within a year"
    assert ways.loc[1].idxmax() == "pretrained, all", "far above the random start after the first epoch"
    assert ways.loc[2].idxmax() == ways.iloc[-1].idxmax() == "random, all", "and below it from the second"
    careful = ns["best"].loc[["head, then all", "gradual"]]
    assert (careful["best epoch"] == 0).all(), "freeing the body makes both careful ways worse"
    assert (careful["MAE"] == head_only).all(), "three strategies, one network"
    free = ns["free"]
    assert 2600 <= free.loc["all at once", 1] / free.loc["head only", 1] < 2700, "2,600 times as many numbers"
    assert free.loc["head only", [1, 2]].equals(free.loc["gradual", [1, 2]]), "the head's epochs are the same"
    assert ns["of_agelib"] == free.loc["gradual"].iloc[2:].tolist(), "Freeze frees as many"

    few, middle, many = sorted(ns["label_counts"])
    assert (few, middle, many) == (50, 200, 800), "the summary names them"
    lead = ns["lead"]
    assert lead.loc[few, "high"] < 0, "with the fewest labels the pretrained features are better"
    assert lead.loc[middle, "low"] < 0 < lead.loc[middle, "high"], "with the middle number nobody can tell"
    assert -0.3 < lead.loc[many, "low"] < 0 < lead.loc[many, "value"], "nor with the most; the interval barely holds 0"
    curve = ns["curve"]
    assert (curve["pretrained features"] < curve["random features"]).all(), "random features are no match"
    assert curve["random features"].max() - curve["random features"].min() < 1, "and stay level"
    fall = curve.loc[few] - curve.loc[many]
    assert fall["from scratch"] > fall["pretrained features"] > 0, "the small network gains more with the labels"

    rows = ns["rows"][["ours", "low", "high"]]
    m1, m2, m4 = (rows.xs(step, level="step").iloc[0] for step in ("M1", "M2", "M4"))
    m3 = rows.xs(("M3", "all layers"), level=("step", "part")).iloc[0]
    assert m2["ours"] < 8.65 and m1["ours"] > 12.2, "on people M2 takes the error from 12.3 to 8.6"
    assert 2.5 < ns["people_always"] - m1["ours"] < 3.5, "the head alone is worth three years"
    assert abs(m3["ours"] - m2["ours"]) < 0.1, "the longer head of M3 changes nothing"
    assert m4["low"] > m3["high"], "the MAE as the loss makes M4 worse"

    wrong = ns["wrong"]
    assert wrong["upside down"] > wrong["as trained"], "upside down is worse"
    assert wrong["blue first"] > wrong["as trained"], "and so is blue first"
    measured = [wrong["as trained"], *ns["augmented"]]
    assert len(set(measured)) == 4, "an augmented validation set gives another number each time"
    assert max(measured) - min(measured) < 0.25, "within a quarter of a year"
