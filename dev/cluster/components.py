"""The programs that make a Kubernetes node, with the command line of each."""

from dataclasses import dataclass, field

from dev.cluster.layout import Site

BIN = "/var/lib/bin"
ETC = "/var/lib/kubernetes"
PKI = f"{ETC}/pki"


@dataclass(frozen=True)
class Component:
    """One program of the node; `host_network` puts its sockets on the machine itself."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    host_network: bool = False


def containerd(site: Site) -> Component:
    return Component("containerd", ("containerd", f"--config={ETC}/containerd.toml"))


def etcd(site: Site) -> Component:
    options = {
        "data-dir": "/var/lib/etcd",
        "listen-client-urls": "http://127.0.0.1:2379",
        "advertise-client-urls": "http://127.0.0.1:2379",
        "log-level": "warn",
    }
    # Killed processes lose nothing without fsync, only a power cut does; and the disk is the slowest part.
    return _kubernode("etcd", options, "--unsafe-no-fsync")


def apiserver(site: Site) -> Component:
    options = {
        "etcd-servers": "http://127.0.0.1:2379",
        "advertise-address": site.node_address,
        "service-cluster-ip-range": site.services,
        "client-ca-file": f"{PKI}/ca.crt",
        "tls-cert-file": f"{PKI}/apiserver.crt",
        "tls-private-key-file": f"{PKI}/apiserver.key",
        "kubelet-certificate-authority": f"{PKI}/ca.crt",
        "kubelet-client-certificate": f"{PKI}/admin.crt",
        "kubelet-client-key": f"{PKI}/admin.key",
        # The node's name has no DNS entry, which `logs` and `exec` would look up first.
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": f"{PKI}/service-accounts.key",
        "service-account-signing-key-file": f"{PKI}/service-accounts.key",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
    }
    return _kubernode("kube-apiserver", options, "--allow-privileged")


def controller_manager(site: Site) -> Component:
    options = {
        "kubeconfig": f"{ETC}/controller-manager.kubeconfig",
        "root-ca-file": f"{PKI}/ca.crt",
        "service-account-private-key-file": f"{PKI}/service-accounts.key",
        "cluster-signing-cert-file": f"{PKI}/ca.crt",
        "cluster-signing-key-file": f"{PKI}/ca.key",
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
    }
    return _kubernode("kube-controller-manager", options, "--use-service-account-credentials")


def scheduler(site: Site) -> Component:
    options = {
        "kubeconfig": f"{ETC}/scheduler.kubeconfig",
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
    }
    return _kubernode("kube-scheduler", options)


def kubelet(site: Site) -> Component:
    options = {
        "kubeconfig": f"{ETC}/kubelet.kubeconfig",
        "config": f"{ETC}/kubelet.yaml",
        "hostname-override": site.name,
        "node-ip": site.node_address,
    }
    return _kubernode("kubelet", options)


def proxy(site: Site) -> Component:
    options = {
        "kubeconfig": f"{ETC}/proxy.kubeconfig",
        "hostname-override": site.name,
        "proxy-mode": "nftables",
        "cluster-cidr": site.pods,
        # Connection tracking is sized for the whole machine, which is not ours to tune.
        "conntrack-max-per-core": "0",
        "conntrack-tcp-timeout-established": "0",
        "conntrack-tcp-timeout-close-wait": "0",
    }
    return _kubernode("kube-proxy", options)


def coredns(site: Site) -> Component:
    return Component("coredns", (f"{BIN}/kubernode", "coredns", "-conf", f"{ETC}/Corefile"))


def volumes(site: Site) -> Component:
    options = {
        "kubeconfig": f"{ETC}/admin.kubeconfig",
        "root": "/var/lib/volumes",
        "name": "storewright.dev/directories",
    }
    return _kubernode("volumes", options)


def traefik(site: Site) -> Component:
    """The ingress: on this machine's loopback for people, on the cable's end for pods, at one port."""
    options = {
        "entrypoints.people.address": f"127.0.0.1:{site.ingress_port}",
        "entrypoints.pods.address": f"{site.host_address}:{site.ingress_port}",
        "providers.kubernetesingress": "true",
        # By default a new store's route waits up to two seconds for others to come along.
        "providers.providersthrottleduration": "100ms",
        "providers.kubernetesingress.ingressendpoint.ip": site.host_address,
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "log.nocolor": "true",
    }
    argv = (f"{BIN}/traefik", *(f"--{key}={value}" for key, value in options.items()))
    return Component("traefik", argv, {"KUBECONFIG": f"{ETC}/admin.kubeconfig"}, host_network=True)


ALL = (containerd, etcd, apiserver, kubelet, controller_manager, scheduler, proxy, coredns, volumes, traefik)


def _kubernode(name: str, options: dict[str, str], *flags: str) -> Component:
    return Component(name, (f"{BIN}/kubernode", name, *(f"--{key}={value}" for key, value in options.items()), *flags))
