/**
 * What the inspector does in a browser, without a build: it asks each second for what is new, and puts it on the page as
 * text alone, so that nothing which was sent or registered can be markup.
 */
import { directoryScript } from "./inspectorDirectoryScript.js"

const basics = String.raw`"use strict"
const $ = (id) => document.getElementById(id)
const token = document.querySelector("meta[name=inspector-token]").content
// Characters that are not seen, or that turn the direction of what follows, stay visible as what they are.
const plain = (value) => String(value).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd")
const el = (name, attributes, ...children) => {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : plain(value))
  }
  for (const child of children.flat(9)) {
    if (child !== undefined && child !== null) node.append(child instanceof Node ? child : plain(child))
  }
  return node
}
// Leaves a node alone that says it already, for those who have it read out.
const say = (node, text, is) => {
  if (node.textContent !== text) node.textContent = plain(text)
  if (is !== undefined && node.dataset.is !== is) node.dataset.is = is
}
const span = (millis) => {
  if (millis < 1000) return Math.round(millis) + " ms"
  if (millis < 60000) return (millis / 1000).toFixed(1) + " s"
  return Math.floor(millis / 60000) + " min " + Math.round(millis % 60000 / 1000) + " s"
}
let notices = 0
const notify = (text) => {
  const mine = ++notices
  $("notice").textContent = plain(text)
  setTimeout(() => { if (mine === notices) $("notice").textContent = "" }, 4000)
}
const get = async (path) => {
  const answer = await fetch(path, { signal: AbortSignal.timeout(5000) })
  if (!answer.ok) throw new Error(String(answer.status))
  return answer.json()
}
const act = async (name, fields, done) => {
  try {
    const answer = await fetch("/inspector/actions/" + name, {
      method: "POST",
      headers: { "content-type": "application/json", "x-inspector-token": token },
      body: JSON.stringify(fields),
      signal: AbortSignal.timeout(5000)
    })
    const { error } = await answer.json()
    notify(error === undefined ? done : error)
  } catch {
    notify("The emulator did not answer.")
  }
  await refresh()
}
`

const faults = `
const names = { token: "token endpoint", api: "APIs", identity: "managed identities" }
for (const card of document.querySelectorAll("[data-endpoint]")) {
  const endpoint = card.dataset.endpoint
  const press = (action, { count, retryAfter, seconds }) => {
    if (action === "throttle") {
      const done = "The next " + count + " are answered with 429: " + names[endpoint] + "."
      return act(action, { endpoint, count, retryAfter }, done)
    }
    if (action === "down") {
      return act(action, { endpoint, seconds }, "Down for " + seconds + " s: " + names[endpoint] + ".")
    }
    if (action === "reset") return act(action, { endpoint }, "The next connection is reset: " + names[endpoint] + ".")
    return act(action, { endpoint }, "No faults wait: " + names[endpoint] + ".")
  }
  for (const form of card.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      press(form.querySelector("button").dataset.action, Object.fromEntries(new FormData(form)))
    })
  }
  for (const button of card.querySelectorAll("button[type=button]")) {
    button.addEventListener("click", () => press(button.dataset.action, {}))
  }
}
const together = (faults) => {
  const counts = new Map()
  for (const fault of faults) counts.set(fault, (counts.get(fault) || 0) + 1)
  return [...counts].map(([fault, count]) => (count === 1 ? fault : count + " × " + fault)).join("; ")
}
const showEndpoint = (card, { pending, next, downFor }) => {
  const waiting = pending === 0 ? "" : together(next) + (pending > next.length ? "; and more" : "")
  const left = Math.ceil(downFor / 1000)
  const text = downFor > 0 ? "Down for " + left + " s more" + (waiting && ", then " + waiting)
    : pending > 0 ? "Next: " + waiting : "Answers as it should"
  say(card.querySelector(".health"), text, downFor > 0 ? "down" : pending > 0 ? "pending" : "well")
}
`

const requests = `
const most = 500
const rows = new Map()
let paused = false
let wipedUntil = 0
const severity = ({ status, fault, code, error }) => {
  if (status === 429 || status >= 500) return "bad"
  return status >= 400 || fault !== null || code || error ? "warn" : "good"
}
const outcomeOf = (row) => {
  if (row.phase === "under way") return ["under way", ""]
  if (row.phase === "left") return ["client left", "warn"]
  if (row.phase === "reset" || row.status === null) return ["reset", "bad"]
  return [String(row.status), severity(row)]
}
const thenOf = ({ next, phase }) => {
  if (next === null) return [phase === "under way" ? "" : "nothing yet", "soft"]
  if (next.did === "retried") return ["retried after " + span(next.after), "warn"]
  if (next.did === "came with claims") return ["came with claims after " + span(next.after), "good"]
  return [next.did, next.did === "served" ? "good" : "bad"]
}
const faultNames = { Respond: "scripted", Unavailable: "unavailable", Truncated: "truncated", Reset: "reset",
  Hang: "no answer", Delay: "delay" }
const reason = ({ code, error, fault }) => {
  const played = fault === null ? "" : "fault: " + (faultNames[fault] || fault)
  return [code || error, played].filter(Boolean).join(", ")
}
const timeOf = (at) => new Date(at).toLocaleTimeString(undefined, { hour12: false })
const shortIds = (text) => text.replace(/([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "$1…")
const cell = (kind, main, below) => el("span", { class: kind,
  title: [main.textContent || main, below].filter((part) => typeof part === "string" && part !== "").join(", ") },
  el("span", {}, typeof main === "string" ? shortIds(main) : main), below ? el("small", {}, below) : undefined)
const factsOf = (row) => {
  const list = el("dl", {})
  const add = (name, value) => { if (value) list.append(el("dt", {}, name), el("dd", { class: "mono" }, value)) }
  add("Request", row.method + " " + row.path)
  add("At", row.at)
  add("Client", row.client && row.client.id)
  add("User", row.user)
  add("Scope", row.scope)
  add("Error", [row.code, row.error].filter(Boolean).join(", "))
  for (const [group, values] of [["query", row.query], ["form", row.form], ["header", row.headers]]) {
    for (const [name, value] of Object.entries(values)) add(group + ": " + name, value)
  }
  return list
}
const fill = (item, row) => {
  const [outcome, is] = outcomeOf(row)
  const [then, thenIs] = thenOf(row)
  const summary = item.querySelector("summary")
  item.dataset.is = is
  summary.replaceChildren(
    cell("time", timeOf(row.at), row.duration === null ? "" : span(row.duration)),
    cell("what", row.kind, row.what),
    cell("client", row.client ? row.client.name : "—", row.user),
    cell("about", row.scope || row.path),
    cell("outcome", el("span", { class: "tag " + is }, outcome), reason(row)),
    cell("then", el("span", { class: thenIs }, then))
  )
  const more = item.querySelector(".more")
  if (more) more.replaceChildren(factsOf(row))
}
const make = (row) => {
  const details = el("details", {}, el("summary", { class: "request" }))
  details.addEventListener("toggle", () => {
    const more = details.querySelector(".more")
    if (details.open && !more) details.append(el("div", { class: "more" }, factsOf(rows.get(row.id).row)))
    if (!details.open && more) more.remove()
  })
  return el("li", { "data-id": row.id }, details)
}
const textOf = ({ client, user, scope, code, error, fault, kind, what, path, status, next }) =>
  [client && client.name, client && client.id, user, scope, code, error, fault, kind, what, path, status,
    next && next.did].join(" ").toLowerCase()
const count = () => {
  const wanted = $("filter").value.trim().toLowerCase()
  let shown = 0
  for (const { item, row } of rows.values()) {
    item.hidden = !textOf(row).includes(wanted)
    if (!item.hidden) shown += 1
  }
  $("none").hidden = rows.size > 0
  say($("count"), rows.size === 0 ? "" : shown === rows.size ? String(shown) : shown + " of " + rows.size)
}
const showRequests = (changed) => {
  for (const row of changed.filter(({ id }) => id > wipedUntil).slice(-most)) {
    let known = rows.get(row.id)
    if (known === undefined) {
      known = { item: make(row), row }
      rows.set(row.id, known)
      $("line").prepend(known.item)
    }
    known.row = row
    fill(known.item, row)
  }
  for (const [id, { item }] of rows) {
    if (rows.size <= most) break
    item.remove()
    rows.delete(id)
  }
  if (changed.length > 0) count()
}
$("filter").addEventListener("input", count)
$("pause").addEventListener("click", () => {
  paused = !paused
  $("pause").setAttribute("aria-pressed", String(paused))
  refresh()
})
$("wipe").addEventListener("click", () => {
  for (const id of rows.keys()) wipedUntil = Math.max(wipedUntil, id)
  rows.clear()
  $("line").replaceChildren()
  count()
})
`

const line = `
let after = 0
let instance
let underWay
const showState = (state) => {
  // A new start has a new token: the page is made anew with it.
  if (instance !== undefined && state.instance !== instance) location.reload()
  instance = state.instance
  const skew = Math.round(state.clockSkew / 1000)
  say($("clock"), "Clock " + new Date(state.now).toLocaleTimeString(undefined, { hour12: false }) +
    (skew === 0 ? "" : ", " + Math.abs(skew) + " s " + (skew > 0 ? "ahead" : "behind")))
  for (const card of document.querySelectorAll("[data-endpoint]")) {
    showEndpoint(card, state.endpoints[card.dataset.endpoint])
  }
  showDirectory(state)
}
const ask = async () => {
  try {
    showState(await get("/inspector/state"))
    if (!paused) {
      const { requests, next } = await get("/inspector/requests?after=" + after)
      after = next
      showRequests(requests)
    }
    say($("connection"), paused ? "paused" : "live", paused ? "paused" : "live")
  } catch {
    say($("connection"), "not connected", "lost")
  }
}
// One at a time: who asks meanwhile is told after the next.
const refresh = async () => {
  await underWay
  underWay = ask()
  await underWay
}
const tick = async () => {
  if (!document.hidden) await refresh()
  setTimeout(tick, 1000)
}
$("where").textContent = location.origin
tick()
`

export const script: string = `\n${basics}${faults}${requests}${directoryScript}${line}`
