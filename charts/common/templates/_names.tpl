{{/* Names and labels. An `it` is (dict "root" $ "component" "database"). */}}

{{/* The application is called like the release, everything else has its component behind that. Call with an `it`. */}}
{{- define "common.name" -}}
{{ .root.Release.Name }}{{ if ne .component "application" }}-{{ .component }}{{ end }}
{{- end }}

{{/* What all pods of this release have in common. Call with $. */}}
{{- define "common.instance" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What a Service, a controller or a policy finds a component's pods by. Call with an `it`. */}}
{{- define "common.selector" -}}
{{ include "common.instance" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Of a controller's pods; no version among them, or a new chart would restart a database it does not change.
     Call with an `it`. */}}
{{- define "common.podLabels" -}}
{{ include "common.selector" . }}
{{- with .root.Values.store }}
storewright.dev/store: {{ .name }}
{{- end }}
{{- end }}

{{/* Of an object. Call with an `it`. */}}
{{- define "common.labels" -}}
{{ include "common.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Name and labels of an object that a component has one of. Call with an `it`. */}}
{{- define "common.metadata" -}}
name: {{ include "common.name" . }}
labels: {{- include "common.labels" . | nindent 2 }}
{{- end }}
