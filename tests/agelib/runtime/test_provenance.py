"""The record of where a number is from: written by all, read back as it was, said in one way."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from agelib.runtime import provenance
from agelib.runtime.provenance import Provenance, record

REPOSITORY = Path(__file__).resolve().parents[3]
KEPT = sorted(REPOSITORY.glob("data/reference/**/environment.json"))
KEPT += [REPOSITORY / "data" / "reference" / f"{name}_cpu.json" for name in ("throughput", "shipping")]


def test_a_record_survives_json():
    made = record("numpy", device="cpu", data="drawn", drawn=True, pictures={"train": 3, "test": 1}, epochs=4)
    assert Provenance.of(json.loads(json.dumps(made.as_dict()))) == made
    assert made.details == {"epochs": 4}
    assert made.versions["numpy"] == metadata.version("numpy")
    assert made.device == f"cpu ({made.processor})" and made.threads >= 1
    assert record().device is None and "device" not in record().as_dict()


def test_what_is_false_or_none_of_it_is_known():
    assert Provenance(drawn=False, seed=0).as_dict() == {"drawn": False, "seed": 0}
    assert Provenance(seed=0).facts() == ["seed 0"]


def test_facts_come_in_the_order_asked_and_what_is_unknown_is_not_said():
    made = Provenance(
        pictures={"valid": 1000, "test": 3, "train": 2},
        device="cpu (a)",
        seed=7,
        versions={"timm": "1", "torch": "2.14"},
        details={"image_size": 64, "augmentation": ["flip", "light"], "only": ""},
    )
    assert made.facts("device", "precision", "torch") == ["cpu (a)", "torch 2.14"]
    assert made.facts("pictures") == ["2 train, 1,000 valid, 3 test pictures"]
    assert Provenance(pictures=4000).facts() == ["4,000 pictures"]
    said = str(made)
    assert "image size 64, augmentation flip, light" in said and "only" not in said and "timm 1" in said


def test_a_library_that_is_not_there_has_no_version(monkeypatch):
    assert "no-such-library" not in provenance.versions("no-such-library", "numpy")

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert provenance.version() == "not installed"


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_kept_record_has_versions_and_is_written_as_it_was_read(file):
    kept = json.loads(file.read_text(encoding="utf-8"))
    made = Provenance.of(kept)
    assert made.as_dict() == kept
    assert {"python", "torch"} <= set(made.versions) and made.device and made.threads
