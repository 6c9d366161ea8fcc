{{/* Environment of Medusa's containers. */}}

{{/* `env` entries: the database (libpq variables), the store's name and options, secrets. Call with $. */}}
{{- define "medusa.env" -}}
{{- $database := include "common.database" (dict "root" $ "port" 5432 "name" "medusa" "user" "medusa") | fromYaml -}}
- { name: PGHOST, value: {{ $database.host | quote }} }
- { name: PGPORT, value: {{ $database.port | quote }} }
- { name: PGDATABASE, value: {{ $database.name | quote }} }
- { name: PGUSER, value: {{ $database.user | quote }} }
- { name: PGSSLMODE, value: {{ $database.ssl | quote }} }
{{ include "common.storeEnv" . }}
{{- $keys := dict "PGPASSWORD" "database-password" "PUBLISHABLE_KEY" "publishable-key" "ADMIN_EMAIL" "admin-email" }}
{{- $_ := merge $keys (dict "ADMIN_PASSWORD" "admin-password" "JWT_SECRET" "jwt-secret" "COOKIE_SECRET" "cookie-secret") }}
{{ include "common.secretEnv" (dict "root" $ "keys" $keys) }}
{{- end }}
