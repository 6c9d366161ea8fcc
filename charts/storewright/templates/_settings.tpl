{{/* All settings of the bot (`storewright run --help`) as `env` entries. The bot ignores empty ones. Call with $. */}}
{{- define "storewright.env" -}}
{{- with .Values.slack -}}
- { name: SLACK_MODE, value: {{ .mode }} }
- { name: SLACK_BOT_TOKEN, valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: {{ .secretKeys.botToken }} } } }
{{- if eq .mode "http" }}
- { name: SLACK_SIGNING_SECRET, valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: {{ .secretKeys.signingSecret }} } } }
{{- else }}
- { name: SLACK_APP_TOKEN, valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: {{ .secretKeys.appToken }} } } }
{{- end }}
- { name: SLACK_API_URL, value: {{ .apiUrl | quote }} }
- { name: FAILURE_CHANNEL, value: {{ .failureChannel | quote }} }
- { name: ADMINS, value: {{ join "," .admins | quote }} }
{{- end }}
- { name: PUBLIC_URL, value: {{ .Values.publicUrl | quote }} }
- { name: LISTEN, value: "0.0.0.0:3000" }
- { name: OPS_LISTEN, value: "0.0.0.0:9090" }
- { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
- { name: WAKER_ADDRESS, value: "$(POD_IP):{{ .Values.waker.port }}" }
{{- with .Values.ledger }}
- { name: LEDGER_PATH, value: /data/ledger.db }
- { name: LEDGER_BACKUP_DIR, value: /data/backups }
- { name: LEDGER_BACKUP_INTERVAL_HOURS, value: {{ .backups.hours | default .backups.intervalHours | quote }} }
- { name: LEDGER_BACKUP_KEEP, value: {{ .backups.kept | default .backups.keep | quote }} }
{{- end }}
{{- with .Values.stores }}
- { name: DEFAULT_TYPE, value: {{ .defaultType | quote }} }
- { name: STORE_DOMAIN, value: {{ .domain | quote }} }
- { name: STORE_SCHEME, value: {{ .scheme | quote }} }
- { name: STORE_PORT, value: {{ .port | default "" | quote }} }
- { name: STORE_PROFILE, value: {{ .profile | quote }} }
- { name: STORE_VALUES, value: /etc/storewright/stores.yaml }
- { name: STORE_LIMITS, value: /etc/storewright/limits.yaml }
- { name: IMAGE_PULL_SECRET, value: {{ with .imagePullSecret }}{{ printf "%s/%s" $.Release.Namespace . | quote }}{{ else }}""{{ end }} }
- { name: INGRESS_ADDRESS, value: {{ .ingressAddress | quote }} }
- { name: SHOW_CAPACITY, value: {{ .showCapacity | quote }} }
{{- end }}
{{- if .Values.backups.enabled }}
- { name: BACKUP_SERVER, value: "https://{{ .Release.Name }}-backup.{{ .Release.Namespace }}.svc:8000" }
{{- if not (kindIs "invalid" .Values.backups.dailyHour) }}
- { name: BACKUP_DAILY_HOUR, value: {{ .Values.backups.dailyHour | quote }} }
{{- end }}
- { name: BACKUP_PROOF_DAYS, value: {{ .Values.backups.proofDays | quote }} }
- { name: UNDELETE_DAYS, value: {{ .Values.backups.undeleteDays | quote }} }
{{- end }}
{{- with .Values.expiry }}
- { name: EXPIRY_DEFAULT, value: {{ .default | quote }} }
- { name: EXPIRY_LONGEST, value: {{ .longest | quote }} }
- { name: EXPIRY_SLEEP, value: {{ .sleep | quote }} }
- { name: TIME_ZONE, value: {{ .timeZone | quote }} }
{{- end }}
{{- $idle := list }}
- { name: IDLE_AFTER, value: {{ .Values.idle.after | quote }} }
- { name: IDLE_TYPES, value: {{ range $type, $after := .Values.idle.types }}{{ $idle = append $idle (printf "%s=%s" $type $after) }}{{ end }}{{ join "," $idle | quote }} }
- { name: INSTANCE, value: {{ include "storewright.instance" . | quote }} }
- { name: SERVICE_ACCOUNT, value: {{ printf "%s/%s" .Release.Namespace .Release.Name | quote }} }
- { name: STORE_ROLE, value: {{ include "storewright.storeRole" . | quote }} }
{{- with .Values.limits }}
- { name: STORES_PER_PERSON, value: {{ .storesPerPerson | quote }} }
- { name: CREATIONS_PER_HOUR, value: {{ .creationsPerHour | quote }} }
- { name: WORKERS, value: {{ .workers | quote }} }
- { name: MAX_CONCURRENT_JOBS, value: {{ .jobsAtOnce | default .maxConcurrentJobs | quote }} }
{{- end }}
{{- range $operation, $seconds := .Values.deadlineSeconds }}
- { name: {{ upper $operation }}_DEADLINE_SECONDS, value: {{ get $.Values.limits (printf "%sDeadline" $operation) | default $seconds | quote }} }
{{- end }}
{{- range $trouble, $seconds := .Values.patienceSeconds }}
- { name: {{ snakecase $trouble | upper }}_PATIENCE_SECONDS, value: {{ $seconds | quote }} }
{{- end }}
- { name: EXECUTOR, value: {{ .Values.executor }} }
- { name: EXECUTOR_IMAGE, value: {{ include "storewright.image" . | quote }} }
- { name: EXECUTOR_POD, value: /etc/storewright/worker.yaml }
- { name: LOG_LEVEL, value: {{ .Values.logLevel }} }
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Fields that the bot adds to the pods of its Jobs: those the operator set for the bot's own pod. Call with $. */}}
{{- define "storewright.worker" -}}
{{- with .Values -}}
{{- $pod := dict "imagePullSecrets" .imagePullSecrets "volumes" .extraVolumes }}
{{- $pod = merge $pod (pick .pod "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints") }}
{{- $pod = set $pod "priorityClassName" (include "storewright.priorityClassName" $) }}
{{- $pod = set $pod "securityContext" (include "storewright.workerSecurity" $ | fromYaml) }}
{{- with .pod.runtimeClassName }}{{ $_ := set $pod "runtimeClassName" . }}{{ end }}
{{- $container := dict "env" .extraEnv "volumeMounts" .extraVolumeMounts "resources" .worker.resources "imagePullPolicy" .image.pullPolicy }}
{{- dict "pod" $pod "container" $container | toYaml }}
{{- end }}
{{- end }}

{{/* What the namespaces of stores may use. Call with $. */}}
{{- define "storewright.storeLimits" -}}
{{- pick .Values.stores "quota" "limitRange" | toYaml }}
{{- end }}

{{/* Deprecated values that are set, as YAML: the former name and the new name of each. Call with $. */}}
{{- define "storewright.deprecated" -}}
{{- $limits := dict "jobsAtOnce" "limits.maxConcurrentJobs" }}
{{- range $operation := list "create" "upgrade" "delete" }}
{{- $_ := set $limits (printf "%sDeadline" $operation) (printf "deadlineSeconds.%s" $operation) }}
{{- end }}
{{- $found := dict }}
{{- range $key, $name := $limits }}
{{- if hasKey $.Values.limits $key }}{{ $_ := set $found (printf "limits.%s" $key) $name }}{{ end }}
{{- end }}
{{- range $key, $name := dict "hours" "intervalHours" "kept" "keep" }}
{{- if hasKey $.Values.ledger.backups $key }}{{ $_ := set $found (printf "ledger.backups.%s" $key) (printf "ledger.backups.%s" $name) }}{{ end }}
{{- end }}
{{- toYaml $found }}
{{- end }}
