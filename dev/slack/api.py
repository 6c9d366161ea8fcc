"""Slack's Web API as far as a bot uses it: about the app and its views here, the rest in chat and conversations."""

from dev.slack import chat, conversations  # noqa: F401  (they register their methods)
from dev.slack.method_registry import METHODS, Args, Web, method
from dev.slack.workspace import BOT_ID, BOT_USER, TEAM_ID, TEAM_NAME, Json, SlackError

__all__ = ["METHODS"]


@method("api.test")
def api_test(web: Web, args: Args) -> Json:
    if args.has("error"):
        raise SlackError(args.text("error"))
    return {"args": {}}


@method("auth.test")
def auth_test(web: Web, args: Args) -> Json:
    bot = web.workspace.user(BOT_USER)
    who: Json = {"url": f"{web.base_url}/", "team": TEAM_NAME, "user": bot.name, "team_id": TEAM_ID}
    return {**who, "user_id": bot.id, "bot_id": BOT_ID, "is_enterprise_install": False}


@method("apps.connections.open")
def connections_open(web: Web, args: Args) -> Json:
    return {"url": web.socket_url()}


def _exchanged(web: Web, args: Args) -> tuple[str, Json]:
    """Whose trigger it is, used up only for a view that can be shown, and the view."""
    args.required("trigger_id", "view")
    view = args.data("view")
    web.views.check(view, "modal")
    return web.handles.exchange(args.text("trigger_id")), view


@method("views.open")
def views_open(web: Web, args: Args) -> Json:
    return {"view": web.views.open(*_exchanged(web, args))}


@method("views.push")
def views_push(web: Web, args: Args) -> Json:
    return {"view": web.views.push(*_exchanged(web, args))}


@method("views.update")
def views_update(web: Web, args: Args) -> Json:
    args.required("view")
    view = web.views.find(view_id=args.text("view_id"), external_id=args.text("external_id"))
    return {"view": web.views.update(view, args.data("view"), args.text("hash"))}


@method("views.publish")
def views_publish(web: Web, args: Args) -> Json:
    args.required("user_id", "view")
    user = web.workspace.user(args.text("user_id"))
    return {"view": web.views.publish(user.id, args.data("view"), args.text("hash"))}
