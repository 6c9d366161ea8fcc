"""All that knows stores, jobs, Helm and Kubernetes; no Slack word in it."""
