"""Development tools: local cluster, local Slack, image builds, charts and demo."""
