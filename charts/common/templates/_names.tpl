{{/* Names and labels. A scope is (dict "root" $ "component" "database"): the chart's root context and a component's name. */}}

{{/* Name of a component's object: the release's name, followed by the component unless that is `application`.
     Call with a scope. */}}
{{- define "common.name" -}}
{{ .root.Release.Name }}{{ if ne .component "application" }}-{{ .component }}{{ end }}
{{- end }}

{{/* Labels that all pods of this release share. Call with $. */}}
{{- define "common.instance" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels by which a Service, a controller or a policy selects a component's pods. Call with a scope. */}}
{{- define "common.selector" -}}
{{ include "common.instance" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of a controller's pods. They include no version: otherwise a new chart version would restart an unchanged database.
     Call with a scope. */}}
{{- define "common.podLabels" -}}
{{ include "common.selector" . }}
{{- with .root.Values.store }}
storewright.dev/store: {{ .name | quote }}
{{- end }}
{{- end }}

{{/* Labels of an object. Call with a scope. */}}
{{- define "common.labels" -}}
{{ include "common.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Name and labels of the object, where a component has only one of that kind. Call with a scope. */}}
{{- define "common.metadata" -}}
name: {{ include "common.name" . | quote }}
labels: {{- include "common.labels" . | nindent 2 }}
{{- end }}
