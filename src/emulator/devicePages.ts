/** What a person sees who signs a device in. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { alert, button, form, input, page, paragraph } from "./html.js"
import type { Place } from "./pages.js"

type Response = HttpServerResponse.HttpServerResponse

export const enterCode = ({ action, fields }: Place, message: string | undefined): Response =>
  page({
    title: "Enter code",
    body:
      paragraph("Enter the code that the app or device shows.") +
      alert(message) +
      form(
        action,
        fields,
        input({ name: "user_code", label: "Code", kind: "code" }) + button("Next", { id: "next", isMain: true })
      )
  })

/** Before anybody signs in: who was sent a link by somebody else sees what it would be for. */
export const confirm = ({ action, fields }: Place, app: string): Response =>
  page({
    title: `Are you trying to sign in to ${app}?`,
    body:
      paragraph("Only continue if you started this sign-in yourself, on a device that you trust.") +
      form(action, [...fields, ["confirmed", "yes"]], button("Continue", { id: "continue", isMain: true })) +
      form(action, [...fields, ["decision", "cancel"]], button("Cancel", { id: "cancel" }))
  })

export const done = (app: string): Response =>
  page({
    title: `You have signed in to ${app} on your device`,
    body: paragraph("You may now close this window.")
  })

export const declined = (app: string): Response =>
  page({
    title: "You declined",
    body: paragraph(`${app} was not signed in. You may now close this window.`)
  })
