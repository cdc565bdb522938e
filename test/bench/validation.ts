import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted } from "effect"
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from "jose"
import * as Authority from "../../src/core/Authority.js"
import * as TokenValidator from "../../src/server/TokenValidator.js"
import { type Benchmark, type Candidate, compare, type Row } from "./measure.js"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`
const audience = "00001111-aaaa-2222-bbbb-3333cccc4444"
const algorithms = ["RS256"]

/** An issuer that publishes six keys, as Entra does, and a token of one of them. */
const makeIssuer = async () => {
  const pairs = await Promise.all(Array.from({ length: 6 }, () => generateKeyPair("RS256")))
  const keys: Array<JWK> = await Promise.all(
    pairs.map(async ({ publicKey }, index) => ({ ...(await exportJWK(publicKey)), kid: `${index}`, use: "sig" }))
  )
  const [pair] = pairs
  if (pair === undefined) throw new Error("no key")
  const token = await new SignJWT({
    tid: tenantId,
    oid: "cccccccc-2222-3333-4444-dddddddddddd",
    azp: audience,
    scp: "read",
    ver: "2.0",
    sub: "user"
  })
    .setProtectedHeader({ alg: "RS256", kid: "0" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setNotBefore("0s")
    .setExpirationTime("1h")
    .sign(pair.privateKey)
  const published = {
    issuer,
    token_endpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
    jwks_uri: `https://login.microsoftonline.com/${tenantId}/discovery/v2.0/keys`
  }
  const client = HttpClient.make((request, url) =>
    Effect.sync(() =>
      HttpClientResponse.fromWeb(request, Response.json(url.pathname.endsWith("/keys") ? { keys } : published))
    )
  )
  return { client, keys, token }
}

const times = 500

/** What it costs to validate a caller's token, beside `jose` alone. */
export const validation: Benchmark = {
  name: "validation",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      const { client, keys, token } = yield* Effect.promise(makeIssuer)
      const { validate } = yield* Effect.provideService(
        TokenValidator.make({ authority: Authority.entra({ tenantId }), audience }),
        HttpClient.HttpClient,
        client
      )
      const keySet = createLocalJWKSet({ keys: keys.map((key) => ({ ...key, kty: "RSA" })) })
      const redacted = Redacted.make(token)
      const candidates: ReadonlyArray<Candidate> = [
        {
          what: "jose",
          times,
          run: (count) =>
            Effect.replicateEffect(
              Effect.promise(() => jwtVerify(token, keySet, { algorithms, audience, issuer })),
              count,
              { discard: true }
            )
        },
        {
          what: "ours",
          times,
          run: (count) => Effect.orDie(Effect.replicateEffect(validate(redacted), count, { discard: true }))
        }
      ]
      const [jose = Number.NaN, ours = Number.NaN] = (yield* compare(candidates, rounds)).map(([, micros]) => micros)
      const row = (what: string, value: number, unit: Row["unit"] = "µs"): Row => ({
        benchmark: "validation",
        what,
        value,
        unit
      })
      return [row("jose alone", jose), row("TokenValidator", ours), row("TokenValidator / jose", ours / jose, "ratio")]
    }).pipe(Effect.scoped, Effect.orDie)
}
