"""Published splits: the known leak is found, and what a name alone is worth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error

from agebook.build.chapters import REPOSITORY
from agelib.data import splits
from agelib.data.sources import split_lists
from agelib.experiments.published import split_audit
from agelib.runtime import workspace

ROWS = [
    ("30_Ann_Bee_0001.jpg", 30, "Ann_Bee", "train"),
    ("34_Ann_Bee_0002.jpg", 34, "Ann_Bee", "train"),
    ("50_Cy_Dee_0001.jpg", 50, "Cy_Dee", "train"),
    ("60_Eve_Fox_0001.jpg", 60, "Eve_Fox", "valid"),
    ("33_Ann_Bee_0003.jpg", 33, "Ann_Bee", "test"),
    ("61_Eve_Fox_0002.jpg", 61, "Eve_Fox", "test"),
    ("20_Gil_Hay_0001.jpg", 20, "Gil_Hay", "test"),
    ("52_Cy_Dee_0002.jpg", 52, "Cy_Dee", "test"),
]


@pytest.fixture
def lists(tmp_path):
    """CACD, MORPH-2 and UTKFace lists in the published form: of four test pictures two show somebody in training."""
    for part in ("train", "valid", "test"):
        cacd = [f"{i},{path},{age - 14}" for i, (path, age, _, where) in enumerate(ROWS) if where == part]
        (tmp_path / f"cacd_{part}.csv").write_text("\n".join([",file,age", *cacd]) + "\n")
        morph = []
        for i, (_, age, name, where) in enumerate(ROWS):
            number = 100000 + [row[2] for row in ROWS].index(name)
            if where == part:
                morph.append(f"{number}_{i}M{age}.jpg,{number},{i},B,1,,{age - 16},,GOOD")
        head = ",id_num,picture_num,race,Male,facial_hair,age,glasses,quality"
        (tmp_path / f"morph2_{part}.csv").write_text("\n".join([head, *morph]) + "\n")
    for part, names in UTK.items():
        lines = [f"{i},{name},{int(name[:2]) - 21}" for i, name in enumerate(names)]
        (tmp_path / f"utk_{part}.csv").write_text("\n".join([",file,age", *lines]) + "\n")
    return tmp_path


#: Six pictures; the first of each part have the same bytes and another age, the second the same bytes and age.
UTK = {
    "train": [f"{age}_0_1_2017011716320385{i}.jpg.chip.jpg" for i, age in enumerate((30, 40, 50))],
    "test": [f"{age}_0_1_2017011816320385{i}.jpg.chip.jpg" for i, age in enumerate((31, 40, 25, 26))],
}


@pytest.fixture
def utkface(tmp_path):
    """UTKFace with all pictures of the list but the last, and one that is not listed."""
    from PIL import Image

    def noise(seed):
        small = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        return Image.fromarray(np.kron(small, np.ones((4, 4, 1), np.uint8)))

    folder = tmp_path / "UTKFace"
    folder.mkdir()
    for others, names in enumerate(UTK.values()):
        for i, name in enumerate(names[:3]):
            noise(i if i < 2 else 10 + others).save(folder / name)
    noise(5).save(folder / "70_0_1_20170119163203851.jpg.chip.jpg")
    return folder


def test_who_is_in_training_is_counted_and_nobody_is_named(lists):
    found = split_audit.audit(split_lists.read("cacd", lists).faces, resamples=50)
    leaks = {(row["part"], row["other"]): row for row in found["leaks"]}
    assert leaks["test", "train"]["percent"] == 50
    assert (leaks["test", "train"]["pictures"], leaks["test", "train"]["groups"]) == (2, 2)
    assert leaks["test", "valid"]["percent"] == 25
    assert leaks["valid", "train"]["percent"] == 0
    assert found["parts"] == {"train": 3, "valid": 1, "test": 4}
    assert found["people"] == 4 and found["ages"] == [20, 61]
    assert not any(row[2] in str(found) for row in ROWS)


def test_the_name_alone_is_the_persons_mean_training_age(lists):
    faces = split_lists.read("cacd", lists).faces
    told = split_audit.name_alone(faces).set_index("path")["predicted"]
    assert told["33_Ann_Bee_0003.jpg"] == 32
    assert told["52_Cy_Dee_0002.jpg"] == 50
    # Strangers get the median of 30, 34 and 50; whom only the validation part shows is a stranger too.
    assert told["61_Eve_Fox_0002.jpg"] == told["20_Gil_Hay_0001.jpg"] == 34
    worth = split_audit.audit(faces, resamples=50)["as_published"]
    assert worth["percent_known"] == 50
    assert worth["name_alone"]["value"] == pytest.approx((1 + 2 + 27 + 14) / 4)
    assert worth["difference"]["value"] == pytest.approx((1 + 2 + 27 + 14) / 4 - (1 + 18 + 27 + 14) / 4)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(8, 30))
def test_split_by_person_a_name_is_worth_the_median(seed, people):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, people, 120)
    faces = pd.DataFrame({"path": [f"{i:03d}.jpg" for i in range(120)], "age": rng.integers(16, 70, 120)})
    faces["identity"] = [f"P{number}" for number in who]
    faces["split"] = rng.choice(["train", "valid", "test"], 120, p=[0.6, 0.2, 0.2])
    found = split_audit.audit(faces, resamples=0)["by_person"]
    assert found["percent_known"] == 0
    assert found["difference"]["value"] == 0


def test_the_median_is_scikit_learns_dummy(lists):
    faces = split_lists.read("morph2", lists).faces
    train, test = (faces["age"][faces["split"] == part].to_numpy() for part in ("train", "test"))
    dummy = DummyRegressor(strategy="median").fit(np.zeros((len(train), 1)), train)
    found = split_audit.audit(faces, resamples=0)["as_published"]["always_the_median_age"]["value"]
    assert found == pytest.approx(mean_absolute_error(test, dummy.predict(np.zeros((len(test), 1)))))


def test_without_people_a_name_is_nothing(lists):
    faces = split_lists.read("utkface", lists).faces
    with pytest.raises(ValueError, match="identity is recorded"):
        split_audit.name_alone(faces)
    assert "as_published" not in split_audit.audit(faces)
    named = split_lists.read("cacd", lists).faces
    with pytest.raises(ValueError, match="3 training and 0 test"):
        split_audit.name_alone(named[named["split"] != "test"])


def test_copies_on_both_sides_are_found_in_the_pictures(lists, utkface, tmp_path):
    found = split_audit.audit_public_lists(lists, utkface, folder=tmp_path, progress=False)
    audited = found["splits"]["utkface"]
    exact = next(row for row in audited["leaks"] if row["kind"] == "exact duplicate")
    assert (exact["pictures"], exact["groups"]) == (2, 2)
    assert exact["percent"] == pytest.approx(100 * 2 / 3)
    assert (audited["pictures"], audited["listed"], audited["copies_with_another_age"]) == (6, 7, 1)
    files = found["utkface_files"]
    assert files["files"] == 7
    assert files["exact"] == {"groups": 2, "pictures": 4, "contradicting": 1, "largest_difference": 1.0}
    assert workspace.read_json(tmp_path / "leaks_in_the_wild.json") == found


def test_other_lists_have_another_key(lists):
    before = split_audit.audit_public_lists(lists)
    assert before == split_audit.audit_public_lists(lists)
    assert "utkface" not in before["splits"]
    file = lists / "cacd_train.csv"
    file.write_text(file.read_text().replace("30_Ann_Bee_0001.jpg,16", "31_Ann_Bee_0001.jpg,17"))
    assert split_audit.audit_public_lists(lists)["provenance"]["key"] != before["provenance"]["key"]


@pytest.mark.parametrize(("name", "percent"), [("morph2", "94.2"), ("cacd", "100.0")])
def test_the_real_lists_leak_as_stated(real_data, name, percent):
    faces = split_lists.read(name, real_data / "split-lists").faces
    table = splits.audit(faces).table.set_index(["part", "other"])
    assert f"{100 * table.loc[('test', 'train'), 'share']:.1f}" == percent
    with pytest.raises(splits.LeakError, match=f"{percent} % of the test pictures"):
        splits.require_no_leak(splits.audit(faces))


def test_the_stored_reference_says_the_same(real_data):

    stored = workspace.read_json(REPOSITORY / "data" / "reference" / "leaks_in_the_wild.json")
    again = split_audit.audit_public_lists(real_data / "split-lists")
    for name in ("morph2", "cacd"):
        assert stored["splits"][name]["leaks"] == again["splits"][name]["leaks"]
        for how in ("as_published", "by_person"):
            for learner, numbers in again["splits"][name][how].items():
                assert stored["splits"][name][how][learner] == pytest.approx(numbers), (name, how, learner)
    assert stored["provenance"]["key"] == again["provenance"]["key"]
