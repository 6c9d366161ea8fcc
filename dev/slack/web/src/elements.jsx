// Interactive elements in messages, modals and the App Home: buttons, menus, choices and text fields.
import { emojify } from "node-emoji";
import { useRef, useState } from "react";
import { act } from "./slack.js";

const optionsOf = (element) => [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];
const NO_RESPONSE = "This app didn't respond. Try again. If it fails again, contact the app's operator.";

/** The initial value of an element. */
export function initialValue(element) {
  if (element.initial_options) return element.initial_options.map((option) => option.value);
  if (element.type === "checkboxes" || element.type === "multi_static_select") return [];
  return element.initial_option?.value ?? element.initial_value ?? element.initial_date ?? element.initial_user ?? "";
}

export function Element(props) {
  if (props.element.type === "button") return <Button {...props} />;
  if (props.element.type === "overflow") return <Overflow {...props} />;
  return <Field {...props} />;
}

/** Sends a click to the bot; `state` is idle, busy or failed. */
function useClick({ workspace, element, target, form }) {
  const [state, setState] = useState("idle");
  const click = async (value = null) => {
    if (element.confirm && !(await workspace.confirm(element.confirm))) return;
    setState("busy");
    try {
      const ack = await act("click", {
        user: workspace.me.id, target, action_id: element.action_id, value, values: form?.values ?? {},
      });
      setState(ack.error ? "failed" : "idle");
    } catch (error) {
      setState("idle");
      workspace.showError(error.message);
    }
  };
  return [state, click];
}

function Button(props) {
  const { element } = props;
  const [state, click] = useClick(props);
  const common = {
    className: `button ${element.style ?? ""} ${state}`,
    "aria-busy": state === "busy",
    "aria-label": element.accessibility_label,
    onClick: () => state !== "busy" && click(),
  };
  const label = emojify(element.text.text);
  return (
    <span className="clickable">
      {element.url ? (
        <a role="button" href={element.url} target="_blank" rel="noopener noreferrer" {...common}>{label}</a>
      ) : (
        <button type="button" {...common}>{label}</button>
      )}
      {state === "failed" && <FailedNote />}
    </span>
  );
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** An overflow menu. It closes after a choice, on Escape and when the focus leaves it. */
function Overflow(props) {
  const { options } = props.element;
  const [open, setOpen] = useState(false);
  const [state, click] = useClick(props);
  const opener = useRef(null);
  const close = () => {
    setOpen(false);
    opener.current.focus();
  };
  const onKeyDown = (event) => {
    const items = [...event.currentTarget.querySelectorAll("[role=menuitem]")];
    if (!items.length) return;
    if (event.key === "Escape") close();
    else if (event.key in STEPS) items.at((items.indexOf(document.activeElement) + STEPS[event.key]) % items.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span className="clickable">
      <span className="overflow" onKeyDown={onKeyDown} onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}>
        <button
          ref={opener}
          type="button"
          className={`button ${state}`}
          aria-label="More actions"
          aria-haspopup="menu"
          aria-expanded={open}
          aria-busy={state === "busy"}
          onClick={() => state !== "busy" && setOpen(!open)}
        >
          ⋯
        </button>
        {open && (
          <span role="menu" ref={keepOnScreen}>
            {options.map((option, number) => (
              <button key={option.value} type="button" role="menuitem" autoFocus={number === 0} onClick={() => { close(); click(option.value); }}>
                {emojify(option.text.text)}
              </button>
            ))}
          </span>
        )}
      </span>
      {state === "failed" && <FailedNote />}
    </span>
  );
}

/** Aligns a menu with the left edge of its button if it would leave the screen on the left. */
function keepOnScreen(menu) {
  if (menu && menu.getBoundingClientRect().left < 0) Object.assign(menu.style, { left: 0, right: "auto" });
}

function reportsEachCharacter(element) {
  return element.dispatch_action_config?.trigger_actions_on?.includes("on_character_entered");
}

function FailedNote() {
  return <span className="failed-note" role="alert" title={NO_RESPONSE}>⚠ {NO_RESPONSE}</span>;
}

/** The form of a modal holds the values of its inputs. Other elements send each change as a click, and so do
    inputs with dispatch_action. */
function Field(props) {
  const { block, element, form } = props;
  const [, click] = useClick(props);
  const [ownValue, setOwnValue] = useState(() => initialValue(element));
  const inForm = form && block.type === "input";
  const value = inForm ? form.value(block) : ownValue;
  const change = (newValue) => {
    if (inForm) form.set(block, newValue);
    else setOwnValue(newValue);
    if (!inForm || (block.dispatch_action && (!isTextField(element) || reportsEachCharacter(element)))) click(newValue);
  };
  if (isTextField(element)) return <TextField {...props} {...{ value, change }} enter={() => block.dispatch_action && click(value)} />;
  if (element.type === "radio_buttons" || element.type === "checkboxes") return <Choices {...props} {...{ value, change }} />;
  return <Select {...props} {...{ value, change }} />;
}

const TYPES = { email_text_input: "email", url_text_input: "url", number_input: "text", datepicker: "date", plain_text_input: "text" };
const isTextField = (element) => element.type in TYPES;

function TextField({ element, id, describedBy, value, change, enter, form }) {
  const common = {
    id,
    value,
    "aria-describedby": describedBy,
    "aria-label": id ? undefined : element.placeholder?.text ?? element.action_id,
    autoFocus: element.focus_on_load,
    placeholder: element.placeholder?.text,
    onChange: (event) => change(event.target.value),
  };
  if (element.multiline) return <textarea rows={4} {...common} />;
  const onKeyDown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    enter();
    form?.submit();
  };
  return <input type={TYPES[element.type]} autoComplete="off" spellCheck={false} onKeyDown={onKeyDown} {...common} />;
}

function Choices({ element, id, describedBy, value, change }) {
  const many = element.type === "checkboxes";
  const toggle = (chosen) => (value.includes(chosen) ? value.filter((item) => item !== chosen) : [...value, chosen]);
  return (
    <div className="choices" aria-describedby={describedBy}>
      {element.options.map((option) => (
        <label key={option.value}>
          <input
            type={many ? "checkbox" : "radio"}
            name={id ?? element.action_id}
            checked={many ? value.includes(option.value) : value === option.value}
            onChange={() => change(many ? toggle(option.value) : option.value)}
          />
          <span>
            {emojify(option.text.text)}
            {option.description && <small>{emojify(option.description.text)}</small>}
          </span>
        </label>
      ))}
    </div>
  );
}

function Select({ workspace, element, id, describedBy, value, change }) {
  const many = element.type === "multi_static_select";
  const options = element.type === "users_select"
    ? workspace.people.map((person) => ({ value: person.id, text: { text: person.real_name } }))
    : optionsOf(element);
  const read = ({ target }) => change(many ? Array.from(target.selectedOptions, (option) => option.value) : target.value);
  return (
    <select
      id={id}
      value={value}
      multiple={many}
      aria-describedby={describedBy}
      aria-label={id ? undefined : element.placeholder?.text ?? element.action_id}
      onChange={read}
    >
      {!many && <option value="" disabled>{element.placeholder?.text ?? "Choose…"}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>{emojify(option.text.text)}</option>
      ))}
    </select>
  );
}
