"""What chapter 06 says of the book's run."""


def check(ns):
    history = ns["history"]
    assert ns["gap"] < 0.01, "the loop by hand finds agelib.run's numbers"
    plain, run = ns["last"], ns["ends"]
    assert plain.valid_loss > 1.3 * plain.train_loss, "without augmentation there is a gap: over-fitting"
    gaps = plain.valid_loss / plain.train_loss, run.valid_loss / run.train_loss
    assert gaps[1] < 0.6 * gaps[0], "augmentation and schedule bring the two losses closer together"
    assert abs(run.valid_loss / plain.valid_loss - 1) < 0.15, "the validation loss hardly moves"
    assert run.train_loss > plain.train_loss, "the training loss is higher than before"
    moved = ns["shifted"]
    cost = moved.iloc[2] - moved.iloc[0]
    assert cost["CNN"] < 0.5 * cost["two layers"], "two sixteenths cost the CNN less than half"
    assert cost["CNN, augmented"] < 0.5 * cost["CNN"], "and the augmented one less than half of that"
    assert moved["CNN"].iloc[3] < moved["two layers"].iloc[0], "moved by three it is better than two layers unmoved"
    assert ns["mae"] < 0.7 * ns["always"], "the network is far better than always predicting the mean age"
    assert ns["cnn"].hidden.weight.numel() > sum(p.numel() for p in ns["cnn"].parameters()) / 2, "most are there"
    bias = ns["by_age"]["bias"]
    assert bias.iloc[:2].min() > 1 and bias.iloc[6:].max() < -1, "below 20 too old, from 60 on too young"
    assert ns["by_age"]["count"].iloc[-1] < 6, "the last group is a handful of images"
    negative = ns["run"].predictions.query("predicted < 0")["age"]
    assert 2 <= len(negative) <= 6 and negative.max() < 8, "a few small children get an age below 0"
    cues = ns["changed"]["years"]
    assert cues.idxmax() == "wrinkles", "wrinkles weigh most"
    assert cues["wrinkles"] > 1.5 * cues.drop("wrinkles").max(), "well ahead of the next"
    assert cues.drop("wrinkles").idxmax() == "bags", "which are the bags under the eyes"
    assert 2 < cues["hair"] < 8, "hair moves the prediction by a few years"
    assert cues.abs().max() < 30, "no cue alone moves it by half of the 60 years"
    assert len(history) == ns["epochs"]
