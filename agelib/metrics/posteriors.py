"""What a posterior over ages says: spread, quantiles, the probability to be of age, its score, its temperature.

A posterior is a table [pictures × ages] whose columns are ages in years and whose rows sum to 1, as
:meth:`agelib.experiments.result.Run.posterior` gives it. Where an age between two columns matters, each column stands
for all ages that are nearer to it than to its neighbours, equally likely: 18 for 17.5 to 18.5. Explained in chapter 21.
"""

import numpy as np
import pandas as pd

#: A probability below this counts as this where its logarithm is taken: half precision may have rounded it to 0.
LEAST_PROBABILITY = 1e-12

#: Temperatures that are tried: from nearly all on one age to nearly flat.
TEMPERATURES = (0.02, 50.0)


def check_posterior(posterior: pd.DataFrame, pictures: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, float64 [N, A], whose rows sum to 1, and ages, float64 [A], in years.

    Raises
    ------
    ValueError
        If the columns are not ages that go up, a row is no distribution, or there are not so many `pictures`.

    Examples
    --------
    >>> probabilities, ages = check_posterior(pd.DataFrame([[0.25, 0.75]], columns=[20, 21]))
    >>> probabilities.tolist(), ages.tolist()
    ([[0.25, 0.75]], [20.0, 21.0])
    """
    try:
        ages = np.asarray(posterior.columns, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"the columns of a posterior are ages in years, not {', '.join(map(str, posterior.columns[:3]))}"
        ) from None
    if len(ages) < 2 or (np.diff(ages) <= 0).any():
        raise ValueError("the columns of a posterior are two ages or more that go up, in years")
    probabilities = posterior.to_numpy(dtype=np.float64)
    if pictures is not None and len(probabilities) != pictures:
        raise ValueError(
            f"the posterior has {len(probabilities)} rows for {pictures} pictures; give that of the same part"
        )
    total = probabilities.sum(axis=1)
    bad = ~((probabilities >= 0).all(axis=1) & (np.abs(total - 1) < 1e-2))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"posterior: {int(bad.sum())} of {len(bad)} rows are no distribution (first: row {row}, sum "
            f"{total[row]:g}, least {probabilities[row].min():g})"
        )
    return probabilities / total[:, None], ages


def spread(posterior: pd.DataFrame) -> pd.DataFrame:
    """How wide each posterior is.

    Returns
    -------
    pandas.DataFrame
        One row a picture: ``mean`` and ``std``, in years, and ``entropy``, in nats (0: sure of one year).

    Examples
    --------
    >>> spread(pd.DataFrame([[0.5, 0.0, 0.5], [0, 1, 0]], columns=[20, 21, 22])).round(3)
       mean  std  entropy
    0  21.0  1.0    0.693
    1  21.0  0.0    0.000
    """
    probabilities, ages = check_posterior(posterior)
    mean = probabilities @ ages
    variance = (probabilities * (ages - mean[:, None]) ** 2).sum(axis=1)
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    entropy = np.maximum(-(probabilities * logs).sum(axis=1), 0)
    return pd.DataFrame({"mean": mean, "std": np.sqrt(variance), "entropy": entropy}, index=posterior.index)


def posterior_quantiles(posterior: pd.DataFrame, shares: tuple) -> np.ndarray:
    """The ages below which each posterior has these shares: [pictures, shares], in years.

    Examples
    --------
    A tenth of belief on each of the years 0 to 9, so on all ages from −0.5 to 9.5:

    >>> posterior_quantiles(pd.DataFrame([[0.1] * 10]), (0.05, 0.5, 0.95)).round(3)
    array([[0. , 4.5, 9. ]])
    """
    probabilities, ages = check_posterior(posterior)
    edges = edges_of(ages)
    below = probabilities.cumsum(axis=1)
    rows, found = np.arange(len(below)), []
    for share in shares:
        if not 0 < share < 1:
            raise ValueError(f"a quantile is of a share between 0 and 1, not {share}")
        # Sums of rounded numbers that should be 1 may be just below it.
        place = np.minimum((below < share - 1e-12).sum(axis=1), len(ages) - 1)
        mine = probabilities[rows, place]
        before = below[rows, place] - mine
        inside = np.clip((share - before) / np.maximum(mine, 1e-300), 0, 1)
        found.append(edges[place] + inside * (edges[place + 1] - edges[place]))
    return np.stack(found, axis=1)


def probability_from(posterior: pd.DataFrame, limit: float = 18) -> np.ndarray:
    """Probability that the person is of this age or older, [pictures].

    Ages are counted as labels count them, in completed years: all of the column 18 is "18 or over".

    >>> probability_from(pd.DataFrame([[0.2, 0.3, 0.5]], columns=[17, 18, 19]), 18)
    array([0.8])
    """
    probabilities, ages = check_posterior(posterior)
    return probabilities[:, ages >= limit].sum(axis=1)


def pit(posterior: pd.DataFrame, ages, seed: int = 0) -> np.ndarray:
    """Where each true age lies in its posterior, [pictures]: the probability integral transform.

    Of posteriors that are right these are uniform between 0 and 1: a tenth of all people are in the lowest tenth of
    their posterior. Within its year an age's place is drawn, for a posterior over years says nothing about it.

    True `ages` are in years; one outside the grid gives 0 or 1.

    >>> places = pit(pd.DataFrame([[0.2, 0.3, 0.5]] * 2, columns=[17, 18, 19]), [18, 30])
    >>> 0.2 < places.min() < 0.5, places.max() == 1
    (np.True_, np.True_)
    """
    probabilities, grid = check_posterior(posterior, len(ages))
    ages = np.asarray(ages, dtype=np.float64)
    rows, place = np.arange(len(ages)), nearest(grid, ages)
    below = probabilities.cumsum(axis=1)[rows, place] - probabilities[rows, place]
    inside = np.random.default_rng(seed).uniform(size=len(ages))
    places = np.clip(below + inside * probabilities[rows, place], 0, 1)
    edges = edges_of(grid)
    return np.where(ages < edges[0], 0.0, np.where(ages > edges[-1], 1.0, places))


def log_score(posterior: pd.DataFrame, ages) -> float:
    """−mean log probability of the true year, in nats: less is better; an age off the grid counts as its nearest end.

    >>> round(log_score(pd.DataFrame([[0.25, 0.75], [0.5, 0.5]], columns=[20, 21]), [21, 20]), 4)
    0.4904
    """
    probabilities, grid = check_posterior(posterior, len(ages))
    mine = probabilities[np.arange(len(probabilities)), nearest(grid, ages)]
    return float(-np.log(np.maximum(mine, LEAST_PROBABILITY)).mean())


def scale_temperature(posterior: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """posterior^(1/T), scaled to sum to 1: flatter for T above 1, sharper below (Guo et al. 2017).

    It is what dividing the outputs before the softmax by T does; which age is most probable never changes.

    >>> scale_temperature(pd.DataFrame([[0.2, 0.8]], columns=[20, 21]), 2.0).round(4).to_numpy()
    array([[0.3333, 0.6667]])
    """
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    probabilities, _ = check_posterior(posterior)
    scaled = _scaled(np.log(np.maximum(probabilities, LEAST_PROBABILITY)), 1 / temperature)
    return pd.DataFrame(scaled, index=posterior.index, columns=posterior.columns)


def fit_temperature(posterior: pd.DataFrame, ages) -> float:
    """The temperature of the least log score, to be found on the validation part (Guo et al. 2017).

    Above 1: the network was too sure. It is near an end of :data:`TEMPERATURES` where no temperature is best, because
    all are right, or all wrong. The log score is convex in 1/T, and its slope is the mean logarithm that the scaled
    posterior expects minus that of the true years; where the slope is 0 is found by halving.

    Parameters
    ----------
    posterior : pandas.DataFrame
        Of pictures that the network was not trained on.
    ages : array
        Their true ages, in years.

    Examples
    --------
    A network that gives 0.9 to one of two years, and is right three times of four, should have given 0.75:

    >>> posterior = pd.DataFrame([[0.1, 0.9]] * 4, columns=[20, 21])
    >>> temperature = fit_temperature(posterior, [21, 21, 21, 20])
    >>> round(temperature, 6), scale_temperature(posterior, temperature).iloc[0].round(4).tolist()
    (2.0, [0.25, 0.75])
    """
    probabilities, grid = check_posterior(posterior, len(ages))
    if not len(probabilities):
        raise ValueError("no pictures to find a temperature on; the validation part is empty")
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    of_truth = logs[np.arange(len(logs)), nearest(grid, ages)].mean()
    below, above = np.log(1 / TEMPERATURES[1]), np.log(1 / TEMPERATURES[0])
    for _ in range(50):
        middle = (below + above) / 2
        expected = (_scaled(logs, np.exp(middle)) * logs).sum(axis=1).mean()
        if expected < of_truth:
            below = middle
        else:
            above = middle
    return float(np.exp(-(below + above) / 2))


def mean_posterior(posteriors: list) -> pd.DataFrame:
    """The mean of several networks' posteriors of the same pictures: an ensemble.

    Raises
    ------
    ValueError
        If there is none, or they are not of equally many pictures over the same ages.

    Examples
    --------
    >>> one, other = (pd.DataFrame([row], columns=[20, 21]) for row in ([0.2, 0.8], [0.6, 0.4]))
    >>> mean_posterior([one, other]).round(3).to_numpy()
    array([[0.4, 0.6]])
    """
    if not len(posteriors):
        raise ValueError("an ensemble has one posterior at least")
    first = posteriors[0]
    for other in posteriors[1:]:
        if other.shape != first.shape or list(other.columns) != list(first.columns):
            raise ValueError(
                f"posteriors of {len(first)} pictures from {first.columns[0]:g} to {first.columns[-1]:g} years and of "
                f"{len(other)} from {other.columns[0]:g} to {other.columns[-1]:g} have no mean; train the networks on "
                "the same split"
            )
    mean = np.mean([check_posterior(each)[0] for each in posteriors], axis=0)
    return pd.DataFrame(mean, index=first.index, columns=first.columns)


def edges_of(ages: np.ndarray) -> np.ndarray:
    """Where each column's ages begin and the last one's end, [A + 1]: in the middle between neighbours.

    >>> edges_of(np.array([18.0, 19, 20]))
    array([17.5, 18.5, 19.5, 20.5])
    """
    inner = (ages[1:] + ages[:-1]) / 2
    return np.concatenate([[2 * ages[0] - inner[0]], inner, [2 * ages[-1] - inner[-1]]])


def nearest(grid: np.ndarray, ages) -> np.ndarray:
    """Place [N] of each age among the ages of the grid [A]; of two equally near ones the lower.

    >>> nearest(np.array([18.0, 19, 20]), [3, 18.4, 19, 99]).tolist()
    [0, 0, 1, 2]
    """
    return np.searchsorted((grid[1:] + grid[:-1]) / 2, np.asarray(ages, dtype=np.float64))


def _scaled(logs: np.ndarray, power: float) -> np.ndarray:
    """Distributions [N, A] of log probabilities [N, A], to a power."""
    raised = logs * power
    raised = np.exp(raised - raised.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)
