// Pins where the custom resource definitions of the Prometheus operator are taken from; Traefik's go.mod pins the Gateway API's.
module storewright.dev/charts/crds

go 1.25.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
