import crypto, { createHash } from "node:crypto"
import { ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import { type KeyPair, makeCertificate } from "../support/keys.js"
import { type Benchmark, compare, type Row } from "./measure.js"

const tenants = ["aaaabbbb-0000-cccc-1111-dddd2222eeee", "bbbbcccc-1111-dddd-2222-eeee3333ffff"]
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const scope = "api://resource/.default"
const hits = 10_000

const answer = { token_type: "Bearer", expires_in: 3599, access_token: "x".repeat(1500) }

const network: INetworkModule = {
  sendGetRequestAsync: () => Promise.reject(new Error("nothing is to be discovered")),
  sendPostRequestAsync: <T>() => Promise.resolve({ headers: {}, status: 200, body: answer as T })
}

const http = HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, Response.json(answer))))

/** Counts the RSA signatures that are made meanwhile, with whichever of the two interfaces. */
const signaturesOf = <A, E>(use: Effect.Effect<A, E>): Effect.Effect<number, E> =>
  Effect.suspend(() => {
    let count = 0
    const { createSign } = crypto
    const { sign } = globalThis.crypto.subtle
    crypto.createSign = (...options) => {
      count += 1
      return createSign(...options)
    }
    globalThis.crypto.subtle.sign = (...options) => {
      count += 1
      return sign.apply(globalThis.crypto.subtle, options)
    }
    const restore = Effect.sync(() => {
      crypto.createSign = createSign
      globalThis.crypto.subtle.sign = sign
    })
    return Effect.ensuring(
      Effect.map(use, () => count),
      restore
    )
  })

const ours = (pair: KeyPair) =>
  Effect.map(
    ConfidentialClient.make({
      authority: Authority.entra({ tenantId: tenants[0] ?? "" }),
      clientId,
      credential: ClientCertificate.fromPem(pair)
    }).pipe(Effect.provideService(HttpClient.HttpClient, http), Effect.provide(TokenCache.layerMemory())),
    ({ app }) =>
      (tenantId: string) =>
        Effect.orDie(app.forScopes(scope, { tenantId }).getToken())
  )

const msal = (pair: KeyPair, tenantId: string) => {
  const client = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `https://login.microsoftonline.com/${tenantId}`,
      clientCertificate: {
        privateKey: Redacted.value(pair.privateKey),
        thumbprintSha256: createHash("sha256").update(new crypto.X509Certificate(pair.certificate).raw).digest("hex")
      }
    },
    system: { networkClient: network }
  })
  return (tenant: string) =>
    client.acquireTokenByClientCredential({
      scopes: [scope],
      authority: `https://login.microsoftonline.com/${tenant}`
    })
}

const inTurn = <E>(ask: (tenantId: string) => Effect.Effect<unknown, E>, times: number) =>
  Effect.forEach(
    Array.from({ length: times }, (_, index) => tenants[index % 2] ?? ""),
    ask,
    { discard: true }
  )

let asked = 0

/** Tenants that nobody has asked for yet. */
const strangers = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, () => {
    asked += 1
    return `aaaabbbb-0000-cccc-1111-${asked.toString(16).padStart(12, "0")}`
  })

/** What a certificate costs: signatures on hits (there must be none), and the first token in a tenant. */
export const certificate: Benchmark = {
  name: "certificate",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      const pair = yield* Effect.promise(() => makeCertificate())
      const client = yield* ours(pair)
      const peer = msal(pair, tenants[0] ?? "")
      const askPeer = (tenantId: string) => Effect.promise(() => peer(tenantId))
      yield* inTurn(client, 2)
      yield* inTurn(askPeer, 2)
      const peerHits = hits / 20
      const signatures = yield* signaturesOf(inTurn(client, hits))
      const peerSignatures = (yield* signaturesOf(inTurn(askPeer, peerHits))) * 20
      const cold = yield* compare(
        [
          { what: "ours", times: 20, run: (times) => Effect.forEach(strangers(times), client, { discard: true }) },
          { what: "msal-node", times: 20, run: (times) => Effect.forEach(strangers(times), askPeer, { discard: true }) }
        ],
        rounds
      )
      const row = (what: string, value: number, unit: Row["unit"]): Row => ({
        benchmark: "certificate",
        what,
        value,
        unit
      })
      const [mine = Number.NaN, theirs = Number.NaN] = cold.map(([, micros]) => micros)
      return [
        { ...row(`RSA signatures for ${hits} hits over two tenants`, signatures, "signatures"), mustBe: 0 },
        row(`msal-node, the same (of ${peerHits})`, peerSignatures, "signatures"),
        row("first token in a tenant, one signature", mine, "µs"),
        row("msal-node, the same", theirs, "µs"),
        row("ours / msal-node", mine / theirs, "ratio")
      ]
    }).pipe(Effect.scoped, Effect.orDie)
}
