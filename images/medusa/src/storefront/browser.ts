/** Enhancements for pages that also work without scripts: live price and stock, steppers, automatic cart updates. */

document.documentElement.classList.add("js")

const all = <T extends Element>(selector: string, within: ParentNode = document) =>
  [...within.querySelectorAll<T>(selector)]

/** Adds − and + buttons to a number field, for pointers. Keyboards use the field itself. */
function addSteppers(box: HTMLElement) {
  const input = box.querySelector("input")!
  const [less, more] = [[-1, "−", "Less"], [1, "+", "More"]].map(([step, sign, name]) => {
    const button = document.createElement("button")
    Object.assign(button, { type: "button", textContent: sign, tabIndex: -1, ariaLabel: name })
    button.onclick = () => {
      input.value = String(Math.min(Number(input.max), Math.max(1, (Number(input.value) || 1) + Number(step))))
      input.dispatchEvent(new Event("change", { bubbles: true }))
    }
    return button
  })
  const refresh = () => {
    less.disabled = Number(input.value) <= 1
    more.disabled = Number(input.value) >= Number(input.max)
  }
  box.classList.add("stepped")
  box.prepend(less)
  box.append(more)
  box.addEventListener("change", refresh)
  refresh()
}

/** Updates price, stock, maximum quantity and picture when another variant is chosen. */
function followVariant(form: HTMLFormElement) {
  const [price] = all<HTMLElement>("[data-price-line]")
  const [line] = all<HTMLElement>("[data-stock-line]", form)
  const [track] = all<HTMLElement>(".track")
  const quantity = form.querySelector<HTMLInputElement>("#quantity")!
  if (!line) return
  const show = (moved: boolean) => {
    const chosen = form.querySelector<HTMLInputElement>("[name=variant]:checked")
    if (!chosen) return
    const told = chosen.dataset
    const before = Object.assign(document.createElement("s"), { textContent: told.before })
    price.replaceChildren(...(told.before ? [before] : []), told.price ?? "")
    const stock = line.querySelector("p")!
    stock.dataset.state = told.state
    stock.textContent = told.stock ?? ""
    line.hidden = false
    quantity.max = told.most ?? "99"
    if (Number(quantity.value) > Number(quantity.max)) quantity.value = quantity.max
    const picture = track?.children[Number(told.picture)] as HTMLElement | undefined
    if (moved && picture) track.scrollTo({ left: picture.offsetLeft - track.offsetLeft })
    quantity.dispatchEvent(new Event("change", { bubbles: true }))
  }
  form.addEventListener("change", (event) => (event.target as HTMLInputElement).name === "variant" && show(true))
  show(true)
}

/** Submits a changed quantity half a second after the last change. */
function amend(form: HTMLFormElement) {
  let timer = 0
  form.addEventListener("change", () => {
    clearTimeout(timer)
    timer = window.setTimeout(() => form.requestSubmit(), 500)
  })
  form.addEventListener("submit", () => clearTimeout(timer))
}

/** Updates the total for the chosen delivery, reloads the deliveries for another country, submits the order only once. */
function assist(form: HTMLFormElement) {
  const country = form.querySelector<HTMLSelectElement>("select[name=country_code]")
  country?.addEventListener("change", () => form.requestSubmit(form.querySelector<HTMLButtonElement>("[name=step]")))
  for (const option of all<HTMLInputElement>("[data-total]", form))
    option.addEventListener("change", () => {
      for (const sum of all<HTMLElement>("[data-sum]", form)) sum.textContent = option.dataset[sum.dataset.sum!] ?? ""
    })
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy) return event.preventDefault()
    form.ariaBusy = "true"
    const button = event.submitter as HTMLButtonElement | null
    if (button && !button.name) button.textContent = "Placing your order …"
  })
  window.addEventListener("pageshow", (event) => event.persisted && location.reload()) // the cart may have changed
}

all<HTMLFormElement>("[data-buy]").forEach(followVariant)
all<HTMLElement>(".quantity").forEach(addSteppers)
all<HTMLFormElement>("[data-amend]").forEach(amend)
all<HTMLFormElement>("[data-checkout]").forEach(assist)
all<HTMLElement>("[aria-invalid]")[0]?.focus()
