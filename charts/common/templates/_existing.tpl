{{/* An object in the release's namespace as JSON; {} if there is none, or where Helm has no cluster. A `lookup` costs two requests to
     the API server, so its answer is kept in .Release for the rest of Helm's run.
     Call with (dict "root" $ "apiVersion" "apps/v1" "kind" "Deployment" "name" "my-shop"). */}}
{{- define "common.existing" -}}
{{- $key := printf "existing %s %s" .kind .name }}
{{- if not (hasKey .root.Release $key) }}
{{- $_ := lookup .apiVersion .kind .root.Release.Namespace .name | toJson | set .root.Release $key }}
{{- end }}
{{- index .root.Release $key }}
{{- end }}
