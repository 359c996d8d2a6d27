"""Figures: what stands on their axes, and that what they show is what the table says."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from agelib import metrics, plots
from agelib.plots import theme


@pytest.fixture
def faces():
    generator = np.random.default_rng(3)
    table = pd.DataFrame({"age": generator.integers(1, 80, 300).astype(float)})
    table["face_score"] = generator.gamma(5, 1, 300)
    table.loc[:19, "face_score"] = -np.inf
    table["gender"] = generator.choice(["female", "male", None], 300)
    table["ethnicity"] = generator.choice(["asian", "black", "white"], 300)
    table["split"] = generator.choice(["train", "valid", "test"], 300)
    return table


@pytest.fixture
def predictions(faces):
    noise = np.random.default_rng(4).normal(0, 6, 300)
    return faces.assign(path=[f"{i}.jpg" for i in range(300)], predicted=faces["age"] + noise)


@pytest.fixture
def history():
    return pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [1.0, 0.5, 0.2],
            "valid_loss": [0.9, 0.6, 0.7],
            "valid_mae": [12.0, 9.0, 9.5],
        }
    )


def heights(axis):
    return [patch.get_height() for patch in axis.patches]


def lengths(axis):
    return [patch.get_width() for patch in axis.patches]


def test_the_age_histogram_has_a_bar_a_year_with_its_count(faces):
    axis = plots.age_histogram(faces).axes[0]
    counts = faces["age"].value_counts()
    shown = {round(p.get_x() + p.get_width() / 2): p.get_height() for p in axis.patches if p.get_height()}
    assert shown == {int(age): count for age, count in counts.items()}


def test_ages_that_are_missing_or_absurd_do_not_break_the_histogram():
    faces = pd.DataFrame({"age": [np.nan, -31.0, 20.0, 1000.0]})
    assert sum(heights(plots.age_histogram(faces).axes[0])) == 3


def test_each_parts_histogram_adds_up_to_all_of_it(faces):
    figure = plots.age_histogram_by_part(faces)
    for axis in figure.axes:
        assert sum(heights(axis)) == pytest.approx(100)
    assert figure.axes[0].get_title() == f"training ({(faces['split'] == 'train').sum()})"


def test_box_plots_say_how_many_pictures_have_no_score(faces):
    titles = [axis.get_title() for axis in plots.boxes(faces).axes]
    assert titles == ["300 images", "280 images, 20 without"]
    nothing = faces.assign(face_score=np.nan)
    assert plots.boxes(nothing).axes[1].get_title() == "0 images, 300 without"


def test_group_counts_are_value_counts(faces):
    axis = plots.group_counts(faces).axes[0]
    expected = [*faces["gender"].value_counts(), faces["gender"].isna().sum()]
    assert lengths(axis) == expected
    assert [text.get_text() for text in axis.texts] == [str(count) for count in expected]


def test_scores_are_shown_for_each_group_highest_median_first(faces):
    axis = plots.score_by_group(faces, "ethnicity").axes[0]
    finite = faces[np.isfinite(faces["face_score"])]
    order = finite.groupby("ethnicity")["face_score"].median().sort_values(ascending=False)
    assert [text.get_text().split(" ")[0] for text in axis.get_yticklabels()] == list(order.index)
    with pytest.raises(ValueError, match="no image has both"):
        plots.score_by_group(faces.assign(face_score=np.nan))


def test_cleaning_bars_are_kept_and_removed():
    report = pd.DataFrame(
        {"step": ["detector", "age range"], "before": [100, 90], "removed": [10, 0], "after": [90, 90]}
    )
    axis = plots.cleaning_counts(report).axes[0]
    assert lengths(axis) == [90, 90, 10, 0]
    assert [text.get_text() for text in axis.texts] == ["−10", "none"]


@pytest.mark.parametrize("shape", [(4, 8, 8, 3), (4, 3, 8, 8), (4, 1, 8, 8), (4, 8, 8)])
def test_pictures_are_drawn_whatever_their_layout(shape):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    figure = plots.pictures(images, titles=list("abcd"), columns=3)
    drawn = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert [array.shape for array in drawn] == [(8, 8, 3)] * 4
    assert [axis.get_title() for axis in figure.axes[:4]] == list("abcd")
    if shape == (4, 8, 8, 3):
        assert np.array_equal(drawn[2], images[2])


def test_learning_curves_show_both_losses_and_ring_the_best_epoch(history):
    left, right = plots.learning_curves(history).axes
    assert list(left.lines[0].get_ydata()) == list(history["train_loss"])
    assert list(left.lines[1].get_ydata()) == list(history["valid_loss"])
    assert (left.lines[2].get_xdata()[0], left.lines[2].get_ydata()[0]) == (2, 0.6)
    assert right.lines[1].get_ydata()[0] == 9.0
    assert {text.get_text() for text in left.texts} == {"training", "validation"}


def test_one_epoch_is_a_curve_too(history):
    plots.learning_curves(history.iloc[:1]).canvas.draw()


def test_the_learning_rate_curve_marks_the_suggestion():
    curve = pd.DataFrame({"learning_rate": np.geomspace(1e-6, 1, 20), "loss": np.linspace(1, 0.2, 20)})
    curve.attrs["suggestion"] = 2e-3
    axis = plots.learning_rate(curve).axes[0]
    assert axis.lines[1].get_xdata()[0] == 2e-3
    assert axis.texts[0].get_text().strip() == "2.0e-03"


@pytest.mark.parametrize("copies", [1, 10])
def test_every_prediction_is_on_the_figure(predictions, copies):
    table = pd.concat([predictions] * copies)
    axis = plots.predicted_vs_true(table).axes[0]
    shown = axis.collections[0]
    counted = shown.get_array().sum() if len(table) > 1500 else len(shown.get_offsets())
    assert counted == len(table)
    line = axis.lines[0]
    assert list(line.get_xdata()) == list(line.get_ydata())


def test_error_bars_are_those_of_the_metrics(predictions):
    upper, lower = plots.error_by_age(predictions).axes
    table = metrics.error_by(predictions)
    assert heights(upper) == pytest.approx(list(table["MAE"]))
    assert heights(lower) == pytest.approx(list(table["bias"]))


def test_networks_are_compared_metric_by_metric(predictions):
    tables = {name: metrics.summarise(predictions, 50) for name in ("ResNet-18", "Swin")}
    figure = plots.comparison_bars(pd.concat(tables, names=["network"]))
    assert [axis.get_xlabel() for axis in figure.axes] == ["MSE (years²)", "MAE (years)", "R²"]
    assert lengths(figure.axes[1]) == [tables["Swin"].loc["MAE", "value"]] * 2
    with pytest.raises(ValueError, match="no metric 'F1'"):
        plots.comparison_bars(pd.concat(tables, names=["network"]), ("F1",))
    with pytest.raises(ValueError, match=r"pd\.concat"):
        plots.comparison_bars(tables["Swin"])


def test_a_study_has_a_panel_a_network_and_a_line_a_setting():
    rows = [
        {"network": n, "label": s, "epoch": e, "valid_mse": 100 / e}
        for n in ("resnet18", "swin")
        for s in ("sgd, 0.001", "adam, 0.001", "adamw, 0.001")
        for e in (1, 2, 3)
    ]
    figure = plots.study_curves(pd.DataFrame(rows))
    assert [(axis.get_title(), len(axis.lines)) for axis in figure.axes] == [("resnet18", 3), ("swin", 3)]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["sgd, 0.001", "adam, 0.001", "adamw, 0.001"]
    assert figure.axes[0].get_yscale() == "linear"
    diverged = pd.DataFrame(rows)
    diverged.loc[0, "valid_mse"] = 1e6
    assert plots.study_curves(diverged).axes[0].get_yscale() == "log"


def test_importances_are_bars_from_the_largest():
    axis = plots.importance_bars(pd.Series({"optimiser": 0.25, "learning_rate": 0.75})).axes[0]
    assert lengths(axis) == [75, 25]


def test_size_and_speed_places_each_network():
    table = pd.DataFrame({"parameters": [11e6, 4e6], "pictures_per_second": [100.0, 200], "MAE": [6.0, 7]})
    axis = plots.size_and_speed(table.set_axis(["a", "b"])).axes[0]
    assert axis.collections[0].get_offsets().tolist() == [[11, 100], [4, 200]]


def test_names_at_line_ends_do_not_touch():
    figure, axis = theme.axes()
    axis.set_ylim(0, 1)
    theme.label_ends(axis, {name: (1, 0.99, "black") for name in "abcd"})
    places = sorted(text.get_position()[1] for text in axis.texts)
    assert min(np.diff(places)) > 0.06
    assert max(places) <= 1
    plt.close(figure)


def test_a_figure_is_returned_closed_so_that_a_cell_shows_it_once(history):
    before = plt.get_fignums()
    assert isinstance(plots.learning_curves(history), Figure)
    assert plt.get_fignums() == before


def test_the_same_table_gives_the_same_picture(history):
    import io

    def drawn():
        file = io.BytesIO()
        plots.learning_curves(history).savefig(file, format="png", dpi=40)
        return file.getvalue()

    assert drawn() == drawn()


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (lambda: plots.age_histogram(pd.DataFrame({"years": [1]})), "no column 'age'"),
        (lambda: plots.age_histogram(pd.DataFrame({"age": []})), "empty"),
        (lambda: plots.pictures([]), "none to draw"),
        (lambda: plots.pictures(np.zeros((2, 4, 4, 3)), titles=["one"]), "2 images have 1 titles"),
        (lambda: plots.importance_bars(pd.Series(dtype=float)), "no option"),
    ],
)
def test_a_table_that_can_not_be_drawn_is_refused(figure, words):
    with pytest.raises(ValueError, match=words):
        figure()
