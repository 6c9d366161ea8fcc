{{/* Parts of pods. */}}

{{/* `image` and `imagePullPolicy`. An empty tag means the chart's appVersion.
     Call with (dict "root" $ "image" .Values.image). */}}
{{- define "common.image" -}}
image: {{ printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
{{- end }}

{{/* Pod fields that the restricted Pod Security Standard requires. Call with a dict of ids: runAsUser, runAsGroup, fsGroup.
     Without them the cluster chooses, as OpenShift does. */}}
{{- define "common.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with . }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Pod fields set by `pod`: where a store's pods may run. They may be templates, because an operator's values apply to many stores.
     A topology spread constraint without a labelSelector counts the component's own pods. Call with a scope. */}}
{{- define "common.scheduling" -}}
{{- $pod := tpl (toYaml .root.Values.pod) .root | fromYaml }}
{{- $fields := dict }}
{{- range $key, $value := $pod }}{{ if $value }}{{ $_ := set $fields $key $value }}{{ end }}{{ end }}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "common.selector" . | fromYaml)) }}
{{- range $fields.topologySpreadConstraints }}{{ $_ := merge . $own }}{{ end }}
{{- with $fields }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* An annotation of the application's pods: where their visits are counted, as the chart's own annotation says. Call with $. */}}
{{- define "common.visits" -}}
storewright.dev/visits: {{ index .Chart.Annotations "storewright.dev/visits" | quote }}
{{- end }}

{{/* Container fields that the restricted Pod Security Standard requires. It ignores its argument. */}}
{{- define "common.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* The store's name, address and options as `env` entries. Call with $. */}}
{{- define "common.storeEnv" -}}
{{- with .Values.store -}}
- { name: STORE_NAME, value: {{ .displayName | quote }} }
- { name: STORE_URL, value: {{ .url | quote }} }
- { name: STORE_CURRENCY, value: {{ .currency | quote }} }
- { name: STORE_COUNTRY, value: {{ .country | quote }} }
- { name: STORE_COLOR, value: {{ .color | quote }} }
- { name: STORE_LOGO, value: {{ .logo | quote }} }
{{- end }}
{{- end }}

{{/* `env` entries from the store's Secret: `keys` maps each variable to a key of the Secret.
     Call with (dict "root" $ "keys" (dict "PGPASSWORD" "database-password")). */}}
{{- define "common.secretEnv" -}}
{{- $env := list }}
{{- range $name, $key := .keys }}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" (dict "name" $.root.Values.secretName "key" $key))) }}
{{- end }}
{{- toYaml $env }}
{{- end }}

{{/* Connection to the database as YAML: host, port, name, user, ssl (disable, require, verify-full).
     The values of an external database may be templates, because an operator's values apply to many stores.
     Call with (dict "root" $ "port" 5432 "name" "medusa" "user" "medusa"), the values of the store's own database. */}}
{{- define "common.database" -}}
{{- $own := dict "host" (include "common.name" (dict "root" .root "component" "database")) "ssl" "disable" -}}
{{- $external := include "common.external" .root | fromYaml -}}
{{- tpl ($external.enabled | ternary $external (merge $own (omit . "root")) | toYaml) .root }}
{{- end }}
