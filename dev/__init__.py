"""What stands in for the outside world on a laptop: a real Kubernetes, a local Slack, the image builds and the demo."""
