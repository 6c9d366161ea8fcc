// The sidebar: channels and direct messages with their unread counts, and the current user.
import { Avatar } from "./conversation.jsx";
import { useUnread } from "./unread.js";

export function Sidebar({ workspace, channel, openChannel, switchUser, theme, toggleTheme }) {
  const unread = useUnread(workspace, channel);
  const rows = (is_im) =>
    workspace.state.channels
      .filter((item) => item.is_im === is_im)
      .map((item) => (
        <Row key={item.id} {...{ workspace, item, openChannel }} open={item.id === channel.id} unread={unread(item)} />
      ));
  return (
    <nav className="sidebar" aria-label="Channels and direct messages">
      <header>
        <strong>{workspace.state.team}</strong>
        <button className="icon-button" onClick={toggleTheme} aria-label={`Use the ${theme === "dark" ? "light" : "dark"} theme`}>
          {theme === "dark" ? "☀\uFE0E" : "☾"}
        </button>
      </header>
      <h2>Channels</h2>
      <ul>{rows(false)}</ul>
      <h2>Apps</h2>
      <ul>{rows(true)}</ul>
      <footer>
        <h2 id="who">You are</h2>
        <div role="radiogroup" aria-labelledby="who">
          {workspace.members.map((person) => (
            <button
              key={person.id}
              role="radio"
              aria-checked={person.id === workspace.me.id}
              className="person"
              onClick={() => switchUser(person.name)}
            >
              <Avatar workspace={workspace} id={person.id} small />
              {person.real_name}
              {person.is_admin && <span className="badge">admin</span>}
            </button>
          ))}
        </div>
      </footer>
    </nav>
  );
}

function Row({ workspace, item, openChannel, open, unread }) {
  const classes = `row ${open ? "open" : ""} ${unread ? "unread" : ""}`;
  return (
    <li>
      <button className={classes} aria-current={open ? "page" : undefined} onClick={() => openChannel(item.id)}>
        {item.is_im ? <Avatar workspace={workspace} id={workspace.state.bot} small /> : <span className="hash" aria-hidden="true">#</span>}
        <span className="name">{workspace.title(item)}</span>
        {unread > 0 && <span className="count" aria-label={`${unread} unread`}>{unread}</span>}
      </button>
    </li>
  );
}
