"""The command line of the local Slack (`python -m dev.slack`)."""

import argparse
import os
import socket
import sys
from typing import Any

from dev.slack.delivery import ACK_TIMEOUT_SECONDS
from dev.slack.local_slack import create_server
from dev.slack.npm import NpmError
from dev.slack.server import Settings
from dev.slack.web_bundle import build


def _options() -> argparse.Namespace:
    description = "Run a local Slack in the foreground. Open its URL in a browser to use it."
    parser = argparse.ArgumentParser(prog="python -m dev.slack", description=description)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=3900, help="port to listen on (default %(default)s)")
    add("--bot-url", default="http://127.0.0.1:3000", help="address of the bot (default %(default)s)")
    add("--socket-mode", action="store_true", help="deliver through Socket Mode instead of HTTP")
    help = "how long the bot has for an ack (default %(default)g, as in Slack)"
    add("--ack-seconds", type=float, default=ACK_TIMEOUT_SECONDS, help=help)
    return parser.parse_args()


def _settings(options: argparse.Namespace) -> Settings:
    names = {"signing_secret": "SLACK_SIGNING_SECRET", "bot_token": "SLACK_BOT_TOKEN"}
    names |= {"app_token": "SLACK_APP_TOKEN"} if options.socket_mode else {}
    missing = [name for name in names.values() if not os.environ.get(name)]
    if missing:
        sys.exit(f"dev.slack: set {', '.join(missing)} in the environment, to the same values as the bot's")
    secrets: dict[str, Any] = {field: os.environ[name] for field, name in names.items()}
    settings = {"bot_url": options.bot_url, "socket_mode": options.socket_mode, "ack_seconds": options.ack_seconds}
    return Settings(**settings, **secrets)


def main() -> None:
    options = _options()
    server = create_server(_settings(options), f"http://{options.host}:{options.port}")
    try:
        build()
        listener = socket.create_server((options.host, options.port))
    except NpmError as error:
        sys.exit(f"dev.slack: {error}")
    except OSError as error:
        sys.exit(f"dev.slack: can't listen on {options.host}:{options.port} ({error.strerror}). Choose another --port.")
    print(f"Local Slack: http://{options.host}:{options.port}", flush=True)
    server.run([listener])


if __name__ == "__main__":
    main()
