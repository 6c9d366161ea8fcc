{{/* How shoppers reach the shop. Call all of these with $. */}}

{{/* Service with the port `http` and, if `serviceMonitor` is enabled, `metrics`. Ingress and HTTPRoute use only `http`. */}}
{{- define "common.service" }}
{{- $scope := dict "root" $ "component" "application" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "common.metadata" $scope | nindent 2 }}
spec:
  selector: {{- include "common.selector" $scope | nindent 4 }}
  ports:
    - { name: http, port: 80, targetPort: http }
    {{- if .Values.serviceMonitor.enabled }}
    - { name: metrics, port: 9090, targetPort: metrics }
    {{- end }}
{{- end }}

{{/* Ingress, set by `ingress`. With the secretName "-" the ingress controller uses its default certificate. A store whose address is
     http has no TLS, whatever the values for new stores say: many controllers redirect a host with TLS to https. */}}
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
  {{- if and .enabled (hasPrefix "https:" $.Values.store.url) }}
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
            backend: { service: { name: {{ .Release.Name | quote }}, port: { name: http } } }
{{- end }}
{{- end }}

{{/* HTTPRoute, set by `httpRoute`. The certificate belongs to the Gateway. */}}
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
      backendRefs: [{ name: {{ .Release.Name | quote }}, port: 80 }]
{{- end }}
{{- end }}
