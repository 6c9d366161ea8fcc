"""The command line of the local cluster (`python -m dev.cluster`)."""

import sys
import time

import click

from dev import cluster
from dev.cluster import local
from dev.cluster.process import console

name_option = click.option(
    "--name", default="dev", show_default=True, help="Name of the cluster; each checkout has its own names."
)


@click.group()
def main() -> None:
    """Run a real single-node Kubernetes on this machine, without Docker. Needs root on Debian 12.

    The cluster runs in its own Linux namespaces. It does not touch clusters of other checkouts and names,
    or the machine's own containerd. The first `up` builds Kubernetes and Traefik (about 10 minutes on 2 cores).

    To use your own cluster instead, set KUBE_CONTEXT. Then also set the address of its ingress
    (INGRESS_ADDRESS=host:port), the domain of the stores (STORE_DOMAIN) and the registry for images (REGISTRY).
    """


@main.command()
@name_option
def up(name: str) -> None:
    """Start all components that are not running; wait until all are ready."""
    start = time.monotonic()
    running = cluster.up(name)
    console.print(f"[green]✓[/] Cluster {name} is ready ({time.monotonic() - start:.1f} s)")
    _print_environment(running)


@main.command()
@name_option
def env(name: str) -> None:
    """Print the environment variables of the running cluster, for `eval`."""
    running = cluster.find(name)
    if not running:
        command = f"python -m dev.cluster up --name {name}"
        raise cluster.ClusterError(f"cluster {name!r} is not running; start it with `{command}`")
    _print_environment(running)


@main.command()
@name_option
def status(name: str) -> None:
    """Show the state of each component."""
    for line in local.status(name):
        click.echo(line)


@main.command()
@name_option
def kill(name: str) -> None:
    """Kill all processes, like a reboot; `up` restores pods and volumes."""
    cluster.kill(name)
    console.print(f"[green]✓[/] Killed cluster {name}; its data is kept")


@main.command()
@name_option
def down(name: str) -> None:
    """Remove the cluster with everything in it, including volumes."""
    cluster.down(name)
    console.print(f"[green]✓[/] Removed cluster {name} and all its data")


def _print_environment(running: cluster.Cluster) -> None:
    click.echo(f"export KUBECONFIG={running.kubeconfig}")
    click.echo(f"export INGRESS_ADDRESS={running.ingress_address}")
    click.echo(f"export STORE_DOMAIN={running.store_domain}")


if __name__ == "__main__":
    try:
        main(prog_name="python -m dev.cluster")
    except cluster.ClusterError as error:
        console.print("[red]✗[/] ", end="")
        console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
