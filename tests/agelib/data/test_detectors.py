"""Face detectors: faces are found, scenes are not, and what is missing is said with its remedy."""

import sys

import numpy as np
import pytest
from PIL import Image

from agelib import drawn
from agelib.data import detectors
from agelib.data.table import table


def write(root, images, start: str = "") -> list[str]:
    names = [f"{start}{number}.jpg" for number in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(root / name, quality=90)
    return names


def detect(root, names: list[str], detector: str = "cascade", **options):
    return detectors.detect(table(path=names), root, detector, progress=False, **options)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    ages = np.random.default_rng(0).uniform(0, 95, 120)
    return root, write(root, drawn.draw_faces(range(500, 620), ages, size=128))


def test_the_cascade_finds_nine_in_ten_clean_drawn_faces(faces):
    found = detect(*faces)
    assert found["found"].mean() >= 0.90
    assert found["readable"].all()
    assert (found["faces_found"].gt(0) == found["found"]).all()
    assert (found["box"].notna() == found["found"]).all()


def test_the_cascade_finds_a_face_in_at_most_one_scene_of_twenty(tmp_path):
    scenes = [drawn.draw_scene((1, number), 128) for number in range(100)]
    assert detect(tmp_path, write(tmp_path, scenes))["found"].mean() <= 0.05


def test_a_box_is_in_shares_of_the_sides_around_the_face(tmp_path):
    page = np.full((256, 256, 3), 120, np.uint8)
    page[128:, :128] = drawn.draw_faces([3], 30, size=128, plain=True)[0]
    Image.fromarray(page).save(tmp_path / "page.png")
    found = detect(tmp_path, ["page.png"])
    left, top, right, bottom = map(float, found["box"][0].split())
    assert -0.05 <= left < right <= 0.55
    assert 0.45 <= top < bottom <= 1.05
    assert right - left > 0.2


def test_what_was_found_is_remembered_by_content(faces, monkeypatch):
    root, names = faces
    before = detect(root, names)
    monkeypatch.setattr(detectors, "read_picture", lambda *a: pytest.fail("looked again"))
    after = detect(root, names)
    assert after.equals(before)
    shifted = detectors.detect(table(path=names).set_axis(np.arange(120) + 5), root, progress=False)
    assert shifted.index.tolist() == list(range(5, 125))


def test_another_content_is_looked_at_anew(tmp_path):
    name = write(tmp_path, drawn.draw_faces([3], 30, size=128, plain=True))
    assert detect(tmp_path, name)["found"].all()
    write(tmp_path, [drawn.draw_scene(1, 128, "stripes")])
    assert not detect(tmp_path, name)["found"].any()


def test_one_thread_and_four_find_the_same(faces, monkeypatch, tmp_path):
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "a"))
    one = detect(*faces, jobs=1)
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path / "b"))
    assert detect(*faces, jobs=4).equals(one)


@pytest.mark.parametrize("detector", ["cascade", "none"])
def test_files_that_are_no_pictures_show_no_face(tmp_path, detector):
    (tmp_path / "text.jpg").write_text("Dear reader")
    (tmp_path / "nothing.jpg").write_bytes(b"")
    found = detect(tmp_path, ["text.jpg", "nothing.jpg", "missing.jpg"], detector)
    assert not found["readable"].any() and not found["found"].any()
    assert (found["faces_found"] == 0).all()


def test_no_detector_takes_every_readable_picture_for_a_face(tmp_path):
    names = write(tmp_path, [drawn.draw_scene(1, 64)])
    found = detect(tmp_path, names, "none")
    assert found["found"].all() and found["faces_found"].tolist() == [1]


def test_cmyk_grey_and_16_bit_pictures_are_looked_at_like_others(tmp_path):
    face = Image.fromarray(drawn.draw_faces([3], 30, size=128, plain=True)[0])
    face.convert("CMYK").save(tmp_path / "cmyk.jpg")
    face.convert("L").save(tmp_path / "grey.jpg")
    Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257).save(tmp_path / "16.png")
    assert detect(tmp_path, ["cmyk.jpg", "grey.jpg", "16.png"])["found"].all()


def test_an_unknown_detector_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one of cascade, insightface, none, not 'cascad'"):
        detect(tmp_path, ["a.jpg"], "cascad")


def test_insightface_without_its_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "insightface", None)  # importing it now fails, installed or not
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    with pytest.raises(RuntimeError, match=r"not installed: run pip install.*insightface.*detector='cascade'"):
        detect(tmp_path, write(tmp_path, [drawn.draw_scene(1, 32)]), "insightface")


def test_insightface_without_weights_says_where_they_belong(tmp_path, monkeypatch):
    class Package:
        FaceAnalysis = None

    monkeypatch.setitem(sys.modules, "insightface", Package)
    monkeypatch.setitem(sys.modules, "insightface.app", Package)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"no weights: there is no det_\*.onnx in .*buffalo_l.*licence"):
        detect(tmp_path, write(tmp_path, [drawn.draw_scene(1, 32)]), "insightface")


def test_a_detector_of_ones_own_is_asked_each_time(tmp_path, monkeypatch):
    names = write(tmp_path, [drawn.draw_scene(1, 32)])
    whole = [np.array([[0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.2]])]
    monkeypatch.setitem(detectors.DETECTORS, "mine", lambda: lambda picture: whole[0])
    assert detect(tmp_path, names, "mine")["faces_found"].tolist() == [2]
    assert detect(tmp_path, names, "mine")["box"].tolist() == ["0.0000 0.0000 1.0000 1.0000"]
    whole[0] = np.empty((0, 4))
    assert not detect(tmp_path, names, "mine")["found"].any()


def test_an_interrupted_detection_goes_on_where_it_was(faces, tmp_path, monkeypatch):
    root, names = faces[0], faces[1][:24]
    expected = detect(root, names)
    monkeypatch.setenv("AGELIB_HOME", str(tmp_path))
    monkeypatch.setattr(detectors, "PICTURES_AT_A_TIME", 10)
    read_picture, read = detectors.read_picture, []

    def read_some(path, size):
        if path.name == names[15]:
            raise KeyboardInterrupt
        return read_picture(path, size)

    monkeypatch.setattr(detectors, "read_picture", read_some)
    with pytest.raises(KeyboardInterrupt):
        detect(root, names, jobs=1)
    monkeypatch.setattr(
        detectors, "read_picture", lambda path, size: read.append(path.name) or read_picture(path, size)
    )
    assert detect(root, names, jobs=1).equals(expected)
    assert read == names[10:]
    assert not list((tmp_path / "detections").glob(".*.partial"))
