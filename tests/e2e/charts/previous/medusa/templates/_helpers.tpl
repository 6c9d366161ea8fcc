{{/* Every name and label of the chart, in one place. */}}

{{- define "medusa.application" -}}{{ .Release.Name }}{{- end }}
{{- define "medusa.database" -}}{{ .Release.Name }}-database{{- end }}
{{- define "medusa.uploads" -}}{{ .Release.Name }}-uploads{{- end }}
{{- define "medusa.test" -}}{{ .Release.Name }}-test{{- end }}
{{- define "medusa.tls" -}}{{ .Values.ingress.tls.secretName | default (printf "%s-tls" .Release.Name) }}{{- end }}

{{/* An image by its values; an empty tag means the chart's appVersion. Call with (dict "image" … "chart" .Chart). */}}
{{- define "medusa.image" -}}
{{ .image.repository }}:{{ .image.tag | default .chart.AppVersion }}
{{- end }}

{{/* What a Service or a controller finds its pods by. Call with (dict "root" $ "component" "application"). */}}
{{- define "medusa.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "medusa.labels" -}}
{{ include "medusa.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
storewright.dev/store: {{ .root.Values.store.name }}
{{- end }}

{{/* What the restricted Pod Security Standard asks of a pod, and of each container. Call the first with the user's id. */}}
{{- define "medusa.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "medusa.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* An environment variable from the store's Secret. Call with (dict "name" … "key" … "secret" .Values.secretName). */}}
{{- define "medusa.secretEnv" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret | quote }}, key: {{ .key }} } }
{{- end }}

{{/* What a claim asks for. Call with a `storage` value. */}}
{{- define "medusa.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .className }}
storageClassName: {{ . | quote }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}
