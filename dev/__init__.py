"""Development tools: a local Kubernetes cluster, a local Slack, image builds, chart docs and the demo."""
