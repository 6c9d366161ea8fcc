// The page: chooses who you are and where you look, and puts sidebar, channel, thread and modal together.
import { useCallback, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import "slack-blocks-to-jsx/dist/style.css";
import "./style.css";
import { act, useKept, useWorkspace } from "./slack.js";
import { Sidebar } from "./sidebar.jsx";
import { Conversation, Thread } from "./conversation.jsx";
import { Confirm, Modal } from "./modal.jsx";
import { Place } from "./place.js";

const wanted = new URLSearchParams(location.search);

/** What a deep link (/archives/C…/p…) names: the channel and the message. */
function linked() {
  const [, channel, ts] = location.pathname.match(/^\/archives\/(\w+)(?:\/p(\d+))?/) || [];
  return { channel, thread: ts && `${ts.slice(0, -6)}.${ts.slice(-6)}` };
}

function useTheme() {
  const [choice, choose] = useKept("theme", null);
  const [system, setSystem] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setSystem(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  const theme = choice ?? (system ? "dark" : "light");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, () => choose(theme === "dark" ? "light" : "dark")];
}

function App() {
  const [user, setUser] = useKept("user", "dana");
  const [theme, toggleTheme] = useTheme();
  const { state, online } = useWorkspace(wanted.get("user") && !window.userChosen ? wanted.get("user") : user);
  const [where, setWhere] = useState(linked());
  const [drawer, setDrawer] = useState(false);
  const [toast, setToast] = useState("");
  const [question, setQuestion] = useState(null);

  const choose = (name) => {
    window.userChosen = true;
    setUser(name);
    setWhere(({ channel }) => ({ channel: channel?.startsWith("D") ? undefined : channel }));
  };
  const ask = useCallback((confirm) => new Promise((answer) => setQuestion({ confirm, answer })), []);
  const place = useMemo(() => state && new Place(state, theme, { complain: setToast, ask }), [state, theme, ask]);
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(""), 6000);
    return () => clearTimeout(timer);
  }, [toast]);

  if (!place) return <p className="starting">{online ? "Opening the workspace…" : "The local Slack is not running."}</p>;
  const channel = place.channel(where.channel ?? wanted.get("channel")) ?? state.channels[0];
  const go = (id) => {
    setWhere({ channel: id });
    setDrawer(false);
  };
  const modal = state.modals.at(-1);
  return (
    <div className={`app ${where.thread ? "with-thread" : ""} ${drawer ? "with-drawer" : ""}`}>
      <Sidebar {...{ place, channel, go, choose, theme, toggleTheme }} />
      <button className="scrim" aria-label="Close the sidebar" onClick={() => setDrawer(false)} />
      <Conversation
        key={channel.id + state.me}
        {...{ place, channel }}
        openDrawer={() => setDrawer(true)}
        openThread={(thread) => setWhere({ channel: channel.id, thread })}
        openHome={() => act("open_home", { user: state.me })}
      />
      {where.thread && (
        <Thread {...{ place, channel }} ts={where.thread} close={() => setWhere({ channel: channel.id })} />
      )}
      {modal && <Modal key={modal.id} place={place} view={modal} depth={state.modals.length} />}
      {question && <Confirm {...question} done={() => setQuestion(null)} />}
      {!online && <p className="offline" role="status">The local Slack is away; trying to reach it again…</p>}
      {toast && <p className="toast" role="alert">{toast}</p>}
    </div>
  );
}

createRoot(document.getElementById("root")).render(<App />);
