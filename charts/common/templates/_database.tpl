{{/* The database's Service and the migration Job. The database's own workload is in each store chart. */}}

{{/* Service of the store's own database. It publishes the pod before the pod is ready: the shop retries until the database
     answers, and so starts a second sooner. Call with (dict "root" $ "engine" "postgresql" "port" 5432). The container's port
     has the engine's name. */}}
{{- define "common.databaseService" }}
{{- $scope := dict "root" .root "component" "database" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  publishNotReadyAddresses: true
  selector: {{- include "common.selector" $scope | nindent 4 }}
  ports: [{ name: {{ .engine }}, port: {{ .port }}, targetPort: {{ .engine }} }]
{{- end }}

{{/* Job that migrates the database before an upgrade. If it fails, Helm changes nothing else.
     Call with (dict "root" $ "user" 1000 "command" (list "node" "migrate.js") "env" "medusa.env"). `user` is the user's id,
     `env` the template of the application's environment. The optional `mounts` lists further writable paths (path, subPath). */}}
{{- define "common.migration" }}
{{- $scope := dict "root" .root "component" "migration" }}
{{- $values := .root.Values }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "common.metadata" $scope | nindent 2 }}
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation # a failed Job stays, so that you can read its log
spec:
  backoffLimit: 1
  activeDeadlineSeconds: 600
  template:
    metadata:
      labels: {{- include "common.podLabels" $scope | nindent 8 }}
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
