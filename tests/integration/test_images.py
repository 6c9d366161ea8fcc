"""The parts of dev/images that work without a build."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dev.cache import CHECKOUT
from dev.images import _chart_overlay, recipes
from dev.images.recipes import Image, ImageError, bot_image, store_images


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one image, `shop`, based on `some:1`."""
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
    (image,) = store_images()
    return image


def test_image_has_build_time_and_base_images_of_its_dockerfile(images: Path) -> None:
    assert only().seconds == 7
    assert {argument: base.name for argument, base in only().bases.items()} == {"BASE_IMAGE": "some:1"}


def test_tag_changes_only_with_inputs(images: Path) -> None:
    tags = [only().tag, only().tag]
    assert tags[0] == tags[1]
    for change in ("shop/page.html", "shop/Dockerfile", "base/finish.sh"):
        with (images / change).open("a") as file:
            file.write("# more\n")
        tags.append(only().tag)
    assert len(set(tags)) == 4
    (images / "shop/node_modules").mkdir()
    (images / "shop/node_modules/left.js").write_text("left by a manual build")
    assert only().tag == tags[-1]


def test_base_image_without_recipe_is_refused(images: Path) -> None:
    (images / "shop/Dockerfile").write_text("# Takes about 7 s.\nARG BASE_IMAGE=other:2\n")
    with pytest.raises(ImageError, match=r"other:2.*bases\.yaml"):
        store_images()


def test_dockerfile_without_build_time_is_refused(images: Path) -> None:
    (images / "shop/Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(ImageError, match="shop/Dockerfile does not state its build time"):
        store_images()


def test_overlay_contains_only_images_that_are_built() -> None:
    values = {
        "image": {"repository": "storewright/shop", "tag": "", "pullPolicy": "Always"},
        "database": {"image": {"repository": "storewright/other"}, "size": 3},
    }
    image = {"repository": "registry.example/shops/storewright/shop", "tag": "1a@sha256:2b"}
    assert _chart_overlay(values, {"shop": image}) == {"image": image}


def test_repository_starts_with_the_registry_of_the_environment(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only().repository == "storewright/shop"
    monkeypatch.setenv("REGISTRY", "registry.example/shops/")
    assert only().repository == "registry.example/shops/storewright/shop"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the inputs of the bot's image."""
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "requirements.lock", "requirements-build.lock"):
        shutil.copy(CHECKOUT / name, tmp_path)
    for name in ("bot", "provisioner", "charts"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, symlinks=True)
    monkeypatch.setattr(recipes, "CHECKOUT", tmp_path)
    return tmp_path


def test_bot_images_tag_changes_only_with_files_in_the_docker_context(checkout: Path) -> None:
    tags = [bot_image().tag]
    for change in (
        "Dockerfile",
        "requirements.lock",
        "bot/slack/app.py",
        "provisioner/clients/helm.py",
        "charts/medusa/Chart.yaml",
    ):
        with (checkout / change).open("a") as file:
            file.write("# more\n")
        tags.append(bot_image().tag)
    assert len(set(tags)) == 6
    for ignored in ("README.md", "charts/storewright/values.yaml", "bot/__pycache__/app.pyc"):
        (checkout / ignored).parent.mkdir(exist_ok=True, parents=True)
        with (checkout / ignored).open("a") as file:
            file.write("# more\n")
    assert bot_image().tag == tags[-1]


def test_store_images_include_medusa_and_postgresql() -> None:
    assert {image.name for image in store_images()} >= {"medusa", "postgresql"}
