"""A struct of long columns from a Matlab file: what ``scipy.io.loadmat`` reads, without its wrapping.

``loadmat(simplify_cells=True)`` does the like, in twice the time, and leaves an object of numpy in every cell.
"""

import numpy as np


def read_struct(file, names) -> dict | None:
    """Read the first 1 × 1 struct of one of the given names.

    Parameters
    ----------
    file : path
        A Matlab file of version 4 or 5.
    names : sequence of str
        Names of variables, the first found is taken.

    Returns
    -------
    dict or None
        Field → float64 array [N] for a column of numbers; list of N str for cells of text; float64 array [N, K] for
        cells of numbers, K of the most frequent size, NaN where a cell has another. None if there is no such struct.

    Raises
    ------
    Exception
        Whatever ``scipy.io.loadmat`` raises for a file that it cannot read.
    """
    from scipy.io import loadmat  # takes a moment, and only two data sets come in this format

    variables = loadmat(file, variable_names=names)
    for name in names:
        record = variables.get(name)
        if record is not None and record.dtype.names and record.size == 1:
            return {field: _simplify(record.flat[0][field].ravel()) for field in record.dtype.names}
    return None


def _simplify(column: np.ndarray):
    if column.dtype != object:
        return column.astype("float64")
    if all(cell.dtype.kind in "US" or not cell.size for cell in column):
        return [str(cell.flat[0]) if cell.size else "" for cell in column]
    lengths = np.array([cell.size for cell in column])
    width = int(np.bincount(lengths).argmax())
    rows = np.full((len(column), width), np.nan)
    rows[lengths == width] = np.concatenate(column[lengths == width].tolist(), axis=None).reshape(-1, width)
    return rows
