#!/bin/sh
# The node's first process, in new mount, network and PID namespaces. It mounts private directories, waits for its
# network interface, and then executes `pause`. When it ends, the kernel ends everything in these namespaces.
# Arguments: STATE NODE_ADDRESS HOST_ADDRESS ID
set -eu
state=$1 node=$2 host=$3 id=$4

# The node gets its own /var/lib, /var/log and /run, so that the components can use their usual paths.
mount --bind "$state/log" /var/log
mount --bind "$state/lib" /var/lib
mount -t tmpfs -o mode=755 tmpfs /run

# crun refuses a machine whose cgroups are of both versions. The pods' are of version 1 then.
[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified

# The kubelet and crun write these sysctls, which apply to the whole machine. Give them copies to write to.
mkdir -m 700 /run/sysctls
for sysctl in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy=/run/sysctls/$(basename "$sysctl")
  cat "/proc/sys/$sysctl" >"$copy"
  mount --bind "$copy" "/proc/sys/$sysctl"
done
# The node's own DNS server: the pull of a missing image then fails at once, instead of after a DNS timeout.
echo "nameserver $node" >/run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
mount --make-rshared /

# Wait until the host has created the interface. If the host's process ends first, `read` fails and so does this script.
echo ready
read -r _

ip link set lo up
ip addr add "$node/30" dev uplink
ip link set uplink up
ip route add default via "$host"
echo 1 >/proc/sys/net/ipv4/ip_forward
exec /var/lib/bin/pause storewright "$id" </dev/null >/dev/null 2>&1
