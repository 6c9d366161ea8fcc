// What this person has not seen yet, by channel: the newest message seen is kept in the browser.
import { useEffect } from "react";
import { useKept } from "./slack.js";

/** A function from a channel to its number of messages that came from others since it was last open. */
export function useUnread(place, open) {
  const [seen, setSeen] = useKept(`seen ${place.me.id}`, {});
  const newest = open.messages.at(-1)?.ts ?? "0";
  useEffect(() => {
    if ((seen[open.id] ?? "0") !== newest) setSeen((old) => ({ ...old, [open.id]: newest }));
  }, [open.id, newest, seen, setSeen]);
  return (channel) =>
    channel.id === open.id
      ? 0
      : channel.messages.filter(({ ts, user }) => user !== place.me.id && Number(ts) > Number(seen[channel.id] ?? 0)).length;
}
