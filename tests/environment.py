"""The environment variables that a bot needs."""

NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "sssh",
    "FAILURE_CHANNEL": "C0FAILURE",
    "PUBLIC_URL": "https://bot.example.com",
    "STORE_DOMAIN": "shops.example.com",
}
