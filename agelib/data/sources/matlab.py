"""A struct of long columns from a Matlab file: what ``scipy.io.loadmat`` reads, without its wrapping.

``loadmat(simplify_cells=True)`` does the like, in twice the time, and leaves an object of numpy in every cell.
"""

from pathlib import Path

import numpy as np

#: How a file begins that MATLAB saved with -v7.3: by its own words, or (other programs) at once as HDF5.
HDF5 = (b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n")


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
    ValueError
        If the file cannot be read; the message says whether it is of another kind or damaged.
    """
    from scipy.io import loadmat  # takes a moment, and only two data sets come in this format

    with Path(file).open("rb") as opened:
        if opened.read(16).startswith(HDF5):
            raise ValueError(
                f"{file}: it is HDF5 (MATLAB 7.3), which is not read here; "
                "in MATLAB, save it with save(…, '-v7'), or take the published file"
            )
    try:
        variables = loadmat(file, variable_names=names)
    except Exception as error:  # scipy raises a dozen kinds for a damaged file, depending on where it breaks
        raise ValueError(
            f"{file}: not readable as a Matlab file ({type(error).__name__}: {error}); "
            "it is damaged or incomplete: fetch it again"
        ) from None
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
