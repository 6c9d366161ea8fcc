// The workspace as one user sees it, with look-ups that the components share.
const COLOURS = ["#e8912d", "#2bac76", "#1d9bd1", "#cd2553", "#8d5ec9"];

export class Workspace {
  constructor(state, theme, { showError, confirm }) {
    this.state = state;
    this.theme = theme;
    this.showError = showError; // shows a toast
    this.confirm = confirm; // resolves to true if the user confirms
    this.me = state.users.find((user) => user.id === state.me);
    this.people = state.users.filter((user) => !user.is_bot);
    this.members = this.people.filter((user) => user.team_id === this.me.team_id); // the others are guests of a shared channel
    // slack-blocks-to-jsx needs these to show <@U…> and <#C…> by name.
    this.names = {
      users: state.users.map(({ id, real_name }) => ({ id, name: real_name })),
      channels: state.channels.filter((channel) => !channel.is_im).map(({ id, name }) => ({ id, name })),
      user_groups: [],
    };
  }

  /** A channel by id or name; undefined if this user has no such channel. */
  channel(reference) {
    return this.state.channels.find(({ id, name }) => id === reference || name === reference);
  }

  user(id) {
    return this.state.users.find((user) => user.id === id);
  }

  colour(id) {
    return COLOURS[this.state.users.findIndex((user) => user.id === id) % COLOURS.length];
  }

  title(channel) {
    return channel.is_im ? this.user(this.state.bot).real_name : channel.name;
  }
}

export const isRoot = (message) => !message.thread_ts || message.thread_ts === message.ts;

export function time(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

export function fullTime(ts) {
  return new Date(Number(ts) * 1000).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
}

export function day(ts) {
  const date = new Date(Number(ts) * 1000);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  return date.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** "just now", "4 minutes ago", or after an hour the time. */
export function relativeTime(ts) {
  const minutes = Math.floor((Date.now() / 1000 - Number(ts)) / 60);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} minute${minutes === 1 ? "" : "s"} ago`;
  return `today at ${time(ts)}`;
}
