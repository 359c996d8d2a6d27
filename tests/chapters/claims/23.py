"""What chapter 23 says of its figures, checked in the namespace that the executed chapter leaves behind."""


def check(ns: dict) -> None:
    """Refuse a run whose numbers no longer support the chapter's sentences.

    Parameters
    ----------
    ns : dict
        The names that the chapter has bound, after its last cell.
    """
    power, judged, shrinkage = ns["power"], ns["judged"], ns["shrinkage"]
    found, needed = power["found in % of test sets"], power["images needed"]
    assert found["true ages"] > 80, "true ages no longer tell the two networks apart in about nine test sets of ten"
    assert 25 < found["noisy labels"] < 55, "noisy labels no longer find the difference in about four test sets of ten"
    assert needed["noisy labels"] > 3 * needed["true ages"], "noisy labels no longer need three times as many images"

    assert ns["test_cost"].min() > 2 * ns["train_cost"]["mae"], (
        "noise in training is no longer far cheaper than in test"
    )
    assert ns["train_cost"]["mse"] > ns["train_cost"]["mae"], "the squared error no longer pays more than the absolute"
    assert shrinkage["mse"] < shrinkage["mae"], "the squared error no longer shrinks predictions more than the absolute"
    assert judged["slope"].min() > 0, "a network has learnt nothing"

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
