{{/* What belongs to a store's database beside the engine itself. */}}

{{/* The Service of the store's own. The shop asks until the database answers, so it may be told the address before the
     probes agree: a second less to wait. Call with (dict "root" $ "engine" "postgresql" "port" 5432); the container's port
     is called like the engine. */}}
{{- define "common.databaseService" }}
{{- $it := dict "root" .root "component" "database" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "common.metadata" $it | nindent 2 }}
spec:
  publishNotReadyAddresses: true
  selector: {{- include "common.selector" $it | nindent 4 }}
  ports: [{ name: {{ .engine }}, port: {{ .port }}, targetPort: {{ .engine }} }]
{{- end }}

{{/* The Job that brings its tables up to the new version before an upgrade; if that fails, nothing else has changed.
     Call with (dict "root" $ "user" 1000 "command" (list "node" "migrate.js") "env" "medusa.env"): the user's id, and the
     template of the application's environment. `mounts` are places where it writes beside /tmp: path and subPath. */}}
{{- define "common.migration" }}
{{- $it := dict "root" .root "component" "migration" }}
{{- $values := .root.Values }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "common.metadata" $it | nindent 2 }}
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation # what failed stays to be read
spec:
  backoffLimit: 1
  activeDeadlineSeconds: 600
  template:
    metadata:
      labels: {{- include "common.podLabels" $it | nindent 8 }}
    spec:
      restartPolicy: Never
      {{- include "common.podSecurity" .user | nindent 6 }}
      containers:
        - name: migrate
          {{- include "common.image" (dict "root" .root "image" $values.image) | nindent 10 }}
          command: {{ toJson .command }}
          {{- include "common.containerSecurity" . | nindent 10 }}
          env:
            {{- include .env .root | nindent 12 }}
          {{- with $values.envFrom }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
          resources: {{- toYaml $values.migration.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- range .mounts }}
            - { name: tmp, mountPath: {{ .path }}, subPath: {{ .subPath }} }
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: { sizeLimit: 256Mi }
{{- end }}
