"""From a prepared data set to what a training reads: its pictures decoded once, then streams of batches.

What the streams are made of, :mod:`agelib.experiments.weights` says. Explained in chapter 06.
"""

from agelib.config import Experiment
from agelib.data.prepare import Prepared
from agelib.experiments.weights import Streams, make_streams, training_sizes
from agelib.pixels import cache


def open_streams(experiment: Experiment, prepared: Prepared, progress: bool = True) -> Streams:
    """Decode the pictures and work out all that a training reads; errors as of :func:`make_streams`."""
    show = experiment.pictures
    training_sizes(experiment)  # what cannot be is said before an hour of decoding
    images = cache.decode(prepared.faces, prepared.root, show.image_size, show.grey, progress=progress, zoom=show.zoom)
    return make_streams(experiment, prepared, images)
