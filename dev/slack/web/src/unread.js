// Unread counts: the browser stores the newest message that this user has seen in each channel.
import { useEffect } from "react";
import { useLocalStorage } from "./slack.js";

/** A function that counts the messages of other users since a channel was last open. */
export function useUnread(workspace, open) {
  const [seen, setSeen] = useLocalStorage(`seen ${workspace.me.id}`, {});
  const newest = open.messages.at(-1)?.ts ?? "0";
  useEffect(() => {
    if ((seen[open.id] ?? "0") !== newest) setSeen((old) => ({ ...old, [open.id]: newest }));
  }, [open.id, newest, seen, setSeen]);
  return (channel) =>
    channel.id === open.id
      ? 0
      : channel.messages.filter(({ ts, user }) => user !== workspace.me.id && Number(ts) > Number(seen[channel.id] ?? 0)).length;
}
