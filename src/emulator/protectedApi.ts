/**
 * `GET /api/{appId}`: an API that trusts the emulator's tokens and tells who called, and in whose name. It demands the
 * authentication contexts of its policies of every user's token.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { JWTPayload } from "jose"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import { findApi, type Tenant } from "./directory.js"
import type { World } from "./world.js"

/**
 * The header that Azure Resource Manager sends: sdk/core/Azure.Core/tests/AuthorizationChallengeParserTests.cs of
 * https://github.com/Azure/azure-sdk-for-net. `reason` is ours, without quotes.
 */
const unauthorized = (authority: string, reason: string) =>
  HttpServerResponse.empty({
    status: 401,
    headers: {
      "www-authenticate": `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${reason}"`
    }
  })

/**
 * A client that declared cp1 gets a challenge, any other a plain refusal
 * (https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context).
 */
const stepUp = (authority: string, context: string, isCapable: boolean) => {
  if (!isCapable) return HttpServerResponse.empty({ status: 403 })
  const claims = Encoding.encodeBase64(`{"access_token":{"acrs":{"essential":true,"value":"${context}"}}}`)
  return HttpServerResponse.empty({
    status: 401,
    headers: {
      "www-authenticate":
        `Bearer realm="", authorization_uri="${authority}/oauth2/authorize", error="insufficient_claims", ` +
        `claims="${claims}"`
    }
  })
}

/**
 * The origin of an issuer is whatever the client called the emulator; the key tells that it was this emulator. Issuers of
 * B2C end with a slash, and may name the policy.
 */
const isIssuedFor = ({ iss = "", tid }: JWTPayload, tenants: ReadonlyArray<Tenant>) =>
  tenants.some(({ id }) => {
    if (id !== tid || !URL.canParse(iss)) return false
    const { pathname } = new URL(iss)
    return pathname === `/${id}/v2.0` || pathname === `/${id}/v2.0/` || pathname.startsWith(`/tfp/${id}/`)
  })

const bearerPattern = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

export const answer = (
  world: World,
  appId: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const { request, url } = yield* Asked
    const tenants = world.directory.tenants.filter((tenant) => findApi(tenant, appId) !== undefined)
    const [first] = tenants
    if (first === undefined) return HttpServerResponse.empty({ status: 404 })
    const refuse = (reason: string) => unauthorized(`${url.origin}/${first.id}`, reason)
    const authorization = request.headers.authorization
    if (authorization === undefined) {
      return refuse("The authentication failed because of missing 'Authorization' header.")
    }
    const token = bearerPattern.exec(authorization)?.[1] ?? ""
    const verified = yield* Effect.either(world.key.verify(token, appId, yield* world.now))
    if (verified._tag === "Left") return refuse(verified.left.reason)
    const { tid, appid, azp, roles, xms_cc, scp, oid, acrs } = verified.right
    if (!isIssuedFor(verified.right, tenants)) return refuse("The access token is from the wrong issuer.")
    const api = findApi(first, appId)
    const contexts = api === undefined || scp === undefined ? [] : ConditionalAccess.contextsOf(world, api)
    const missing = contexts.find((context) => !strings(acrs).includes(context))
    if (missing !== undefined) {
      return stepUp(`${url.origin}/${first.id}`, missing, strings(xms_cc).includes("cp1"))
    }
    return yield* Answers.json({ ...world, varies: false }, 200, {
      tid: String(tid),
      appid: String(appid ?? azp),
      roles: strings(roles),
      xms_cc: strings(xms_cc),
      ...(scp === undefined ? undefined : { scp: String(scp), oid: String(oid), acrs: strings(acrs) })
    })
  })

const strings = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])
