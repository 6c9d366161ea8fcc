{{/* Environment of Medusa's containers. */}}

{{/* `env` entries of the database: libpq's variables. Call with $. */}}
{{- define "medusa.databaseEnv" -}}
{{- $database := include "common.database" (dict "root" $ "port" 5432 "name" "medusa" "user" "medusa") | fromYaml -}}
- { name: PGHOST, value: {{ $database.host | quote }} }
- { name: PGPORT, value: {{ $database.port | quote }} }
- { name: PGDATABASE, value: {{ $database.name | quote }} }
- { name: PGUSER, value: {{ $database.user | quote }} }
- { name: PGSSLMODE, value: {{ $database.ssl | quote }} }
{{ include "common.secretEnv" (dict "root" $ "keys" (dict "PGPASSWORD" "database-password")) }}
{{- end }}

{{/* `env` entries: the database, the store's name and options, secrets. Call with $. */}}
{{- define "medusa.env" -}}
{{ include "medusa.databaseEnv" . }}
{{ include "common.storeEnv" . }}
{{- $keys := dict "PUBLISHABLE_KEY" "publishable-key" "ADMIN_EMAIL" "admin-email" }}
{{- $_ := merge $keys (dict "ADMIN_PASSWORD" "admin-password" "JWT_SECRET" "jwt-secret" "COOKIE_SECRET" "cookie-secret") }}
{{ include "common.secretEnv" (dict "root" $ "keys" $keys) }}
{{- end }}
