// Blocks as Slack draws them: slack-blocks-to-jsx for what is only looked at, our own elements for what is used.
import { Message as Drawn } from "slack-blocks-to-jsx";
import { Element } from "./elements.jsx";
import { legibleBlock } from "./mrkdwn.js";

const link = ({ href, children, className }) => (
  <a href={href} className={className} target="_blank" rel="noopener noreferrer">{children}</a>
);
const isUsed = (block) => block.type === "actions" || block.type === "input" || usedAccessory(block);
const usedAccessory = (block) => block.type === "section" && block.accessory && block.accessory.type !== "image";

/** `where` is the ts of the message or the id of the view; `form` (in modals) holds what is filled in. */
export function Blocks({ place, blocks, where, form }) {
  return (
    <div className="blocks">
      {grouped(blocks).map((group) =>
        isUsed(group[0]) ? (
          <Used key={group[0].block_id} block={group[0]} {...{ place, where, form }} />
        ) : (
          <Look key={group[0].block_id ?? "text"} place={place} blocks={group} />
        ),
      )}
    </div>
  );
}

/** Neighbours that are only looked at are drawn together; each one that is used stands alone. */
function grouped(blocks) {
  const groups = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    if (last && !isUsed(block) && !isUsed(last[0])) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

function Look({ place, blocks }) {
  return <Drawn blocks={blocks.map(legibleBlock)} theme={place.theme} data={place.names} hooks={{ link }} logo="" name="" withoutWrapper />;
}

function Used({ place, block, where, form }) {
  if (block.type === "input") return <Input {...{ place, block, where, form }} />;
  if (block.type === "actions") {
    return (
      <div className="actions">
        {block.elements.map((element) => (
          <Element key={element.action_id} {...{ place, block, element, where, form }} />
        ))}
      </div>
    );
  }
  const { accessory, ...text } = block;
  return (
    <div className="with-accessory">
      <Look place={place} blocks={[text]} />
      <Element {...{ place, block, where, form }} element={accessory} />
    </div>
  );
}

function Input({ place, block, where, form }) {
  const error = form?.errors[block.block_id];
  const id = `${where}-${block.block_id}`;
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const Box = grouped ? "fieldset" : "div";
  const Label = grouped ? "legend" : "label";
  return (
    <Box className={`input ${error ? "wrong" : ""}`}>
      <Label htmlFor={grouped ? undefined : id}>
        {block.label.text}
        {block.optional && <span className="optional"> (optional)</span>}
      </Label>
      <Element {...{ place, block, where, form, id }} element={block.element} describedBy={`${id}-says`} />
      <p id={`${id}-says`} className={error ? "error" : "hint"} role={error ? "alert" : undefined}>
        {error ?? block.hint?.text ?? ""}
      </p>
    </Box>
  );
}
