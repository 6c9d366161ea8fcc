# Notes in the root folder $1, the way distroless images do, which packages have left files in it: scanners and our bills of
# materials read it. Run by mmdebstrap while it still has the packages (dev/images/builders.py).
set -eu
known=$1/var/lib/dpkg/status.d
mkdir -p "$known"
for deb in "$1"/var/cache/apt/archives/*.deb; do
  for file in $(dpkg-deb --contents "$deb" | awk '/^-/ { print $6 }'); do
    if [ -e "$1/$file" ]; then
      dpkg-deb --field "$deb" >"$known/$(dpkg-deb --field "$deb" Package)"
      break
    fi
  done
done
