/** How every page is made: self-contained, without a script, and nothing that was sent or registered can be markup. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** In a text or between the quotes of an attribute. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

export const style = `:root{color-scheme:light dark;--page:#eef1f6;--card:#fff;--ink:#1b1f27;--soft:#5a6373;--line:#d4d9e2;\
--hover:#f3f6fb;--accent:#1f5fbf;--on-accent:#fff;--alert:#a3161b;--alert-page:#fdeced}
@media (prefers-color-scheme:dark){:root{--page:#12151b;--card:#1c2129;--ink:#e8ebf1;--soft:#a3adbd;--line:#363e4b;\
--hover:#252c37;--accent:#8ab4ff;--on-accent:#10151f;--alert:#ffb4ae;--alert-page:#3a1c1e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--page);color:var(--ink);\
font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:27rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;\
overflow-wrap:anywhere}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1rem}
form{margin:0 0 .5rem}
label{display:block;margin-bottom:.25rem;font-weight:600}
input{width:100%;margin-bottom:1rem;padding:.6rem .75rem;border:1px solid var(--soft);border-radius:.4rem;\
background:transparent;color:inherit;font:inherit}
button{width:100%;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.4rem;\
background:transparent;color:inherit;font:inherit;cursor:pointer}
button:hover{background:var(--hover)}
button.main{border-color:var(--accent);background:var(--accent);color:var(--on-accent);font-weight:600}
button.account{text-align:left}
button.account small{display:block;color:var(--soft)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
ul{margin:0 0 1rem;padding-left:1.25rem}
pre{margin:0;white-space:pre-wrap;font-size:.875rem}
.alert{padding:.6rem .75rem;border-radius:.4rem;background:var(--alert-page);color:var(--alert)}
.code{font:600 1.75rem/1.5 ui-monospace,monospace;letter-spacing:.15em}
@media (max-width:30rem){body{padding:0;place-items:start stretch;background:var(--card)}main{border:0;padding:1.5rem}}
`

/** The only script there is: a form that posts itself to the application. */
export const script = "document.forms[0].submit()"

/** Of the two texts above, in their order; a test holds them to it. */
export const hashes = {
  style: "sha256-QVBHTX+1rkpJm4sLhXzMKEdMt/W+GYwJVzsiq718Ekk=",
  script: "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE="
} as const

/** A redirect URI as a source of Content Security Policy: its origin, or the scheme of a native application. */
const sourceOf = (uri: string): string => {
  if (!URL.canParse(uri)) return ""
  const { origin, protocol } = new URL(uri)
  return ` ${origin === "null" ? protocol : origin}`
}

/**
 * Browsers hold the redirects that follow a form to `form-action` too: the application's address has to be in it, and
 * loopback with any port, where a program that is being written may send its user next.
 */
const policy = (leadsTo: string | undefined, hasScript: boolean): string =>
  [
    "default-src 'none'",
    `style-src '${hashes.style}'`,
    ...(hasScript ? [`script-src '${hashes.script}'`] : []),
    "img-src data:",
    `form-action 'self' http://localhost:* http://127.0.0.1:* https://localhost:*${sourceOf(leadsTo ?? "")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

export interface Page {
  readonly status?: number | undefined
  readonly title: string
  /** Markup. */
  readonly body: string
  /** Where a form of the page ends up besides here. */
  readonly leadsTo?: string | undefined
  readonly postsItself?: boolean | undefined
}

export const page = ({ status = 200, title, body, leadsTo, postsItself = false }: Page) =>
  HttpServerResponse.text(
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>` +
      '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">' +
      `<style>${style}</style></head><body><main><h1>${escaped(title)}</h1>${body}</main>` +
      `${postsItself ? `<script>${script}</script>` : ""}</body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8",
      headers: {
        "cache-control": "no-store",
        "content-security-policy": policy(leadsTo, postsItself),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer"
      }
    }
  )

export const paragraph = (text: string, kind?: "code"): string =>
  `<p${kind === undefined ? "" : ` class="${kind}"`}>${escaped(text)}</p>`

/** Read out when the page appears. */
export const alert = (message: string | undefined): string =>
  message === undefined ? "" : `<p role="alert" class="alert">${escaped(message)}</p>`

export type Fields = ReadonlyArray<readonly [name: string, value: string]>

/** A form that posts `fields` and what is in it. */
export const form = (action: string, fields: Fields, inner: string): string =>
  `<form method="post" action="${escaped(action)}">` +
  fields.map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`).join("") +
  `${inner}</form>`

export interface Input {
  readonly name: string
  readonly label: string
  readonly kind: "password" | "code"
}

/** With a label, and with the focus. */
export const input = ({ name, label, kind }: Input): string =>
  `<label for="${name}">${escaped(label)}</label><input id="${name}" name="${name}" required autofocus ` +
  (kind === "password"
    ? 'type="password" autocomplete="current-password">'
    : 'type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false">')

/** Whose password is asked for: browsers and what reads pages out look for it beside the password. */
export const account = (name: string, username: string): string =>
  `<label for="${name}">Account</label>` +
  `<input id="${name}" name="${name}" value="${escaped(username)}" type="text" autocomplete="username" readonly>`

export const button = (text: string, options: { readonly id?: string; readonly isMain?: boolean } = {}): string =>
  `<button type="submit"${options.id === undefined ? "" : ` id="${options.id}"`}` +
  `${options.isMain === true ? ' class="main"' : ""}>${escaped(text)}</button>`
