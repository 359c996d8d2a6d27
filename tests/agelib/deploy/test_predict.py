"""predict(): the same answers for a file as in its run's test part, and for faces in whole pictures."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniature import MINIATURE
from PIL import Image

from agelib import deploy
from agelib.__main__ import main
from agelib.config import Experiment
from agelib.deploy import face_crop, predict
from agelib.drawn import draw_faces, draw_scene
from agelib.experiments import run as runs
from agelib.pixels.decode import read_picture

SMALL = MINIATURE | {"tasks": ("age", "gender"), "target": "groups"}

COLUMNS = "path,age,age_low,age_high,age_group,gender,ethnicity"


@pytest.fixture(scope="module")
def trained():
    return runs.run(Experiment.of(**SMALL), progress=False)


@pytest.fixture(scope="module")
def model(trained):
    return deploy.of_run(trained, deploy.frame_of_run(trained, pictures=60))


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return deploy.export(model, tmp_path_factory.mktemp("exported") / "model")


@pytest.fixture(scope="module")
def faces():
    """Two drawn faces, uint8 [2, 160, 160, 3]."""
    return draw_faces([1, 4], [30, 40], size=160, seed=3, plain=True)


def files(trained):
    return [trained.prepared.root / path for path in trained.predictions["path"]]


def wide(faces, places, size=(700, 400)):
    """A grey picture of some size with faces pasted at some places."""
    page = Image.new("RGB", size, (128, 128, 128))
    for face, place in zip(faces, places, strict=True):
        page.paste(Image.fromarray(face), place)
    return page


def test_a_file_is_predicted_as_it_was_in_the_test_part(trained):
    table = predict.predict(trained, files(trained))
    stored = trained.predictions
    np.testing.assert_allclose(table["predicted"], stored["predicted"], rtol=1e-4)
    assert table["predicted_gender"].tolist() == stored["predicted_gender"].tolist()
    assert table["problem"].isna().all()


def test_one_broken_file_never_stops_the_rest(trained, tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    (tmp_path / "b.jpg").write_bytes(files(trained)[0].read_bytes())
    (tmp_path / "notes.txt").write_text("left out")
    table = predict.predict(trained, [tmp_path])
    assert table["path"].str[-5:].tolist() == ["a.jpg", "b.jpg"]
    assert "not a picture" in table["problem"][0]
    assert np.isnan(table["predicted"][0])
    assert table["predicted"][1] == pytest.approx(trained.predictions["predicted"][0], rel=1e-4)


def test_odd_entries_of_a_folder_and_of_the_list_are_rows_with_a_problem(exported, trained, tmp_path, capsys):
    whole = files(trained)[0].read_bytes()
    folder = tmp_path / "photos"
    (folder / "thumbs.jpg").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("B.JPG", "thumbs.jpg/c.jfif", "._B.JPG", "notes.txt"):
        (folder / name).write_bytes(whole)
    shown = "m�.jpg"
    try:
        with open(os.fsencode(folder) + b"/m\xfc.jpg", "wb") as file:
            file.write(whole)
        (folder / "a.jpg").symlink_to(folder / "nowhere")
    except OSError:
        pytest.skip("no such names or links here")
    words = [
        "predict",
        "--model",
        str(exported),
        "--no-detect",
        str(folder),
        str(tmp_path / "empty"),
        str(tmp_path / "x"),
    ]
    assert main([*words, "--format", "csv"]) == 0
    out = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out.out))
    rows = {Path(path).name: age for path, age in zip(table["path"], table["age"], strict=True)}
    assert {name for name, age in rows.items() if age > 0} == {"B.JPG", "c.jfif", shown}
    assert {name for name, age in rows.items() if np.isnan(age)} == {"a.jpg", "empty", "x"}
    assert f"{folder / 'a.jpg'}: a link that leads nowhere\n" in out.err
    assert f"{tmp_path / 'empty'}: no image in this folder\n" in out.err
    assert f"{tmp_path / 'x'}: no such file\n" in out.err
    assert (
        f"passed over in folders, with an example each: hidden: 1 ({folder / '._B.JPG'}); "
        f"not an image (.txt): 1 ({folder / 'notes.txt'})\n"
    ) in out.err
    assert main(words) == 0
    assert "a link that leads nowhere" in capsys.readouterr().out
    assert main(["predict", "--model", str(exported), "--no-detect", str(tmp_path / "x")]) == 1
    with pytest.raises(ValueError, match="no picture is given"):
        predict.predict(trained, [])


@pytest.mark.parametrize("detector", ["none", "cascade"])
def test_a_tiff_and_a_heic_of_a_turned_camera_are_judged_as_the_upright_picture(model, faces, tmp_path, detector):
    page = wide(faces[:1], [(250, 120)])
    page.save(tmp_path / "upright.png")
    page.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.tif", tiffinfo={0x0112: 6})
    upright, turned = (predict.predict(model, [tmp_path / n], detector=detector) for n in ("upright.png", "turned.tif"))
    np.testing.assert_allclose(turned["predicted"], upright["predicted"], rtol=1e-6)
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(page).save(tmp_path / "IMG.HEIC", quality=98)
    heic = predict.predict(model, [tmp_path], detector=detector).set_index("path")
    assert heic.loc[str(tmp_path / "IMG.HEIC"), "predicted"] == pytest.approx(upright["predicted"][0], abs=3)


@pytest.mark.parametrize("detector", ["none", "cascade"])
def test_a_picture_in_memory_is_told_what_its_file_is_told(model, trained, detector):
    paths = files(trained)[:3]
    of_files = predict.predict(model, paths, detector=detector)
    bare, named = paths[0].read_bytes(), io.BytesIO(paths[1].read_bytes())
    named.name = "second.jpg"
    of_memory = predict.predict(model, [bare, named, paths[2]], detector=detector)
    assert of_memory["path"].drop_duplicates().tolist() == ["the picture", "second.jpg", str(paths[2])]
    left_out = ["path", "problem"]
    pd.testing.assert_frame_equal(of_memory.drop(columns=left_out), of_files.drop(columns=left_out))
    broken = predict.predict(model, [b"no picture", b""], detector=detector)
    assert broken["problem"].tolist() == ["the picture: not a picture", "the picture: empty file"]


@pytest.mark.parametrize("detector", ["none", "cascade"])
def test_pictures_beyond_one_batch_keep_their_order(model, trained, detector, monkeypatch):
    whole = predict.predict(model, files(trained), detector=detector)
    monkeypatch.setattr(predict, "BATCH", 3)
    parted = predict.predict(model, files(trained), detector=detector)
    assert parted["path"].tolist() == whole["path"].tolist()
    np.testing.assert_allclose(parted["predicted"], whole["predicted"], rtol=1e-4)


def test_every_face_of_a_picture_has_a_row_from_left_to_right(model, faces, tmp_path):
    places = [(420, 180), (60, 90)]
    wide(faces, places).save(tmp_path / "two.png")
    table = predict.predict(model, [tmp_path / "two.png"], detector="cascade")
    assert table["face"].tolist() == [1, 2]
    assert table["path"].tolist() == 2 * [str(tmp_path / "two.png")]
    boxes = np.array([list(map(float, box.split())) for box in table["box"]])  # [2, 4]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    # A drawn face lies at 50 % from the left and about 57 % from the top of its own picture.
    np.testing.assert_allclose(middles, [(60 + 80, 90 + 91), (420 + 80, 180 + 91)], atol=12)


def test_faces_in_whole_pictures_are_cut_out_as_the_training_pictures_were(model):
    """The frame that was measured is nearer to the aligned crops than one of more, of less, or UTKFace's own."""
    look, pages, boxes, crops = face_crop.finder("cascade"), [], [], []
    for face in draw_faces(range(10), 30, size=160, seed=5, plain=True):
        page = wide([face], [(250, 120)])
        found = look(page)
        if len(found) == 1:
            pages.append(page)
            boxes.append(found[0])
            crops.append(np.asarray(Image.fromarray(face).resize((32, 32), Image.Resampling.BICUBIC)))
    assert len(pages) >= 7
    crops = np.stack(crops).transpose(0, 3, 1, 2).astype(float)

    def apart(frame):
        cuts = [face_crop.cut_out(page, box, frame, 32) for page, box in zip(pages, boxes, strict=True)]
        middle = np.s_[:, :, 8:-8, 8:-8]  # around it the crop's background ends and the page begins
        return np.abs(np.stack(cuts).astype(float) - crops)[middle].mean()

    measured, margin = apart(model.frame), model.frame.margin
    for other in (replace(model.frame, margin=m) for m in (margin - 0.2, margin + 0.2)):
        assert measured < 0.75 * apart(other)
    assert measured < 0.6 * apart(face_crop.UTKFACE)


def test_an_exact_frame_gives_the_exact_picture(faces, tmp_path):
    """A box whose frame is the whole aligned crop: cutting it out of a wide picture is reading the crop's file."""
    frame = deploy.Frame(margin=0.5)
    for zoom, grey in ((1.0, False), (1.6, True)):
        cut = face_crop.cut_out(wide(faces[:1], [(250, 120)]), (290, 160, 370, 240), frame, 32, grey, zoom)
        Image.fromarray(faces[0]).save(tmp_path / "crop.png")
        read = read_picture(tmp_path / "crop.png", 32, grey, zoom)
        assert cut.shape == read.shape
        # At the crop's own border the wide picture goes on where the file ends.
        np.testing.assert_allclose(cut[:, 2:-2, 2:-2].astype(int), read[:, 2:-2, 2:-2].astype(int), atol=1)


def test_beyond_the_pictures_edge_the_edge_is_repeated():
    page = Image.new("RGB", (40, 40), (200, 100, 50))
    cut = face_crop.cut_out(page, (20, 0, 60, 40), deploy.Frame(margin=1.0), 8)
    np.testing.assert_array_equal(cut, np.broadcast_to(np.uint8([200, 100, 50])[:, None, None], (3, 8, 8)))


@pytest.mark.parametrize(("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)])
def test_a_camera_held_otherwise_changes_nothing(model, faces, tmp_path, orientation, turn):
    page = wide(faces[:1], [(250, 120)])
    page.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = orientation
    page.transpose(turn).save(tmp_path / "turned.png", exif=exif)
    upright, turned = (
        predict.predict(model, [tmp_path / name], detector="cascade") for name in ("upright.png", "turned.png")
    )
    assert turned["box"].tolist() == upright["box"].tolist()
    np.testing.assert_allclose(turned["predicted"], upright["predicted"], rtol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3)])
def test_the_oddest_picture_is_only_one_without_a_face(model, tmp_path, size):
    Image.new("L", size).save(tmp_path / "odd.png")
    table = predict.predict(model, [tmp_path / "odd.png"], detector="cascade")
    assert "no face found" in table["problem"][0]


def test_an_eye_or_a_mouth_within_a_face_is_no_face():
    boxes = np.array([[70.0, 70, 90, 90], [0, 0, 100, 100], [200, 0, 260, 60], [290, 0, 330, 40]])
    kept = face_crop._without_parts(boxes, (300, 120))  # the last one's middle is beyond the picture
    np.testing.assert_array_equal(kept, [[0, 0, 100, 100], [200, 0, 260, 60]])


def test_a_detector_that_the_model_does_not_know_is_refused(model, trained, monkeypatch):
    with pytest.raises(ValueError, match="knows where the detector cascade finds faces, not insightface"):
        predict.predict(model, files(trained)[:1], detector="insightface")
    hopeless = deploy.Frame(margin=0.1, pictures=64, found=0.02)
    with pytest.raises(ValueError, match="finds a face in 2 % of the pictures"):
        predict.predict(deploy.of_run(trained, hopeless), files(trained)[:1], detector="cascade")


def test_the_command_prints_a_row_a_picture(trained, capsys):
    paths = [str(path) for path in files(trained)[:2]]
    assert main(["predict", "--run", trained.folder.name, "--no-detect", "--format", "csv", *paths]) == 0
    out = capsys.readouterr()
    lines = out.out.strip().splitlines()
    assert lines[0] == COLUMNS
    table = pd.read_csv(io.StringIO(out.out))
    assert table["path"].tolist() == paths
    np.testing.assert_allclose(table["age"], trained.predictions["predicted"][:2], atol=0.006)
    assert table["gender"].tolist() == trained.predictions["predicted_gender"][:2].tolist()
    assert table["age_group"].tolist() == trained.predictions["predicted_age_group"][:2].tolist()
    assert (table["age_low"] <= table["age"]).all() and (table["age"] <= table["age_high"]).all()
    assert table["ethnicity"].isna().all()  # it was not trained for it
    assert "drawn faces" in out.err


def test_a_model_finds_faces_says_where_there_is_none_and_goes_on(exported, faces, tmp_path, capsys):
    wide(faces, [(420, 180), (60, 90)]).save(tmp_path / "a_two.jpg", quality=95)
    Image.fromarray(draw_scene(4, 200, "landscape")).save(tmp_path / "b_landscape.png")
    (tmp_path / "c_broken.jpg").write_bytes((tmp_path / "a_two.jpg").read_bytes()[:3000])
    (tmp_path / "d_empty.jpg").touch()
    assert main(["predict", "--model", str(exported), "--format", "csv", str(tmp_path)]) == 0
    out = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out.out))
    assert list(table) == COLUMNS.split(",")
    names = ["a_two.jpg", "a_two.jpg", "b_landscape.png", "c_broken.jpg", "d_empty.jpg"]
    assert table["path"].tolist() == [str(tmp_path / name) for name in names]
    assert table["age"].notna().tolist() == [True, True, False, False, False]
    assert f"{tmp_path / 'b_landscape.png'}: no face found" in out.err
    assert f"{tmp_path / 'd_empty.jpg'}: empty file" in out.err
    assert f"{tmp_path / 'c_broken.jpg'}: " in out.err
    assert main(["predict", "--model", str(exported), str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "90 % interval" in shown and "no face found" in shown and "empty file" in shown
    landscape = ["predict", "--model", str(exported), str(tmp_path / "b_landscape.png")]
    assert main(landscape) == 1
    assert main([*landscape, "--no-detect"]) == 0


def test_without_a_name_the_model_that_comes_with_the_book_answers(exported, trained, capsys, monkeypatch, tmp_path):
    from agelib.deploy import shipped

    picture = str(files(trained)[0])
    monkeypatch.setattr(shipped, "SHIPPED", exported)
    assert main(["predict", "--no-detect", picture]) == 0
    assert picture in capsys.readouterr().out
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    assert main(["predict", "--no-detect", picture]) == 2
    assert "name a finished run" in capsys.readouterr().err


def test_onnx_prints_what_torch_prints(exported, trained, capsys):
    words = ["predict", "--model", str(exported), "--no-detect", "--format", "csv", *map(str, files(trained))]
    assert main(words) == 0
    torchs = capsys.readouterr().out
    assert main([*words, "--onnx"]) == 0
    onnxs = capsys.readouterr().out
    one, other = (pd.read_csv(io.StringIO(text)) for text in (torchs, onnxs))
    np.testing.assert_allclose(other["age"], one["age"], atol=0.011)
    assert other["gender"].tolist() == one["gender"].tolist()


def test_a_margin_can_be_given(exported, faces, tmp_path, capsys):
    wide(faces[:1], [(250, 120)]).save(tmp_path / "one.png")
    words = ["predict", "--model", str(exported), "--format", "csv", str(tmp_path)]
    ages = []
    for more in ([], ["--margin", "1.5"]):
        assert main([*words, *more]) == 0
        ages.append(pd.read_csv(io.StringIO(capsys.readouterr().out))["age"].item())
    assert ages[0] != ages[1]
    assert main([*words, "--margin", "-2"]) == 2
    assert "margin is a finite share of the face box above -0.5, not -2.0" in capsys.readouterr().err


def test_a_validation_part_that_is_too_small_for_an_interval_is_said_to_be(exported, trained, capsys):
    words = ["predict", "--model", str(exported), "--no-detect", "--level", "0.95", str(files(trained)[0])]
    assert main(words) == 0
    out = capsys.readouterr()
    assert "no intervals: the run's validation part is too small for 95 %" in out.err
    assert "interval" not in out.out


def test_a_run_without_an_age_leaves_its_columns_empty(tmp_path, faces, capsys):
    run = runs.run(Experiment.of(**SMALL | {"tasks": ("gender",)}), progress=False)
    Image.fromarray(faces[0]).save(tmp_path / "one.png")
    words = ["predict", "--run", str(run.folder), "--no-detect", str(tmp_path), "--format"]
    assert main([*words, "csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table.notna().iloc[0].tolist() == [True, False, False, False, False, True, False]
    assert main([*words, "table"]) == 0
    assert "interval" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--run", "no-such-run", "PICTURE"], "no-such-run holds no finished run"),
        (["--model", "/no/such/model", "PICTURE"], "/no/such/model holds no model"),
        (["--model", "MODEL", "PICTURE", "--no-detect", "--level", "0.42"], "0.5, 0.8, 0.9, 0.95, not of 0.42"),
        (
            ["--model", "MODEL", "PICTURE", "--detector", "eyes"],
            "knows where the detector cascade finds faces, not eyes",
        ),
    ],
)
def test_what_is_not_there_is_named(exported, trained, words, reason, capsys):
    places = {"MODEL": str(exported), "PICTURE": str(files(trained)[0])}
    assert main(["predict", *(places.get(word, word) for word in words)]) == 2
    assert reason in capsys.readouterr().err
