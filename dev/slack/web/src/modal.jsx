// The modal on top of the stack, with its inline errors and its buttons to submit or close it.
import { emojify } from "node-emoji";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Blocks } from "./blocks.jsx";
import { initialValue } from "./elements.jsx";
import { Logo } from "./icons.jsx";
import { act } from "./slack.js";

const keyOf = (block) => block.block_id;

/** The entered values and errors of a form. Entered values survive an update of the view if their input stays. */
function useForm(view, submit) {
  const [typed, setTyped] = useState({});
  const [errors, setErrors] = useState({});
  const inputs = view.blocks.filter((block) => block.type === "input");
  const value = (block) => typed[keyOf(block)] ?? initialValue(block.element);
  const values = Object.fromEntries(inputs.map((block) => [keyOf(block), value(block)]));
  const set = (block, newValue) => {
    setTyped((old) => ({ ...old, [keyOf(block)]: newValue }));
    setErrors(({ [keyOf(block)]: _, ...others }) => others);
  };
  return { values, value, set, errors, setErrors, submit };
}

export function Modal({ workspace, view, depth }) {
  const [sending, setSending] = useState(false);
  const box = useRef(null);
  const form = useForm(view, () => submit());

  const submit = async () => {
    if (sending || !view.submit) return;
    setSending(true);
    try {
      form.setErrors((await act("submit", { user: workspace.me.id, view_id: view.id, values: form.values })) ?? {});
    } catch (error) {
      form.setErrors({ "": error.message });
    } finally {
      setSending(false);
    }
  };
  const close = () => act("close", { user: workspace.me.id }).catch((error) => workspace.showError(error.message));
  useFocusTrap(box, view.blocks.length, close);

  const title = emojify(view.title.text);
  return (
    <div className="backdrop">
      <form
        ref={box}
        className="modal"
        role="dialog"
        aria-modal="true"
        aria-label={title}
        noValidate
        onSubmit={(event) => { event.preventDefault(); submit(); }}
      >
        <header>
          <span className="avatar small app-icon"><Logo /></span>
          <h1>{title}</h1>
          <button type="button" className="icon-button close" aria-label="Dismiss" onClick={close}>✕</button>
        </header>
        <div className="modal-body">
          {form.errors[""] && <p className="banner" role="alert">⚠ {form.errors[""]}</p>}
          <Blocks workspace={workspace} blocks={view.blocks} target={view.id} form={form} />
        </div>
        <footer>
          <button type="button" className="button" onClick={close}>{emojify(view.close?.text ?? (depth > 1 ? "Back" : "Close"))}</button>
          {view.submit && (
            <button type="submit" className="button primary" disabled={sending} aria-busy={sending}>
              {sending ? <span className="spinner" aria-label="Sending" /> : emojify(view.submit.text)}
            </button>
          )}
        </footer>
      </form>
    </div>
  );
}

/** The confirmation dialog of an element. */
export function Confirm({ dialog, answer, done }) {
  const box = useRef(null);
  const end = (agreed) => {
    answer(agreed);
    done();
  };
  useFocusTrap(box, 0, () => end(false));
  return (
    <div className="backdrop">
      <div ref={box} className="modal confirm" role="alertdialog" aria-modal="true" aria-label={dialog.title.text}>
        <header><h1>{emojify(dialog.title.text)}</h1></header>
        <div className="modal-body"><p>{emojify(dialog.text.text)}</p></div>
        <footer>
          <button type="button" className="button" onClick={() => end(false)}>{emojify(dialog.deny.text)}</button>
          <button type="button" className={`button ${dialog.style ?? "primary"}`} onClick={() => end(true)}>
            {emojify(dialog.confirm.text)}
          </button>
        </footer>
      </div>
    </div>
  );
}

/** Focuses the first field, keeps the focus within the modal, and closes it on Escape. */
function useFocusTrap(box, size, close) {
  useEffect(() => {
    const fields = "input, textarea, select";
    const focused = document.activeElement;
    if (box.current.contains(focused) && focused.matches(fields)) return;
    (box.current.querySelector(fields) ?? box.current.querySelector("footer button"))?.focus();
  }, [size]);
  // A layout effect: the keys work from the moment the modal is visible.
  useLayoutEffect(() => {
    const onKeyDown = (event) => {
      if (event.key === "Escape") close();
      if (event.key !== "Tab") return;
      const stops = [...box.current.querySelectorAll("button, input, textarea, select, a[href]")].filter((stop) => !stop.disabled);
      const edge = event.shiftKey ? stops[0] : stops.at(-1);
      if (document.activeElement === edge) {
        event.preventDefault();
        (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
      }
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  });
}
