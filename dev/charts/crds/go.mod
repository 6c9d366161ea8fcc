// Pins the module with the CustomResourceDefinitions of the Prometheus operator. Traefik's go.mod pins the Gateway API.
module storewright.dev/charts/crds

go 1.25.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
