"""The wheel works outside the checkout: data files inside."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import cli

ROOT = Path(cli.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_carries_scheme_training_data_and_model(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for expected in (
        "cli.py",
        "classifier/data/labeled/domains.toml",
        "classifier/data/labeled/corpus/platform.csv",
        "classifier/data/models/default/manifest.json",
        "classifier/data/models/default/coefficients.npy",
        "classifier/data/models/default/profile.json",
    ):
        assert expected in names


def test_installed_wheel_labels_a_text_elsewhere(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel]
    subprocess.run(install, check=True, capture_output=True)
    command = [tmp_path / "venv" / "bin" / "gonglian", "classify", "工业机器人的研发、生产和销售"]
    found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert found.stdout.split("\t")[1] == "smart_equipment"
