/**
 * Proof by client assertion (RFC 7521 4.2, RFC 7523): signed with a certificate of the application
 * (https://learn.microsoft.com/entra/identity-platform/certificate-credentials), or by an issuer that it trusts
 * (https://learn.microsoft.com/entra/workload-id/workload-identity-federation).
 */
import * as Effect from "effect/Effect"
import * as Jose from "jose"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Algorithm, Keys, Registered } from "./assertionKeys.js"
import { type App, defaultAudience } from "./directory.js"
import { parse, type RecordedAssertion } from "./jwt.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Claims = RecordedAssertion["claims"]

export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** AD FS knows RS256 and `x5t` alone. */
export type Dialect = "entra" | "adfs"

const isAlgorithm = (alg: unknown, dialect: Dialect): alg is Algorithm =>
  alg === "RS256" || (alg === "PS256" && dialect === "entra")

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

interface Named {
  readonly issuer: string
  readonly subject: string
}

/** By a certificate: for the endpoint that was asked, named as one string, and by who it says. */
const byCertificate = (
  { certificates }: Registered,
  app: App,
  { header, claims }: RecordedAssertion,
  { subject }: Named,
  endpoint: string,
  dialect: Dialect
): Checked<Keys> => {
  if (!same(subject, app.clientId)) return Effect.fail(Refusals.subjectIsNotIssuer)
  // https://github.com/panva/openid-client/issues/348
  if (typeof claims.aud !== "string") return Effect.fail(Refusals.malformedToken)
  if (claims.aud !== endpoint) return Effect.fail(Refusals.wrongAudience)
  const { x5t, "x5t#S256": x5tS256 } = header
  const found = certificates.find((certificate) =>
    x5tS256 === undefined || dialect === "adfs" ? certificate.x5t === x5t : certificate.x5tS256 === x5tS256
  )
  return found === undefined ? Effect.fail(Refusals.unknownCertificate) : Effect.succeed(found.keys)
}

/** A Kubernetes token has its one audience in an array. */
const audienceOf = ({ aud }: Claims): string | undefined => {
  const only: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  return typeof only === "string" ? only : undefined
}

/** By a federated credential: issuer, subject and audience must match, letter for letter. */
const byIssuer = (
  registered: Registered,
  app: App,
  { header, claims }: RecordedAssertion,
  { issuer, subject }: Named
): Checked<Keys> => {
  const ofIssuer = registered.issuers.filter((credential) => credential.issuer === issuer)
  if (ofIssuer.length === 0) {
    if (issuer === subject) return Effect.fail(Refusals.wrongApplication)
    return Effect.fail(
      registered.issuers.length === 0
        ? Refusals.noFederatedCredential(app.clientId, app.displayName)
        : Refusals.unknownIssuer(issuer)
    )
  }
  const ofSubject = ofIssuer.filter((credential) => credential.subject === subject)
  if (ofSubject.length === 0) {
    return Effect.fail(
      ofIssuer.some((credential) => same(credential.subject, subject))
        ? Refusals.subjectInOtherCase(subject)
        : Refusals.unknownSubject(subject)
    )
  }
  const audience = audienceOf(claims)
  if (audience === undefined) return Effect.fail(Refusals.malformedToken)
  const found = ofSubject.find((credential) => (credential.audience ?? defaultAudience) === audience)
  if (found === undefined) return Effect.fail(Refusals.unknownAudience(audience))
  const { kid } = header
  if (typeof kid === "string" && found.publicKey.kid !== undefined && found.publicKey.kid !== kid) {
    return Effect.fail(Refusals.unknownIssuerKey(issuer))
  }
  return Effect.succeed(found.keys)
}

const skewMillis = 5 * 60_000

/** What a `Date` can hold, in seconds. */
const isInstant = (value: unknown): value is number => typeof value === "number" && Math.abs(value) <= 8.64e12

/** No `nbf` counts as 1970, as recorded bodies show; a time long ahead in `exp` is not refused. */
const inTime = ({ exp, nbf = 0 }: Claims, now: number): Checked<void> => {
  if (!isInstant(exp) || !isInstant(nbf)) return Effect.fail(Refusals.malformedToken)
  return nbf * 1000 > now + skewMillis || exp * 1000 <= now - skewMillis
    ? Effect.fail(Refusals.notInTime(now, nbf * 1000, exp * 1000))
    : Effect.void
}

const verified = (token: string, keys: Keys, algorithm: Algorithm): Checked<void> =>
  Effect.asVoid(
    Effect.tryPromise({
      try: () => Jose.compactVerify(token, keys[algorithm], { algorithms: [algorithm] }),
      catch: (error) =>
        error instanceof Jose.errors.JWSSignatureVerificationFailed ? Refusals.wrongSignature : Refusals.malformedToken
    })
  )

/** Whether `token` proves that `app` asks; a `jti` that was seen before is no reason against it. */
export const check = (world: World, app: App, token: string, dialect: Dialect): Effect.Effect<void, Refusal, Asked> =>
  Effect.gen(function* () {
    const { url } = yield* Asked
    const assertion = parse(token)
    if (assertion === undefined) return yield* Refusals.malformedToken
    const { alg } = assertion.header
    const { iss: issuer, sub: subject } = assertion.claims
    if (typeof issuer !== "string" || typeof subject !== "string") return yield* Refusals.malformedToken
    if (!isAlgorithm(alg, dialect)) return yield* Refusals.unsupportedAlgorithm
    const registered = world.assertionKeys.get(app) ?? { certificates: [], issuers: [] }
    const named = { issuer, subject }
    const keys = yield* same(issuer, app.clientId)
      ? byCertificate(registered, app, assertion, named, url.origin + url.pathname, dialect)
      : byIssuer(registered, app, assertion, named)
    yield* inTime(assertion.claims, yield* world.now)
    yield* verified(token, keys, alg)
  })
