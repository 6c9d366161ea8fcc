// A modal: the form on top of the stack, its inline errors, and the buttons that send it or dismiss it.
import { emojify } from "node-emoji";
import { useEffect, useRef, useState } from "react";
import { Blocks } from "./blocks.jsx";
import { initialValue } from "./elements.jsx";
import { Logo } from "./icons.jsx";
import { act } from "./slack.js";

const keyOf = (block) => block.block_id;

/** What is filled in. What was typed outlives an update of the view, as long as its input stays. */
function useForm(view, submit) {
  const [typed, setTyped] = useState({});
  const [errors, setErrors] = useState({});
  const inputs = view.blocks.filter((block) => block.type === "input");
  const value = (block) => typed[keyOf(block)] ?? initialValue(block.element);
  const values = Object.fromEntries(inputs.map((block) => [keyOf(block), value(block)]));
  const set = (block, fresh) => {
    setTyped((old) => ({ ...old, [keyOf(block)]: fresh }));
    setErrors(({ [keyOf(block)]: _, ...others }) => others);
  };
  return { values, value, set, errors, setErrors, submit };
}

export function Modal({ place, view, depth }) {
  const [sending, setSending] = useState(false);
  const box = useRef(null);
  const form = useForm(view, () => submit());

  const submit = async () => {
    if (sending || !view.submit) return;
    setSending(true);
    try {
      form.setErrors((await act("submit", { user: place.me.id, view_id: view.id, values: form.values })) ?? {});
    } catch (problem) {
      form.setErrors({ "": problem.message });
    } finally {
      setSending(false);
    }
  };
  const close = () => act("close", { user: place.me.id }).catch((problem) => place.complain(problem.message));
  useFocusInside(box, view.blocks.length, close);

  const title = emojify(view.title.text);
  return (
    <div className="veil">
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
          <button type="button" className="quiet close" aria-label="Dismiss" onClick={close}>✕</button>
        </header>
        <div className="modal-body">
          {form.errors[""] && <p className="banner" role="alert">⚠ {form.errors[""]}</p>}
          <Blocks place={place} blocks={view.blocks} where={view.id} form={form} />
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

/** The question a button may ask before it does its work. */
export function Confirm({ confirm, answer, done }) {
  const box = useRef(null);
  const end = (agreed) => {
    answer(agreed);
    done();
  };
  useFocusInside(box, 0, () => end(false));
  return (
    <div className="veil">
      <div ref={box} className="modal confirm" role="alertdialog" aria-modal="true" aria-label={confirm.title.text}>
        <header><h1>{emojify(confirm.title.text)}</h1></header>
        <div className="modal-body"><p>{emojify(confirm.text.text)}</p></div>
        <footer>
          <button type="button" className="button" onClick={() => end(false)}>{emojify(confirm.deny.text)}</button>
          <button type="button" className={`button ${confirm.style ?? "primary"}`} onClick={() => end(true)}>
            {emojify(confirm.confirm.text)}
          </button>
        </footer>
      </div>
    </div>
  );
}

/** Puts the cursor into the first field, keeps Tab within the modal, and closes on Escape. */
function useFocusInside(box, size, close) {
  useEffect(() => {
    const fields = "input, textarea, select";
    const at = document.activeElement;
    if (box.current.contains(at) && at.matches(fields)) return;
    (box.current.querySelector(fields) ?? box.current.querySelector("footer button"))?.focus();
  }, [size]);
  useEffect(() => {
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
