"""`python -m dev.slack`: the local Slack in the foreground, for a person at a browser."""

import argparse
import os
import socket
import sys

from dev.slack.npm import NpmError
from dev.slack.page import build
from dev.slack.running import serve_on
from dev.slack.server import Settings

SECRETS = ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.slack", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=3900, help="port to listen on (default %(default)s)")
    parser.add_argument(
        "--bot-url", default="http://127.0.0.1:3000", help="where the bot listens (default %(default)s)"
    )
    parser.add_argument("--socket-mode", action="store_true", help="deliver by Socket Mode instead of HTTP")
    options = parser.parse_args()
    missing = [name for name in SECRETS if not os.environ.get(name)]
    if missing:
        sys.exit(f"dev.slack: set {', '.join(missing)} in the environment, to the same values as the bot's")
    settings = Settings(
        bot_url=options.bot_url,
        socket_mode=options.socket_mode,
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        bot_token=os.environ["SLACK_BOT_TOKEN"],
        app_token=os.environ["SLACK_APP_TOKEN"],
    )
    try:
        build()
    except NpmError as problem:
        sys.exit(f"dev.slack: {problem}")
    listener = socket.create_server((options.host, options.port))
    print(f"Local Slack: http://{options.host}:{options.port}", flush=True)
    serve_on(settings, f"http://{options.host}:{options.port}").run([listener])


if __name__ == "__main__":
    main()
