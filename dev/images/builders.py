"""How images are made: stand-ins by mmdebstrap, images by buildah or Docker, filled beside their name and renamed."""

import resource
import shutil
import subprocess
from pathlib import Path

from dev.cache import CACHE, TOOLS
from dev.images.progress import Step, steps
from dev.images.recipes import IMAGES, Base, Image, has_buildah

BASE_SECONDS = 20
OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # buildah's own default is too few for npm
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def build_all(images: list[Image]) -> None:
    """Build the images and the stand-ins they need, telling how far it is. Raises ImageError."""
    bases = {base.key: base for image in images for base in image.bases.values()}
    missing = [base for base in bases.values() if not base.archive.exists()]
    with steps(BASE_SECONDS * len(missing) + sum(image.seconds for image in images)) as step:
        for base in missing:
            _make_base(base, step(f"Debian packages for {base.name}", BASE_SECONDS))
        for image in images:
            make = _with_buildah if has_buildah() else _with_docker
            make(image, step(f"image {image.name}", image.seconds))


def _make_base(base: Base, step: Step) -> None:
    recipe = base.recipe
    root, unfinished = base.archive.with_suffix(".root"), base.archive.with_suffix(".new")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    step.run(
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


def _with_buildah(image: Image, step: Step) -> None:
    """Build in a storage of its own, thrown away at the end; its mounts are private and end with it."""
    work = image.archive.with_suffix(".new")
    for unfinished in CACHE.glob("images/*.new"):  # of builds that failed or were killed
        shutil.rmtree(unfinished, ignore_errors=True)
    work.mkdir(parents=True)
    buildah: list[str | Path] = ["unshare", "--mount", "buildah"]
    buildah += ["--root", work / "storage", "--runroot", work / "run", "--storage-driver"]
    buildah += ["overlay" if _works(*buildah, "overlay", "info") else "vfs"]
    for base in {base.key: base for base in image.bases.values()}.values():
        (work / "Dockerfile").write_text(f"FROM scratch\nADD {base.archive.name} /\n")
        step.run(*buildah, "bud", "-f", work / "Dockerfile", "-t", base.reference, base.archive.parent)
    chroot = ["--isolation=chroot", f"--ulimit=nofile={OPEN_FILES}"]
    arguments = [f"--build-arg={argument}={base.reference}" for argument, base in image.bases.items()]
    made = work / "id"  # not a tag: the archive would name the image twice
    arguments += _contexts(image)
    step.run(*buildah, "bud", *chroot, *_borrowed(), *arguments, "--iidfile", made, image.folder)
    step.run(*buildah, "push", made.read_text(), f"docker-archive:{work / 'image.tar'}:{image.reference}")
    (work / "image.tar").rename(image.archive)
    shutil.rmtree(work, ignore_errors=True)


def _with_docker(image: Image, step: Step) -> None:
    unfinished = image.archive.with_suffix(".new")
    step.run("docker", "build", *_contexts(image), "-t", image.reference, image.folder)
    step.run("docker", "save", "-o", unfinished, image.reference)
    unfinished.rename(image.archive)


def _contexts(image: Image) -> list[str]:
    """Each source takes the place of the Dockerfile's stage of its name, which is empty."""
    return [f"--build-context={source.name}={source.folder}" for source in image.sources if source.folder]


def _borrowed() -> list[str]:
    """What a build borrows of this machine: npm's and pip's downloads, whom to trust, and how npm is set up here."""
    for downloads in ("npm", "pip"):
        (CACHE / downloads).mkdir(parents=True, exist_ok=True)
    borrowed = {
        CACHE / "npm": "/var/cache/npm",
        CACHE / "pip": "/var/cache/pip",
        CERTIFICATES: f"{CERTIFICATES}:ro",
        Path.home() / ".npmrc": "/usr/local/etc/npmrc:ro",
    }
    return [f"--volume={here}:{there}" for here, there in borrowed.items() if here.exists()]


def _works(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
