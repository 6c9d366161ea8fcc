// The page's way to the server: one snapshot per person, fetched again after each change, and one call per act.
import { useCallback, useEffect, useRef, useState } from "react";

/** POST /dev/<name>; resolves to the result, rejects with an Error whose message is Slack's error word. */
export async function act(name, args) {
  const response = await fetch(`/dev/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(args),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || answer.error);
  return answer.result;
}

/** What `user` sees now, or null before the first answer; `online` is false while the server is away. */
export function useWorkspace(user) {
  const [state, setState] = useState(null);
  const [online, setOnline] = useState(true);
  const busy = useRef(false);
  const again = useRef(false);
  const current = useRef(user);
  current.current = user;

  const load = useCallback(async () => {
    again.current = true;
    if (busy.current) return;
    busy.current = true;
    try {
      while (again.current) {
        again.current = false;
        const wanted = current.current;
        const response = await fetch(`/dev/state?user=${encodeURIComponent(wanted)}`);
        const { result } = await response.json();
        if (wanted === current.current) setState(result);
      }
      setOnline(true);
    } catch {
      setOnline(false);
    } finally {
      busy.current = false;
    }
  }, []);

  useEffect(() => {
    load();
  }, [user, load]);

  useEffect(() => {
    const changes = new EventSource("/dev/changes");
    changes.onmessage = load;
    changes.onerror = () => setOnline(false);
    return () => changes.close();
  }, [load]);

  return { state: state && state.me === idOf(state, user) ? state : null, online };
}

function idOf(state, name) {
  return state.users.find((person) => person.name === name)?.id;
}

/** A value kept in this browser under `key`. */
export function useKept(key, initial) {
  const [value, setValue] = useState(() => {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? initial;
    } catch {
      return initial;
    }
  });
  const keep = useCallback(
    (next) =>
      setValue((old) => {
        const fresh = typeof next === "function" ? next(old) : next;
        localStorage.setItem(key, JSON.stringify(fresh));
        return fresh;
      }),
    [key],
  );
  return [value, keep];
}
