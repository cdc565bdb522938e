/** `grant_type=authorization_code` (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow). */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import { same } from "./directory.js"
import type { Challenge, Code } from "./memory.js"
import { required } from "./parameters.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import * as UserTokens from "./userTokens.js"
import type { World } from "./world.js"

const challengeOf = (method: Challenge["method"], verifier: string): Effect.Effect<string> =>
  method === "plain"
    ? Effect.succeed(verifier)
    : Effect.map(
        Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))),
        (digest) => Encoding.encodeBase64Url(new Uint8Array(digest))
      )

/** RFC 7636 4.6; a verifier without a challenge is refused as RFC 9700 2.1.1 wants it. */
const verify = (code: Code, verifier: string): Checked<void> =>
  Effect.gen(function* () {
    if (code.challenge === undefined) return verifier === "" ? undefined : yield* Refusals.noVerifier
    if (verifier === "") return yield* Refusals.noVerifier
    const expected = yield* challengeOf(code.challenge.method, verifier)
    if (expected !== code.challenge.value) return yield* Refusals.wrongVerifier
  })

/** A code is bound to the authority, the tenant, the application, the redirect URI, and for ten minutes. */
const bound = (code: Code, realm: Realm, clientId: string, redirectUri: string, now: number): Checked<void> => {
  const { grant } = code
  const isHere = grant.realm === realm.key && realm.tenants.some(({ id }) => id === grant.tenantId)
  if (!isHere) return Effect.fail(Refusals.codeOfOtherTenant)
  if (!same(grant.clientId, clientId)) return Effect.fail(Refusals.unusableGrant)
  if (code.isUsed) return Effect.fail(Refusals.codeUsed)
  if (code.expiresAt <= now) return Effect.fail(Refusals.codeExpired)
  return code.redirectUri === redirectUri
    ? Effect.void
    : Effect.fail(Refusals.otherRedirectUri(redirectUri, code.redirectUri))
}

export const answer = (world: World, authority: Checked<Realm>): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const realm = yield* authority
    const { app: caller, proof } = yield* ClientProof.caller(world, realm)
    const value = yield* required(form, "code")
    const redirectUri = yield* required(form, "redirect_uri")
    const code = world.memory.codes.get(value)
    if (code === undefined) return yield* Refusals.malformedGrant
    yield* bound(code, realm, caller.clientId, redirectUri, yield* world.now)
    // Entra takes the right verifier after a wrong one, AD FS does not.
    if (realm.manners.wrongVerifierSpendsCode) code.isUsed = true
    yield* verify(code, form.get("code_verifier") ?? "")
    const { tenant, user, app } = yield* UserTokens.personOf(realm, code.grant, caller)
    const members = yield* UserTokens.issue(world, {
      realm,
      tenant,
      app,
      user,
      grant: code.grant,
      proof,
      scope: form.get("scope") || code.grant.scope,
      claims: yield* ClaimsRequest.parse(form),
      policyError: "invalid_grant",
      nonce: code.nonce,
      wantsAuthTime: code.wantsAuthTime,
      refresh: realm.manners.refreshing === "kept" ? "always" : "whenAsked"
    })
    code.isUsed = true
    return members
  })
