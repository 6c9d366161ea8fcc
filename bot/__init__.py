"""All that knows Slack and HTTP: people's wishes in, words about their stores out."""
