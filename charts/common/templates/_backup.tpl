{{/* The backup Job of a store. Storewright starts it: the CronJob itself is suspended. */}}

{{/* CronJob <release>-backup, whose Jobs send the database and the uploads to the backup server. Its pod runs in the database's image,
     which has the engine's own tools, with the application's ids, which may read the uploads, and gets restic from `backup.image`.
     Call with (dict "root" $ "image" .Values.postgresql.image "env" "medusa.databaseEnv" "dump" "medusa.dump" "count" "medusa.count").
     `env` is the template of the database's environment. `dump` and `count` are templates of shell commands: one prints the whole
     database, the other how many orders, products and customers it has, as a JSON object. */}}
{{- define "common.backup" }}
{{- $scope := dict "root" .root "component" "backup" }}
{{- $values := .root.Values }}
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
      activeDeadlineSeconds: {{ $values.backup.deadlineSeconds }}
      ttlSecondsAfterFinished: 3600
      template:
        metadata:
          labels: {{- include "common.podLabels" $scope | nindent 12 }}
        spec:
          restartPolicy: Never
          {{- include "common.podSecurity" $values.securityContext | nindent 10 }}
          {{- include "common.nearApplication" $scope | nindent 10 }}
          initContainers:
            - name: restic
              {{- include "common.image" (dict "root" .root "image" $values.backup.image) | nindent 14 }}
              command: [cp, /usr/bin/restic, /tools/]
              {{- include "common.containerSecurity" . | nindent 14 }}
              resources: {{- toYaml $values.backup.resources | nindent 16 }}
              volumeMounts:
                - { name: work, mountPath: /tools, subPath: tools }
          containers:
            - name: backup
              {{- include "common.image" (dict "root" .root "image" .image) | nindent 14 }}
              command: [sh, -euc]
              args:
                - |
                  dump() {
                    {{- include .dump .root | nindent 20 }}
                  }
                  count() {
                    {{- include .count .root | nindent 20 }}
                  }
                  # restic itself would try for 15 minutes to reach a server that is away.
                  found=0
                  timeout {{ $values.backup.connectSeconds }} /tools/restic cat config >/dev/null || found=$?
                  case $found in
                    0) ;;
                    10) /tools/restic init --quiet ;; # there is no repository yet
                    124) echo "error: the backup server does not answer" >&2; exit 1 ;;
                    *) exit "$found" ;;
                  esac
                  counts=$(count) # before the dump: what was ordered meanwhile is in it, and not counted
                  dump >/dump/database.sql
                  summary=$(/tools/restic backup --quiet --json --host "$STORE" --tag "$TAGS" /dump /uploads)
                  printf '{"counts":%s,"summary":%s}' "$counts" "$summary" >/dev/termination-log
              {{- include "common.containerSecurity" . | nindent 14 }}
              env:
                - { name: STORE, value: {{ .root.Release.Name | quote }} }
                - { name: TAGS, value: "" } # Storewright sets them
                - { name: RESTIC_REPOSITORY, valueFrom: { secretKeyRef: { name: store-backup, key: repository } } }
                - { name: RESTIC_PASSWORD, valueFrom: { secretKeyRef: { name: store-backup, key: password } } }
                - { name: RESTIC_CACERT, value: /access/ca.crt }
                - { name: RESTIC_TLS_CLIENT_CERT, value: /access/client.pem }
                - { name: RESTIC_CACHE_DIR, value: /tmp/restic }
                - { name: TMPDIR, value: /tmp }
                {{- include .env .root | nindent 16 }}
              resources: {{- toYaml $values.backup.resources | nindent 16 }}
              volumeMounts:
                - { name: uploads, mountPath: /uploads, readOnly: true }
                - { name: access, mountPath: /access, readOnly: true }
                - { name: work, mountPath: /tools, subPath: tools, readOnly: true }
                - { name: work, mountPath: /dump, subPath: database }
                - { name: work, mountPath: /tmp, subPath: tmp }
          volumes:
            - name: uploads
              persistentVolumeClaim: { claimName: {{ .root.Release.Name }}-uploads, readOnly: true }
            - name: access
              secret: { secretName: store-backup, items: [{ key: ca.crt, path: ca.crt }, { key: client.pem, path: client.pem }] }
            - name: work
              emptyDir: { sizeLimit: {{ $values.backup.room }} }
{{- end }}

{{/* common.scheduling, and on the application's node if that has room: often only one node can mount the uploads. Call with a scope. */}}
{{- define "common.nearApplication" -}}
{{- $fields := include "common.scheduling" . | fromYaml }}
{{- $application := include "common.selector" (dict "root" .root "component" "application") | fromYaml }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $application) }}
{{- $near := dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term)) }}
{{- set $fields "affinity" (merge ($fields.affinity | default dict) (dict "podAffinity" $near)) | toYaml }}
{{- end }}
