"""Real SQLite, real HTTP, real helm, the local Slack; no cluster."""
