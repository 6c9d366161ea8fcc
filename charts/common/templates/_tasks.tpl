{{/* The Jobs that do one thing in a store. Storewright starts them: the CronJobs themselves are suspended. */}}

{{/* CronJob <release>-reset: a Job of it gives the shop's admin the password that Storewright has written to the store's Secret under new-<key>, for each
     <key> in the chart's annotation storewright.dev/reset. Storewright moves it to <key> once the Job has ended well.
     Call with (dict "root" $ "image" .Values.image "command" (list "node" "reset.js") "env" "medusa.databaseEnv"
     "keys" (dict "ADMIN_EMAIL" "admin-email" "ADMIN_PASSWORD" "new-admin-password")). `env` is a template of `env` entries, `keys` maps variables
     to keys of the Secret. */}}
{{- define "common.reset" }}
{{- include "common.task" (merge (dict "component" "reset") .) }}
{{- end }}

{{/* A suspended CronJob of one container. Call with the arguments of common.reset and a `component`. */}}
{{- define "common.task" }}
{{- $scope := dict "root" .root "component" .component }}
{{- $values := .root.Values }}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  suspend: true
  schedule: "@yearly"
  jobTemplate:
    metadata:
      labels: {{- include "common.podLabels" $scope | nindent 8 }}
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: 300
      ttlSecondsAfterFinished: 3600
      template:
        metadata:
          labels: {{- include "common.podLabels" $scope | nindent 12 }}
        spec:
          restartPolicy: Never
          {{- include "common.podSecurity" $values.securityContext | nindent 10 }}
          {{- include "common.scheduling" $scope | nindent 10 }}
          containers:
            - name: {{ .component }}
              {{- include "common.image" (dict "root" .root "image" .image) | nindent 14 }}
              command: {{- toYaml .command | nindent 16 }}
              {{- include "common.containerSecurity" . | nindent 14 }}
              env:
                {{- include .env .root | nindent 16 }}
                {{- with .keys }}
                {{- include "common.secretEnv" (dict "root" $.root "keys" .) | nindent 16 }}
                {{- end }}
              resources:
                requests: { cpu: 10m, memory: 32Mi }
                limits: { memory: 192Mi }
              volumeMounts: [{ name: tmp, mountPath: /tmp }]
          volumes:
            - name: tmp
              emptyDir: { sizeLimit: 16Mi }
{{- end }}
