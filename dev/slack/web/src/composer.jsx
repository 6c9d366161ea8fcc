// Where a person types: messages, slash commands with their hint, replies.
import { useRef, useState } from "react";
import { Plane } from "./icons.jsx";
import { act } from "./slack.js";

/** Tells the lists of messages to show their end, as the writer wants to see what comes. */
export const SAID = "slack-said";

export function Composer({ place, channel, label, thread }) {
  const [text, setText] = useState("");
  const [sending, setSending] = useState(false);
  const box = useRef(null);
  const commands = thread ? [] : hints(place.state.commands, text);

  const send = async () => {
    const said = text.trim();
    if (!said || sending) return;
    if (thread && said.startsWith("/")) {
      place.complain(`${said.split(" ")[0]} is not supported in threads. Sorry!`);
      return;
    }
    setSending(true);
    setText("");
    dispatchEvent(new Event(SAID));
    try {
      const common = { user: place.me.id, channel: channel.is_im ? "@app" : channel.id, text: said };
      await (said.startsWith("/") ? act("command", common) : act("say", { ...common, thread_ts: thread ?? null }));
    } catch (problem) {
      setText(said);
      place.complain(problem.message);
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
      {commands.length > 0 && <Hints commands={commands} choose={(name) => { setText(`${name} `); box.current.focus(); }} />}
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

/** The commands that what was typed may become; nothing for an ordinary message. */
function hints(commands, text) {
  if (!text.startsWith("/")) return [];
  const [name] = text.split(" ");
  return Object.entries(commands).filter(([command]) => (text.includes(" ") ? command === name : command.startsWith(name)));
}

function Hints({ commands, choose }) {
  return (
    <ul className="hints" aria-label="Commands">
      {commands.map(([name, hint]) => (
        <li key={name}>
          <button onClick={() => choose(name)}>
            <b>{name}</b> <span>{hint}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
