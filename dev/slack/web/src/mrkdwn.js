// Makes Slack's mrkdwn safe for slack-blocks-to-jsx, which reads any text between two colons as an emoji:
// a URL with a port would lose its link, and a time its colons. This module writes such colons as entities.
import { has } from "node-emoji";

const PARTS = /(```[^]*?```|`[^`\n]*`|<[!@#][^>]*>)|<(\w+:[^|>]+)(?:\|([^>]*))?>|(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)])/g;

const escapeColons = (text) =>
  text.replace(/:([\w+'-]+):|:/g, (whole, name) => (name && has(name) ? whole : whole.replaceAll(":", "&#58;")));

/** Escapes the colons of text and link labels; code stays unchanged, and a bare URL becomes a link, as in Slack. */
function safeText(text) {
  let end = 0;
  let result = "";
  for (const { 0: whole, 1: untouched, 2: url, 3: label, 4: bare, index } of text.matchAll(PARTS)) {
    result += escapeColons(text.slice(end, index));
    result += untouched ?? `<${url ?? bare}|${escapeColons(label ?? url ?? bare)}>`;
    end = index + whole.length;
  }
  return result + escapeColons(text.slice(end));
}

/** The block with all its mrkdwn text escaped. */
export function safeBlock(block) {
  const fix = (text) => (text?.type === "mrkdwn" ? { ...text, text: safeText(text.text) } : text);
  return {
    ...block,
    ...(block.text && typeof block.text === "object" && { text: fix(block.text) }),
    ...(block.fields && { fields: block.fields.map(fix) }),
    ...(block.type === "context" && { elements: block.elements.map(fix) }),
  };
}
