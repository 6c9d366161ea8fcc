# Removes old backups, checks the others, and prints those that are left: a line of JSON for each store. The last line has the room that is
# left, where the storage knows it.
#
# $REMOTE is where the repositories are, as rclone writes it; /keys has the file password.<id of the store> for each, and
# purge.<id> for each that was deleted for good: its repository is removed. $DAILY daily and
# $WEEKLY weekly backups stay, others $OTHER_DAYS days. $CHECK of the data is read and compared, such as 5%.
set -u

removed() {
  # A backup that was killed leaves its lock. One that runs now has a few minutes to end.
  restic unlock --quiet &&
    restic forget --quiet --retry-lock 10m --group-by '' --tag reason=daily --keep-daily "$DAILY" --keep-weekly "$WEEKLY" &&
    restic forget --quiet --retry-lock 10m --group-by '' --keep-within "${OTHER_DAYS}d" \
      --tag reason=ordered --tag 'reason=before a restore' --tag 'reason=before an upgrade' --tag 'reason=after a failed upgrade' \
      --tag 'reason=before a rollback' --tag 'reason=before a pause' --tag 'reason=before a deletion' --tag 'reason=for a clone' --tag reason=imported &&
    restic prune --quiet --retry-lock 10m
}

checked() {
  # An upload that was killed may leave half an index. All it says is in the data, too.
  restic check --quiet --retry-lock 10m --read-data-subset "$CHECK" ||
    { restic repair index --quiet && restic check --quiet --retry-lock 10m --read-data-subset "$CHECK"; }
}

status=0
for file in /keys/purge.*; do
  [ -e "$file" ] || continue
  store=${file#/keys/purge.}
  found=0
  rclone purge "$REMOTE/$store" || found=$?
  case $found in
    0 | 3) echo "{\"store\": \"$store\", \"purged\": true}" ;; # 3: it is not there
    *)
      echo "error: the backups of the deleted store $store could not be removed" >&2
      status=1
      ;;
  esac
done
for file in /keys/password.*; do
  [ -e "$file" ] || continue
  store=${file#/keys/password.}
  export RESTIC_PASSWORD_FILE="$file" RESTIC_REPOSITORY="rclone:$REMOTE/$store"
  found=0
  restic cat config >/dev/null 2>&1 || found=$?
  if [ "$found" = 10 ]; then
    # A backup that was killed while it made the repository leaves keys without a config, which no later backup gets past.
    [ -z "$(rclone lsf --min-age 1h "$REMOTE/$store/keys" 2>/dev/null)" ] || rclone purge "$REMOTE/$store"
  elif removed && checked && left=$(restic snapshots --quiet --no-lock --json); then
    echo "{\"store\": \"$store\", \"backups\": $left}"
  else
    echo "error: the backups of store $store could not be removed or checked" >&2
    status=1
  fi
done
if room=$(rclone about --json "$REMOTE" 2>/dev/null); then
  printf '{"room": %s}\n' "$(printf %s "$room" | tr -d '\n\t')"
fi
exit "$status"
