// Draws blocks: slack-blocks-to-jsx draws the static ones, elements.jsx the interactive ones.
import { Message as SlackMessage } from "slack-blocks-to-jsx";
import { DataTable } from "./data_table.jsx";
import { Element } from "./elements.jsx";
import { safeBlock } from "./mrkdwn.js";

const link = ({ href, children, className }) => (
  <a href={href} className={className} target="_blank" rel="noopener noreferrer">{children}</a>
);
const isInteractive = (block) => ["actions", "input", "data_table"].includes(block.type) || interactiveAccessory(block);
const interactiveAccessory = (block) => block.type === "section" && block.accessory && block.accessory.type !== "image";

/** `target` is the ts of the message or the id of the view; `form` (in modals) holds the entered values. */
export function Blocks({ workspace, blocks, target, form }) {
  return (
    <div className="blocks">
      {grouped(blocks).map((group) =>
        isInteractive(group[0]) ? (
          <InteractiveBlock key={group[0].block_id} block={group[0]} {...{ workspace, target, form }} />
        ) : (
          <StaticBlocks key={group[0].block_id ?? "text"} workspace={workspace} blocks={group} />
        ),
      )}
    </div>
  );
}

/** Groups of neighbouring static blocks; each interactive block is a group of its own. */
function grouped(blocks) {
  const groups = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    if (last && !isInteractive(block) && !isInteractive(last[0])) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

function StaticBlocks({ workspace, blocks }) {
  return <SlackMessage blocks={blocks.map(safeBlock)} theme={workspace.theme} data={workspace.names} hooks={{ link }} logo="" name="" withoutWrapper />;
}

function InteractiveBlock({ workspace, block, target, form }) {
  if (block.type === "data_table") {
    return <DataTable table={block} draw={(cell) => <StaticBlocks workspace={workspace} blocks={[cell]} />} />;
  }
  if (block.type === "input") return <Input {...{ workspace, block, target, form }} />;
  if (block.type === "actions") {
    return (
      <div className="actions">
        {block.elements.map((element) => (
          <Element key={element.action_id} {...{ workspace, block, element, target, form }} />
        ))}
      </div>
    );
  }
  const { accessory, ...text } = block;
  return (
    <div className="with-accessory">
      <StaticBlocks workspace={workspace} blocks={[text]} />
      <Element {...{ workspace, block, target, form }} element={accessory} />
    </div>
  );
}

function Input({ workspace, block, target, form }) {
  const error = form?.errors[block.block_id];
  const id = `${target}-${block.block_id}`;
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const Box = grouped ? "fieldset" : "div";
  const Label = grouped ? "legend" : "label";
  return (
    <Box className={`input ${error ? "invalid" : ""}`}>
      <Label htmlFor={grouped ? undefined : id}>
        {block.label.text}
        {block.optional && <span className="optional"> (optional)</span>}
      </Label>
      <Element {...{ workspace, block, target, form, id }} element={block.element} describedBy={`${id}-note`} />
      <p id={`${id}-note`} className={error ? "error" : "hint"} role={error ? "alert" : undefined}>
        {error ?? block.hint?.text ?? ""}
      </p>
    </Box>
  );
}
