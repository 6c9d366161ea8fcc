{{/* What operators ask for. */}}

{{/* A node may be drained without the shop going away. Call with $. */}}
{{- define "common.podDisruptionBudget" }}
{{- $it := dict "root" $ "component" "application" }}
{{- if gt (int .Values.replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "common.metadata" $it | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "common.selector" $it | nindent 6 }}
{{- end }}
{{- end }}

{{/* By `serviceMonitor`, for the Prometheus operator. Call with $. */}}
{{- define "common.serviceMonitor" }}
{{- $it := dict "root" $ "component" "application" }}
{{- with .Values.serviceMonitor }}
{{- if .enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "common.name" $it }}
  labels: {{- merge (include "common.labels" $it | fromYaml) .labels | toYaml | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "common.selector" $it | nindent 6 }}
  endpoints: [{ port: metrics, interval: {{ .interval }} }]
{{- end }}
{{- end }}
{{- end }}
