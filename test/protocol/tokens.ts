import { Effect } from "effect"
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose"
import * as Web from "./web.js"

/** A key of an issuer: with what it signs, and what it publishes of it. */
export interface IssuerKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  /** With its private part, which must never be published. */
  readonly secretJwk: JWK
}

export const makeKey = async (kid: string, alg = "RS256"): Promise<IssuerKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    alg,
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, use: "sig" },
    secretJwk: { ...(await exportJWK(privateKey)), kid, use: "sig" }
  }
}

/** A key as an issuer publishes it; Entra's name the issuer that they sign for. */
export type PublishedKey = JWK & { readonly issuer?: string }

export type Claims = Readonly<Record<string, unknown>>

/** The moment at which these tests begin, in seconds. */
export const start = Date.UTC(2025, 5, 30, 12) / 1000

export const issuer = "https://id.example"
export const audience = "client"
export const jwksUri = "https://id.example/keys"

export const claims: Claims = {
  iss: issuer,
  aud: audience,
  sub: "ada",
  iat: start,
  nbf: start,
  exp: start + 3600
}

/** A token of these claims; a member that is undefined is left out. */
export const sign = (
  { alg, kid, privateKey }: Pick<IssuerKey, "alg" | "kid" | "privateKey">,
  change: Claims = {},
  header: Readonly<Record<string, unknown>> = {}
): Effect.Effect<string> =>
  Effect.promise(() =>
    new SignJWT(JSON.parse(JSON.stringify({ ...claims, ...change })))
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey)
  )

export const base64 = (text: string): string => Buffer.from(text).toString("base64url")

/** A web whose keys may change. */
export const keyServer = (...first: ReadonlyArray<PublishedKey>) => {
  let reply = Web.json({ keys: first })
  const web = Web.makeWeb(({ url }) => (url === jwksUri ? Effect.suspend(() => reply) : Web.notFound))
  return {
    client: web.client,
    requests: () => web.asked.length,
    publish: (...keys: ReadonlyArray<PublishedKey>) => {
      reply = Web.json({ keys })
    },
    answer: (other: Web.Reply) => {
      reply = other
    }
  }
}
