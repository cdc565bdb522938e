/** What a person sees: plain pages, whose forms need no script, but for the one that posts itself. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { Resource } from "./delegated.js"
import type { User } from "./directory.js"

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

const page = (status: number, title: string, body: string) =>
  HttpServerResponse.text(
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>` +
      `<body><h1>${escaped(title)}</h1>${body}</body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8",
      headers: { "cache-control": "no-store", "x-frame-options": "DENY", "referrer-policy": "no-referrer" }
    }
  )

const hidden = (name: string, value: string) =>
  `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`

const form = (action: string, inner: string) => `<form method="post" action="${escaped(action)}">${inner}</form>`

const button = (text: string, id = "") =>
  `<button type="submit"${id === "" ? "" : ` id="${id}"`}>${escaped(text)}</button>`

const cancel = (action: string) => form(action, hidden("decision", "cancel") + button("Cancel", "cancel"))

const account = (action: string, { username, displayName, password }: User) =>
  form(
    action,
    hidden("login", username) +
      (password === undefined
        ? ""
        : `<input type="password" name="passwd" aria-label="Password of ${escaped(username)}">`) +
      button(`${displayName} (${username})`)
  )

/** Every account is a form of its own, so that one click signs in who has no password. */
export const picker = (action: string, users: ReadonlyArray<User>, message: string | undefined) =>
  page(
    200,
    "Pick an account",
    (message === undefined ? "" : `<p role="alert">${escaped(message)}</p>`) +
      users.map((user) => account(action, user)).join("") +
      cancel(action)
  )

export const consent = (action: string, session: string, app: string, resources: ReadonlyArray<Resource>) =>
  page(
    200,
    "Permissions requested",
    `<p>${escaped(app)} asks for:</p><ul>` +
      resources
        .flatMap(({ api, names = [] }) => names.map((name) => `<li>${escaped(`${api.identifierUri}/${name}`)}</li>`))
        .join("") +
      "</ul>" +
      form(action, hidden("session", session) + hidden("decision", "accept") + button("Accept", "accept")) +
      cancel(action)
  )

/** `response_mode=form_post` (OAuth 2.0 Form Post Response Mode). */
export const post = (action: string, fields: ReadonlyArray<readonly [string, string]>) =>
  page(
    200,
    "Working...",
    form(action, fields.map(([name, value]) => hidden(name, value)).join("") + button("Continue")) +
      "<script>document.forms[0].submit()</script>"
  )

/** Where no redirect URI can be trusted, or only a person can do something about it. */
export const error = (status: number, description: string) =>
  page(status, "Sorry, but we're having trouble signing you in.", `<pre>${escaped(description)}</pre>`)

export const signedOut = page(200, "You signed out of your account", "")
