// The page's client of the control API: it fetches the user's state after each change, and posts actions.
import { useCallback, useEffect, useRef, useState } from "react";

/** POST /dev/<name>; resolves to the result, or rejects with an Error that has Slack's error code as its message. */
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

/** The state that `user` sees, or null before the first answer; `online` is false if the server does not answer. */
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
        const requested = current.current;
        const response = await fetch(`/dev/state?user=${encodeURIComponent(requested)}`);
        const { result } = await response.json();
        if (requested === current.current) setState(result);
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

/** State that is stored in this browser under `key`. */
export function useLocalStorage(key, initial) {
  const [value, setValue] = useState(() => {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? initial;
    } catch {
      return initial;
    }
  });
  const store = useCallback(
    (next) =>
      setValue((old) => {
        const newValue = typeof next === "function" ? next(old) : next;
        localStorage.setItem(key, JSON.stringify(newValue));
        return newValue;
      }),
    [key],
  );
  return [value, store];
}
