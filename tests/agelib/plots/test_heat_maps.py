"""Figures of maps: one scale for all, signed ones centred on 0, and no picture of a person under any of them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from agelib import plots
from agelib.explain import average

DRAWN = pd.DataFrame({"source": ["drawn-utkface"] * 3})
PEOPLE = pd.DataFrame({"source": ["utkface"] * 3})
PICTURES = np.full((3, 8, 8, 3), 128, np.uint8)


def maps(low=0.0, high=1.0, count=3):
    return np.linspace(low, high, count * 16).reshape(count, 4, 4)


def images_of(figure):
    return [image for axis in figure.axes for image in axis.images]


def test_all_maps_share_one_scale():
    figure = plots.heat_maps({"a": maps(0, 2), "b": maps(0, 5)})
    assert {image.get_clim() for image in images_of(figure)} == {(0.0, 5.0)}


def test_signed_maps_are_centred_on_zero():
    figure = plots.heat_maps({"a": maps(-3, 1)}, label="years")
    assert {image.get_clim() for image in images_of(figure)} == {(-3.0, 3.0)}
    assert figure.axes[-1].get_ylabel() == "years"
    assert {image.get_clim() for image in images_of(plots.heat_maps({"a": maps(-3, 1)}, limit=9))} == {(-9, 9)}


@pytest.mark.parametrize(("faces", "shown"), [(DRAWN, 3 + 2 * 3), (PEOPLE, 3), (None, 3)])
def test_only_drawn_faces_lie_under_a_map(faces, shown):
    figure = plots.heat_maps({"a": maps()}, PICTURES, faces)
    assert len(images_of(figure)) == shown


def test_one_person_among_drawn_faces_hides_all():
    mixed = pd.DataFrame({"source": ["drawn", "drawn", "utkface"]})
    assert len(images_of(plots.heat_maps({"a": maps()}, PICTURES, mixed))) == 3


def test_pictures_may_have_their_channels_first():
    first, last = (
        images_of(plots.heat_maps({"a": maps()}, pictures, DRAWN))[0].get_array()
        for pictures in (PICTURES.transpose(0, 3, 1, 2), PICTURES)
    )
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ({}, {}, "give rows"),
        ({"a": maps()[0]}, {}, "give rows"),
        ({"a": maps(), "b": maps(count=2)}, {}, "give rows"),
        ({"a": maps()}, {"titles": ["x"]}, "1 titles for 3 maps"),
    ],
)
def test_what_does_not_fit_is_refused(rows, options, says):
    with pytest.raises(ValueError, match=says):
        plots.heat_maps(rows, **options)


def test_an_empty_map_has_a_scale():
    figure = plots.heat_maps({"a": np.zeros((2, 4, 4))})
    assert {image.get_clim() for image in images_of(figure)} == {(0.0, 1.0)}


def test_averages_name_their_groups_and_share_a_scale():
    first = average(maps(-2, 1), ["young", "old", "old"], names=("young", "old"))
    second = average(maps(-1, 4), ["old", "old", "old"])
    figure = plots.average_maps({"a": first, "b": second}, "years")
    assert [axis.get_title() for axis in figure.axes[:2]] == ["young (1)", "old (2)"]
    assert len(images_of(figure)) == 3
    assert len({image.get_clim() for image in images_of(figure)}) == 1


def test_a_sanity_check_draws_chance_apart_from_the_steps():
    table = pd.DataFrame(
        {
            "randomised": ["nothing", "head", "another picture"] * 2,
            "rank_correlation": [1.0, 0.4, 0.1, 1.0, 0.6, 0.3],
            "similarity": [1.0, 0.5, 0.2, 1.0, 0.5, 0.2],
        }
    )
    axis = plots.sanity_check({"a": table}).axes[0]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [1.0, 0.5])
    np.testing.assert_allclose(axis.lines[-1].get_ydata(), 0.2)  # the dotted line
    with pytest.raises(ValueError, match="no column 'rank_correlation'"):
        plots.sanity_check({"a": table.drop(columns="rank_correlation")})


def test_channels_of_layers_of_different_sizes_stand_in_rows():
    figure = plots.channel_maps({"a": np.zeros((2, 8, 8)), "b": np.zeros((4, 2, 2))})
    assert len(images_of(figure)) == 6
    with pytest.raises(ValueError, match="give rows"):
        plots.channel_maps({"a": np.zeros((8, 8))})


def test_no_figure_stays_open():
    plots.heat_maps({"a": maps()})
    assert not plt.get_fignums()
