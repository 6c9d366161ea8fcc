// The text box for messages, slash commands (with hints) and thread replies.
import { useRef, useState } from "react";
import { Plane } from "./icons.jsx";
import { act } from "./slack.js";

/** The event that makes the lists of messages scroll to their end. */
export const MESSAGE_SENT = "message-sent";

export function Composer({ workspace, channel, label, thread }) {
  const [text, setText] = useState("");
  const [sending, setSending] = useState(false);
  const box = useRef(null);
  const commands = thread ? [] : hints(workspace.state.commands, text);

  const send = async () => {
    const message = text.trim();
    if (!message || sending) return;
    if (thread && message.startsWith("/")) {
      workspace.showError(`${message.split(" ")[0]} is not supported in threads. Sorry!`);
      return;
    }
    setSending(true);
    setText("");
    dispatchEvent(new Event(MESSAGE_SENT));
    try {
      const common = { user: workspace.me.id, channel: channel.is_im ? "@app" : channel.id, text: message };
      await (message.startsWith("/") ? act("command", common) : act("say", { ...common, thread_ts: thread ?? null }));
    } catch (error) {
      setText(message);
      workspace.showError(error.message);
    } finally {
      setSending(false);
      box.current?.focus();
    }
  };
  const onKeyDown = (event) => {
    if (event.key === "Tab" && commands.length && !text.includes(" ")) {
      event.preventDefault();
      setText(`${commands[0][0]} `);
    } else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <div className="composer">
      {commands.length > 0 && <Hints commands={commands} select={(name) => { setText(`${name} `); box.current.focus(); }} />}
      <div className="composer-box">
        <textarea
          ref={box}
          rows={Math.min(6, text.split("\n").length)}
          value={text}
          aria-label={label}
          placeholder={label}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button className="send" aria-label="Send" disabled={!text.trim()} onClick={send}><Plane /></button>
      </div>
      <p className="sending" role="status">{sending ? "Sending…" : ""}</p>
    </div>
  );
}

/** The commands that match the text typed so far; none for an ordinary message. */
function hints(commands, text) {
  if (!text.startsWith("/")) return [];
  const [name] = text.split(" ");
  return Object.entries(commands).filter(([command]) => (text.includes(" ") ? command === name : command.startsWith(name)));
}

function Hints({ commands, select }) {
  return (
    <ul className="hints" aria-label="Commands">
      {commands.map(([name, hint]) => (
        <li key={name}>
          <button onClick={() => select(name)}>
            <b>{name}</b> <span>{hint}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
