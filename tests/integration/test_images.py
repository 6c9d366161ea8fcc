"""What dev/images works out before anything is built: keys of inputs, stand-ins for base images, the values overlay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dev.cache import CHECKOUT
from dev.images import _built, recipes
from dev.images.recipes import Image, ImageError, known, own


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images with one in it, `shop`, which stands on the base `some:1`."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base/finish.sh").write_text("true\n")
    recipe = {"variant": "extract", "packages": ["libc6"], "user": "a:1"}
    (tmp_path / "base/bases.yaml").write_text(yaml.safe_dump({"some:1": recipe}))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/Dockerfile").write_text("# Takes about 7 s.\nARG BASE_IMAGE=some:1\nFROM ${BASE_IMAGE}\n")
    monkeypatch.setattr(recipes, "IMAGES", tmp_path)
    monkeypatch.setattr(recipes, "has_buildah", lambda: True)
    return tmp_path


def only() -> Image:
    (image,) = known()
    return image


def test_an_image_tells_its_estimate_and_its_stand_ins(images: Path) -> None:
    assert only().seconds == 7
    assert {argument: base.name for argument, base in only().bases.items()} == {"BASE_IMAGE": "some:1"}


def test_the_tag_changes_with_any_input_and_with_nothing_else(images: Path) -> None:
    tags = [only().tag, only().tag]
    assert tags[0] == tags[1]
    for change in ("shop/page.html", "shop/Dockerfile", "base/finish.sh"):
        with (images / change).open("a") as file:
            file.write("# more\n")
        tags.append(only().tag)
    assert len(set(tags)) == 4
    (images / "shop/node_modules").mkdir()
    (images / "shop/node_modules/left.js").write_text("of a build by hand")
    assert only().tag == tags[-1]


def test_a_base_that_nobody_described_is_named(images: Path) -> None:
    (images / "shop/Dockerfile").write_text("# Takes about 7 s.\nARG BASE_IMAGE=other:2\n")
    with pytest.raises(ImageError, match=r"other:2.*bases\.yaml"):
        known()


def test_an_image_without_an_estimate_is_refused(images: Path) -> None:
    (images / "shop/Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(ImageError, match="shop/Dockerfile does not say how long"):
        known()


def test_the_overlay_names_only_what_is_built_here() -> None:
    values = {
        "image": {"repository": "storewright/shop", "tag": "", "pullPolicy": "Always"},
        "database": {"image": {"repository": "storewright/other"}, "size": 3},
    }
    place = {"repository": "registry.example/shops/storewright/shop", "tag": "1a@sha256:2b"}
    assert _built(values, {"shop": place}) == {"image": place}


def test_images_are_found_within_the_registry_that_the_environment_names(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only().repository == "storewright/shop"
    monkeypatch.setenv("REGISTRY", "registry.example/shops/")
    assert only().repository == "registry.example/shops/storewright/shop"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the bot's own image is built of."""
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "requirements.lock", "requirements-build.lock"):
        shutil.copy(CHECKOUT / name, tmp_path)
    for name in ("bot", "provisioner", "charts"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, symlinks=True)
    monkeypatch.setattr(recipes, "CHECKOUT", tmp_path)
    return tmp_path


def test_the_bots_own_image_is_keyed_by_what_docker_is_given(checkout: Path) -> None:
    tags = [own().tag]
    for change in (
        "Dockerfile",
        "requirements.lock",
        "bot/slack/app.py",
        "provisioner/clients/helm.py",
        "charts/medusa/Chart.yaml",
    ):
        with (checkout / change).open("a") as file:
            file.write("# more\n")
        tags.append(own().tag)
    assert len(set(tags)) == 6
    for untold in ("README.md", "charts/storewright/values.yaml", "bot/__pycache__/app.pyc"):
        (checkout / untold).parent.mkdir(exist_ok=True, parents=True)
        with (checkout / untold).open("a") as file:
            file.write("# more\n")
    assert own().tag == tags[-1]


def test_this_checkout_has_its_images() -> None:
    assert {image.name for image in known()} >= {"medusa", "postgresql"}
