// Slack's mrkdwn, made safe for slack-blocks-to-jsx, which takes what stands between any two colons for an emoji:
// an address with a port would lose its link, and a time its colons. Such colons are written as an entity.
import { has } from "node-emoji";

const PARTS = /(```[^]*?```|`[^`\n]*`|<[!@#][^>]*>)|<(\w+:[^|>]+)(?:\|([^>]*))?>|(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)])/g;

const withoutFalseEmoji = (text) =>
  text.replace(/:([\w+'-]+):|:/g, (whole, name) => (name && has(name) ? whole : whole.replaceAll(":", "&#58;")));

/** Splits into what must stay as it is, links, and words; a bare address becomes a link, as in Slack. */
function legible(text) {
  let end = 0;
  let made = "";
  for (const { 0: whole, 1: untouched, 2: url, 3: label, 4: bare, index } of text.matchAll(PARTS)) {
    made += withoutFalseEmoji(text.slice(end, index));
    made += untouched ?? `<${url ?? bare}|${withoutFalseEmoji(label ?? url ?? bare)}>`;
    end = index + whole.length;
  }
  return made + withoutFalseEmoji(text.slice(end));
}

/** The block with every mrkdwn text in it made legible. */
export function legibleBlock(block) {
  const fix = (text) => (text?.type === "mrkdwn" ? { ...text, text: legible(text.text) } : text);
  return {
    ...block,
    ...(block.text && typeof block.text === "object" && { text: fix(block.text) }),
    ...(block.fields && { fields: block.fields.map(fix) }),
    ...(block.type === "context" && { elements: block.elements.map(fix) }),
  };
}
