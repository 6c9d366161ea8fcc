{{/* Objects for operators: disruption budget and monitoring. */}}

{{/* Keeps the shop online while a node drains. Call with $. */}}
{{- define "common.podDisruptionBudget" }}
{{- $scope := dict "root" $ "component" "application" }}
{{- if gt (include "common.replicas" . | int) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "common.selector" $scope | nindent 6 }}
{{- end }}
{{- end }}

{{/* ServiceMonitor for the Prometheus Operator, set by `serviceMonitor`. Call with $. */}}
{{- define "common.serviceMonitor" }}
{{- $scope := dict "root" $ "component" "application" }}
{{- with .Values.serviceMonitor }}
{{- if .enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "common.name" $scope | quote }}
  labels: {{- merge (include "common.labels" $scope | fromYaml) .labels | toYaml | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "common.selector" $scope | nindent 6 }}
  endpoints: [{ port: metrics, interval: {{ .interval }} }]
{{- end }}
{{- end }}
{{- end }}
