{{/* Helpers of this chart, in addition to charts/common. Call with $ unless the comment says otherwise. */}}

{{/* Instance name: the label by which a store's namespace belongs to this release. */}}
{{- define "storewright.instance" -}}
{{- .Values.instance | default (eq .Release.Name .Release.Namespace | ternary .Release.Name (printf "%s-%s" .Release.Namespace .Release.Name)) }}
{{- end }}

{{/* Name of the cluster-wide objects. Helm refuses a second release with the same name, so no two releases share an instance. */}}
{{- define "storewright.clusterName" -}}
{{- $instance := include "storewright.instance" . -}}
{{- contains "storewright" $instance | ternary $instance (printf "storewright-%s" $instance) }}
{{- end }}

{{/* ClusterRole that the bot binds to itself in each store's namespace. */}}
{{- define "storewright.storeRole" -}}
{{ include "storewright.clusterName" . }}-store
{{- end }}

{{/* Username of the bot's ServiceAccount. */}}
{{- define "storewright.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{- define "storewright.labels" -}}
{{ include "common.labels" (dict "root" . "component" "bot") }}
{{- end }}

{{/* Metadata of an object that has the release's name, in the release's namespace. */}}
{{- define "storewright.metadata" -}}
name: {{ .Release.Name | quote }}
namespace: {{ .Release.Namespace | quote }}
labels: {{- include "storewright.labels" . | nindent 2 }}
{{- end }}

{{/* Spec of a claim of this chart. A claim that exists keeps its class and access mode. It may grow.
     Call with (dict "root" $ "name" "storewright-ledger" "storage" .Values.ledger.storage). */}}
{{- define "storewright.claim" -}}
{{- $born := (lookup "v1" "PersistentVolumeClaim" .root.Release.Namespace .name).spec | default dict }}
{{- with $born }}{{ $_ := set $born "resources" (dict "requests" (dict "storage" $.storage.size)) }}{{ end }}
{{- include "common.claim" (dict "storage" .storage "born" $born) }}
{{- end }}

{{- define "storewright.image" -}}
{{ (include "common.image" (dict "root" . "image" .Values.image) | fromYaml).image }}
{{- end }}

{{/* PriorityClass of the bot's pod and its Jobs' pods: `pod.priorityClassName`, else the one this chart creates, else none. */}}
{{- define "storewright.priorityClassName" -}}
{{- .Values.pod.priorityClassName | default (.Values.priorityClass.create | ternary (include "storewright.clusterName" .) "") }}
{{- end }}

{{- define "storewright.host" -}}
{{ (urlParse .Values.publicUrl).hostname }}
{{- end }}

{{/* Public paths. Health and metrics have a port of their own and are never public. */}}
{{- define "storewright.paths" -}}
{{- eq .Values.slack.mode "http" | ternary (list "/s" "/slack/events") (list "/s") | toJson }}
{{- end }}

{{/* TCP ports that the bot may connect to at any address. */}}
{{- define "storewright.ports" -}}
{{- $ports := .Values.networkPolicy.ports -}}
{{- with .Values.stores }}
{{- $ports = append $ports (.port | default (eq .scheme "http" | ternary 80 443)) -}}
{{- with .ingressAddress }}{{ $ports = append $ports (splitList ":" . | last) }}{{ end }}
{{- end }}
{{- $rules := list }}
{{- range $ports }}{{ $rules = append $rules (dict "protocol" "TCP" "port" (int .)) }}{{ end }}
{{- $rules | uniq | toYaml }}
{{- end }}

{{/* Egress rules of the bot and its Jobs. */}}
{{- define "storewright.egress" -}}
{{- with .Values.networkPolicy -}}
- to: {{- toYaml .dns | nindent 4 }}
  ports: {{- include "common.dnsPorts" .dnsPorts | nindent 4 }}
- ports: {{- include "storewright.ports" $ | nindent 4 }}
# A store's public address may lead straight to the controller's pods, on ports of their own.
- to: {{- toYaml .ingressControllers | nindent 4 }}
{{- with .extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Fails if a value without a default is missing, and lists all that are missing. */}}
{{- define "storewright.required" -}}
{{- $missing := list }}
{{- if not .Values.slack.failureChannel }}{{ $missing = append $missing "slack.failureChannel (id of the channel for failure messages, C…)" }}{{ end }}
{{- if not .Values.publicUrl }}{{ $missing = append $missing "publicUrl (address at which browsers reach the bot, https://…)" }}{{ end }}
{{- if not .Values.stores.domain }}{{ $missing = append $missing "stores.domain (DNS suffix of the stores' addresses)" }}{{ end }}
{{- if $missing }}{{ fail (printf "\nSet these values with --set or in a values file:\n  %s\n" (join "\n  " $missing)) }}{{ end }}
{{- end }}

{{/* The head of a ValidatingAdmissionPolicy for the bot's own requests, with its binding. The caller adds the resource rules.
     Call with (dict "root" $ "name" "namespaces"). */}}
{{- define "storewright.admission" }}
{{- $name := printf "%s-%s" (include "storewright.clusterName" .root) .name }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels: {{- include "storewright.labels" .root | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels: {{- include "storewright.labels" .root | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConditions:
    - name: by-the-bot
      expression: request.userInfo.username == "{{ include "storewright.user" .root }}"
  matchConstraints:
    resourceRules:
{{- end }}

{{/* CEL condition: the optional `labels` belong to a namespace that this instance created.
     Call with (dict "labels" "variables.after" "instance" …). */}}
{{- define "storewright.ours" -}}
({{ .labels }}[?"app.kubernetes.io/managed-by"].orValue("") == "storewright" && {{ .labels }}[?"storewright.dev/instance"].orValue("") == "{{ .instance }}")
{{- end }}

{{/* Labels of the pods of the bot's Jobs (provisioner/runner/executors/job_manifest.py). */}}
{{- define "storewright.workerLabels" -}}
app.kubernetes.io/component: worker
storewright.dev/instance: {{ include "storewright.instance" . | quote }}
{{- end }}

{{/* securityContext of such a pod. It mounts no persistent volume, so it needs no fsGroup. */}}
{{- define "storewright.workerSecurity" -}}
{{ omit (include "common.podSecurity" .Values.pod.securityContext | fromYaml).securityContext "fsGroup" "fsGroupChangePolicy" | toYaml }}
{{- end }}

{{/* CEL condition: the optional `at` contains everything in `like`. With `exact` it contains nothing else; without it, the API
     server may have added defaults. Call with (dict "at" "variables.pod.?securityContext" "like" (dict …) "exact" true). */}}
{{- define "storewright.like" -}}
{{- $all := list -}}
{{- if kindIs "map" .like -}}
{{- $all = append $all (printf "%s.hasValue()" .at) -}}
{{- if .exact }}{{ $all = append $all (printf "%s.orValue({}).all(key, key in %s)" .at (keys .like | sortAlpha | toJson)) }}{{ end -}}
{{- range $key, $value := .like -}}
{{- $all = append $all (include "storewright.like" (dict "at" (printf "%s[?%s]" $.at (toJson $key)) "like" $value "exact" $.exact)) -}}
{{- end -}}
{{- else if kindIs "slice" .like -}}
{{- $all = append $all (printf "%s.orValue([]).size() == %d" .at (len .like)) -}}
{{- range $index, $value := .like -}}
{{- $all = append $all (include "storewright.like" (dict "at" (printf "%s[?%d]" $.at $index) "like" $value "exact" $.exact)) -}}
{{- end -}}
{{- else if .like -}}
{{- $all = append $all (printf "%s == optional.of(%s)" .at (toJson .like)) -}}
{{- else -}}
{{- $all = append $all (printf "%s.orValue(%s) == %s" .at (toJson .like) (toJson .like)) -}}
{{- end -}}
{{- join " && " $all -}}
{{- end }}
