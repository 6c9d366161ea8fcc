{{/* Volume claims. Kubernetes lets a claim grow, and changes nothing else of it. So a claim that exists keeps its spec, whatever the
     values say now; `/store upgrade` enlarges it before Helm runs, if its StorageClass can. Call these with $, except common.claim. */}}

{{/* Spec of a claim. Call with a dict: `storage` has size, className and accessMode (default ReadWriteOnce), `born` is the spec of
     the claim that exists, or empty. */}}
{{- define "common.claim" -}}
{{- if .born -}}
{{- pick .born "accessModes" "storageClassName" "volumeMode" "resources" | toYaml }}
{{- else -}}
accessModes: [{{ .storage.accessMode | default "ReadWriteOnce" }}]
{{- with .storage.className }}
storageClassName: {{ . | quote }}
{{- end }}
resources: { requests: { storage: {{ .storage.size }} } }
{{- end }}
{{- end }}

{{/* Spec of the claim of the store's own database, for the template `data` of its StatefulSet. Call with (dict "root" $ "storage" …). */}}
{{- define "common.databaseClaim" -}}
{{- $name := include "common.name" (dict "root" .root "component" "database") }}
{{- $set := include "common.existing" (dict "root" .root "apiVersion" "apps/v1" "kind" "StatefulSet" "name" $name) | fromJson }}
{{- $born := dict }}
{{- range ($set.spec | default dict).volumeClaimTemplates }}
{{- if eq .metadata.name "data" }}{{ $born = .spec }}{{ end }}
{{- end }}
{{- include "common.claim" (dict "storage" .storage "born" $born) }}
{{- end }}

{{/* Spec of the claim <release>-uploads as it exists, as YAML. */}}
{{- define "common.uploadsBorn" -}}
{{- $claim := dict "root" $ "apiVersion" "v1" "kind" "PersistentVolumeClaim" "name" (printf "%s-uploads" .Release.Name) }}
{{- (include "common.existing" $claim | fromJson).spec | default dict | toYaml }}
{{- end }}

{{/* The claim <release>-uploads, set by `uploads.storage`. */}}
{{- define "common.uploads" }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .Release.Name }}-uploads
  labels: {{- include "common.labels" (dict "root" $ "component" "application") | nindent 4 }}
spec:
  {{- include "common.claim" (dict "storage" .Values.uploads.storage "born" (include "common.uploadsBorn" . | fromYaml)) | nindent 2 }}
{{- end }}

{{/* "true" if several nodes can mount the uploads. */}}
{{- define "common.sharedUploads" -}}
{{- $born := include "common.uploadsBorn" . | fromYaml }}
{{- has "ReadWriteMany" ($born.accessModes | default (list .Values.uploads.storage.accessMode)) | ternary "true" "" }}
{{- end }}

{{/* Number of application pods. A store whose uploads were born for one node keeps one pod, if the values mean to share them. */}}
{{- define "common.replicas" -}}
{{- $meant := eq .Values.uploads.storage.accessMode "ReadWriteMany" }}
{{- and $meant (not (include "common.sharedUploads" .)) | ternary (min 1 .Values.replicas) .Values.replicas }}
{{- end }}

{{/* A Deployment's `strategy`. If only one node can mount the uploads, the old pod must stop before the new one starts. */}}
{{- define "common.strategy" -}}
{{- if include "common.sharedUploads" . -}}
strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
{{- else -}}
strategy: { type: Recreate }
{{- end }}
{{- end }}
