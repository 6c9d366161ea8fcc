// A channel, a direct message with its App Home, and the thread pane beside it.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Blocks } from "./blocks.jsx";
import { Composer, SAID } from "./composer.jsx";
import { Eye, Logo, Speech } from "./icons.jsx";
import { ago, day, isRoot, moment, time } from "./place.js";

export function Conversation({ place, channel, openDrawer, openThread, openHome }) {
  const [tab, setTab] = useState(channel.is_im ? "home" : "messages");
  const visible = tab === "home";
  useEffect(() => {
    if (visible) openHome();
  }, [visible, place.me.id]);
  return (
    <main className="pane">
      <header className="pane-head">
        <button className="quiet menu" aria-label="Open the sidebar" onClick={openDrawer}>☰</button>
        <h1>{channel.is_im ? place.title(channel) : `# ${channel.name}`}</h1>
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
        <Home place={place} />
      ) : (
        <>
          <Messages {...{ place, channel, openThread }} messages={channel.messages.filter(isRoot)} />
          <Composer {...{ place, channel }} label={`Message ${channel.is_im ? "" : "#"}${place.title(channel)}`} />
        </>
      )}
    </main>
  );
}

function Home({ place }) {
  const { home } = place.state;
  return (
    <section className="home" aria-label="App Home">
      {home ? (
        <Blocks place={place} blocks={home.blocks} where={home.id} />
      ) : (
        <p className="empty">The app has not published a Home for {place.me.real_name} yet.</p>
      )}
    </section>
  );
}

export function Thread({ place, channel, ts, close }) {
  const messages = channel.messages.filter((each) => each.ts === ts || each.thread_ts === ts);
  const [root, ...replies] = messages;
  return (
    <aside className="pane thread" aria-label="Thread">
      <header className="pane-head">
        <h1>Thread</h1>
        <span className="topic">{channel.is_im ? place.title(channel) : `# ${channel.name}`}</span>
        <button className="quiet close" aria-label="Close the thread" onClick={close}>✕</button>
      </header>
      {root ? (
        <Messages {...{ place, channel }} messages={messages} divideAfterFirst={replies.length} inThread />
      ) : (
        <p className="empty">This message is no longer here.</p>
      )}
      {root && <Composer {...{ place, channel }} thread={ts} label="Reply in thread" />}
    </aside>
  );
}

/** Scrolls along with what comes, unless the reader has scrolled up and not said anything since. */
function useFollow(length) {
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
    addEventListener(SAID, toEnd);
    return () => removeEventListener(SAID, toEnd);
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

function Messages({ place, channel, messages, openThread, divideAfterFirst = 0, inThread = false }) {
  const follow = useFollow(messages.length);
  return (
    <div className="messages" {...follow} tabIndex={0} role="log" aria-label={inThread ? "Thread messages" : "Messages"}>
      <ol>
        {!messages.length && <li className="empty">{welcome(place, channel)}</li>}
        {messages.map((message, number) => {
          const before = messages[number - 1];
          return [
            !inThread && (!before || day(before.ts) !== day(message.ts)) && (
              <li key={`day ${message.ts}`} className="divider"><span>{day(message.ts)}</span></li>
            ),
            <Message key={message.ts} {...{ place, message, openThread }} follows={continues(before, message)} />,
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

function welcome(place, channel) {
  if (channel.is_im) return "Nothing said yet.";
  const [[command]] = Object.entries(place.state.commands);
  return (
    <>
      <strong>This is the very beginning of #{channel.name}.</strong>
      <br />
      Type <code>{command} help</code> to see what the app can do.
    </>
  );
}

/** Slack leaves the name out where the same author goes on within five minutes. */
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

export function Avatar({ place, id, small }) {
  const person = place.user(id);
  const isApp = id === place.state.bot;
  return (
    <span className={`avatar ${small ? "small" : ""} ${isApp ? "app-icon" : ""}`} style={isApp ? {} : { background: place.colour(id) }} aria-hidden="true">
      {isApp ? <Logo /> : person.real_name[0]}
    </span>
  );
}

function Message({ place, message, openThread, follows }) {
  const author = place.user(message.user);
  const content = message.blocks?.length ? message.blocks : plain(message.text);
  const removed = message.subtype === "tombstone";
  return (
    <li className={`message ${message.is_ephemeral ? "ephemeral" : ""} ${follows ? "follows" : ""}`} data-ts={message.ts}>
      {message.is_ephemeral && <p className="only-you"><Eye /> Only visible to you</p>}
      {follows ? <time className="gutter" title={moment(message.ts)}>{time(message.ts)}</time> : <Avatar place={place} id={message.user} />}
      <div className="body">
        {!follows && (
          <p className="author">
            <strong>{author.real_name}</strong>
            {author.is_bot && <span className="badge">app</span>}
            <time title={moment(message.ts)}>{time(message.ts)}</time>
          </p>
        )}
        <div className={removed ? "removed" : "content"}>
          <Blocks place={place} blocks={content} where={message.ts} />
          {message.edited && <span className="edited">(edited)</span>}
        </div>
        {message.reactions && <Reactions reactions={message.reactions} place={place} />}
        {openThread && message.reply_count > 0 && <Replies {...{ place, message, openThread }} />}
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

function Reactions({ reactions, place }) {
  return (
    <div className="reactions">
      {reactions.map(({ name, count }) => (
        <span key={name} className="reaction" title={`:${name}:`}>
          <Blocks place={place} blocks={plain(`:${name}:`)} where="" /> {count}
        </span>
      ))}
    </div>
  );
}

function Replies({ place, message, openThread }) {
  return (
    <button className="replies-link" onClick={() => openThread(message.ts)}>
      {message.reply_users.map((id) => <Avatar key={id} place={place} id={id} small />)}
      <b>{message.reply_count} {message.reply_count === 1 ? "reply" : "replies"}</b>
      <span>Last reply {ago(message.latest_reply)}</span>
    </button>
  );
}
