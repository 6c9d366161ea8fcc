{{/* Disks. */}}

{{/* What a claim asks for. Call with a `storage` value: size, className, and accessMode if it is not ReadWriteOnce. */}}
{{- define "common.claim" -}}
accessModes: [{{ .accessMode | default "ReadWriteOnce" }}]
{{- with .className }}
storageClassName: {{ . | quote }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}

{{/* The claim <release>-uploads, by `uploads.storage`. Call with $. */}}
{{- define "common.uploads" }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .Release.Name }}-uploads
  labels: {{- include "common.labels" (dict "root" $ "component" "application") | nindent 4 }}
spec:
  {{- include "common.claim" .Values.uploads.storage | nindent 2 }}
{{- end }}

{{/* A Deployment's `strategy`: a volume that only one node may mount has to be let go first. Call with a `storage` value. */}}
{{- define "common.strategy" -}}
{{- if eq (.accessMode | default "") "ReadWriteMany" -}}
strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
{{- else -}}
strategy: { type: Recreate }
{{- end }}
{{- end }}
