{{/* What this chart's templates have in common, beside charts/common. All are called with $. */}}

{{/* The word by which stores in the cluster are known as this release's. */}}
{{- define "storewright.instance" -}}
{{- .Values.instance | default (eq .Release.Name .Release.Namespace | ternary .Release.Name (printf "%s-%s" .Release.Namespace .Release.Name)) }}
{{- end }}

{{/* The name of what is cluster-wide: helm refuses a second release of the same, so no two share an instance. */}}
{{- define "storewright.clusterName" -}}
{{- $instance := include "storewright.instance" . -}}
{{- contains "storewright" $instance | ternary $instance (printf "storewright-%s" $instance) }}
{{- end }}

{{/* The ClusterRole that the bot binds to itself in each store's namespace. */}}
{{- define "storewright.storeRole" -}}
{{ include "storewright.clusterName" . }}-store
{{- end }}

{{/* The bot, as the API server knows it. */}}
{{- define "storewright.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{- define "storewright.labels" -}}
{{ include "common.labels" (dict "root" . "component" "bot") }}
{{- end }}

{{/* Of what is in the release's namespace and called like it. */}}
{{- define "storewright.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels: {{- include "storewright.labels" . | nindent 2 }}
{{- end }}

{{- define "storewright.image" -}}
{{ (include "common.image" (dict "root" . "image" .Values.image) | fromYaml).image }}
{{- end }}

{{/* Of the bot's pod and its Jobs': the one that is named, or else the one made here, or none. */}}
{{- define "storewright.priorityClassName" -}}
{{- .Values.pod.priorityClassName | default (.Values.priorityClass.create | ternary (include "storewright.clusterName" .) "") }}
{{- end }}

{{- define "storewright.host" -}}
{{ (urlParse .Values.publicUrl).hostname }}
{{- end }}

{{/* The paths that the world may ask for: never health or metrics, which have a port of their own. */}}
{{- define "storewright.paths" -}}
{{- eq .Values.slack.mode "http" | ternary (list "/s" "/slack/events") (list "/s") | toJson }}
{{- end }}

{{/* TCP ports the bot dials anywhere. */}}
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

{{/* Where the bot and its Jobs may go. */}}
{{- define "storewright.egress" -}}
{{- with .Values.networkPolicy -}}
- to: {{- toYaml .dns | nindent 4 }}
  ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]
- ports: {{- include "storewright.ports" $ | nindent 4 }}
# Also where a store's public address ends at the controller's own pods and ports.
- to: {{- toYaml .ingressControllers | nindent 4 }}
{{- with .extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Fails with everything at once that only the operator can know. */}}
{{- define "storewright.required" -}}
{{- $missing := list }}
{{- if not .Values.slack.failureChannel }}{{ $missing = append $missing "slack.failureChannel (the id of the channel that hears of failures, C…)" }}{{ end }}
{{- if not .Values.publicUrl }}{{ $missing = append $missing "publicUrl (the address at which browsers reach the bot, https://…)" }}{{ end }}
{{- if not .Values.stores.domain }}{{ $missing = append $missing "stores.domain (the DNS suffix under which stores appear)" }}{{ end }}
{{- if $missing }}{{ fail (printf "\nSet, by --set or in a values file:\n  %s\n" (join "\n  " $missing)) }}{{ end }}
{{- end }}

{{/* A ValidatingAdmissionPolicy for what the bot itself asks for, and its binding, up to the resources it is about.
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

{{/* Whether labels (CEL, optional) are of a namespace that this Storewright made. Call with (dict "labels" "variables.after" "instance" …). */}}
{{- define "storewright.ours" -}}
({{ .labels }}[?"app.kubernetes.io/managed-by"].orValue("") == "storewright" && {{ .labels }}[?"storewright.dev/instance"].orValue("") == "{{ .instance }}")
{{- end }}

{{/* What tells the pods of the bot's Jobs (provisioner/executors/manifest.py) from others. */}}
{{- define "storewright.workerLabels" -}}
app.kubernetes.io/component: worker
storewright.dev/instance: {{ include "storewright.instance" . }}
{{- end }}

{{/* The securityContext of such a pod: it has no disk whose owner it would change. */}}
{{- define "storewright.workerSecurity" -}}
{{ omit (include "common.podSecurity" 65532 | fromYaml).securityContext "fsGroup" "fsGroupChangePolicy" | toYaml }}
{{- end }}

{{/* CEL that holds where the optional `at` has all that `like` says; where it is `exact`, no more than that, else the API server
     may have added its defaults. Call with (dict "at" "variables.pod.?securityContext" "like" (dict …) "exact" true). */}}
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
