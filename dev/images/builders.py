"""Builds base images with mmdebstrap, and images with buildah or Docker.

Each archive is written under a temporary name and then renamed, so that a failed build leaves none."""

import resource
import shutil
import subprocess
from pathlib import Path

from dev.cache import CACHE, TOOLS
from dev.images.progress import Step, progress
from dev.images.recipes import IMAGES, BaseImage, Image, has_buildah

BASE_IMAGE_SECONDS = 20  # estimated time of a build
MAX_OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # buildah's default is too low for npm
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def build_all(images: list[Image]) -> None:
    """Build the images and their missing base images, and show the progress. Raises ImageError."""
    bases = {base.key: base for image in images for base in image.bases.values()}
    missing = [base for base in bases.values() if not base.archive.exists()]
    with progress(BASE_IMAGE_SECONDS * len(missing) + sum(image.seconds for image in images)) as step:
        for base in missing:
            _build_base_image(base, step(f"base image {base.name} from Debian packages", BASE_IMAGE_SECONDS))
        for image in images:
            build = _build_with_buildah if has_buildah() else _build_with_docker
            build(image, step(f"image {image.name}", image.seconds))


def _build_base_image(base: BaseImage, step: Step) -> None:
    recipe = base.recipe
    root, unfinished = base.archive.with_suffix(".root"), base.archive.with_suffix(".new")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    step.run(
        *("unshare", "--mount"),  # otherwise a killed build leaves /proc and /sys mounted in its folder
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        f"--variant={recipe['variant']}",
        f"--include={','.join(recipe['packages'])}",
        *(f"--dpkgopt=path-exclude={path}" for path in recipe.get("without", [])),
        *([f'--extract-hook=sh {IMAGES}/base/packages.sh "$1"'] if recipe["variant"] == "extract" else []),
        recipe.get("suite", "bookworm"),
        root,
    )
    step.run("sh", IMAGES / "base" / "finish.sh", root, recipe["user"], TOOLS, *recipe.get("tools", []))
    step.run("tar", "--create", "--file", unfinished, "--directory", root, ".")
    unfinished.rename(base.archive)
    shutil.rmtree(root)


def _build_with_buildah(image: Image, step: Step) -> None:
    """Build in a temporary storage and a private mount namespace."""
    work = image.archive.with_suffix(".new")
    for unfinished in CACHE.glob("images/*.new"):  # left by failed and killed builds
        shutil.rmtree(unfinished, ignore_errors=True)
    work.mkdir(parents=True)
    buildah: list[str | Path] = ["unshare", "--mount", "buildah"]
    buildah += ["--root", work / "storage", "--runroot", work / "run", "--storage-driver"]
    buildah += ["overlay" if _succeeds(*buildah, "overlay", "info") else "vfs"]
    for base in {base.key: base for base in image.bases.values()}.values():
        (work / "Dockerfile").write_text(f"FROM scratch\nADD {base.archive.name} /\n")
        step.run(*buildah, "bud", "-f", work / "Dockerfile", "-t", base.reference, base.archive.parent)
    chroot = ["--isolation=chroot", f"--ulimit=nofile={MAX_OPEN_FILES}"]
    arguments = [f"--build-arg={argument}={base.reference}" for argument, base in image.bases.items()]
    id_file = work / "id"  # the build gets no tag, because the archive would then name the image twice
    arguments += _contexts(image)
    step.run(*buildah, "bud", *chroot, *_host_volumes(), *arguments, "--iidfile", id_file, image.folder)
    step.run(*buildah, "push", id_file.read_text(), f"docker-archive:{work / 'image.tar'}:{image.reference}")
    (work / "image.tar").rename(image.archive)
    shutil.rmtree(work, ignore_errors=True)


def _build_with_docker(image: Image, step: Step) -> None:
    unfinished = image.archive.with_suffix(".new")
    step.run("docker", "build", *_contexts(image), "-t", image.reference, image.folder)
    step.run("docker", "save", "-o", unfinished, image.reference)
    unfinished.rename(image.archive)


def _contexts(image: Image) -> list[str]:
    """A build context for each source.

    It replaces the empty stage of the same name in the Dockerfile."""
    return [f"--build-context={source.name}={source.folder}" for source in image.sources if source.folder]


def _host_volumes() -> list[str]:
    """Volumes for a build: caches, CA certificates and the npm configuration."""
    for downloads in ("npm", "pip", "go"):
        (CACHE / downloads).mkdir(parents=True, exist_ok=True)
    volumes = {
        CACHE / "npm": "/var/cache/npm",
        CACHE / "pip": "/var/cache/pip",
        CACHE / "go": "/var/cache/go",
        CERTIFICATES: f"{CERTIFICATES}:ro",
        Path.home() / ".npmrc": "/usr/local/etc/npmrc:ro",
    }
    return [f"--volume={source}:{target}" for source, target in volumes.items() if source.exists()]


def _succeeds(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
