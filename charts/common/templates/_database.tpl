{{/* Which database a store uses, its Service, and the migration Job. The database's own workload is in each store chart. */}}

{{/* The values of the external database as YAML; `enabled` is false for a store with its own. A store keeps the one that it was born
     with: with another it would be empty. The annotation storewright.dev/database=external on its Deployment says that the data is
     in the external database. Call with $. */}}
{{- define "common.external" -}}
{{- $external := .Values.database.external }}
{{- $name := include "common.name" (dict "root" $ "component" "database") }}
{{- $set := dict "root" $ "apiVersion" "apps/v1" "kind" "StatefulSet" "name" $name }}
{{- $claim := dict "root" $ "apiVersion" "v1" "kind" "PersistentVolumeClaim" "name" (printf "data-%s-0" $name) }}
{{- $own := or (include "common.existing" $set | fromJson) (include "common.existing" $claim | fromJson) }}
{{- $deployment := dict "root" $ "apiVersion" "apps/v1" "kind" "Deployment" "name" .Release.Name }}
{{- $moved := include "common.existing" $deployment | fromJson | dig "metadata" "annotations" "storewright.dev/database" "" | eq "external" }}
{{- if and $moved (not $external.enabled) }}
{{- fail "the data of this store is in an external database, so database.external must be enabled" }}
{{- end }}
{{- and $external.enabled (or $moved (not $own)) | ternary $external (dict "enabled" false) | toYaml }}
{{- end }}

{{/* Service of the store's own database. It publishes the pod before the pod is ready: the shop retries until the database
     answers, and so starts a second sooner. Call with (dict "root" $ "engine" "postgresql" "port" 5432). The container's port
     has the engine's name. */}}
{{- define "common.databaseService" }}
{{- $scope := dict "root" .root "component" "database" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  publishNotReadyAddresses: true
  selector: {{- include "common.selector" $scope | nindent 4 }}
  ports: [{ name: {{ .engine }}, port: {{ .port }}, targetPort: {{ .engine }} }]
{{- end }}

{{/* Job that migrates the database before an upgrade. If it fails, Helm changes nothing else.
     Call with the arguments of common.migrationContainer. */}}
{{- define "common.migration" }}
{{- $scope := dict "root" .root "component" "migration" }}
{{- $values := .root.Values }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "common.metadata" $scope | nindent 2 }}
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation # a failed Job stays, so that you can read its log
spec:
  backoffLimit: 1
  activeDeadlineSeconds: {{ $values.migration.deadlineSeconds }}
  template:
    metadata:
      labels: {{- include "common.podLabels" $scope | nindent 8 }}
    spec:
      restartPolicy: Never
      {{- include "common.podSecurity" $values.securityContext | nindent 6 }}
      {{- include "common.scheduling" $scope | nindent 6 }}
      containers:
        - name: migrate
          {{- include "common.migrationContainer" . | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: { sizeLimit: 256Mi }
{{- end }}

{{/* The container that migrates the database to this version of the chart.
     Call with (dict "root" $ "command" (list "node" "migrate.js") "env" "medusa.env"). `env` is the template of the application's
     environment. The optional `mounts` lists further writable paths (path, subPath). */}}
{{- define "common.migrationContainer" -}}
{{- $values := .root.Values }}
{{- include "common.image" (dict "root" .root "image" $values.image) }}
command: {{ toJson .command }}
{{ include "common.containerSecurity" . }}
env:
  {{- include .env .root | nindent 2 }}
{{- with $values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
resources: {{- toYaml $values.migration.resources | nindent 2 }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  {{- range .mounts }}
  - { name: tmp, mountPath: {{ .path }}, subPath: {{ .subPath }} }
  {{- end }}
{{- end }}
