"""Slack's Web API: methods about the app and its views.

The modules chat and conversations contain the other methods."""

from dev.slack import chat, conversations  # noqa: F401  (they register their methods)
from dev.slack.method_registry import METHODS, Args, MethodContext, method
from dev.slack.workspace import BOT_ID, BOT_USER, TEAM_ID, TEAM_NAME, Json, SlackError

__all__ = ["METHODS"]


@method("api.test")
def api_test(context: MethodContext, args: Args) -> Json:
    if args.has("error"):
        raise SlackError(args.text("error"))
    return {"args": {}}


@method("auth.test")
def auth_test(context: MethodContext, args: Args) -> Json:
    bot = context.workspace.user(BOT_USER)
    identity: Json = {"url": f"{context.base_url}/", "team": TEAM_NAME, "user": bot.name, "team_id": TEAM_ID}
    return {**identity, "user_id": bot.id, "bot_id": BOT_ID, "is_enterprise_install": False}


@method("apps.connections.open")
def connections_open(context: MethodContext, args: Args) -> Json:
    return {"url": context.socket_url()}


def _user_and_view(context: MethodContext, args: Args) -> tuple[str, Json]:
    """The user of the trigger id, and the view.

    An invalid view leaves the trigger unused."""
    args.required("trigger_id", "view")
    view = args.data("view")
    context.views.check(view, "modal")
    return context.trigger_tokens.redeem_trigger_id(args.text("trigger_id")), view


@method("views.open")
def views_open(context: MethodContext, args: Args) -> Json:
    return {"view": context.views.open(*_user_and_view(context, args))}


@method("views.push")
def views_push(context: MethodContext, args: Args) -> Json:
    return {"view": context.views.push(*_user_and_view(context, args))}


@method("views.update")
def views_update(context: MethodContext, args: Args) -> Json:
    args.required("view")
    view = context.views.find(view_id=args.text("view_id"), external_id=args.text("external_id"))
    return {"view": context.views.update(view, args.data("view"), args.text("hash"))}


@method("views.publish")
def views_publish(context: MethodContext, args: Args) -> Json:
    args.required("user_id", "view")
    user = context.workspace.user(args.text("user_id"))
    if user.id in context.workspace.deactivated:
        raise SlackError("user_not_found")
    return {"view": context.views.publish(user.id, args.data("view"), args.text("hash"))}
