{{/* The Jobs that make and restore a store's backups. Storewright starts them: the CronJobs themselves are suspended. */}}

{{/* CronJobs <release>-backup, -restore, -export and -import. A Job of the first one sends the database and the uploads to the
     backup server, a Job of the second one brings those of $SNAPSHOT back. In a Job of the third one, Storewright reads a backup; into one of
     the fourth one, it writes the archive of an export, which becomes a backup. The pods run in the database's image, which has the engine's own tools, with the
     application's ids, which may read and write the uploads, and get restic from `backup.image`; the last one runs in that image.
     Call with (dict "root" $ "image" .Values.postgresql.image "env" "medusa.databaseEnv" "dump" "medusa.dump" "count" "medusa.count"
     "load" "medusa.load" "migration" "medusa.migration").
     `env` is the template of the database's environment. The others are templates of shell commands: `dump` prints the whole database,
     `count` prints how many orders, products and customers it has, as a JSON object, and `load` replaces the database by the dump on its
     standard input. The optional `migration` is the template of the arguments of common.migrationContainer: a backup may be of a former
     version of the chart. */}}
{{- define "common.backups" }}
{{- include "common.backupJob" (merge (dict "component" "backup" "script" "common.backupScript") .) }}
{{- include "common.backupJob" (merge (dict "component" "restore" "script" "common.restoreScript") .) }}
{{- include "common.backupJob" (merge (dict "component" "export" "script" "common.exportScript") .) }}
{{- include "common.backupJob" (merge (dict "component" "import" "script" "common.importScript" "image" .root.Values.backup.image) .) }}
{{- end }}

{{- define "common.backupScript" -}}
dump() {
  {{- include .dump .root | nindent 2 }}
}
count() {
  {{- include .count .root | nindent 2 }}
}
{{ include "common.reachServer" (dict "root" .root "missing" "/tools/restic init --quiet") }}
# Counted before and after the dump, which holds something between the two. Data that can't be counted, such as after half a migration, is
# worth a backup.
counts=$(count) || counts={}
dump >/dump/database.sql
counts_after=$(count) || counts_after={}
# The daily removal of old backups holds a lock for a moment.
{{ include "common.sendBackup" . }}
printf '{"counts":%s,"counts_after":%s,"summary":%s}' "$counts" "$counts_after" "$summary" >/dev/termination-log
{{- end }}

{{/* Sends /dump and /uploads to the server; $summary is what restic says of the backup. */}}
{{- define "common.sendBackup" -}}
summary=$(/tools/restic backup --quiet --json --retry-lock 10m --host "$STORE" --tag "$TAGS" --exclude /uploads/lost+found /dump /uploads)
{{- end }}

{{- define "common.restoreScript" -}}
load() {
  {{- include .load .root | nindent 2 }}
}
count() {
  {{- include .count .root | nindent 2 }}
}
{{ include "common.reachServer" (dict "root" .root "missing" `exit "$found"`) }}
# The whole dump comes first: with half of one, or without that backup, nothing is replaced. The daily removal of old backups holds a lock for a moment.
/tools/restic restore --quiet --retry-lock 10m "$SNAPSHOT:/dump" --target /dump
load </dump/database.sql >/dev/null
counts=$(count) || counts={} # of data that could not be counted for the backup either
/tools/restic restore --quiet --retry-lock 10m "$SNAPSHOT:/uploads" --target /uploads --delete --exclude /lost+found
printf '{"counts":%s}' "$counts" >/dev/termination-log
{{- end }}

{{/* Waits while Storewright reads a backup by commands in this container, and then ends the Job. */}}
{{- define "common.exportScript" -}}
{{ include "common.reachServer" (dict "root" .root "missing" `exit "$found"`) }}
touch /tmp/reached
exec sleep infinity
{{- end }}

{{/* Waits until Storewright has written an archive and the file `complete` by commands in this container, checks the archive, and backs up what
     it holds. */}}
{{- define "common.importScript" -}}
{{ include "common.reachServer" (dict "root" .root "missing" "/tools/restic init --quiet") }}
fail() {
  echo "error: $1" >&2
  exit 1
}
cd /tmp
touch archive
size=0 since=$(date +%s)
until [ -e complete ]; do
  sleep 0.2
  now=$(stat -c %s archive)
  [ "$now" = "$size" ] || size=$now since=$(date +%s)
  [ $(($(date +%s) - since)) -lt "$IDLE_SECONDS" ] || fail "nothing was uploaded for $IDLE_SECONDS seconds; $size bytes are here"
done
tar --list --verbose --file archive >files 2>reason || fail "the archive is damaged: $(head -n 1 reason)"
[ "$(tail -c 1024 archive | tr -d '\0' | wc -c)" = 0 ] || fail "the archive is cut off"
! odd=$(grep -m 1 '^[^-d]' files) || fail "the archive holds something that is no file and no folder: $odd"
tar --list --file archive >names
! odd=$(grep -m 1 -E '(^|/)[.][.](/|$)' names) || fail "the archive holds a path that climbs out of it: $odd"
! odd=$(grep -m 1 -v -E '^(README[.]txt|storewright[.]json|dump/(database[.]sql)?|uploads/.*)$' names) || fail "an export does not hold this: $odd"
grep -q -x dump/database.sql names || fail "the archive holds no database"
tar --extract --file archive --directory /dump --strip-components 1 dump/database.sql
! grep -q '^uploads/.' names || tar --extract --file archive --directory /uploads --strip-components 1 --wildcards 'uploads/*'
{{ include "common.sendBackup" . }}
printf '{"counts":{},"summary":%s}' "$summary" >/dev/termination-log
{{- end }}

{{/* CronJob <release>-shopper: a Job of it visits the shop as a shopper does, from inside the namespace, to prove a backup. It places no order.
     Call with (dict "root" $ "image" .Values.image "command" (list "node" "…") "keys" (dict "PUBLISHABLE_KEY" "publishable-key")). The
     command gets $SHOP, the address of the Service, $STORE_URL, and the `keys` of the store's Secret. It writes what it did to /dev/termination-log, as one
     sentence, or, if the shop does not work, ends with another code than 0. */}}
{{- define "common.shopper" }}
{{- include "common.task" (merge (dict "component" "shopper" "env" "common.shopperEnv") .) }}
{{- end }}

{{- define "common.shopperEnv" -}}
- { name: SHOP, value: "http://{{ .Release.Name }}" }
- { name: STORE_URL, value: {{ .Values.store.url | quote }} }
{{- end }}

{{/* Makes sure that the repository answers; the command `missing` runs if there is none.
     Call with (dict "root" $ "missing" "/tools/restic init --quiet"). */}}
{{- define "common.reachServer" -}}
# restic itself would try for 15 minutes to reach a server that is away. The daily removal of old backups may hold a lock.
found=0
timeout {{ .root.Values.backup.connectSeconds }} /tools/restic cat config --no-lock >/dev/null || found=$?
case $found in
  0) ;;
  10) {{ .missing }} ;; # there is no repository
  124) echo "error: the backup server does not answer" >&2; exit 1 ;;
  *) exit "$found" ;;
esac
{{- end }}

{{/* One of these CronJobs. Call with the arguments of common.backups, a `component` and the template of its `script`. */}}
{{- define "common.backupJob" }}
{{- $scope := dict "root" .root "component" .component }}
{{- $values := .root.Values }}
{{- $migration := and (eq .component "restore") .migration }}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  suspend: true
  schedule: "@yearly"
  jobTemplate:
    metadata:
      labels: {{- include "common.podLabels" $scope | nindent 8 }}
    spec:
      backoffLimit: 0
      {{- if ne .component "import" }} # for which a person may need hours
      activeDeadlineSeconds: {{ $values.backup.deadlineSeconds }}
      {{- end }}
      ttlSecondsAfterFinished: 3600
      template:
        metadata:
          labels: {{- include "common.podLabels" $scope | nindent 12 }}
        spec:
          restartPolicy: Never
          {{- if eq .component "export" }}
          terminationGracePeriodSeconds: 1 # it does nothing itself
          {{- end }}
          {{- include "common.podSecurity" $values.securityContext | nindent 10 }}
          {{- include (eq .component "export" | ternary "common.scheduling" "common.nearApplication") $scope | nindent 10 }}
          initContainers:
            - name: restic
              {{- include "common.image" (dict "root" .root "image" $values.backup.image) | nindent 14 }}
              command: [cp, /usr/bin/restic, /tools/]
              {{- include "common.containerSecurity" . | nindent 14 }}
              resources: {{- toYaml $values.backup.resources | nindent 16 }}
              volumeMounts:
                - { name: work, mountPath: /tools, subPath: tools }
          {{- if $migration }}
            - name: load
              {{- include "common.backupContainer" . | nindent 14 }}
          containers:
            - name: restore
              {{- include "common.migrationContainer" (merge (dict "root" .root) (include .migration .root | fromYaml)) | nindent 14 }}
          {{- else }}
          containers:
            - name: {{ .component }}
              {{- include "common.backupContainer" . | nindent 14 }}
          {{- end }}
          volumes:
            {{- if ne .component "export" }}
            - name: uploads
              persistentVolumeClaim: { claimName: {{ .root.Release.Name }}-uploads, readOnly: {{ eq .component "backup" }} }
            {{- end }}
            - name: access
              secret: { secretName: store-backup, items: [{ key: ca.crt, path: ca.crt }, { key: client.pem, path: client.pem }] }
            - name: work
              emptyDir: { sizeLimit: {{ $values.backup.room }} }
            {{- if $migration }}
            - name: tmp
              emptyDir: { sizeLimit: 256Mi }
            {{- end }}
{{- end }}

{{/* The container with restic and the database's tools. Storewright sets $TAGS or $SNAPSHOT. */}}
{{- define "common.backupContainer" -}}
{{- $values := .root.Values }}
{{- include "common.image" (dict "root" .root "image" .image) }}
command: [sh, -euc]
args:
  - |
    {{- include .script . | nindent 4 }}
{{ include "common.containerSecurity" . }}
env:
  - { name: STORE, value: {{ .root.Release.Name | quote }} }
  - { name: RESTIC_REPOSITORY, valueFrom: { secretKeyRef: { name: store-backup, key: repository } } }
  - { name: RESTIC_PASSWORD, valueFrom: { secretKeyRef: { name: store-backup, key: password } } }
  - { name: RESTIC_CACERT, value: /access/ca.crt }
  - { name: RESTIC_TLS_CLIENT_CERT, value: /access/client.pem }
  - { name: RESTIC_CACHE_DIR, value: /tmp/restic }
  - { name: TMPDIR, value: /tmp }
  {{- if not (has .component (list "export" "import")) }}
  {{- include .env .root | nindent 2 }}
  {{- end }}
resources: {{- toYaml $values.backup.resources | nindent 2 }}
volumeMounts:
  {{- if ne .component "export" }}
  - { name: uploads, mountPath: /uploads, readOnly: {{ eq .component "backup" }} }
  {{- end }}
  - { name: access, mountPath: /access, readOnly: true }
  - { name: work, mountPath: /tools, subPath: tools, readOnly: true }
  - { name: work, mountPath: /dump, subPath: database }
  - { name: work, mountPath: /tmp, subPath: tmp }
{{- end }}

{{/* common.scheduling, and on the application's node if that has room: often only one node can mount the uploads. Call with a scope. */}}
{{- define "common.nearApplication" -}}
{{- $fields := include "common.scheduling" . | fromYaml }}
{{- $application := include "common.selector" (dict "root" .root "component" "application") | fromYaml }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $application) }}
{{- $near := dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term)) }}
{{- set $fields "affinity" (merge ($fields.affinity | default dict) (dict "podAffinity" $near)) | toYaml }}
{{- end }}
