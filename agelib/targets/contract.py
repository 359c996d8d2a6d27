"""The contract that every target fits: labels, loss, posterior, decode. Explained in chapter 11."""

import numpy as np


class Target:
    """How an age is put to a network.

    A target says how many numbers the network gives (:attr:`outputs`), what it is told about each picture
    (:meth:`labels`), how wrong it is (:meth:`loss`), which probability it gives to each age (:meth:`posterior`,
    where there is one) and which age it means (:meth:`decode`). L is the number of label columns, B the batch.
    """

    #: Numbers that the network gives for a picture.
    outputs: int = 1

    @staticmethod
    def labels(faces, label: str = "age") -> np.ndarray:
        """The label columns of a faces table.

        Parameters
        ----------
        faces : pandas.DataFrame
            The faces table.
        label : str
            Which age, in years: age, real_age or apparent_age.

        Returns
        -------
        numpy.ndarray
            float32 [N, 1], in years.

        Raises
        ------
        ValueError
            If the column is not there or an age is missing; the message names the first such picture.
        """
        if label not in faces:
            raise ValueError(
                f"the faces table has no column {label!r}; choose label of age, real_age, apparent_age"
            )
        ages = faces[label].to_numpy(dtype=np.float32)
        missing = np.flatnonzero(~np.isfinite(ages))
        if len(missing):
            path = faces["path"].iloc[missing[0]] if "path" in faces else f"row {missing[0]}"
            raise ValueError(
                f"{len(missing)} of {len(ages)} pictures have no {label} (first: {path}); "
                "choose another label, or drop them first"
            )
        return ages[:, None]

    def loss(self, outputs, labels, weights=None):
        """How wrong outputs [B, outputs] are about labels [B, L]: a scalar; `weights` [B] weigh the pictures."""
        raise NotImplementedError

    def posterior(self, outputs):
        """Probability of each age, [B, ages], or None where the target states none."""
        return None

    def decode(self, outputs):
        """Ages [B], in years, that the outputs [B, outputs] mean."""
        raise NotImplementedError


def weighted_mean(values, weights=None):
    """Mean of values [B], weighted by weights [B] where given (they need not sum to one).

    >>> import torch
    >>> weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
    tensor(2.)
    """
    if weights is None:
        return values.mean()
    if weights.shape != values.shape:
        raise ValueError(f"weights have the shape {list(weights.shape)}, the losses {list(values.shape)}")
    return (weights * values).sum() / weights.sum()
