{{/* NetworkPolicies. Ports are container port numbers, because not every network plugin supports named ports. */}}

{{/* Policies set by `networkPolicy`: one denies all traffic of this release's pods, the others allow what a shop needs.
     Call with (dict "root" $ "http" 9000 "metrics" 9464 "database" 5432 "visitors" (list "test") "clients" (list "application")).
     `http`, `metrics` and `database` are container ports, `visitors` the components that call the shop, `clients` the components
     that use the database. */}}
{{- define "common.networkPolicies" }}
{{- $values := .root.Values }}
{{- if $values.networkPolicy.enabled }}
{{- include "common.policy" (dict "root" .root "name" "deny-all") }}
  policyTypes: [Ingress, Egress]
{{- include "common.policy" (dict "root" .root "name" "application" "of" (list "application")) }}
  policyTypes: [Ingress]
  ingress:
    - from:
        {{- with $values.networkPolicy.ingressControllers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        - podSelector: {{- include "common.pods" (dict "root" .root "of" .visitors) | nindent 12 }}
      ports: [{ protocol: TCP, port: {{ .http }} }]
    {{- if $values.serviceMonitor.enabled }}
    - from: {{- toYaml $values.networkPolicy.monitoring | nindent 8 }}
      ports: [{ protocol: TCP, port: {{ .metrics }} }]
    {{- end }}
{{- include "common.policy" (dict "root" .root "name" "to-application" "of" .visitors) }}
  policyTypes: [Egress]
  egress:
    - to:
        - podSelector: {{- include "common.pods" (dict "root" .root "of" (list "application")) | nindent 12 }}
      ports: [{ protocol: TCP, port: {{ .http }} }]
{{- include "common.policy" (dict "root" .root "name" "to-dns" "of" (concat .clients .visitors (has "backup" .clients | ternary (list "export" "import") list) | uniq | sortAlpha)) }}
  policyTypes: [Egress]
  egress:
    - to: {{- toYaml $values.networkPolicy.dns | nindent 8 }}
      ports: {{- include "common.dnsPorts" $values.networkPolicy.dnsPorts | nindent 8 }}
{{- include "common.databasePolicies" . }}
{{- if has "backup" .clients }}
{{- include "common.policy" (dict "root" .root "name" "to-backup-server" "of" (list "backup" "restore" "export" "import")) }}
  policyTypes: [Egress]
  egress:
    - to: {{- toYaml $values.networkPolicy.backupServer | nindent 8 }}
      ports: [{ protocol: TCP, port: 8000 }]
{{- end }}
{{- with $values.networkPolicy.extraEgress }}
{{- include "common.policy" (dict "root" $.root "name" "to-elsewhere" "of" (without $.clients "migration" "backup" "restore" "reset")) }}
  policyTypes: [Egress]
  egress: {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Access to the database, the store's own or an external one. Call with the same arguments as common.networkPolicies. */}}
{{- define "common.databasePolicies" }}
{{- $clients := dict "root" .root "of" .clients }}
{{- $external := include "common.external" .root | fromYaml }}
{{- include "common.policy" (merge (dict "name" "to-database") $clients) }}
  policyTypes: [Egress]
  egress:
    {{- if $external.enabled }}
    - to: [{ ipBlock: { cidr: {{ $external.cidr }} } }]
      ports: [{ protocol: TCP, port: {{ $external.port }} }]
    {{- else }}
    - to:
        - podSelector: {{- include "common.pods" (dict "root" .root "of" (list "database")) | nindent 12 }}
      ports: [{ protocol: TCP, port: {{ .database }} }]
{{- include "common.policy" (dict "root" .root "name" "database" "of" (list "database")) }}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector: {{- include "common.pods" $clients | nindent 12 }}
      ports: [{ protocol: TCP, port: {{ .database }} }]
    {{- end }}
{{- end }}

{{/* The head of the policy <release>-<name>, without its rules. It selects the pods of the components in `of`, or all pods.
     Call with (dict "root" $ "name" "database" "of" (list "database")). */}}
{{- define "common.policy" }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{- include "common.metadata" (dict "root" .root "component" .name) | nindent 2 }}
spec:
  podSelector: {{- include "common.pods" . | nindent 4 }}
{{- end }}

{{/* Selector of this release's pods: those of the components in `of`, or all. */}}
{{- define "common.pods" -}}
matchLabels: {{- include "common.instance" .root | nindent 2 }}
{{- if hasKey . "of" }}
matchExpressions: [{ key: app.kubernetes.io/component, operator: In, values: {{ toJson .of }} }]
{{- end }}
{{- end }}

{{/* Ports of DNS servers in a policy. Call with their numbers. */}}
{{- define "common.dnsPorts" -}}
{{- $ports := list }}
{{- range . }}{{ $ports = concat $ports (list (dict "protocol" "UDP" "port" .) (dict "protocol" "TCP" "port" .)) }}{{ end }}
{{- toYaml $ports }}
{{- end }}
