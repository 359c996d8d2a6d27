"""What chapter 23 says of its figures, checked in the namespace that the executed chapter leaves behind."""


def check(ns: dict) -> None:
    """Refuse a run whose numbers no longer support the chapter's sentences.

    Parameters
    ----------
    ns : dict
        The names that the chapter has bound, after its last cell.
    """
    power, judged = ns["power"], ns["judged"]
    found, needed = power["found in % of test sets"], power["images needed"]
    assert found["true ages"] > 80, "true ages no longer tell the two networks apart in about nine test sets of ten"
    assert 25 < found["noisy labels"] < 55, "noisy labels no longer find the difference in about four test sets of ten"
    assert needed["noisy labels"] > 3 * needed["true ages"], "noisy labels no longer need three times as many images"

    slopes, share = ns["slopes"], ns["noise_share"]
    assert abs(slopes["mse_loss"] - (1 - share)) < 0.08, "the squared error's line no longer has a slope near 1 - q"
    assert abs(slopes["l1_loss"] - 1) < 0.03, "the absolute error's line no longer has a slope near 1"
    ratio = ns["train_cost"] / ns["test_cost"].mean()
    assert ns["test_cost"].min() > 2, "noise in the test no longer costs every network more than two years"
    assert 0.5 < ratio["mse"] < 0.8, "the squared error no longer pays about two thirds as much for noise in training"
    assert 0.2 < ratio["mae"] < 0.45, "the absolute error no longer pays about a third as much for noise in training"
    fall = judged["slope"].unstack()[ns["noisy"]] - judged["slope"].unstack()[ns["clean"]]
    assert fall["mae"] < 0, "the slope of the faces' predictions no longer falls with the absolute error"
    assert judged["MAE, true test ages"].min() > 5.5, "the networks are no longer unsure by six years"

    floors, table = ns["floors"], ns["shape_table"]
    assert 1.9 < ns["hard_floor"] < 2.05, "the proven floor is no longer 2.0 years"
    assert 2.6 < floors["Laplace noise"] < floors["normal noise"] < 2.85, "the floor is no longer 2.6 to 2.8 years"
    assert table["NLL, nats"].idxmin() == "exact or Laplace", "the mixture is no longer the most likely noise"
    assert 2.1 < table.loc["exact or Laplace", "MAE floor, years"] < 2.3, "the mixture's floor is no longer 2.2 years"
    assert 60 < table.loc["exact or Laplace", "labels that are right, %"] < 72, (
        "two labels in three are no longer right"
    )
    assert table.loc["normal", "MAE floor, years"] > 4, "the normal fit's floor is no longer far too high"

    assert ns["agree_at_26"] > 1.5 * ns["agree_elsewhere"], "pairs at 26 no longer agree far more often than others"
    last = ns["bounds"].loc["only those that differ"]
    assert last["Laplace"] > 3.87 > last["half the gap"], "published networks no longer refute two numbers of the row"
    assert ns["by_decade"].mean().idxmax().left == 40, "the largest gaps no longer lie between 40 and 49"
    assert 0.85 < ns["seeds"]["R²"].mean() < 0.88 < ns["ceiling_r2"], "R² of 0.87 is no longer close to its ceiling"

    assert ns["p_value"] < 0.001, "the last digits could be chance"
    edges = ns["edges"]
    moved = edges["images below, %"].diff()["26 | 27"]
    assert 8.5 < moved < 10, "moving the edge across 26 no longer moves nine images in a hundred"
    both = edges["pairs on both sides, %"]
    assert both["26 | 27"] > 1.35 * both["25 | 26"], (
        "the edge beyond the heap no longer contradicts half as often again"
    )
    best = min(mae for *_, mae in ns["published"].recipes.FIELD)
    assert 1 < best - floors.max() < 1.3, "the best network no longer stands barely more than a year above the floor"
