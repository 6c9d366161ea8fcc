"""The programs of a Kubernetes node and their command lines."""

from dataclasses import dataclass, field

from dev.cluster.layout import Layout

BIN = "/var/lib/bin"
ETC = "/var/lib/kubernetes"
PKI = f"{ETC}/pki"


@dataclass(frozen=True)
class Component:
    """One program of the node.

    With `host_network` it uses the network of this machine."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    host_network: bool = False


def containerd(layout: Layout) -> Component:
    return Component("containerd", ("containerd", f"--config={ETC}/containerd.toml"))


def etcd(layout: Layout) -> Component:
    options = {
        "data-dir": "/var/lib/etcd",
        "listen-client-urls": "http://127.0.0.1:2379",
        "advertise-client-urls": "http://127.0.0.1:2379",
        "log-level": "warn",
    }
    # The disk is the slowest part. Without fsync, a killed process loses no data; only a power cut may.
    return _kubernode("etcd", options, "--unsafe-no-fsync")


def apiserver(layout: Layout) -> Component:
    options = {
        "etcd-servers": "http://127.0.0.1:2379",
        "advertise-address": layout.node_address,
        "service-cluster-ip-range": layout.service_cidr,
        "client-ca-file": f"{PKI}/ca.crt",
        "tls-cert-file": f"{PKI}/apiserver.crt",
        "tls-private-key-file": f"{PKI}/apiserver.key",
        "kubelet-certificate-authority": f"{PKI}/ca.crt",
        "kubelet-client-certificate": f"{PKI}/admin.crt",
        "kubelet-client-key": f"{PKI}/admin.key",
        # The node's name has no DNS record, and `logs` and `exec` would look it up first.
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": f"{PKI}/service-accounts.key",
        "service-account-signing-key-file": f"{PKI}/service-accounts.key",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
    }
    return _kubernode("kube-apiserver", options, "--allow-privileged")


def controller_manager(layout: Layout) -> Component:
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


def scheduler(layout: Layout) -> Component:
    options = {
        "kubeconfig": f"{ETC}/scheduler.kubeconfig",
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
    }
    return _kubernode("kube-scheduler", options)


def kubelet(layout: Layout) -> Component:
    options = {
        "kubeconfig": f"{ETC}/kubelet.kubeconfig",
        "config": f"{ETC}/kubelet.yaml",
        "hostname-override": layout.name,
        "node-ip": layout.node_address,
    }
    return _kubernode("kubelet", options)


def proxy(layout: Layout) -> Component:
    options = {
        "kubeconfig": f"{ETC}/proxy.kubeconfig",
        "hostname-override": layout.name,
        "proxy-mode": "nftables",
        "cluster-cidr": layout.pod_cidr,
        # 0 leaves connection tracking unchanged; its sysctls apply to the whole machine.
        "conntrack-max-per-core": "0",
        "conntrack-tcp-timeout-established": "0",
        "conntrack-tcp-timeout-close-wait": "0",
    }
    return _kubernode("kube-proxy", options)


def coredns(layout: Layout) -> Component:
    return Component("coredns", (f"{BIN}/kubernode", "coredns", "-conf", f"{ETC}/Corefile"))


def volumes(layout: Layout) -> Component:
    options = {
        "kubeconfig": f"{ETC}/admin.kubeconfig",
        "root": "/var/lib/volumes",
        "name": "storewright.dev/directories",
    }
    return _kubernode("volumes", options)


def traefik(layout: Layout) -> Component:
    """The ingress. It listens on this machine's loopback address and, for pods, on the host address."""
    options = {
        "entrypoints.host.address": f"127.0.0.1:{layout.ingress_port}",
        "entrypoints.pods.address": f"{layout.host_address}:{layout.ingress_port}",
        "providers.kubernetesingress": "true",
        # The default of 2 s would delay the route of a new store.
        "providers.providersthrottleduration": "100ms",
        "providers.kubernetesingress.ingressendpoint.ip": layout.host_address,
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "log.nocolor": "true",
    }
    argv = (f"{BIN}/traefik", *(f"--{key}={value}" for key, value in options.items()))
    return Component("traefik", argv, {"KUBECONFIG": f"{ETC}/admin.kubeconfig"}, host_network=True)


ALL = (containerd, etcd, apiserver, kubelet, controller_manager, scheduler, proxy, coredns, volumes, traefik)


def _kubernode(name: str, options: dict[str, str], *flags: str) -> Component:
    return Component(name, (f"{BIN}/kubernode", name, *(f"--{key}={value}" for key, value in options.items()), *flags))
