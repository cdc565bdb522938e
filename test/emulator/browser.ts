import * as Cookies from "@effect/platform/Cookies"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }

const unescaped = (text: string) => text.replace(/&([a-z]+|#\d+);/g, (whole, name: string) => entities[name] ?? whole)

const attributesOf = (tag: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...tag.matchAll(/ ([a-z]+)(?:="([^"]*)")?/g)].map(([, name = "", value = ""]) => [name, unescaped(value)])
  )

export interface Form {
  readonly action: string
  /** What its fields hold. */
  readonly fields: Readonly<Record<string, string>>
  /** The names of those that a person fills in. */
  readonly inputs: ReadonlyArray<string>
  /** The text of its button, and its id where it has one. */
  readonly button: string
  readonly id: string | undefined
}

const formOf = ([, action = "", inner = ""]: ReadonlyArray<string>): Form => {
  const inputs = [...inner.matchAll(/<input[^>]*>/g)].map(([tag]) => attributesOf(tag))
  const [, opening = "", text = ""] = /(<button[^>]*>)([\s\S]*?)<\/button>/.exec(inner) ?? []
  return {
    action: unescaped(action),
    fields: Object.fromEntries(
      inputs.filter(({ value }) => value !== undefined).map(({ name = "", value = "" }) => [name, value])
    ),
    inputs: inputs.filter(({ value }) => value === undefined).map(({ name = "" }) => name),
    button: unescaped(text.replace(/<[^>]*>/g, " ")).trim(),
    id: attributesOf(opening).id
  }
}

/** What a browser shows, or where it was sent away to. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly title: string
  readonly alert: string | undefined
  readonly forms: ReadonlyArray<Form>
  readonly location: URL | undefined
}

type Sent = Effect.Effect<Page, unknown, HttpClient.HttpClient>

export interface Browser {
  readonly open: (url: string) => Sent
  /** Presses the button with an id or a text, once its form is filled in. */
  readonly press: (page: Page, button: string, filled?: Readonly<Record<string, string>>) => Sent
  readonly cookies: Map<string, string>
}

/** Keeps cookies, parses forms, and sends what browsers send; it follows no redirect. */
export const make = (): Browser => {
  const cookies = new Map<string, string>()
  const send = (request: HttpClientRequest.HttpClientRequest): Sent =>
    Effect.gen(function* () {
      const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const response = yield* HttpClient.execute(
        jar === "" ? request : HttpClientRequest.setHeader(request, "cookie", jar)
      )
      for (const [name, value] of Object.entries(Cookies.toRecord(response.cookies))) cookies.set(name, value)
      const text = yield* response.text
      const { location } = response.headers
      return {
        url: new URL(request.url),
        status: response.status,
        headers: response.headers,
        text,
        title: unescaped(/<h1>(.*?)<\/h1>/.exec(text)?.[1] ?? ""),
        alert: unescaped(/<p role="alert"[^>]*>(.*?)<\/p>/.exec(text)?.[1] ?? "") || undefined,
        forms: [...text.matchAll(/<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/g)].map(formOf),
        location: location === undefined ? undefined : new URL(location, request.url)
      }
    })
  return {
    cookies,
    open: (url) => send(HttpClientRequest.get(url)),
    press: (page, button, filled = {}) => {
      const form = page.forms.find(({ id, button: text }) => id === button || text.includes(button))
      if (form === undefined) return Effect.dieMessage(`no button ${button} on the page: ${page.title} ${page.text}`)
      return send(
        HttpClientRequest.post(new URL(form.action, page.url).href).pipe(
          HttpClientRequest.bodyUrlParams({ ...form.fields, ...filled }),
          // As the pages have no referrer.
          HttpClientRequest.setHeaders({ origin: "null", "sec-fetch-site": "same-origin" })
        )
      )
    }
  }
}

/** The code that the emulator's authenticator shows on a page. */
export const shownCode = ({ text }: Page): string => /class="code">(\d+)</.exec(text)?.[1] ?? ""
