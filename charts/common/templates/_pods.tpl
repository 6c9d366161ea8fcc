{{/* What pods are made of. */}}

{{/* `image` and `imagePullPolicy`; an empty tag means the chart's appVersion.
     Call with (dict "root" $ "image" .Values.image). */}}
{{- define "common.image" -}}
image: {{ printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
{{- end }}

{{/* What the restricted Pod Security Standard asks of a pod. Call with the user's id. */}}
{{- define "common.podSecurity" -}}
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

{{/* What it asks of each container. Call with anything. */}}
{{- define "common.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* What a store is told of itself, as entries of `env`. Call with $. */}}
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

{{/* Entries of `env` from the store's Secret, by the variables' names.
     Call with (dict "root" $ "keys" (dict "PGPASSWORD" "database-password")). */}}
{{- define "common.secretEnv" -}}
{{- $env := list }}
{{- range $name, $key := .keys }}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" (dict "name" $.root.Values.secretName "key" $key))) }}
{{- end }}
{{- toYaml $env }}
{{- end }}

{{/* Of the database, the store's own or an external one, for fromYaml: host, port, name, user, ssl (disable, require, verify-full).
     An external one's may be templates, because an operator's values are for many stores.
     Call with (dict "root" $ "port" 5432 "name" "medusa" "user" "medusa"): what its own has. */}}
{{- define "common.database" -}}
{{- $own := dict "host" (include "common.name" (dict "root" .root "component" "database")) "ssl" "disable" -}}
{{- $external := .root.Values.database.external -}}
{{- tpl ($external.enabled | ternary $external (merge $own (omit . "root")) | toYaml) .root }}
{{- end }}
