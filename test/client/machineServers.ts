import { X509Certificate } from "node:crypto"
import * as Tls from "node:tls"
import { inspect } from "node:util"
import type { HttpClient } from "@effect/platform"
import { assert } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import * as SelfSigned from "selfsigned"
import type { TransportError, TransportReason } from "../../src/core/TokenError.js"
import type { Outcome } from "../../src/protocol/classify.js"
import * as Transport from "../../src/protocol/transport.js"
import { listen } from "../protocol/servers.js"

const secret = Redacted.make("hunter2")

/** Asks as a credential would: with a secret in a header. */
export const ask = (
  client: HttpClient.HttpClient,
  { host, origin }: { readonly host: string; readonly origin: string },
  timeout: Duration.DurationInput = "10 seconds"
) =>
  Transport.make(client).get({
    url: `${origin}/metadata/identity/oauth2/token?resource=x`,
    host,
    headers: { secret },
    timeout: Duration.decode(timeout)
  })

export const answerOf = (outcome: Outcome): Extract<Outcome, { readonly _tag: "Answer" }> => {
  assert(outcome._tag === "Answer", inspect(outcome))
  return outcome
}

/** Why no answer came. */
export const failureOf = (outcome: Outcome, ...reasons: ReadonlyArray<TransportReason>): TransportError => {
  assert(outcome._tag === "NoAnswer", inspect(outcome))
  assert.include(reasons, outcome.failure.reason)
  assert.notInclude(inspect(outcome, { depth: 9 }) + JSON.stringify(outcome), "hunter2")
  return outcome.failure
}

/** Why the rest of an answer did not come. */
export const brokenBy = (outcome: Outcome) => {
  assert(outcome._tag === "Partial" && outcome.failure !== "tooLarge", inspect(outcome))
  return outcome.failure.reason
}

export interface Identity {
  readonly cert: string
  readonly key: string
}

export const thumbprintOf = (cert: string) => new X509Certificate(cert).fingerprint

/** A certificate that nobody trusts, for a name that nobody has. */
export const newIdentity = Effect.map(
  Effect.promise(() =>
    SelfSigned.generate([{ name: "commonName", value: "elsewhere.example" }], { keyType: "ec", algorithm: "sha256" })
  ),
  (made) => ({ cert: made.cert, key: made.private, thumbprint: thumbprintOf(made.cert) })
)

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

/** A TLS server that keeps whatever it decrypts, and answers once something has come. */
export const serveTls = (
  identity: Identity,
  {
    answer = (socket) => void socket.write(ok),
    ...options
  }: Tls.TlsOptions & { readonly answer?: (socket: Tls.TLSSocket) => void } = {}
) =>
  Effect.gen(function* () {
    const received: Array<string> = []
    let resumed = 0
    const server = Tls.createServer({ ...identity, ...options }, (socket) => {
      if (socket.isSessionReused()) resumed += 1
      socket.on("error", () => undefined)
      socket.on("data", (bytes) => {
        received.push(bytes.toString())
        answer(socket)
      })
    })
    const listening = yield* listen(server)
    return {
      ...listening,
      origin: `https://${listening.host}`,
      received,
      resumed: () => resumed,
      show: (next: Identity) => server.setSecureContext({ cert: next.cert, key: next.key })
    }
  })
