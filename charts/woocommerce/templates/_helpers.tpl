{{/* Environment of WordPress's containers. */}}

{{/* `env` entries of the database. Call with $. */}}
{{- define "woocommerce.databaseEnv" -}}
{{- $database := include "common.database" (dict "root" $ "port" 3306 "name" "store" "user" "store") | fromYaml -}}
- { name: MARIADB_HOST, value: {{ $database.host | quote }} }
- { name: MARIADB_PORT, value: {{ $database.port | quote }} }
- { name: MARIADB_DATABASE, value: {{ $database.name | quote }} }
- { name: MARIADB_USER, value: {{ $database.user | quote }} }
- { name: MARIADB_SSL, value: {{ $database.ssl | quote }} }
{{ include "common.secretEnv" (dict "root" $ "keys" (dict "MARIADB_PASSWORD" "database-password")) }}
{{- end }}

{{/* `env` entries: the database, the store's name and options, secrets. Call with $. */}}
{{- define "woocommerce.env" -}}
{{ include "woocommerce.databaseEnv" . }}
- { name: WOOCOMMERCE, value: {{ .Values.image.woocommerce | quote }} }
{{ include "common.storeEnv" . }}
{{ include "common.secretEnv" (dict "root" $ "keys" (dict "WORDPRESS_SALT" "salt" "ADMIN_USER" "admin-user" "ADMIN_PASSWORD" "admin-password" "ADMIN_EMAIL" "admin-email" "API_KEY" "api-key" "API_SECRET" "api-secret")) }}
{{- end }}
