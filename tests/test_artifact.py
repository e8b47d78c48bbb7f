import json
import random
from dataclasses import replace

import numpy as np
import pytest

from classifier.artifact import load_model, read_held_out, save_model
from classifier.errors import ArtifactError, OutputError
from classifier.labels import read_examples
from classifier.model import read_settings, train
from classifier.resources import labeled_folder, model_folder
from classifier.text import load_dictionary


@pytest.fixture
def folder(small_model, tmp_path):
    save_model(small_model, tmp_path / "model")
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was_saved(small_model, folder, scheme):
    found = load_model(folder, scheme)
    assert found.labels == small_model.labels
    assert [b.vocabulary for b in found.blocks] == [b.vocabulary for b in small_model.blocks]
    np.testing.assert_array_equal(found.coefficients, small_model.coefficients)
    np.testing.assert_array_equal(found.bias, small_model.bias)
    assert (found.slope, found.lexicon) == (small_model.slope, small_model.lexicon)


def test_saving_twice_gives_the_same_bytes(small_model, folder, tmp_path):
    save_model(small_model, tmp_path / "again")
    files = sorted(path.name for path in folder.iterdir())
    assert files == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


def test_no_file_of_a_model_is_code(folder):
    assert {path.suffix for path in folder.iterdir()} == {".npy", ".json"}
    for path in folder.glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_any_flipped_byte_is_refused(folder, scheme):
    chosen = random.Random(0)
    for path in sorted(folder.iterdir()):
        original = path.read_bytes()
        for _ in range(12):
            place = chosen.randrange(len(original))
            path.write_bytes(
                original[:place] + bytes([original[place] ^ 1 << chosen.randrange(8)]) + original[place + 1 :]
            )
            with pytest.raises(ArtifactError, match="model") as refused:
                load_model(folder, scheme)
            assert "\n" not in str(refused.value)
        path.write_bytes(original)
    load_model(folder, scheme)


def test_missing_array_is_named(folder, scheme):
    (folder / "idf.npy").unlink()
    with pytest.raises(ArtifactError, match=r"idf\.npy: cannot be read"):
        load_model(folder, scheme)


def test_another_scheme_is_refused(folder, scheme):
    with pytest.raises(ArtifactError, match=r"model of scheme AII-2020 .*, expected scheme AII-2021"):
        load_model(folder, replace(scheme, version="AII-2021"))


def test_unknown_format_version_is_refused(folder, scheme):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "format": 99}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="format 99, this version reads format 1"):
        load_model(folder, scheme)


def test_an_array_of_objects_is_never_unpickled(folder, scheme, tmp_path):
    np.save(folder / "bias.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        load_model(folder, scheme)


def test_opinions_of_models_that_did_not_see_a_text_are_kept(few_examples, scheme, tmp_path):
    """They are those on which the model's calibration rests: of the training texts, right nearly always, never sure."""
    settings, kept = read_settings(labeled_folder() / "settings.toml"), []
    model = train(few_examples, scheme, load_dictionary(()), (), settings, name="small", keep=kept.append)
    save_model(model, tmp_path / "model", kept[0])
    found = [read_held_out(tmp_path / "model", model.labels, example.id) for example in few_examples]
    assert all(list(opinion) == list(model.labels) for opinion in found)
    assert all(sum(opinion.values()) == pytest.approx(1, abs=0.01) for opinion in found)
    right = [max(opinion, key=opinion.get) == e.label for opinion, e in zip(found, few_examples, strict=True)]
    assert np.mean(right) == pytest.approx(model.record["held_out_folds"]["accuracy"], abs=0.01)
    assert read_held_out(tmp_path / "model", model.labels, "nobody") is None


def test_without_kept_opinions_there_is_none(folder, small_model):
    assert read_held_out(folder, small_model.labels, "c0") is None


def test_damaged_opinions_are_named(folder, small_model):
    (folder / "held_out.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ArtifactError, match=r"held_out\.npy: is damaged"):
        read_held_out(folder, small_model.labels, "c0")


def test_the_shipped_model_has_an_opinion_of_every_training_text(scorer):
    examples = read_examples(labeled_folder() / "corpus")
    assert all(read_held_out(model_folder(), scorer.facts.labels, example.id) for example in examples[::500])


def test_a_folder_without_model_is_named(tmp_path, scheme):
    with pytest.raises(ArtifactError, match="no model here"):
        load_model(tmp_path, scheme)


def test_a_folder_with_other_files_is_not_overwritten(small_model, tmp_path):
    (tmp_path / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="holds files but no model"):
        save_model(small_model, tmp_path)
    assert (tmp_path / "thesis.docx").exists()


def test_the_card_is_that_of_the_shipped_model(scorer):
    card = (model_folder() / "card.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Model card: {scorer.facts.identity}\n"), "make card"
