"""The command line: every option of an experiment, generated, with reasons for what it refuses."""

import subprocess
import sys

import pytest

from agelib.__main__ import main
from agelib.config import options

TINY = ["--source", "drawn-utkface", "--pictures", "160", "--detector", "none", "--min-pictures-per-age", "1"]
SMALL = [*TINY, "--image-size", "16", "--blocks", "2", "--base-features", "4", "--epochs", "1"]


def said(*arguments):
    program = "agebook" if arguments[0] == "bench" else "agelib"
    result = subprocess.run([sys.executable, "-m", program, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def test_help_names_every_option_and_its_meaning():
    code, out, _ = said("train", "--help")
    words = " ".join(out.split())
    assert code == 0
    for option in options().values():
        assert f"--{option.name.replace('_', '-')}" in words
        assert option.meaning.split()[0] in words


HEAVY = (
    "torch",
    "pandas",
    "numpy",
    "fastai",
    "matplotlib",
    "scipy",
    "cv2",
    "PIL",
    "psutil",
    "IPython",
    "logging.config",
)


@pytest.mark.parametrize(
    "program",
    [
        "import agelib",
        "from agelib.__main__ import main\nwith contextlib.suppress(SystemExit):\n    main(['train', '--help'])",
        "from agebook.__main__ import main\nwith contextlib.suppress(SystemExit):\n    main(['grade', '1'])",
    ],
)
def test_the_package_and_the_parser_import_nothing_heavy(program):
    code = f"import contextlib, sys\n{program}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_a_run_that_is_found_done_needs_no_fastai():
    """Its import takes as long as torch's, and brings scikit-learn and SciPy."""
    code = (
        "import sys, agelib.experiments.run, agelib.deploy.predict\n"
        "print([n for n in ('fastai', 'sklearn') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_train_prints_errors_with_intervals_baselines_and_what_they_are_of(capsys):
    assert main(["train", *SMALL]) == 0
    out = capsys.readouterr().out
    assert "drawn faces, not people" in out
    assert "split subject_exclusive; seed 42" in out
    for word in ("MAE", "MSE", "R2", "low", "high", "always the mean age", "always the median age"):
        assert word in out


def test_a_study_says_which_setting_is_best(capsys):
    assert main(["study", *SMALL, "--vary", "optimiser=sgd,adam", "--vary", "learning-rate=1e-3"]) == 0
    out = capsys.readouterr().out
    assert "best on the validation part: " in out
    assert out.count("complete") == 2


def test_data_prints_each_step_of_the_cleaning(capsys):
    assert main(["data", *TINY]) == 0
    out = capsys.readouterr().out
    assert "unreadable file" in out
    assert "rare age" in out
    assert "train" in out


def test_networks_lists_names_and_sizes(capsys):
    assert main(["networks", "--pattern", "resnet*"]) == 0
    assert "11177025" in capsys.readouterr().out


def test_draw_writes_a_published_layout(tmp_path, capsys):
    assert main(["draw", "utkface", str(tmp_path / "faces"), "--pictures", "12", "--size", "64"]) == 0
    assert len(list((tmp_path / "faces").rglob("*.jpg*"))) >= 12


def test_download_without_a_name_lists_what_there_is(capsys):
    assert main(["download"]) == 0
    assert "imdb-wiki" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "--optimiser", "adamm"], "did you mean 'adam'"),
        (["train", "--network", "resnet19"], "no network 'resnet19'"),
        (["train", "--source", "utkface", "--root", "/nowhere"], "no file or folder /nowhere"),
        (["study", "--vary", "optimiser"], "--vary takes OPTION=A,B,…"),
        (["study", "--vary", "lr=1"], "no option 'lr'"),
        (
            ["study", "--vary", "epochs=1", "--workers", "-1"],
            "--workers/--jobs: takes a whole number from 0 up, not '-1'",
        ),
        (["train", "--patience", "inf"], "patience takes a whole number, not 'inf'"),
        (["train", "--processes", "0"], "--processes: takes a whole number from 1 up, not '0'"),
        (["throughput", "basic_cnn", "--batch-sizes", "8,x"], "--batch-sizes: takes a whole number from 1 up, not 'x'"),
        (["throughput", "basic_cnn", "--image-size", "-4"], "--image-size: takes a whole number from 1 up, not '-4'"),
        (["published", "best", "--seeds", "x"], "--seeds: takes a whole number from 0 up, not 'x'"),
        (["prune", "--keep-days", "nan"], "days and bytes to keep are numbers from 0"),
        (
            ["draw", "utkface", "nowhere", "--seed", "-1"],
            "with a seed from 0 up; asked for 3000 of 128 pixels with seed -1",
        ),
        (["bench", "nothing"], "there is no benchmark 'nothing'"),
        (["export", "--run", "nothing", "folder"], "nothing holds no finished run"),
        (["predict", "--model", "nothing", "picture.jpg"], "nothing holds no model"),
    ],
)
def test_what_is_refused_is_explained_without_a_traceback(arguments, reason):
    small = SMALL if arguments[0] == "train" and "--source" not in arguments else []
    code, _, err = said(*arguments, *small)
    assert code == 2
    assert reason in err
    assert "Traceback" not in err
