#!/bin/sh
# Becomes the node: runs as the first process of fresh mount, network and process namespaces, gives them private
# directories and a cable to the host, then turns into `pause`. The kernel ends all of it with that one process.
# Arguments: STATE NODE_ADDRESS HOST_ADDRESS ID
set -eu
state=$1 node=$2 host=$3 id=$4

# The usual paths (/var/lib/kubelet, /var/log/pods, /run/containerd, ...) are this node's own.
mount --bind "$state/log" /var/log
mount --bind "$state/lib" /var/lib
mount -t tmpfs -o mode=755 tmpfs /run

# The kubelet and runc set these for the whole machine; let them set copies.
mkdir -m 700 /run/knobs
for knob in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy=/run/knobs/$(basename "$knob")
  cat "/proc/sys/$knob" >"$copy"
  mount --bind "$copy" "/proc/sys/$knob"
done
# An image that is not on the node is missing at once, not after a resolver that can't be reached from here timed out.
echo "nameserver $node" >/run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
mount --make-rshared /

# The host answers when it has put the other end of the cable in place; if it dies instead, so does this.
echo ready
read -r _

ip link set lo up
ip addr add "$node/30" dev uplink
ip link set uplink up
ip route add default via "$host"
echo 1 >/proc/sys/net/ipv4/ip_forward
exec /var/lib/bin/pause storewright "$id" </dev/null >/dev/null 2>&1
