import csv
import io
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

from classifier.artifact import Model
from classifier.domains import Scheme, load_scheme
from classifier.labels import Example, read_examples
from classifier.model import read_settings, train
from classifier.resources import labeled_folder
from classifier.scoring import Scorer, load_scorer
from classifier.text import load_dictionary
from cli import main

settings.register_profile("unhurried", deadline=None)  # timings belong in bench/
settings.load_profile("unhurried")

ROBOT = "工业机器人、协作机器人及机器视觉检测设备的研发、生产和销售"
BAKERY = "连锁面包烘焙门店，主营蛋糕、面包与咖啡饮品的现场制作和零售"
FIREWALL = "为企业提供防火墙、入侵检测、终端安全与态势感知等网络安全产品和服务"


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory):
    """Tests keep their dictionary cache to themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GONGLIAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def scheme() -> Scheme:
    return load_scheme()


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return load_scorer()


@pytest.fixture(scope="session")
def few_examples() -> list[Example]:
    """Sixty texts a label: enough to train on in seconds."""
    examples = read_examples(labeled_folder() / "corpus")
    return [e for code in load_scheme().codes for e in [e for e in examples if e.label == code][:60]]


@pytest.fixture(scope="session")
def small_model(few_examples, scheme) -> Model:
    settings = read_settings(labeled_folder() / "settings.toml")
    return train(few_examples, scheme, load_dictionary(()), (), settings, name="small")


@pytest.fixture
def labeled_copy(tmp_path) -> Path:
    """A copy of labeled/ that a test may spoil."""
    return Path(shutil.copytree(labeled_folder(), tmp_path / "labeled"))


@pytest.fixture
def run():
    """Run the command line in this process; stdin may be bytes."""

    def invoke(*arguments: object, stdin: bytes | str | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)

    return invoke


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine without a Chinese font."""
    from matplotlib import font_manager

    from classifier import fonts

    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
    monkeypatch.setattr(fonts, "PACKAGED", ())
