// The left column: the workspace, its channels and direct messages with what is unread, and who you are.
import { Avatar } from "./conversation.jsx";
import { useUnread } from "./unread.js";

export function Sidebar({ place, channel, go, choose, theme, toggleTheme }) {
  const unread = useUnread(place, channel);
  const rows = (is_im) =>
    place.state.channels
      .filter((each) => each.is_im === is_im)
      .map((each) => (
        <Row key={each.id} {...{ place, each, go }} open={each.id === channel.id} unread={unread(each)} />
      ));
  return (
    <nav className="sidebar" aria-label="Channels and direct messages">
      <header>
        <strong>{place.state.team}</strong>
        <button className="quiet" onClick={toggleTheme} aria-label={`Use the ${theme === "dark" ? "light" : "dark"} theme`}>
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
          {place.people.map((person) => (
            <button
              key={person.id}
              role="radio"
              aria-checked={person.id === place.me.id}
              className="person"
              onClick={() => choose(person.name)}
            >
              <Avatar place={place} id={person.id} small />
              {person.real_name}
              {person.is_admin && <span className="badge">admin</span>}
            </button>
          ))}
        </div>
      </footer>
    </nav>
  );
}

function Row({ place, each, go, open, unread }) {
  const classes = `row ${open ? "open" : ""} ${unread ? "unread" : ""}`;
  return (
    <li>
      <button className={classes} aria-current={open ? "page" : undefined} onClick={() => go(each.id)}>
        {each.is_im ? <Avatar place={place} id={place.state.bot} small /> : <span className="hash" aria-hidden="true">#</span>}
        <span className="name">{place.title(each)}</span>
        {unread > 0 && <span className="count" aria-label={`${unread} unread`}>{unread}</span>}
      </button>
    </li>
  );
}
