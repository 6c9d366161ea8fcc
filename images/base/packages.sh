# Records in the root folder $1 which packages have files in it, in the format of distroless images. Scanners and our bills of
# materials read these records. mmdebstrap runs this script while it still has the packages (dev/images/builders.py).
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
