{{/* How the world reaches the shop. All are called with $. */}}

{{/* The pods' ports `http` and, where it is monitored, `metrics`; only the first is routed. */}}
{{- define "common.service" }}
{{- $it := dict "root" $ "component" "application" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "common.metadata" $it | nindent 2 }}
spec:
  selector: {{- include "common.selector" $it | nindent 4 }}
  ports:
    - { name: http, port: 80, targetPort: http }
    {{- if .Values.serviceMonitor.enabled }}
    - { name: metrics, port: 9090, targetPort: metrics }
    {{- end }}
{{- end }}

{{/* By `ingress`. A secretName of "-" leaves the certificate to the ingress controller's default one. */}}
{{- define "common.ingress" }}
{{- if .Values.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "common.metadata" (dict "root" $ "component" "application") | nindent 2 }}
  {{- with .Values.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .Values.ingress.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- with .Values.ingress.tls }}
  {{- if .enabled }}
  tls:
    - hosts: [{{ $.Values.store.host | quote }}]
      {{- if ne .secretName "-" }}
      secretName: {{ .secretName | default (printf "%s-tls" $.Release.Name) | quote }}
      {{- end }}
  {{- end }}
  {{- end }}
  rules:
    - host: {{ .Values.store.host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: {{ .Release.Name }}, port: { name: http } } }
{{- end }}
{{- end }}

{{/* By `httpRoute`; the certificate is the Gateway's. */}}
{{- define "common.httpRoute" }}
{{- if .Values.httpRoute.enabled }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "common.metadata" (dict "root" $ "component" "application") | nindent 2 }}
  {{- with .Values.httpRoute.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs: {{- toYaml .Values.httpRoute.parentRefs | nindent 4 }}
  hostnames: [{{ .Values.store.host | quote }}]
  rules:
    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: {{ .Release.Name }}, port: 80 }]
{{- end }}
{{- end }}
