{{/* Volume claims. */}}

{{/* Spec of a claim. Call with a `storage` value: size, className and accessMode (default ReadWriteOnce). */}}
{{- define "common.claim" -}}
accessModes: [{{ .accessMode | default "ReadWriteOnce" }}]
{{- with .className }}
storageClassName: {{ . | quote }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}

{{/* The claim <release>-uploads, set by `uploads.storage`. Call with $. */}}
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

{{/* A Deployment's `strategy`. If only one node can mount the volume, the old pod must stop before the new one starts.
     Call with a `storage` value. */}}
{{- define "common.strategy" -}}
{{- if eq (.accessMode | default "") "ReadWriteMany" -}}
strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
{{- else -}}
strategy: { type: Recreate }
{{- end }}
{{- end }}
