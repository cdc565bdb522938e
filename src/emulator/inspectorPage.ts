/** The document of the inspector, and what a browser may do with it: run and load what is in it, and ask this origin. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { script } from "./inspectorScript.js"
import { style } from "./inspectorStyle.js"

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' " +
  "rx='7' fill='%231f5fbf'/%3E%3Cpath d='M6 17h5l3-9 5 16 3-7h4' fill='none' stroke='%23fff' stroke-width='2.5' " +
  "stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

const hashOf = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => `'sha256-${Encoding.encodeBase64(new Uint8Array(digest))}'`
  )

const policy = Effect.map(Effect.all([hashOf(script), hashOf(style)]), ([ofScript, ofStyle]) =>
  [
    "default-src 'none'",
    `script-src ${ofScript}`,
    `style-src ${ofStyle}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'"
  ].join("; ")
)

const endpoint = (id: string, title: string) => `
<section class="card endpoint" data-endpoint="${id}" aria-labelledby="endpoint-${id}">
<h3 id="endpoint-${id}">${title}</h3>
<p class="health"></p>
<form><fieldset><legend class="hidden">Throttle: ${title}</legend>
<button data-action="throttle">Throttle the next</button>
<input name="count" type="number" min="1" max="100" value="3" required aria-label="How many requests">
<label>Retry-After <input name="retryAfter" type="number" min="0" max="86400" value="5" required> s</label>
</fieldset></form>
<form><fieldset><legend class="hidden">Outage: ${title}</legend>
<button data-action="down">Be down for</button>
<label><input name="seconds" type="number" min="1" max="86400" value="30" required aria-label="Seconds"> s</label>
</fieldset></form>
<div class="row"><button type="button" data-action="reset">Reset the next</button>
<button type="button" data-action="clear">Clear faults</button></div>
</section>`

const documentWith = (token: string) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><meta name="inspector-token" content="${token}">
<title>Entra emulator</title><link rel="icon" href="${icon}"><style>${style}</style></head><body>
<a class="skip" href="#requests">Skip to the requests</a>
<header><h1>Entra emulator</h1><p id="where"></p><p id="clock"></p>
<p id="connection" role="status" data-is="waiting">connecting</p></header>
<main>
<section aria-labelledby="faults-title"><h2 id="faults-title">Faults</h2>
<div class="endpoints">${endpoint("token", "Token endpoint")}${endpoint("api", "APIs")}${endpoint(
  "identity",
  "Managed identities"
)}</div></section>
<div class="columns">
<section aria-labelledby="requests"><div class="head"><h2 id="requests" tabindex="-1">Requests</h2>
<p id="count"></p>
<label class="grow"><span class="hidden">Show only requests with</span>
<input id="filter" type="search" placeholder="Filter: client, user, scope, code" autocomplete="off"></label>
<button type="button" id="pause" aria-pressed="false">Pause</button>
<button type="button" id="wipe">Clear view</button></div>
<div class="card line"><div class="titles" aria-hidden="true"><span>Time</span><span>What</span><span>Client, user</span>
<span>For</span><span>Outcome</span><span>Then</span></div>
<p id="none">Nothing was asked yet. Point a client here, and each of its requests appears.</p>
<ol id="line" aria-label="Requests, newest first"></ol></div></section>
<section aria-labelledby="directory-title"><h2 id="directory-title">Directory</h2><div id="directory"></div></section>
</div></main>
<div id="notice" role="status" aria-live="polite"></div>
<noscript><p class="card">The inspector needs its script.</p></noscript>
<script>${script}</script></body></html>`

/** With the token that proves a press of a button. */
export const make = (token: string): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(policy, (contentSecurityPolicy) =>
    HttpServerResponse.text(documentWith(token), {
      contentType: "text/html; charset=utf-8",
      headers: {
        "cache-control": "no-store",
        "content-security-policy": contentSecurityPolicy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY"
      }
    })
  )
