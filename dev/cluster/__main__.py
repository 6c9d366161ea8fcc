"""The command line: `python -m dev.cluster up | down | status | kill | env`."""

import sys
import time

import click

from dev import cluster
from dev.cluster import local
from dev.cluster.process import console

name_option = click.option("--name", default="dev", show_default=True, help="Which cluster of this checkout.")


@click.group()
def main() -> None:
    """A real single-node Kubernetes on this machine, without Docker (root, Debian 12), for development and tests.

    It lives in namespaces of its own: clusters of other checkouts and names, and the machine's own
    containerd, are left alone. The first `up` builds Kubernetes and Traefik (about 10 minutes on 2 cores).

    With KUBE_CONTEXT set, that cluster of yours is used instead: say how its ingress is reached
    (INGRESS_ADDRESS=host:port), the stores' domain (STORE_DOMAIN) and where images are pushed (REGISTRY).
    """


@main.command()
@name_option
def up(name: str) -> None:
    """Start the cluster, or what is missing of it, and return when it works."""
    begun = time.monotonic()
    found = cluster.up(name)
    console.print(f"[green]✓[/] Cluster {name} works ({time.monotonic() - begun:.1f} s)")
    _print_environment(found)


@main.command()
@name_option
def env(name: str) -> None:
    """Print how to reach the running cluster, as lines for `eval`."""
    found = cluster.find(name)
    if not found:
        start = f"python -m dev.cluster up --name {name}"
        raise cluster.ClusterError(f"cluster {name!r} is not running; start it with `{start}`")
    _print_environment(found)


@main.command()
@name_option
def status(name: str) -> None:
    """Tell what of the cluster runs."""
    for line in local.status(name):
        click.echo(line)


@main.command()
@name_option
def kill(name: str) -> None:
    """End all its processes at once, as a reboot would; `up` brings the same pods and volumes back."""
    cluster.kill(name)
    console.print(f"[green]✓[/] Cluster {name} is stopped; its data is kept")


@main.command()
@name_option
def down(name: str) -> None:
    """Remove the cluster with everything in it, volumes too."""
    cluster.down(name)
    console.print(f"[green]✓[/] Nothing is left of cluster {name}")


def _print_environment(found: cluster.Cluster) -> None:
    click.echo(f"export KUBECONFIG={found.kubeconfig}")
    click.echo(f"export INGRESS_ADDRESS={found.ingress_address}")
    click.echo(f"export STORE_DOMAIN={found.store_domain}")


if __name__ == "__main__":
    try:
        main(prog_name="python -m dev.cluster")
    except cluster.ClusterError as error:
        console.print("[red]✗[/] ", end="")
        console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
