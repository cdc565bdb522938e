import { type IncomingHttpHeaders, request } from "node:http"
import * as Effect from "effect/Effect"

/** What a browser got, with what it shows of where it came from. */
export interface Visit {
  readonly url: URL
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookies: ReadonlyArray<string>
  readonly text: string
}

export interface Ask {
  readonly method?: "GET" | "POST"
  readonly form?: Readonly<Record<string, string>> | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The page that leads there; none where a person typed the address. */
  readonly from?: URL | undefined
  /** A script's request, in the place of a person's. */
  readonly isScript?: boolean
  /** A browser that knows nothing of Fetch Metadata. */
  readonly isOld?: boolean
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly sameSite: string
  readonly isSecure: boolean
}

const attributesOf = (line: string) => {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim())
  const at = pair.indexOf("=")
  const all = new Map(
    attributes.map((each) => {
      const [name = "", value = ""] = each.split("=")
      return [name.toLowerCase(), value] as const
    })
  )
  return { name: pair.slice(0, at), value: pair.slice(at + 1), all }
}

/** What RFC 6265bis 5.7 has a browser refuse. */
const isRefused = (name: string, all: ReadonlyMap<string, string>, url: URL): boolean => {
  const isSecure = all.has("secure")
  if (isSecure && url.protocol !== "https:") return true
  if (all.get("samesite") === "None" && !isSecure) return true
  return name.startsWith("__Host-") && !(isSecure && all.get("path") === "/" && !all.has("domain"))
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'"
}

const unescaped = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? "")

/** The forms of a page, each with its hidden fields. */
export const formsOf = (page: string) =>
  [...page.matchAll(/<form method="post" action="([^"]*)">(.*?)<\/form>/g)].map(([, action = "", inner = ""]) => ({
    action: unescaped(action),
    fields: Object.fromEntries(
      [...inner.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [
        unescaped(name),
        unescaped(value)
      ])
    )
  }))

const isRedirect = ({ status }: Visit) => status >= 300 && status < 400

/**
 * As much of a browser as a sign-in needs: a cookie jar with the rules of `Secure`, `__Host-` and `SameSite`, Fetch
 * Metadata, redirects by hand, and forms that post themselves. Names are resolved by `hosts`, as if TLS ended before it.
 */
export class Browser {
  readonly jars = new Map<string, Map<string, Cookie>>()
  /** Everything that was shown, in order. */
  readonly history: Array<Visit> = []

  constructor(private readonly hosts: ReadonlyMap<string, string> = new Map()) {}

  /** The cookies of a site, by name. */
  cookies(url: string | URL): ReadonlyMap<string, Cookie> {
    return this.jar(new URL(url))
  }

  plant(url: string | URL, name: string, value: string) {
    const before = this.jar(new URL(url)).get(name)
    this.jar(new URL(url)).set(name, { sameSite: "Lax", isSecure: true, ...before, name, value })
  }

  private jar({ host }: URL) {
    const jar = this.jars.get(host) ?? new Map<string, Cookie>()
    this.jars.set(host, jar)
    return jar
  }

  private sent(url: URL, { from, isScript = false, method = "GET" }: Ask) {
    const isFromHere = from === undefined || from.hostname === url.hostname
    const isLax = isFromHere || (method === "GET" && !isScript)
    return [...this.jar(url).values()].filter(
      (each) => (each.sameSite === "None" || isLax) && (!each.isSecure || url.protocol === "https:")
    )
  }

  private keep(url: URL, lines: ReadonlyArray<string>) {
    for (const line of lines) {
      const { all, name, value } = attributesOf(line)
      if (isRefused(name, all, url)) continue
      if (all.get("max-age") === "0") this.jar(url).delete(name)
      else this.jar(url).set(name, { name, value, sameSite: all.get("samesite") ?? "Lax", isSecure: all.has("secure") })
    }
  }

  private headersOf(url: URL, ask: Ask): Record<string, string> {
    const { form, from, isOld = false, isScript = false, method = "GET" } = ask
    const cookie = this.sent(url, ask)
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ")
    const site = from === undefined ? "none" : from.origin === url.origin ? "same-origin" : "cross-site"
    return {
      host: url.host,
      accept: isScript ? "application/json" : "text/html,application/xhtml+xml",
      ...(!isOld && {
        "sec-fetch-mode": isScript ? "cors" : "navigate",
        "sec-fetch-dest": isScript ? "empty" : "document",
        "sec-fetch-site": site
      }),
      ...(method === "POST" && from !== undefined && { origin: from.origin }),
      ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
      ...(cookie !== "" && { cookie }),
      ...ask.headers
    }
  }

  /** One request, whatever its answer. */
  ask(target: string | URL, ask: Ask = {}): Effect.Effect<Visit> {
    return Effect.async<Visit>((resume) => {
      const url = new URL(target)
      const socket = this.hosts.get(url.host) ?? url.host
      const { form, method = "GET" } = ask
      const options = { method, headers: this.headersOf(url, ask), agent: false }
      const outgoing = request(`http://${socket}${url.pathname}${url.search}`, options, (incoming) => {
        const chunks: Array<Buffer> = []
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
        incoming.on("end", () => {
          const setCookies = incoming.headers["set-cookie"] ?? []
          this.keep(url, setCookies)
          const text = Buffer.concat(chunks).toString()
          const visit = { url, status: incoming.statusCode ?? 0, headers: incoming.headers, setCookies, text }
          this.history.push(visit)
          resume(Effect.succeed(visit))
        })
      })
      outgoing.on("error", (error) => resume(Effect.die(error)))
      outgoing.end(form === undefined ? undefined : new URLSearchParams(form).toString())
    })
  }

  /** Goes wherever redirects and forms that post themselves lead, until `isThere`. */
  visit(target: string | URL, ask: Ask & { readonly isThere?: (next: URL) => boolean } = {}): Effect.Effect<Visit> {
    return Effect.flatMap(this.ask(target, ask), (visit) => this.follow(visit, ask.isThere))
  }

  follow(visit: Visit, isThere: (next: URL) => boolean = () => false): Effect.Effect<Visit> {
    const { headers, text, url } = visit
    const next = isRedirect(visit) ? new URL(headers.location ?? "", url) : undefined
    if (next !== undefined) {
      return isThere(next)
        ? Effect.succeed(visit)
        : Effect.flatMap(this.ask(next, { from: url }), (then) => this.follow(then, isThere))
    }
    const [form] = text.includes("document.forms[0].submit()") ? formsOf(text) : []
    if (form === undefined) return Effect.succeed(visit)
    const action = new URL(form.action, url)
    return isThere(action)
      ? Effect.succeed(visit)
      : Effect.flatMap(this.ask(action, { method: "POST", form: form.fields, from: url }), (then) =>
          this.follow(then, isThere)
        )
  }
}
