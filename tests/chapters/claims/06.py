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
    assert ns["mae"] < 0.7 * ns["always"], "the network is far better than always predicting the mean age"
    assert ns["oldest"] < 0, "the oldest are predicted too young"
    cues = ns["changed"]["years"]
    assert cues.idxmax() == "wrinkles", "wrinkles weigh most"
    assert cues["wrinkles"] > 5, "wrinkles alone move the prediction by more than five years"
    assert abs(cues["hair"]) < 15, "hair alone moves it by less than fifteen"
    assert (cues.abs() > 1).sum() >= 6, "several cues move it by more than a year"
    assert cues.abs().max() < 30, "no cue alone comes near the 60 years between 20 and 80"
    assert len(history) == ns["epochs"]
