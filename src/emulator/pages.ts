/** What a person sees who signs in: plain pages, whose forms need no script, but for the one that posts itself. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { Resource } from "./delegated.js"
import type { User } from "./directory.js"
import { account as accountField, alert, button, escaped, type Fields, form, input, page, paragraph } from "./html.js"

type Response = HttpServerResponse.HttpServerResponse

/** Where the forms of a page go, what they all bring along, and where the browser may be sent after them. */
export interface Place {
  readonly action: string
  readonly fields: Fields
  readonly leadsTo: string | undefined
}

const ask = ({ action, fields }: Place, more: Fields, inner: string) => form(action, [...fields, ...more], inner)

const cancel = (place: Place, text = "Cancel") => ask(place, [["decision", "cancel"]], button(text, { id: "cancel" }))

/** The first one has the focus: whoever is hinted at needs to press Enter only. */
const account = (place: Place, { username, displayName, password }: User, index: number) =>
  ask(
    place,
    [["login", username], ...(password === undefined ? [] : [["step", "password"] as const])],
    `<button type="submit" class="account"${index === 0 ? " autofocus" : ""}>${escaped(displayName)}` +
      `<small>${escaped(username)}</small></button>`
  )

/** Every account is a form of its own, so that one click signs in who has no password. */
export const picker = (place: Place, users: ReadonlyArray<User>, message: string | undefined): Response =>
  page({
    title: "Pick an account",
    body: alert(message) + users.map((user, index) => account(place, user, index)).join("") + cancel(place),
    leadsTo: place.leadsTo
  })

export const password = (place: Place, { username, displayName }: User, message: string | undefined): Response =>
  page({
    title: "Enter password",
    body:
      paragraph(displayName) +
      alert(message) +
      ask(
        place,
        [],
        accountField("login", username) +
          input({ name: "passwd", label: "Password", kind: "password" }) +
          button("Sign in", { id: "next", isMain: true })
      ) +
      ask(place, [["step", "account"]], button("Use another account", { id: "other" })) +
      cancel(place),
    leadsTo: place.leadsTo
  })

/** The second factor: the page shows what a telephone would. */
export const approve = (place: Place, { username }: User, code: string, message: string | undefined): Response =>
  page({
    title: "Approve sign in request",
    body:
      paragraph(`More is needed to sign in as ${username}. The emulator's authenticator shows this code:`) +
      paragraph(code, "code") +
      alert(message) +
      ask(
        place,
        [],
        input({ name: "otc", label: "Code", kind: "code" }) + button("Verify", { id: "verify", isMain: true })
      ) +
      ask(place, [["mfa", "approve"]], button("Approve without the code", { id: "approve" })) +
      ask(place, [["mfa", "decline"]], button("Decline", { id: "decline" })),
    leadsTo: place.leadsTo
  })

const listOf = (resources: ReadonlyArray<Resource>) =>
  "<ul>" +
  resources
    .flatMap(({ api, names = [] }) => names.map((name) => `<li>${escaped(`${api.identifierUri}/${name}`)}</li>`))
    .join("") +
  "</ul>"

export const consent = (place: Place, app: string, resources: ReadonlyArray<Resource>): Response =>
  page({
    title: "Permissions requested",
    body:
      paragraph(`${app} asks for:`) +
      listOf(resources) +
      ask(place, [["decision", "accept"]], button("Accept", { id: "accept", isMain: true })) +
      cancel(place),
    leadsTo: place.leadsTo
  })

/** Of permissions that a person can't give. */
export const administratorNeeded = (
  place: Place,
  app: string,
  resources: ReadonlyArray<Resource>,
  message: string
): Response =>
  page({
    title: "Need admin approval",
    body:
      paragraph(`${app} needs permissions that only an administrator can grant:`) +
      listOf(resources) +
      alert(message) +
      cancel(place, "Return to the application without granting consent"),
    leadsTo: place.leadsTo
  })

/** `response_mode=form_post` (OAuth 2.0 Form Post Response Mode). */
export const post = (action: string, fields: Fields): Response =>
  page({ title: "Working...", body: form(action, fields, button("Continue")), leadsTo: action, postsItself: true })

/** Where no redirect URI can be trusted, or only a person can do something about it. */
export const error = (status: number, description: string): Response =>
  page({
    status,
    title: "Sorry, but we're having trouble signing you in.",
    body: `<pre>${escaped(description)}</pre>`
  })

export const signedOut: Response = page({ title: "You signed out of your account", body: "" })
