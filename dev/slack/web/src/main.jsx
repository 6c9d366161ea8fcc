// The page: holds the current user and channel, and combines sidebar, channel, thread and modal.
import { useCallback, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import "slack-blocks-to-jsx/dist/style.css";
import "./style.css";
import { act, useLocalStorage, useWorkspace } from "./slack.js";
import { Sidebar } from "./sidebar.jsx";
import { Conversation, Thread } from "./conversation.jsx";
import { Confirm, Modal } from "./modal.jsx";
import { Workspace } from "./workspace.js";

const query = new URLSearchParams(location.search);

/** The channel and message of a permalink (/archives/C…/p…). */
function linkedMessage() {
  const [, channel, ts] = location.pathname.match(/^\/archives\/(\w+)(?:\/p(\d+))?/) || [];
  return { channel, thread: ts && `${ts.slice(0, -6)}.${ts.slice(-6)}` };
}

function useTheme() {
  const [chosen, choose] = useLocalStorage("theme", null);
  const [system, setSystem] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const update = () => setSystem(media.matches);
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, []);
  const theme = chosen ?? (system ? "dark" : "light");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, () => choose(theme === "dark" ? "light" : "dark")];
}

function App() {
  const [user, setUser] = useLocalStorage("user", "dana");
  const [theme, toggleTheme] = useTheme();
  const { state, online } = useWorkspace(query.get("user") && !window.userChosen ? query.get("user") : user);
  const [opened, setOpened] = useState(linkedMessage());
  const [drawer, setDrawer] = useState(false);
  const [toast, setToast] = useState("");
  const [question, setQuestion] = useState(null);

  const switchUser = (name) => {
    window.userChosen = true;
    setUser(name);
    setOpened(({ channel }) => ({ channel: channel?.startsWith("D") ? undefined : channel }));
  };
  const confirm = useCallback((dialog) => new Promise((answer) => setQuestion({ dialog, answer })), []);
  const workspace = useMemo(() => state && new Workspace(state, theme, { showError: setToast, confirm }), [state, theme, confirm]);
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(""), 6000);
    return () => clearTimeout(timer);
  }, [toast]);

  if (!workspace) return <p className="starting">{online ? "Opening the workspace…" : "The local Slack is not running."}</p>;
  const channel = workspace.channel(opened.channel ?? query.get("channel")) ?? state.channels[0];
  const openChannel = (id) => {
    setOpened({ channel: id });
    setDrawer(false);
  };
  const modal = state.modals.at(-1);
  return (
    <div className={`app ${opened.thread ? "with-thread" : ""} ${drawer ? "with-drawer" : ""}`}>
      <Sidebar {...{ workspace, channel, openChannel, switchUser, theme, toggleTheme }} />
      <button className="scrim" aria-label="Close the sidebar" onClick={() => setDrawer(false)} />
      <Conversation
        key={channel.id + state.me}
        {...{ workspace, channel }}
        openDrawer={() => setDrawer(true)}
        openThread={(thread) => setOpened({ channel: channel.id, thread })}
        openHome={() => act("open_home", { user: state.me })}
      />
      {opened.thread && (
        <Thread {...{ workspace, channel }} ts={opened.thread} close={() => setOpened({ channel: channel.id })} />
      )}
      {modal && <Modal key={modal.id} workspace={workspace} view={modal} depth={state.modals.length} />}
      {question && <Confirm {...question} done={() => setQuestion(null)} />}
      {!online && <p className="offline" role="status">Lost the connection to the local Slack. Reconnecting…</p>}
      {toast && <p className="toast" role="alert">{toast}</p>}
    </div>
  );
}

createRoot(document.getElementById("root")).render(<App />);
