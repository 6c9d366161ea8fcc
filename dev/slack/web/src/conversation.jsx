// A channel, a direct message with its App Home, and the thread pane.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Blocks } from "./blocks.jsx";
import { Composer, MESSAGE_SENT } from "./composer.jsx";
import { Eye, Logo, Speech } from "./icons.jsx";
import { day, fullTime, isRoot, relativeTime, time } from "./workspace.js";

export function Conversation({ workspace, channel, openDrawer, openThread, openHome }) {
  const [tab, setTab] = useState(channel.is_im ? "home" : "messages");
  const visible = tab === "home";
  useEffect(() => {
    if (visible) openHome();
  }, [visible, workspace.me.id]);
  return (
    <main className="pane">
      <header className="pane-head">
        <button className="icon-button menu" aria-label="Open the sidebar" onClick={openDrawer}>☰</button>
        <h1>{channel.is_im ? workspace.title(channel) : `# ${channel.name}`}</h1>
        {channel.topic && <span className="topic">{channel.topic}</span>}
      </header>
      {channel.is_im && (
        <div className="tabs" role="tablist">
          {["home", "messages"].map((name) => (
            <button key={name} role="tab" aria-selected={tab === name} onClick={() => setTab(name)}>
              {name === "home" ? "Home" : "Messages"}
            </button>
          ))}
        </div>
      )}
      {visible ? (
        <Home workspace={workspace} />
      ) : (
        <>
          <Messages {...{ workspace, channel, openThread }} messages={channel.messages.filter(isRoot)} />
          <Composer {...{ workspace, channel }} label={`Message ${channel.is_im ? "" : "#"}${workspace.title(channel)}`} />
        </>
      )}
    </main>
  );
}

function Home({ workspace }) {
  const { home } = workspace.state;
  return (
    <section className="home" aria-label="App Home">
      {home ? (
        <Blocks workspace={workspace} blocks={home.blocks} target={home.id} />
      ) : (
        <p className="empty">The app has not published a Home tab for {workspace.me.real_name} yet.</p>
      )}
    </section>
  );
}

export function Thread({ workspace, channel, ts, close }) {
  const messages = channel.messages.filter((item) => item.ts === ts || item.thread_ts === ts);
  const [root, ...replies] = messages;
  return (
    <aside className="pane thread" aria-label="Thread">
      <header className="pane-head">
        <h1>Thread</h1>
        <span className="topic">{channel.is_im ? workspace.title(channel) : `# ${channel.name}`}</span>
        <button className="icon-button close" aria-label="Close the thread" onClick={close}>✕</button>
      </header>
      {root ? (
        <Messages {...{ workspace, channel }} messages={messages} divideAfterFirst={replies.length} inThread />
      ) : (
        <p className="empty">This message was deleted.</p>
      )}
      {root && <Composer {...{ workspace, channel }} thread={ts} label="Reply in thread" />}
    </aside>
  );
}

/** Scrolls to new messages, unless the reader has scrolled up; sending a message scrolls to the end again. */
function useAutoScroll(length) {
  const list = useRef(null);
  const atEnd = useRef(true);
  const remember = ({ currentTarget: box }) => {
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  };
  useEffect(() => {
    const toEnd = () => {
      atEnd.current = true;
      list.current.scrollTop = list.current.scrollHeight;
    };
    addEventListener(MESSAGE_SENT, toEnd);
    return () => removeEventListener(MESSAGE_SENT, toEnd);
  }, []);
  useLayoutEffect(() => {
    const box = list.current;
    const follow = () => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    };
    follow();
    const sizes = new ResizeObserver(follow);
    sizes.observe(box.firstElementChild);
    return () => sizes.disconnect();
  }, [length]);
  return { ref: list, onScroll: remember };
}

function Messages({ workspace, channel, messages, openThread, divideAfterFirst = 0, inThread = false }) {
  const follow = useAutoScroll(messages.length);
  return (
    <div className="messages" {...follow} tabIndex={0} role="log" aria-label={inThread ? "Thread messages" : "Messages"}>
      <ol>
        {!messages.length && <li className="empty">{welcome(workspace, channel)}</li>}
        {messages.map((message, number) => {
          const before = messages[number - 1];
          return [
            !inThread && (!before || day(before.ts) !== day(message.ts)) && (
              <li key={`day ${message.ts}`} className="divider"><span>{day(message.ts)}</span></li>
            ),
            <Message key={message.ts} {...{ workspace, message, openThread }} follows={continues(before, message)} />,
            number === 0 && divideAfterFirst > 0 && (
              <li key="replies" className="divider replies">
                <span>{divideAfterFirst} {divideAfterFirst === 1 ? "reply" : "replies"}</span>
              </li>
            ),
          ];
        })}
      </ol>
    </div>
  );
}

function welcome(workspace, channel) {
  if (channel.is_im) return "No messages yet.";
  const [[command]] = Object.entries(workspace.state.commands);
  return (
    <>
      <strong>This is the very beginning of #{channel.name}.</strong>
      <br />
      Type <code>{command} help</code> to see what the app can do.
    </>
  );
}

/** Whether Slack omits the author's name: the same author wrote again within five minutes. */
function continues(before, message) {
  return Boolean(
    before &&
      before.user === message.user &&
      !before.is_ephemeral &&
      !message.is_ephemeral &&
      !before.reply_count &&
      Number(message.ts) - Number(before.ts) < 300 &&
      day(before.ts) === day(message.ts),
  );
}

export function Avatar({ workspace, id, small }) {
  const person = workspace.user(id);
  const isApp = id === workspace.state.bot;
  return (
    <span className={`avatar ${small ? "small" : ""} ${isApp ? "app-icon" : ""}`} style={isApp ? {} : { background: workspace.colour(id) }} aria-hidden="true">
      {isApp ? <Logo /> : person.real_name[0]}
    </span>
  );
}

function Message({ workspace, message, openThread, follows }) {
  const author = workspace.user(message.user);
  const content = message.blocks?.length ? message.blocks : plain(message.text);
  const removed = message.subtype === "tombstone";
  return (
    <li className={`message ${message.is_ephemeral ? "ephemeral" : ""} ${follows ? "follows" : ""}`} data-ts={message.ts}>
      {message.is_ephemeral && <p className="only-you"><Eye /> Only visible to you</p>}
      {follows ? <time className="gutter" title={fullTime(message.ts)}>{time(message.ts)}</time> : <Avatar workspace={workspace} id={message.user} />}
      <div className="body">
        {!follows && (
          <p className="author">
            <strong>{author.real_name}</strong>
            {author.is_bot && <span className="badge">app</span>}
            <time title={fullTime(message.ts)}>{time(message.ts)}</time>
          </p>
        )}
        <div className={removed ? "removed" : "content"}>
          <Blocks workspace={workspace} blocks={content} target={message.ts} />
          {message.attachments?.map((card) => (
            <div key={card.id} className="card"><Blocks workspace={workspace} blocks={card.blocks} target={message.ts} /></div>
          ))}
          {message.edited && <span className="edited">(edited)</span>}
        </div>
        {message.reactions && <Reactions reactions={message.reactions} workspace={workspace} />}
        {openThread && message.reply_count > 0 && <Replies {...{ workspace, message, openThread }} />}
      </div>
      {openThread && !message.is_ephemeral && (
        <div className="tools">
          <button aria-label="Reply in thread" title="Reply in thread" onClick={() => openThread(message.ts)}><Speech /></button>
        </div>
      )}
    </li>
  );
}

const plain = (text) => (text ? [{ type: "section", text: { type: "mrkdwn", text } }] : []);

function Reactions({ reactions, workspace }) {
  return (
    <div className="reactions">
      {reactions.map(({ name, count }) => (
        <span key={name} className="reaction" title={`:${name}:`}>
          <Blocks workspace={workspace} blocks={plain(`:${name}:`)} target="" /> {count}
        </span>
      ))}
    </div>
  );
}

function Replies({ workspace, message, openThread }) {
  return (
    <button className="replies-link" onClick={() => openThread(message.ts)}>
      {message.reply_users.map((id) => <Avatar key={id} workspace={workspace} id={id} small />)}
      <b>{message.reply_count} {message.reply_count === 1 ? "reply" : "replies"}</b>
      <span>Last reply {relativeTime(message.latest_reply)}</span>
    </button>
  );
}
